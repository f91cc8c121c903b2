"""Compose new lines of segments of real ones, so that rare characters and rare pairs become frequent."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from nextstroke.datasets.augment.segments import LineGeometry, Segment, without_outliers
from nextstroke.datasets.augment.vocabulary import WordSampler
from nextstroke.datasets.packed_ink import InkCorpus, Line
from nextstroke.ink import Ink

SPLIT = "recombined"
LENGTHS = (25, 60)  # characters of a new line
REAL = 0.35  # share of words taken as they were written
ALIKE = 12  # segments of other hands that are compared; the most similar is taken
ENLARGED = {"X": "x", "Z": "z"}  # rare capitals that look like their small letters
# A Q is an O with this stroke, in widths and heights of the O.
LOOP_TAIL = (
    "Q",
    "O",
    np.array([[0.45, -0.55], [0.6, -0.35], [0.78, -0.12], [0.95, 0.12]]),
)


class PageSegments(NamedTuple):
    """Segments of one page, hence of one hand.

    Attributes:
        measures: Typical geometry of its lines.
        words: Segments of words.
        glyphs: Segments of single characters, by character.
        gap, word_gap: Median gaps between characters and between words, in x-heights.
    """

    measures: LineGeometry
    words: list[Segment]
    glyphs: dict[str, list[Segment]]
    gap: float
    word_gap: float


def collect_pages(
    lines: Iterable[tuple[str, LineGeometry, Sequence[Segment], Sequence[Segment], float]],
) -> list[PageSegments]:
    """Gather segments by page.

    Args:
        lines: Page, geometry, words, characters and gap between words of each line; the last three
            are from `cut_line`.
    """
    forms: dict[str, list[tuple]] = defaultdict(list)
    for line in lines:
        forms[line[0]].append(line[1:])
    glyphs: list[Segment] = []
    for lines_of_page in forms.values():
        for _, _, characters, _ in lines_of_page:
            glyphs += characters
    fitting = set(map(id, without_outliers(glyphs)))
    pages = [_page(lines_of_page, fitting) for lines_of_page in forms.values()]
    return [page for page in pages if page]


def _page(lines: list, fitting: set[int]) -> PageSegments | None:
    """Return the segments of a page; None if it has no characters or no words.

    Args:
        lines: Geometry, words, characters and gap between words of each line.
        fitting: Identities of the characters that are no outliers.
    """
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
    gap = float(np.median(gaps)) if gaps else 0.2
    word_gap = float(np.median(word_gaps)) if word_gaps else 1.5
    return PageSegments(middle, words, found, gap, word_gap)


class Composer:
    """Composer of lines in the hand of one page each; missing characters are taken from similar hands.

    Args:
        pages: Segments by page.
        invent: Sampler of the words that are composed of single characters.
    """

    def __init__(self, pages: Sequence[PageSegments], invent: WordSampler):
        self.pages = pages
        self.invent = invent
        self.all: dict[str, list[Segment]] = defaultdict(list)
        for page in pages:
            for text, glyphs in page.glyphs.items():
                self.all[text] += glyphs
        for capital, small in ENLARGED.items():
            self.all[capital] += [_stretched(segment, capital, 1.5) for segment in self.all[small]]
        self.all[LOOP_TAIL[0]] += [_with_tail(segment) for segment in self.all[LOOP_TAIL[1]]]

    def compose(self, random: np.random.Generator) -> tuple[str, Ink]:
        """Return the text and the ink of a random line."""
        page = self.pages[int(random.integers(len(self.pages)))]
        length = random.integers(*LENGTHS)
        words: list[list[Segment]] = []
        characters = 0
        while characters < length:
            words.append(self._word(page, random))
            characters += sum(len(segment.text) for segment in words[-1]) + 1  # and a blank
        text = " ".join("".join(segment.text for segment in word) for word in words)
        return text, _joined(words, page, random)

    def _word(self, page: PageSegments, random: np.random.Generator) -> list[Segment]:
        if random.random() < REAL:
            return [page.words[random.integers(len(page.words))]]
        prints = sum(text.islower() for text in page.glyphs) >= 15
        text = self.invent.word(random, prints)
        usable = [character for character in text if self.all[character]]
        glyphs = [self._glyph(page, character, random) for character in usable]
        return glyphs or self._word(page, random)

    def _glyph(self, page: PageSegments, character: str, random: np.random.Generator) -> Segment:
        own = page.glyphs.get(character)
        if own and (len(own) > 1 or random.random() < 0.7):
            return own[random.integers(len(own))]
        known = self.all[character]
        some = [known[i] for i in random.integers(len(known), size=ALIKE)]
        best = min(some, key=lambda segment: _unlike(segment, page.measures))
        return _sheared(best, page.measures.slant - best.slant)


def _unlike(segment: Segment, measures: LineGeometry) -> float:
    """Return the dissimilarity of a segment to lines of some measures, by slant and speed."""
    ratio = float(np.log(segment.speed / measures.speed))
    return abs(segment.slant - measures.slant) + 0.5 * abs(ratio)


def _sheared(segment: Segment, slant: float) -> Segment:
    """Return a segment with a slant added, its left edge at 0."""
    strokes = []
    for stroke in segment.strokes:
        shift = np.column_stack([slant * stroke[:, 1], np.zeros(len(stroke))])
        strokes.append(stroke + shift)
    left = min(stroke[:, 0].min() for stroke in strokes)
    return replace(segment, strokes=[stroke - (left, 0) for stroke in strokes])


def _stretched(segment: Segment, text: str, factor: float) -> Segment:
    """Return a segment enlarged by a factor, with another text."""
    return replace(segment, text=text, strokes=[stroke * factor for stroke in segment.strokes])


def _with_tail(segment: Segment) -> Segment:
    width, top, bottom = segment.box()
    tail = LOOP_TAIL[2] * (width, bottom - top) + (0, bottom)
    strokes = [*segment.strokes, _as_slow(tail, segment.speed)]
    return replace(segment, text=LOOP_TAIL[0], strokes=strokes)


def _as_slow(stroke: np.ndarray, speed: float) -> np.ndarray:
    """Resample a stroke to points with the distance of the pen's speed."""
    length = np.concatenate([[0], np.hypot(*np.diff(stroke, axis=0).T).cumsum()])
    positions = np.linspace(0, length[-1], max(3, round(length[-1] / speed)))
    return np.column_stack([np.interp(positions, length, stroke[:, k]) for k in (0, 1)])


def _joined(words: list[list[Segment]], page: PageSegments, random: np.random.Generator) -> Ink:
    """Put segments one after the other on a level baseline, in the size of the page."""
    strokes: list[np.ndarray] = []
    right = 0.0
    for number, word in enumerate(words):
        for place, segment in enumerate(word):
            first = place == 0
            gap = page.word_gap * random.uniform(0.85, 1.2) if first else _gap(segment, page, random)
            left = 0.0 if number == place == 0 else right + gap
            strokes += [stroke + (left, 0) for stroke in segment.strokes]
            right = left + segment.width
    return Ink.from_strokes([stroke * page.measures.x_height for stroke in strokes])


def _gap(segment: Segment, page: PageSegments, random: np.random.Generator) -> float:
    """Return the gap before a character: the mean of its own, if plausible, and the page's, with noise."""
    own = segment.gap if np.isfinite(segment.gap) and -0.3 < segment.gap < 0.8 else page.gap
    return float(np.clip(0.5 * (own + page.gap), 0.05, 0.6)) + random.normal(0, 0.04)


def append_composed(corpus: InkCorpus, composer: Composer, lines: int, seed: int) -> InkCorpus:
    """Return the corpus with composed lines after its own, in the split `recombined`.

    Args:
        corpus: Lines of ink.
        composer: Composer of the new lines.
        lines: Number of new lines.
        seed: Random seed.
    """
    new: list[Line] = []
    inks: list[Ink] = []
    for number in range(lines):
        text, ink = composer.compose(np.random.default_rng([seed, number]))
        new.append(Line(f"{SPLIT}-{number:05d}", text, SPLIT))
        inks.append(ink)
    more = InkCorpus.of(new, inks)
    return InkCorpus(
        [*corpus.lines, *more.lines],
        np.concatenate([corpus.points, more.points]),
        np.concatenate([corpus.end_of_stroke, more.end_of_stroke]),
        np.concatenate([corpus.starts, corpus.starts[-1] + more.starts[1:]]),
    )
