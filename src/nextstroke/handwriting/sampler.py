"""Write lines with the synthesis network: requests in, ink out (sections 5.3 to 5.5)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from nextstroke.alphabet import Alphabet
from nextstroke.errors import LimitExceeded
from nextstroke.handwriting.glyphs.composites import with_composites
from nextstroke.handwriting.glyphs.diacritics import with_marks
from nextstroke.handwriting.glyphs.symbols import with_signs, without_signs
from nextstroke.handwriting.hands import start_state
from nextstroke.handwriting.request import LineRequest
from nextstroke.ink import Ink
from nextstroke.runtime.model_file import Model
from nextstroke.runtime.predictor import WriterPredictor

# A corpus of sentences has few digits, so that the network is less sure of their strokes than of those of letters and
# leaves more to chance. The bias therefore grows while the window is on a digit; one of 0 stays 0, since unbiased
# samples are the model's own.
DIGITS = "0123456789"
DIGIT_BIAS = 2.0  # on a digit the bias is 1 + DIGIT_BIAS times as large: notes/log.md

# A line may take this many times the points that its text takes on average before it counts as stuck.
PATIENCE = 2.5
SPARE_POINTS = 60
# Strokes after the text that go back over the ink: the bar of a last t, the dot of a last i, and no more.
LATE_STROKES = 2
LATE_POINTS = 15

ATTEMPTS = 4  # at a line that is incomplete
MAX_BYTES = 128 << 20  # of the window weights of all lines that are written side by side

Cancelled = Callable[[], None]  # called before each step of the work; raises to cancel it


@dataclass(frozen=True, eq=False, repr=False)
class Line:
    """One written line.

    Attributes:
        request: What was written, with the number of the attempt that gave this ink.
        bare: The points that the network drew, in the units of the model's corpus, y downwards.
        ink: The same with all that the network cannot draw, composed characters, diacritics and symbols, adapted to
            the hand.
        phi: Window weights, float32 (points of `ink`, characters + 1): the last column is one after the text.
        stopped: Whether the line ended by itself, not at the limit of points.
    """

    request: LineRequest
    bare: Ink
    ink: Ink
    phi: np.ndarray
    stopped: bool

    def __repr__(self) -> str:
        return f"Line({self.text!r}, {len(self.ink)} points, complete={self.complete})"

    @property
    def text(self) -> str:
        """The text as it was given."""
        return self.request.text.shown

    @property
    def written(self) -> str:
        """The text as it was drawn: curly quotation marks as straight ones, … as three points."""
        return self.request.text.written

    @property
    def missed(self) -> list[int]:
        """Positions in `written` of the characters, blanks apart, that never held the window's peak."""
        peaks = set(self.phi.argmax(1).tolist())
        return [u for u, character in enumerate(self.written) if character != " " and u not in peaks]

    @property
    def complete(self) -> bool:
        """Whether the line ended by itself and every character was reached."""
        return self.stopped and not self.missed


def write(
    model: Model,
    requests: Sequence[LineRequest],
    attempts: int = ATTEMPTS,
    paper_stop: bool = False,
    cancelled: Cancelled | None = None,
) -> list[Line]:
    """Write lines side by side, and those again that are incomplete; the last attempt stays as it is.

    Args:
        model: A writer.
        requests: One for each line; each line's ink depends on its own request alone.
        attempts: Number of attempts at a line, counted from that of its request.
        paper_stop: Stop exactly as the paper does; else finish the last letter, its bars and dots included.
        cancelled: Called before each point; raises to cancel the writing.

    Raises:
        WrongModel: A hand was made with another model.
        LimitExceeded: A text is too long for one line.
    """
    done: dict[int, Line] = {}
    for attempt in range(attempts):
        left = [i for i in range(len(requests)) if i not in done or not done[i].complete]
        if not left:
            break
        again = [replace(requests[i], attempt=requests[i].attempt + attempt) for i in left]
        done |= zip(left, _write_once(model, again, paper_stop, cancelled), strict=True)
    return [done[i] for i in range(len(requests))]


def _write_once(
    model: Model, requests: Sequence[LineRequest], paper_stop: bool, cancelled: Cancelled | None
) -> list[Line]:
    """Return one attempt at each line, in groups that share the steps of the network."""
    lines: list[Line] = []
    for group in grouped([line_bytes(model, request) for request in requests], len(requests)):
        sampler = LineSampler(model, requests[group], paper_stop)
        numbers = [request.uniforms(limit) for request, limit in zip(sampler.requests, sampler.limits, strict=True)]
        while len(sampler.active):
            if cancelled:
                cancelled()
            step = sampler.steps
            sampler.draw(np.stack([numbers[i][step] for i in sampler.active]))
        lines += [sampler.line(i) for i in range(len(sampler.requests))]
    return lines


def max_points(model: Model, characters: int) -> int:
    """Return the number of points at which a line of `characters` characters is cut off."""
    return int(PATIENCE * model.metadata["points_per_character"] * characters) + SPARE_POINTS


def line_bytes(model: Model, request: LineRequest) -> int:
    """Return the bytes that the window weights of a line may take while it is written.

    Raises:
        LimitExceeded: They are more than MAX_BYTES.
    """
    characters = len(request.text.written)
    size = max_points(model, characters) * (characters + 1) * np.dtype(np.float32).itemsize
    if size > MAX_BYTES:
        start = request.text.shown[:20]
        raise LimitExceeded(f"a line of {characters} characters is too long ({start!r} …); break it into several")
    return size


def grouped(sizes: Sequence[int], n: int) -> list[slice]:
    """Return consecutive groups of lines that are written side by side.

    Args:
        sizes: Bytes of each line; a group has MAX_BYTES together at most, unless one line alone has more.
        n: Number of lines in a group at most, >= 1.
    """
    groups = []
    first = 0
    held = 0
    for i, size in enumerate(sizes):
        if i > first and (held + size > MAX_BYTES or i - first == n):
            groups.append(slice(first, i))
            first = i
            held = 0
        held += size
    return [*groups, slice(first, len(sizes))] if sizes else []


class DigitBias:
    """The bias of several lines, larger while the window is on a digit.

    Args:
        alphabet: Characters of the ids.
        texts: Character ids of each line, primes included.
    """

    def __init__(self, alphabet: Alphabet, texts: Sequence[np.ndarray]):
        digits = [i for i, character in enumerate(alphabet.characters) if character in DIGITS]
        shape = (len(texts), max(map(len, texts)) + 1)
        self._own = np.zeros(shape, np.float32)
        self._digits = np.zeros(shape, np.float32)
        for i, ids in enumerate(texts):
            self._own[i, : len(ids)] = 1
            self._digits[i, : len(ids)] = np.isin(ids, digits)

    def __call__(self, bias: np.ndarray, phi: np.ndarray, lines: np.ndarray) -> np.ndarray:
        """Return the bias of the next point of each line, by the share of its window that is on digits.

        Args:
            bias: Bias of each line, (lines,).
            phi: Window weights, (lines, positions + 1).
            lines: Index of each line among all texts, (lines,).
        """
        on_digits = _row_sums(phi * self._digits[lines])
        on_text = _row_sums(phi * self._own[lines])
        return bias * (1 + DIGIT_BIAS * on_digits / np.maximum(on_text, 1e-9))


def _row_sums(rows: np.ndarray) -> np.ndarray:
    """Sum from left to right: zeros at the end, where another line is longer, leave the sum the same to the bit."""
    return rows.astype(np.float64).cumsum(1)[:, -1]


class LineSampler:
    """Draws lines side by side, one point of each at a time.

    Args:
        model: A writer.
        requests: One for each line.
        paper_stop: End a line as section 5.3 does.

    Attributes:
        active: Indices of the lines that have not ended.
        steps: Number of points drawn of each of them.
        limits: Number of points at which each line is cut off.
    """

    def __init__(self, model: Model, requests: Sequence[LineRequest], paper_stop: bool = False):
        self.model = model
        self.requests = requests
        self.paper_stop = paper_stop
        # A blank after the text is where the window goes when the last letter is done.
        last = [] if paper_stop or model.alphabet.unknown(" ") else [model.alphabet.encode(" ")]
        hands = [request.hand for request in requests]
        primes = {hand: hand.text_ids(model.alphabet) for hand in hands}
        texts = [np.concatenate([primes[request.hand], request.text.ids, *last]) for request in requests]
        self.bias = np.array([request.bias for request in requests])
        self.lift = np.array([hand.adaptation.lift for hand in hands])
        self.digit_bias = DigitBias(model.alphabet, texts)
        self.predictor = WriterPredictor(model, texts, start_state(hands, model))
        self.active = np.arange(len(requests))
        self.steps = 0
        self.limits = [max_points(model, len(request.text.ids)) for request in requests]
        self.lines = [_Trace(len(request.text.ids), len(request.hand.text)) for request in requests]
        self.predictor.observe(np.concatenate([hand.last for hand in hands]))

    def draw(self, uniforms: np.ndarray) -> None:
        """Draw one point of each active line, and see which lines have ended.

        Args:
            uniforms: Random numbers in [0, 1), (active lines, UNIFORMS).
        """
        bias = self.digit_bias(self.bias[self.active], self.predictor.phi, self.active)
        points = self.predictor.predict(bias).draw(uniforms, self.lift[self.active])
        self.predictor.observe(points)
        self.steps += 1
        points[:, :2] = points[:, :2] * self.model.std + self.model.mean
        for i, point, phi in zip(self.active, points, self.predictor.phi, strict=True):
            self.lines[i].add(point, phi, self.paper_stop)
        going = [not self.lines[i].ended and self.steps < self.limits[i] for i in self.active]
        if not all(going):
            self.predictor.keep(np.flatnonzero(going))
            self.active = self.active[going]

    def line(self, i: int) -> Line:
        """Return line `i` as far as it is drawn; its ink begins at the origin."""
        request = self.requests[i]
        trace = self.lines[i]
        own = trace.own_points(self.paper_stop)
        phi = np.array(trace.phi)[own]
        offsets = np.array(trace.points)[own]
        # The first offset leads from the prime, or from nowhere, to the first point: it is not drawn.
        offsets[0, :2] = 0
        bare = Ink.from_offsets(offsets)
        written = request.text.written
        alphabet = self.model.alphabet
        unsigned = without_signs(written, alphabet)
        composed = with_composites(bare, phi, unsigned, alphabet)
        marked = with_marks(*composed, unsigned, alphabet)
        ink, phi = with_signs(*marked, written, alphabet)
        return Line(request, bare, request.hand.adaptation.apply(ink, phi, written), phi, trace.ended)


class _Trace:
    """The points of one line while it is drawn.

    Args:
        characters: Length of its text.
        prime: Length of the prime's text before it.
    """

    def __init__(self, characters: int, prime: int):
        self.characters = characters
        self.prime = prime
        self.points: list[np.ndarray] = []
        self.phi: list[np.ndarray] = []
        self.in_text: list[bool] = []
        self.stroke = 0  # index of the first point of the current stroke
        self.late = 0  # number of strokes that began after the text
        self.ended = False
        self.cut: int | None = None

    def add(self, point: np.ndarray, phi: np.ndarray, paper_stop: bool) -> None:
        """Add a point (dx, dy, end of stroke) and the window weights over prime and text that it leads to."""
        self.points.append(point)
        # A copy: a view would keep the weights of all lines, and of their primes, as long as this line.
        self.phi.append(phi[self.prime : self.prime + self.characters + 1].copy())
        # The blank after the prime counts as text: a first letter may end while the window is still on it.
        self.in_text.append(bool(phi.argmax() >= self.prime - 1))
        self.ended = self._after_text(-1) if paper_stop else self._finished(point[2] > 0.5)

    def _after_text(self, t: int) -> bool:
        """Whether the window weighs the position after the text most at point `t`: the paper's sign of the end."""
        return int(self.phi[t].argmax()) == self.characters

    def _finished(self, lifted: bool) -> bool:
        """Whether the last letter is whole. The paper's rule leaves it without its bar or dot.

        Strokes that begin after the text are kept as long as they go back over the ink; the first that does not is
        cut off and ends the line.
        """
        late = self.stroke > 0 and self._after_text(self.stroke)
        if late and (len(self.points) - self.stroke > LATE_POINTS or (lifted and not self._goes_back())):
            self.cut = self.stroke
            return True
        if lifted:
            self.stroke = len(self.points)
            self.late += int(late)
        return self.late == LATE_STROKES

    def _goes_back(self) -> bool:
        """Whether the current stroke began left of the right edge of the ink before it."""
        x = np.array(self.points)[:, 0].cumsum()
        return bool(x[self.stroke] < x[: self.stroke].max(initial=-np.inf))

    def own_points(self, paper_stop: bool) -> slice:
        """Return which points belong to the text.

        A stroke that ends while the window is still on the prime belongs to the prime: the dot of its last i.
        """
        first = 0
        if not paper_stop:
            ends = np.flatnonzero(np.array(self.points)[:, 2] > 0.5)
            starts = [0, *(ends + 1)]
            first = next((int(start) for start, end in zip(starts, ends, strict=False) if self.in_text[end]), 0)
        last = len(self.points) if self.cut is None else self.cut
        return slice(first if first < last else 0, last)
