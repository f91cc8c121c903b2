"""New lines from pieces of real ones: rare characters become frequent, and every letter follows every other."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from nextstroke.datasets.augment.segments import Measures, Piece, without_misfits
from nextstroke.datasets.augment.vocabulary import Invented
from nextstroke.datasets.packed_ink import InkCorpus, Line
from nextstroke.ink import Ink

SPLIT = "recombined"
LENGTHS = (25, 60)  # characters of a new line
REAL = 0.35  # share of words taken as they were written
ALIKE = 12  # pieces of other hands that are looked at; the most alike is taken
ENLARGED = {"X": "x", "Z": "z"}  # capitals that are seldom written, but look like their small letters
LOOP_TAIL = ("Q", "O", np.array([[0.45, -0.55], [0.6, -0.35], [0.78, -0.12], [0.95, 0.12]]))  # Q: an O with this in it


class Page(NamedTuple):
    """What one hand wrote: its words and characters, its measures and its gaps in x-heights."""

    measures: Measures
    words: list[Piece]
    glyphs: dict[str, list[Piece]]
    gap: float
    word_gap: float


def join_pages(lines: Iterable[tuple[str, Measures, Sequence[Piece], Sequence[Piece], float]]) -> list[Page]:
    """Gather pieces by form, from (form, measures, words, glyphs, gap between words) of each line."""
    forms = defaultdict(list)
    for line in lines:
        forms[line[0]].append(line[1:])
    fitting = set(map(id, without_misfits([glyph for page in forms.values() for line in page for glyph in line[2]])))
    return [page for lines_of in forms.values() if (page := _page(lines_of, fitting))]


def _page(lines: list, fitting: set[int]) -> Page | None:
    measures = [line[0] for line in lines]
    glyphs = [glyph for line in lines for glyph in line[2] if id(glyph) in fitting]
    words = [word for line in lines for word in line[1] if len(word.text) < LENGTHS[0]]
    if not glyphs or not words:
        return None
    found = defaultdict(list)
    for glyph in glyphs:
        found[glyph.text].append(glyph)
    gaps = [glyph.gap for glyph in glyphs if np.isfinite(glyph.gap)]
    middle = sorted(measures, key=lambda one: one.slant)[len(measures) // 2]
    middle = replace(middle, x_height=float(np.median([one.x_height for one in measures])))
    word_gaps = [line[3] for line in lines if np.isfinite(line[3])]
    return Page(
        middle, words, found, float(np.median(gaps)) if gaps else 0.2, float(np.median(word_gaps)) if word_gaps else 1.5
    )


class Composer:
    """Composes lines, one page's hand each; what the page lacks comes from hands that are like it."""

    def __init__(self, pages: Sequence[Page], invent: Invented):
        self.pages, self.invent = pages, invent
        self.all: dict[str, list[Piece]] = defaultdict(list)
        for page in pages:
            for text, glyphs in page.glyphs.items():
                self.all[text] += glyphs
        for capital, small in ENLARGED.items():
            self.all[capital] += [_stretched(piece, capital, 1.5) for piece in self.all[small]]
        self.all[LOOP_TAIL[0]] += [_with_tail(piece) for piece in self.all[LOOP_TAIL[1]]]

    def compose(self, random: np.random.Generator) -> tuple[str, Ink]:
        """A line: its text and its ink."""
        page = self.pages[int(random.integers(len(self.pages)))]
        length = random.integers(*LENGTHS)
        words: list[list[Piece]] = []
        while sum(len(piece.text) + 1 for word in words for piece in word) < length:
            words.append(self._word(page, random))
        text = " ".join("".join(piece.text for piece in word) for word in words)
        return text, _joined(words, page, random)

    def _word(self, page: Page, random: np.random.Generator) -> list[Piece]:
        if random.random() < REAL:
            return [page.words[random.integers(len(page.words))]]
        prints = sum(text.islower() for text in page.glyphs) >= 15
        text = self.invent.word(random, prints)
        usable = [character for character in text if self.all[character]]
        return [self._glyph(page, character, random) for character in usable] or self._word(page, random)

    def _glyph(self, page: Page, character: str, random: np.random.Generator) -> Piece:
        own = page.glyphs.get(character)
        if own and (len(own) > 1 or random.random() < 0.7):
            return own[random.integers(len(own))]
        some = [self.all[character][i] for i in random.integers(len(self.all[character]), size=ALIKE)]
        best = min(some, key=lambda piece: _unlike(piece, page.measures))
        return _sheared(best, page.measures.slant - best.slant)


def _unlike(piece: Piece, measures: Measures) -> float:
    return abs(piece.slant - measures.slant) + 0.5 * abs(float(np.log(piece.speed / measures.speed)))


def _sheared(piece: Piece, slant: float) -> Piece:
    strokes = [stroke + np.column_stack([slant * stroke[:, 1], np.zeros(len(stroke))]) for stroke in piece.strokes]
    left = min(stroke[:, 0].min() for stroke in strokes)
    return replace(piece, strokes=[stroke - (left, 0) for stroke in strokes])


def _stretched(piece: Piece, text: str, factor: float) -> Piece:
    return replace(piece, text=text, strokes=[stroke * factor for stroke in piece.strokes])


def _with_tail(piece: Piece) -> Piece:
    width, top, bottom = piece.box()
    tail = LOOP_TAIL[2] * (width, bottom - top) + (0, bottom)
    return replace(piece, text=LOOP_TAIL[0], strokes=[*piece.strokes, _as_slow(tail, piece.speed)])


def _as_slow(stroke: np.ndarray, speed: float) -> np.ndarray:
    """A stroke with points as far apart as the pen's at that speed."""
    way = np.concatenate([[0], np.hypot(*np.diff(stroke, axis=0).T).cumsum()])
    places = np.linspace(0, way[-1], max(3, round(way[-1] / speed)))
    return np.column_stack([np.interp(places, way, stroke[:, k]) for k in (0, 1)])


def _joined(words: list[list[Piece]], page: Page, random: np.random.Generator) -> Ink:
    """Pieces set one behind the other on a level line, in the page's size."""
    strokes: list[np.ndarray] = []
    right = 0.0
    for number, word in enumerate(words):
        for place, piece in enumerate(word):
            gap = page.word_gap * random.uniform(0.85, 1.2) if place == 0 else _gap(piece, page, random)
            left = 0.0 if number == place == 0 else right + gap
            strokes += [stroke + (left, 0) for stroke in piece.strokes]
            right = left + piece.width
    return Ink.from_strokes([stroke * page.measures.x_height for stroke in strokes])


def _gap(piece: Piece, page: Page, random: np.random.Generator) -> float:
    """Of two characters of a word: the piece's own as far as it is a sensible one, mixed with the page's."""
    own = piece.gap if np.isfinite(piece.gap) and -0.3 < piece.gap < 0.8 else page.gap
    return float(np.clip(0.5 * (own + page.gap), 0.05, 0.6)) + random.normal(0, 0.04)


def extended(corpus: InkCorpus, composer: Composer, lines: int, seed: int) -> InkCorpus:
    """The corpus with composed lines behind its own, in the split `recombined`."""
    new = list(_composed(composer, lines, seed))
    more = InkCorpus.of([line for line, _ in new], [ink for _, ink in new])
    return InkCorpus(
        [*corpus.lines, *more.lines],
        np.concatenate([corpus.points, more.points]),
        np.concatenate([corpus.end_of_stroke, more.end_of_stroke]),
        np.concatenate([corpus.starts, corpus.starts[-1] + more.starts[1:]]),
    )


def _composed(composer: Composer, lines: int, seed: int) -> Iterator[tuple[Line, Ink]]:
    for number in range(lines):
        text, ink = composer.compose(np.random.default_rng([seed, number]))
        yield Line(f"{SPLIT}-{number:05d}", text, SPLIT), ink
