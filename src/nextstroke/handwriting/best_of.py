"""Of several candidates of each line the one that reads best."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from nextstroke.handwriting.glyphs.symbols import plain
from nextstroke.handwriting.hands import Style
from nextstroke.handwriting.recogniser import Reader
from nextstroke.handwriting.sampler import Check, Written, grouped, line_bytes, write_lines, write_soundly
from nextstroke.ink import Ink
from nextstroke.runtime.model_file import Model, load_model

# Specks: dots of ink that stand alone where the text has none. The reader reads past them, the eye does not.

# Small strokes of each character that stand apart from other ink, above the middle of the small letters and below it.
ABOVE = dict.fromkeys("ij':;", 1) | {'"': 2}
BELOW = dict.fromkeys(".,!?:;", 1)
NEAR = 3  # characters between a dot and its own at most; where each stands is known as if all were equally wide
SMALL, APART = 0.35, 0.4  # in the median height of strokes: a speck's largest extent, its distance from larger strokes
DOT = 3  # points; a stroke of so few tells nothing about the size of writing


def specks(ink: Ink, text: str) -> int:
    """How many small strokes stand apart from the larger ones where the text asks for none."""
    dots = _dots(ink.strokes())
    (left, _, right, _), middle = ink.bounds(), np.median(ink.points[:, 1])
    width = (right - left) / max(len(text), 1) or 1.0
    matched = 0
    for asked, there in ((ABOVE, [x for x, y in dots if y < middle]), (BELOW, [x for x, y in dots if y >= middle])):
        places = [u + 0.5 for u, character in enumerate(text) for _ in range(asked.get(character, 0))]
        matched += _matched(sorted((x - left) / width for x in there), places)
    return len(dots) - matched


def _dots(strokes: list[np.ndarray]) -> list[np.ndarray]:
    """The middles of the small strokes that stand apart."""
    heights = [np.ptp(stroke[:, 1]) for stroke in strokes if len(stroke) > DOT]
    unit = float(np.median(heights)) if heights else 0.0
    small = [np.ptp(stroke, 0).max() < SMALL * unit for stroke in strokes]
    middles = [stroke.mean(0) for stroke, is_small in zip(strokes, small, strict=True) if is_small]
    if not middles:
        return []
    larger = np.concatenate([stroke for stroke, is_small in zip(strokes, small, strict=True) if not is_small])
    return [middle for middle in middles if np.hypot(*(larger - middle).T).min() > APART * unit]


def _matched(dots: list[float], places: list[float]) -> int:
    """How many of the dots can have a place of their own within reach, both in order from left to right."""
    count = following = 0
    for dot in dots:
        while following < len(places) and places[following] < dot - NEAR:
            following += 1
        if following < len(places) and places[following] <= dot + NEAR:
            count, following = count + 1, following + 1
    return count


SIDE_BY_SIDE = 64  # candidates written at once
CANDIDATES = 8  # of a line, unless told otherwise
READER = "reader"  # the bundled one


class Wish(NamedTuple):
    """A line that is to be written; what each says is told at `write_soundly`."""

    text: str
    bias: float
    seed: int
    style: Style
    number: int


class LineWriter(Protocol):
    """Anything that writes lines."""

    @property
    def check(self) -> Check | None:
        """Asked between steps of the work; what it raises ends it."""
        ...

    def write(self, model: Model, wishes: Sequence[Wish]) -> list[Written]:
        """One line for each wish; raises as `write_lines`."""
        ...


@dataclass(frozen=True)
class FirstSound:
    """Writes each line once, and again where it broke off or missed a character: nothing is chosen.

    Attributes:
        check: As for `write_lines`.
    """

    check: Check | None = None

    def write(self, model: Model, wishes: Sequence[Wish]) -> list[Written]:
        """One line for each wish, all side by side."""
        texts, biases, seeds, styles, numbers = map(list, zip(*wishes, strict=True))
        return write_soundly(model, texts, biases, seeds, styles, numbers, check=self.check)


@dataclass(frozen=True)
class Chooser:
    """Writes each line several times and keeps the candidate in which a reader finds the text most surely.

    Candidates with specks come last: a sure reader does not mind them.

    It reads what the network drew: accents and signs are drawn alike onto all candidates.

    Candidate k of a line is attempt k of `write_soundly`: what others are drawn changes none of them.

    Attributes:
        candidates: How many of each line.
        check: As for `write_lines`.
    """

    reader: Reader
    candidates: int = 8
    check: Check | None = None

    def write(self, model: Model, wishes: Sequence[Wish]) -> list[Written]:
        """One line for each wish; one of which no candidate is sound is tried again."""
        sizes = [self.candidates * line_bytes(model, wish.text) for wish in wishes]
        groups = grouped(sizes, max(1, SIDE_BY_SIDE // self.candidates))
        return [line for group in groups for line in self._write_some(model, wishes[group])]

    def _write_some(self, model: Model, wishes: Sequence[Wish]) -> list[Written]:
        """The best of each line's candidates, all written side by side."""
        repeated = [wish for wish in wishes for _ in range(self.candidates)]
        texts, biases, seeds, styles, numbers = map(list, zip(*repeated, strict=True))
        places = [(number, i % self.candidates) for i, number in enumerate(numbers)]
        drawn = write_lines(model, texts, biases, seeds, styles, places=places, check=self.check)
        asked = [plain(line.text, model.alphabet) for line in drawn]
        nats = self.reader.misreading([self._as_read(model, line.bare) for line in drawn], asked)
        specked = [specks(line.bare, text) > 0 for line, text in zip(drawn, asked, strict=True)]
        best = [
            min(range(k, k + self.candidates), key=lambda i: (not drawn[i].sound, specked[i], nats[i]))
            for k in range(0, len(drawn), self.candidates)
        ]
        return [
            drawn[i] if drawn[i].sound else self._again(model, drawn[i], wish)
            for i, wish in zip(best, wishes, strict=True)
        ]

    def _again(self, model: Model, line: Written, wish: Wish) -> Written:
        text, bias, seed, style, number = wish
        (other,) = write_soundly(
            model, [text], bias, seed, style, [number], first_attempt=self.candidates, check=self.check
        )
        return other if other.sound else line

    def _as_read(self, model: Model, ink: Ink) -> Ink:
        """Ink in the representation and the size that the reader knows."""
        known = self.reader.model
        scale = float(known.std[1] / model.std[1])
        ink = ink if abs(scale - 1) < 0.3 else ink.scaled(scale)  # lines of one corpus need none
        return known.represented(ink) if model.representation == "raw" else ink


def chooser_among(candidates: int) -> LineWriter:
    """What writes lines by so many candidates of each: the bundled reader chooses, where there is a choice."""
    return Chooser(Reader(load_model(READER, "reader")), candidates) if candidates > 1 else FirstSound()
