"""Write several candidates of each line and keep the one that reads best."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from numbers import Integral
from typing import Protocol

import numpy as np

from nextstroke.errors import UsageError
from nextstroke.handwriting.recogniser import Recogniser, recogniser_of
from nextstroke.handwriting.request import LineRequest
from nextstroke.handwriting.sampler import Cancelled, Line, grouped, line_bytes, write
from nextstroke.ink import Ink
from nextstroke.runtime.model_file import Model

# Stray dots are small strokes that stand alone where the text has none. The recogniser ignores them, the eye does not.

# Small strokes of each character that stand apart from other ink, above the middle of the small letters and below it.
ABOVE = dict.fromkeys("ij':;", 1) | {'"': 2}
BELOW = dict.fromkeys(".,!?:;", 1)
NEAR = 3  # characters between a dot and its own at most; positions are known as if all characters were equally wide
SMALL, APART = 0.35, 0.4  # in the median height of strokes: a dot's largest extent, its distance from larger strokes
SAME_SIZE = 0.3  # relative difference in size below which the recogniser reads ink as it is
DOT = 3  # points; a stroke of no more says nothing about the size of writing

SIDE_BY_SIDE = 64  # candidates written at once
CANDIDATES = 8  # of a line, where no number is given
MAX_CANDIDATES = 64


class LineWriter(Protocol):
    """Writes lines, in one of several ways."""

    @property
    def cancelled(self) -> Cancelled | None:
        """Called between steps of the work; raises to cancel it."""
        ...

    def write(self, model: Model, requests: Sequence[LineRequest]) -> list[Line]:
        """Return one line for each request; raises as `sampler.write`."""
        ...


@dataclass(frozen=True)
class FirstValid:
    """Writes each line once, and again where it is incomplete: nothing is chosen.

    Attributes:
        cancelled: Called before each point; raises to cancel the writing.
    """

    cancelled: Cancelled | None = None

    def write(self, model: Model, requests: Sequence[LineRequest]) -> list[Line]:
        """Return one line for each request, all written side by side."""
        return write(model, requests, cancelled=self.cancelled)


@dataclass(frozen=True)
class BestOfN:
    """Writes each line `n` times and keeps the candidate whose text the recogniser finds likeliest.

    Incomplete candidates come last, before them those with stray dots, which the recogniser ignores. It reads what
    the network drew: diacritics and symbols are drawn alike onto all candidates. Candidate k of a line is attempt k at
    it, whatever else is written.

    Attributes:
        recogniser: Judges the candidates.
        n: Number of candidates of each line, >= 1.
        cancelled: Called before each point; raises to cancel the writing.
    """

    recogniser: Recogniser
    n: int = CANDIDATES
    cancelled: Cancelled | None = None

    def write(self, model: Model, requests: Sequence[LineRequest]) -> list[Line]:
        """Return one line for each request; a line without a complete candidate is tried again."""
        sizes = [self.n * line_bytes(model, request) for request in requests]
        groups = grouped(sizes, max(1, SIDE_BY_SIDE // self.n))
        return [line for group in groups for line in self._write_group(model, requests[group])]

    def _write_group(self, model: Model, requests: Sequence[LineRequest]) -> list[Line]:
        """Return the best of each line's candidates, all written side by side."""
        attempts = [replace(each, attempt=each.attempt + k) for each in requests for k in range(self.n)]
        drawn = write(model, attempts, attempts=1, cancelled=self.cancelled)
        texts = [each.text.plain for each in attempts]
        nats = self.recogniser.ctc_nll([self._for_recogniser(model, line.bare) for line in drawn], texts)
        dotted = [stray_dots(line.bare, text) > 0 for line, text in zip(drawn, texts, strict=True)]
        lines = []
        for first, request in zip(range(0, len(drawn), self.n), requests, strict=True):
            candidates = range(first, first + self.n)
            best = min(candidates, key=lambda i: (not drawn[i].complete, dotted[i], nats[i]))
            line = drawn[best]
            if not line.complete:
                further = replace(request, attempt=request.attempt + self.n)
                (other,) = write(model, [further], cancelled=self.cancelled)
                line = other if other.complete else line
            lines.append(line)
        return lines

    def _for_recogniser(self, model: Model, ink: Ink) -> Ink:
        """Return ink in the representation and the size that the recogniser was trained on."""
        known = self.recogniser.model
        scale = float(known.std[1] / model.std[1])
        ink = ink if abs(scale - 1) < SAME_SIZE else ink.scaled(scale)  # models of one corpus need no scaling
        return known.represented(ink) if model.representation == "raw" else ink


def line_writer(n: int, model: Model) -> LineWriter:
    """Return the writer of the best of `n` candidates of each line, which the recogniser of the model chooses.

    Raises:
        UsageError: `n` is not a whole number from 1 to MAX_CANDIDATES.
    """
    if isinstance(n, bool) or not isinstance(n, Integral) or not 1 <= n <= MAX_CANDIDATES:
        raise UsageError(f"best_of {n!r}: give a whole number from 1 to {MAX_CANDIDATES}")
    return BestOfN(recogniser_of(model), int(n)) if n > 1 else FirstValid()


def stray_dots(ink: Ink, text: str) -> int:
    """Return how many small strokes stand apart from the larger ones where the text asks for none.

    Args:
        text: What the network wrote: `PreparedText.plain`.
    """
    dots = _dots(ink.strokes())
    left, _, right, _ = ink.bounds()
    middle = np.median(ink.points[:, 1])
    width = (right - left) / max(len(text), 1) or 1.0
    high = [x for x, y in dots if y < middle]
    low = [x for x, y in dots if y >= middle]
    matched = 0
    for expected, found in ((ABOVE, high), (BELOW, low)):
        positions = [u + 0.5 for u, character in enumerate(text) for _ in range(expected.get(character, 0))]
        matched += _matched(sorted((x - left) / width for x in found), positions)
    return len(dots) - matched


def _dots(strokes: list[np.ndarray]) -> list[np.ndarray]:
    """Return the middles of the small strokes that stand apart."""
    heights = [np.ptp(stroke[:, 1]) for stroke in strokes if len(stroke) > DOT]
    unit = float(np.median(heights)) if heights else 0.0
    small = [np.ptp(stroke, 0).max() < SMALL * unit for stroke in strokes]
    middles = [stroke.mean(0) for stroke, is_small in zip(strokes, small, strict=True) if is_small]
    if not middles:
        return []
    larger = np.concatenate([stroke for stroke, is_small in zip(strokes, small, strict=True) if not is_small])
    return [middle for middle in middles if np.hypot(*(larger - middle).T).min() > APART * unit]


def _matched(dots: list[float], positions: list[float]) -> int:
    """Return how many dots can have a position of their own within reach, both in order from left to right."""
    count = 0
    following = 0
    for dot in dots:
        while following < len(positions) and positions[following] < dot - NEAR:
            following += 1
        if following < len(positions) and positions[following] <= dot + NEAR:
            count += 1
            following += 1
    return count
