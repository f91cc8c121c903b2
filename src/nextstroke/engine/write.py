"""Writing: text and style in, ink out (sections 5.3 to 5.5)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nextstroke.engine.draw import uniforms
from nextstroke.engine.modelfile import Model
from nextstroke.engine.predictor import WriterPredictor
from nextstroke.engine.styles import Style
from nextstroke.errors import EmptyText, UsageError
from nextstroke.ink import Ink

# A line may take this many times the points that its text takes on average before it counts as stuck.
PATIENCE = 2.5
SPARE_POINTS = 60
NO_STYLE = Style.none()


@dataclass(frozen=True, eq=False)
class Written:
    """One written line.

    Attributes:
        text: What was to be written.
        ink: What was written, in the units of the model's corpus, y downwards.
        phi: Window weights, float32 (points, characters + 1): the last column is one behind the text.
        stopped: Whether the line ended by itself, not by the limit of steps.
    """

    text: str
    ink: Ink
    phi: np.ndarray
    stopped: bool

    @property
    def missed(self) -> list[int]:
        """Places of characters, blanks left out, that never held the window's peak."""
        peaks = set(self.phi.argmax(1).tolist())
        return [u for u, character in enumerate(self.text) if character != " " and u not in peaks]

    @property
    def sound(self) -> bool:
        """Whether the line ended by itself and every character was reached."""
        return self.stopped and not self.missed


def write_lines(
    model: Model,
    texts: Sequence[str],
    bias: float | Sequence[float] = 0.5,
    seed: int = 1,
    style: Style = NO_STYLE,
    paper_stop: bool = False,
    places: Sequence[tuple[int, int]] | None = None,
) -> list[Written]:
    """Write lines side by side, each a line of text of its own.

    Args:
        bias: >= 0, one for all or one for each line; 0 is unbiased.
        seed: Together with the line's place it decides the ink.
        style: The hand to write in.
        paper_stop: Stop exactly as the paper does; else go on to the end of the stroke that is under way.
        places: Number of each line and of the attempt at it; 0, 1, 2 … at the first attempt if not given.
    Raises:
        EmptyText, UnknownCharacters: the text cannot be written. UsageError: bias is not a number >= 0.
    """
    ids = [_encoded(model, text) for text in texts]
    pen = _Pen(model, style, ids, _biases(bias, len(texts)), paper_stop)
    places = places or [(i, 0) for i in range(len(texts))]
    numbers = [uniforms(seed, *place, limit) for place, limit in zip(places, pen.limits, strict=True)]
    while len(pen.active):
        step = pen.steps
        pen.move(np.stack([numbers[i][step] for i in pen.active]))
    return [pen.written(i, text) for i, text in enumerate(texts)]


def write_soundly(
    model: Model,
    texts: Sequence[str],
    bias: float = 0.5,
    seed: int = 1,
    style: Style = NO_STYLE,
    first_line: int = 0,
    attempts: int = 4,
) -> list[Written]:
    """Write lines, and write those again that broke off or missed a character; the last attempt stays as it is.

    Args:
        first_line: Number of the first line: lines under one seed differ by their number.
        attempts: How often a line is tried at most.
        Others as for `write_lines`.
    """
    done: dict[int, Written] = {}
    for attempt in range(attempts):
        left = [i for i in range(len(texts)) if i not in done or not done[i].sound]
        if left:
            places = [(first_line + i, attempt) for i in left]
            again = write_lines(model, [texts[i] for i in left], bias, seed, style, places=places)
            done |= dict(zip(left, again, strict=True))
    return [done[i] for i in range(len(texts))]


def _encoded(model: Model, text: str) -> np.ndarray:
    if not text.strip():
        raise EmptyText("the text is empty; give at least one character that leaves ink")
    return model.alphabet.encode(text)


def _biases(bias: float | Sequence[float], lines: int) -> np.ndarray:
    biases = np.broadcast_to(np.asarray(bias, float), lines)
    if not (np.isfinite(biases) & (biases >= 0)).all():
        raise UsageError(f"bias {bias}: give a number >= 0; 0 is unbiased, 0.5 to 1 reads well")
    return biases


class _Pen:
    """The state of lines being written: which are under way, what each has drawn."""

    def __init__(self, model: Model, style: Style, texts: list[np.ndarray], biases: np.ndarray, paper_stop: bool):
        self.style, self.biases, self.paper_stop = style, biases, paper_stop
        # A blank behind the text gives the window a place to go to when the last letter is done.
        blank = model.alphabet.encode(" ")[: not paper_stop]
        whole = [np.concatenate([style.text_ids(model.alphabet), ids, blank]) for ids in texts]
        self.lead = len(style.text)
        self.predictor = WriterPredictor(model, whole, style.start(model, len(texts)))
        self.active = np.arange(len(texts))
        self.mean, self.std = (np.array(model.about["normalisation"][key]) for key in ("mean", "std"))
        rate = model.about["points_per_character"]
        self.limits = [int(PATIENCE * rate * len(ids)) + SPARE_POINTS for ids in texts]
        self.lengths = np.array([len(ids) for ids in texts])
        self.points: list[list[np.ndarray]] = [[] for _ in texts]
        self.phi: list[list[np.ndarray]] = [[] for _ in texts]
        self.in_text: list[list[bool]] = [[] for _ in texts]
        self.stopped = np.zeros(len(texts), bool)
        self.steps = 0
        if style.empty:
            self.predictor.observe(np.zeros((len(texts), 3)))
        else:
            self.predictor.y = np.repeat(style.y, len(texts), 0)

    def move(self, numbers: np.ndarray) -> None:
        """Draw one point of each active line and see which have ended."""
        points = self.predictor.predict(self.biases[self.active]).draw(numbers)
        self.predictor.observe(points)
        self.steps += 1
        for row, i in enumerate(self.active):
            self.points[i].append(points[row])
            self.phi[i].append(self.predictor.phi[row, self.lead : self.lead + self.lengths[i] + 1])
            self.in_text[i].append(self.predictor.phi[row].argmax() >= self.lead)
        ended = self._ended(points)
        self.stopped[self.active[ended]] = True
        self._drop(ended | (self.steps >= np.array(self.limits)[self.active]))

    def _ended(self, points: np.ndarray) -> np.ndarray:
        """Whether the window of each active line weighs the place behind the text most (section 5.3).

        Ours waits for the end of the stroke as well: the paper's rule leaves the last letter without its bar or dot.
        """
        behind = [self.phi[i][-1].argmax() == self.lengths[i] for i in self.active]
        return np.array(behind) & (self.paper_stop | (points[:, 2] > 0.5))

    def _drop(self, ended: np.ndarray) -> None:
        if ended.any():
            self.predictor.keep(np.flatnonzero(~ended))
            self.active = self.active[~ended]

    def written(self, i: int, text: str) -> Written:
        """The finished line `i`, moved to begin at the origin."""
        offsets, phi = np.array(self.points[i], float), np.array(self.phi[i])
        offsets[:, :2] = offsets[:, :2] * self.std + self.mean
        if not self.paper_stop:
            own = slice(_first_own(offsets, self.in_text[i]), _last_own(offsets, phi))
            offsets, phi = offsets[own], phi[own]
        # The first offset leads from the prime, or from nowhere, to the first point: it is not drawn.
        offsets[0, :2] = 0
        return Written(text, Ink.from_offsets(offsets), phi, bool(self.stopped[i]))


def _first_own(offsets: np.ndarray, in_text: Sequence[bool]) -> int:
    """Number of the first point that belongs to the text.

    A stroke that ends while the window is still on the prime belongs to the prime: the dot of its last i.
    """
    ends = np.flatnonzero(offsets[:, 2] > 0.5)
    own = [start for start, end in zip([0, *(ends + 1)], ends, strict=False) if in_text[end]]
    return int(own[0]) if own else 0


def _last_own(offsets: np.ndarray, phi: np.ndarray) -> int:
    """Number of points that belong to the text.

    A last stroke that began when the window was behind the text and lies right of all other ink is an afterthought;
    one that goes back over the ink is the bar of a t or the dot of an i.
    """
    ends = np.flatnonzero(offsets[:, 2] > 0.5)
    if len(ends) < 2 or ends[-1] != len(offsets) - 1:
        return len(offsets)
    start, x = int(ends[-2]) + 1, offsets[:, 0].cumsum()
    behind = phi[start].argmax() == phi.shape[1] - 1
    return start if behind and x[start:].min() > x[:start].max() else len(offsets)
