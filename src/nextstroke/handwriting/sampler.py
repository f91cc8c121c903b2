"""Writing: text and style in, ink out (sections 5.3 to 5.5)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nextstroke.alphabet import Alphabet
from nextstroke.errors import EmptyText, LimitExceeded, UsageError
from nextstroke.handwriting.glyphs.diacritics import normal, with_marks
from nextstroke.handwriting.glyphs.symbols import plain, with_signs, without_signs
from nextstroke.handwriting.hands import Style, start_of
from nextstroke.ink import Ink
from nextstroke.runtime.mixture_sampling import uniforms
from nextstroke.runtime.model_file import Model
from nextstroke.runtime.predictor import WriterPredictor

# Digits are written with more care: the bias grows while the window rests on one.
#
# A corpus of sentences has few of them, so that the network is less sure of their strokes than of letters and leaves
# more to chance. A bias of 0 stays 0: unbiased samples are the model's own.

DIGITS = "0123456789"
CARE = 2.0  # on a digit the bias is 1 + CARE times as large: notes/log.md


class Care:
    """Where in several lines care is to be taken.

    Args:
        alphabet: Of the ids.
        texts: Character ids of each line.
    """

    def __init__(self, alphabet: Alphabet, texts: Sequence[np.ndarray]):
        digits = [i for i, character in enumerate(alphabet.characters) if character in DIGITS]
        self._own, self._digits = np.zeros((2, len(texts), max(map(len, texts)) + 1), np.float32)
        for i, ids in enumerate(texts):
            self._own[i, : len(ids)], self._digits[i, : len(ids)] = 1, np.isin(ids, digits)

    def biased(self, bias: np.ndarray, phi: np.ndarray, lines: np.ndarray) -> np.ndarray:
        """The bias of the next point of each line, by the share of its window that lies on digits.

        Args:
            bias: Of each line.
            phi: Window weights, (lines, places + 1).
            lines: Their numbers among all texts.
        """
        return bias * (1 + CARE * _total(phi * self._digits[lines]) / np.maximum(_total(phi * self._own[lines]), 1e-9))


def _total(rows: np.ndarray) -> np.ndarray:
    """Sums from left to right, which zeros behind them, for longer lines beside, leave as they are to the bit."""
    return rows.astype(np.float64).cumsum(1)[:, -1]


# The pen of several lines being written: what each has drawn, and when it is done.

# A line may take this many times the points that its text takes on average before it counts as stuck.
PATIENCE = 2.5
SPARE_POINTS = 60
# Strokes behind the text that go back over the ink: the bar of a last t, the dot of a last i, and no more.
LATE_STROKES = 2
LATE_POINTS = 15


def most_points(model: Model, characters: int) -> int:
    """Return the points at which a line of so many characters is cut off."""
    return int(PATIENCE * model.about["points_per_character"] * characters) + SPARE_POINTS


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
        self.limits = [most_points(model, len(ids)) for ids in texts]
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
        # A copy: a view would keep the weights of all lines, and of their primes, as long as this line.
        self.phi.append(phi[lead : lead + self.characters + 1].copy())
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


NO_STYLE = Style.none()
Check = Callable[[], None]  # raises where nobody waits for the lines any more
MAX_BYTES = 128 << 20  # of the window's weights of all lines that are written side by side


@dataclass(frozen=True, eq=False)
class Written:
    """One written line.

    Attributes:
        text: What was to be written, accents joined with their letters and typographic signs as a pen makes them.
        bare: What the network drew, in the units of the model's corpus, y downwards.
        ink: The same with what it cannot draw: accents, bars and signs.
        phi: Window weights, float32 (points of `ink`, characters + 1): the last column is one behind the text.
        stopped: Whether the line ended by itself, not by the limit of steps.
    """

    text: str
    bare: Ink
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
    seed: int | Sequence[int] = 1,
    style: Style | Sequence[Style] = NO_STYLE,
    paper_stop: bool = False,
    places: Sequence[tuple[int, int]] | None = None,
    check: Check | None = None,
) -> list[Written]:
    """Write lines side by side, each a line of text of its own.

    Args:
        bias: >= 0, one for all or one for each line; 0 is unbiased.
        seed: Together with the line's place it decides the ink; one for all or one for each.
        style: The hand to write in, one for all or one for each.
        paper_stop: Stop exactly as the paper does; else finish the last letter, its bars and dots included.
        places: Number of each line and of the attempt at it; 0, 1, 2 … at the first attempt if not given.
        check: Asked before each point; what it raises ends the writing.
    Raises:
        EmptyText, UnknownCharacters: the text cannot be written. UsageError: bias is not a number >= 0.
        LimitExceeded: a text is too long for one line.
    """
    texts = [normal(text) for text in texts]
    ids = [_encoded(model, text) for text in texts]
    biases, seeds, styles = biases_of(bias, len(texts)), each_of(seed, len(texts)), each_of(style, len(texts))
    places = places or [(i, 0) for i in range(len(texts))]
    lines: list[Written] = []
    for group in grouped([line_bytes(model, text) for text in texts], max(len(texts), 1)):
        pen = Pen(model, styles[group], ids[group], biases[group], paper_stop)
        kinds = zip(seeds[group], places[group], pen.limits, strict=True)
        numbers = [uniforms(seed, *place, limit) for seed, place, limit in kinds]
        _draw(pen, numbers, check)
        lines += [_finished(model, text, *pen.trace(i)) for i, text in enumerate(texts[group])]
    return lines


def check_line(model: Model, text: str) -> None:
    """Check that a text can be written as one line, before it is.

    Raises:
        EmptyText, UnknownCharacters, LimitExceeded: as `write_lines`.
    """
    text = normal(text)
    _encoded(model, text)
    line_bytes(model, text)


def line_bytes(model: Model, text: str) -> int:
    """Return the bytes that the window's weights of a line may take while it is written.

    Raises:
        LimitExceeded: more than MAX_BYTES.
    """
    size = most_points(model, len(text)) * (len(text) + 1) * np.dtype(np.float32).itemsize
    if size > MAX_BYTES:
        raise LimitExceeded(f"a line of {len(text)} characters is too long ({text[:20]!r} …); break it into several")
    return size


def grouped(sizes: Sequence[int], most: int) -> list[slice]:
    """Return consecutive groups of lines: at most `most` in each, of MAX_BYTES together unless one alone is larger."""
    groups, first, held = [], 0, 0
    for i, size in enumerate(sizes):
        if i > first and (held + size > MAX_BYTES or i - first == most):
            groups.append(slice(first, i))
            first, held = i, 0
        held += size
    return [*groups, slice(first, len(sizes))] if sizes else []


def _draw(pen: Pen, numbers: list[np.ndarray], check: Check | None) -> None:
    """Draw all lines of a pen to their ends, by the random numbers of each."""
    while len(pen.active):
        if check:
            check()
        step = pen.steps
        pen.move(np.stack([numbers[i][step] for i in pen.active]))


def each_of(value: Any, count: int) -> list:
    """One value for each line."""
    return [value] * count if isinstance(value, int | float | Style) else list(value)


def _finished(model: Model, text: str, ink: Ink, phi: np.ndarray, stopped: bool) -> Written:
    marked = with_marks(ink, phi, without_signs(text), model.alphabet)
    return Written(text, ink, *with_signs(*marked, text), stopped)


def write_soundly(
    model: Model,
    texts: Sequence[str],
    bias: float | Sequence[float] = 0.5,
    seed: int | Sequence[int] = 1,
    style: Style | Sequence[Style] = NO_STYLE,
    numbers: Sequence[int] | None = None,
    attempts: int = 4,
    first_attempt: int = 0,
    check: Check | None = None,
) -> list[Written]:
    """Write lines, and write those again that broke off or missed a character; the last attempt stays as it is.

    Args:
        numbers: Of the lines: lines under one seed differ by their number; 0, 1, 2 … if not given.
        attempts: How often a line is tried at most.
        first_attempt: Number of the first; each attempt has random numbers of its own.
        Others as for `write_lines`.
    """
    numbers = range(len(texts)) if numbers is None else numbers
    biases, seeds, styles = (each_of(values, len(texts)) for values in (bias, seed, style))
    done: dict[int, Written] = {}
    for attempt in range(first_attempt, first_attempt + attempts):
        left = [i for i in range(len(texts)) if i not in done or not done[i].sound]
        if left:
            places = [(numbers[i], attempt) for i in left]
            how = ([values[i] for i in left] for values in (biases, seeds, styles))
            again = write_lines(model, [texts[i] for i in left], *how, places=places, check=check)  # type: ignore[misc, arg-type]
            done |= dict(zip(left, again, strict=True))
    return [done[i] for i in range(len(texts))]


def _encoded(model: Model, text: str) -> np.ndarray:
    if not text.strip():
        raise EmptyText("the text is empty; give at least one character that leaves ink")
    return model.alphabet.encode(plain(text, model.alphabet))


def biases_of(bias: float | Sequence[float], lines: int) -> np.ndarray:
    """A bias for each of `lines` lines; raises UsageError unless all are numbers >= 0."""
    biases = np.broadcast_to(np.asarray(bias, float), lines)
    if not (np.isfinite(biases) & (biases >= 0)).all():
        wrong = next(bias for bias in biases.tolist() if not 0 <= bias < np.inf)
        raise UsageError(f"bias {wrong}: give a number >= 0; 0 is unbiased, 0.5 to 1 reads well")
    return biases
