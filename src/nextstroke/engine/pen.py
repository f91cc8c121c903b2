"""The pen of several lines being written: what each has drawn, and when it is done."""

from collections.abc import Sequence

import numpy as np

from nextstroke.engine.care import Care
from nextstroke.engine.modelfile import Model
from nextstroke.engine.predictor import WriterPredictor
from nextstroke.engine.styles import Style, start_of
from nextstroke.ink import Ink

# A line may take this many times the points that its text takes on average before it counts as stuck.
PATIENCE = 2.5
SPARE_POINTS = 60
# Strokes behind the text that go back over the ink: the bar of a last t, the dot of a last i, and no more.
LATE_STROKES = 2
LATE_POINTS = 15


class Pen:
    """Writes lines side by side, one point of each at a time.

    Args:
        styles, texts, biases: The hand, the character ids and the bias of each line.
        paper_stop: End a line as section 5.3 does.

    Attributes:
        active: Numbers of the lines under way.
        steps: Points drawn so far of each of them.
        limits: Points at which each line is cut off.
    """

    def __init__(
        self, model: Model, styles: Sequence[Style], texts: list[np.ndarray], biases: np.ndarray, paper_stop: bool
    ):
        self.biases, self.paper_stop = biases, paper_stop
        # A blank behind the text gives the window a place to go to when the last letter is done.
        behind = "" if paper_stop or model.alphabet.unknown(" ") else " "
        blank = [model.alphabet.encode(character) for character in behind]
        primes = {style: style.text_ids(model.alphabet) for style in styles}
        whole = [np.concatenate([primes[style], ids, *blank]) for style, ids in zip(styles, texts, strict=True)]
        self.leads = [len(style.text) for style in styles]
        self.predictor, self.care = WriterPredictor(model, whole, start_of(styles, model)), Care(model.alphabet, whole)
        self.active, self.steps = np.arange(len(texts)), 0
        self.model = model
        rate = model.about["points_per_character"]
        self.limits = [int(PATIENCE * rate * len(ids)) + SPARE_POINTS for ids in texts]
        self.lines = [_Line(len(ids)) for ids in texts]
        self.predictor.observe(np.concatenate([style.last for style in styles]))

    def move(self, numbers: np.ndarray) -> None:
        """Draw one point of each active line with its random numbers, and see which have ended."""
        biases = self.care.biased(self.biases[self.active], self.predictor.phi, self.active)
        points = self.predictor.predict(biases).draw(numbers)
        self.predictor.observe(points)
        self.steps += 1
        points[:, :2] = points[:, :2] * self.model.std + self.model.mean
        for i, point, phi in zip(self.active, points, self.predictor.phi, strict=True):
            self.lines[i].add(point, phi, self.leads[i], self.paper_stop)
        going = [not self.lines[i].ended and self.steps < self.limits[i] for i in self.active]
        if not all(going):
            self.predictor.keep(np.flatnonzero(going))
            self.active = self.active[going]

    def trace(self, i: int) -> tuple[Ink, np.ndarray, bool]:
        """Line `i`: its ink, beginning at the origin; its window weights; whether it ended by itself."""
        line = self.lines[i]
        offsets, phi = np.array(line.points), np.array(line.phi)
        first = 0 if self.paper_stop else line.begins()
        own = slice(first if first < (line.cut or len(offsets)) else 0, line.cut)
        offsets, phi = offsets[own], phi[own]
        # The first offset leads from the prime, or from nowhere, to the first point: it is not drawn.
        offsets[0, :2] = 0
        return Ink.from_offsets(offsets), phi, line.ended


class _Line:
    """What has been drawn of one line."""

    def __init__(self, characters: int):
        self.characters = characters
        self.points: list[np.ndarray] = []
        self.phi: list[np.ndarray] = []
        self.in_text: list[bool] = []
        self.stroke, self.late, self.ended = 0, 0, False
        self.cut: int | None = None

    def add(self, point: np.ndarray, phi: np.ndarray, lead: int, paper_stop: bool) -> None:
        """Take in a point (dx, dy, end of stroke) and the window's weights, of which `lead` are on the prime."""
        self.points.append(point)
        self.phi.append(phi[lead : lead + self.characters + 1])
        # The blank behind the prime counts as text: a first letter may end while the window still rests there.
        self.in_text.append(bool(phi.argmax() >= lead - 1))
        self.ended = self._behind(-1) if paper_stop else self._finished(point[2] > 0.5)

    def _behind(self, t: int) -> bool:
        """Whether the window weighs the place behind the text most, at point `t`: the paper's sign of the end."""
        return int(self.phi[t].argmax()) == self.characters

    def _finished(self, lifted: bool) -> bool:
        """Whether the last letter is whole. The paper's rule leaves it without its bar or dot.

        Strokes that begin behind the text are kept as long as they go back over the ink; the first that does not is
        cut off and ends the line.
        """
        late = self.stroke > 0 and self._behind(self.stroke)
        if late and (len(self.points) - self.stroke > LATE_POINTS or (lifted and not self._goes_back())):
            self.cut = self.stroke
            return True
        if lifted:
            self.stroke, self.late = len(self.points), self.late + late
        return self.late == LATE_STROKES

    def _goes_back(self) -> bool:
        """Whether the stroke under way began left of the right edge of the ink before it."""
        x = np.array(self.points)[:, 0].cumsum()
        return bool(x[self.stroke] < x[: self.stroke].max(initial=-np.inf))

    def begins(self) -> int:
        """Number of the first point that belongs to the text.

        A stroke that ends while the window is still on the prime belongs to the prime: the dot of its last i.
        """
        ends = np.flatnonzero(np.array(self.points)[:, 2] > 0.5)
        own = [start for start, end in zip([0, *(ends + 1)], ends, strict=False) if self.in_text[end]]
        return int(own[0]) if own else 0
