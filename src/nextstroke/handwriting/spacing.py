"""Move the letters and words of a written line apart or together, and strike out or underline words."""

from collections.abc import Callable, Sequence

import numpy as np

from nextstroke.handwriting.glyphs.diacritics import owners
from nextstroke.handwriting.paragraphs import STRUCK, Mark
from nextstroke.handwriting.sampler import Line
from nextstroke.ink import Ink

CORE = 0.1, 0.9  # quantiles of x between which a letter keeps its form while its neighbours are moved
# A part of the way between two letters, or of a blank, that may be taken away: ink is not to be folded over.
MAX_CLOSER = 0.8
BLANK_SHRINK = 0.3  # part of the blanks that a line may lose to fit its page
# Levels below the baseline and extent of marks, in heights of small letters, and the wave that no two marks share.
UNDERLINE, STRIKE = 0.45, -0.45
OVERRUN = 0.15
MARK_WAVE, MARK_SLOPE = 0.05, 0.012
STEP = 1e-6  # mm in which ink is moved at least: two places cannot be one
MARK_TURN = 1.3  # radians of a mark's wave in the height of a small letter
MARK_STEP = 0.3  # heights of small letters between the points of a mark

Gap = Callable[[int, float, float], float]


class LineSpacing:
    """Where the characters of a levelled line are.

    Args:
        line: The line as it was written.
        ink: Its ink in mm, levelled; a point for each of `line.ink`.
    """

    def __init__(self, line: Line, ink: Ink):
        self.ink = ink
        self.owner = owners(line.phi)
        self.written = line.written
        x = ink.points[:, 0]
        order = np.argsort(self.owner, kind="stable")
        characters = len(self.written)
        bounds = np.searchsorted(self.owner[order], np.arange(characters + 1))
        # Position, least and greatest x, and core of each character that has ink, blanks apart.
        self.letters: list[tuple[int, float, float, float, float]] = []
        for u in range(characters):
            own = x[order[bounds[u] : bounds[u + 1]]]
            if len(own) and self.written[u] != " ":
                low, high = np.quantile(own, CORE)
                self.letters.append((u, float(own.min()), float(own.max()), float(low), float(high)))

    def blanks(self) -> list[float]:
        """Return the widths of the blanks between words, in order, as they were written; at least 0."""
        widths = [0.0] * self.written.count(" ")
        for number, left, right in self._blanks():
            widths[number] = max(0.0, right - left)
        return widths

    def start_after(self, blanks: int) -> float:
        """Return where the word after a number of blanks begins; 0 after none."""
        edges = [right for number, _, right in self._blanks() if number == blanks - 1]
        return edges[0] if edges else 0.0

    def _blanks(self) -> list[tuple[int, float, float]]:
        """Return the number of each blank and the edges of the words at it."""
        found = []
        for before, after in zip(self.letters, self.letters[1:], strict=False):
            number = self._blank_between(before[0], after[0])
            if number is not None:
                found.append((number, before[2], after[1]))
        return found

    def _blank_between(self, first: int, last: int) -> int | None:
        """Return the number in the line of the last blank between two characters, None if there is none."""
        between = self.written[first:last]
        return self.written[:last].count(" ") - 1 if " " in between else None

    def spaced(self, letter: float, gap: Gap) -> Ink:
        """Return the ink with its letters and words moved.

        Args:
            letter: mm added between two letters.
            gap: Function of the number of a blank, of where the word before it ends after moving, and of the width
                of the blank as it was written: mm added there.
        """
        knots: list[float] = []
        shifts: list[float] = []
        shift = 0.0
        for before, after in zip(self.letters, self.letters[1:], strict=False):
            blank = self._blank_between(before[0], after[0])
            start, end = (before[4], after[3]) if blank is None else (before[2], after[1])
            if start > end:
                start = end = (start + end) / 2
            added = letter
            if blank is not None:
                added += gap(blank, before[2] + shift, max(0.0, after[1] - before[2]))
            added = max(added, -MAX_CLOSER * (end - start))
            start = max(start, knots[-1]) if knots else start
            end = max(start + STEP, end)
            knots += [start, end]
            shifts += [shift, shift + added]
            shift += added
        if not any(shifts):
            return self.ink
        points = self.ink.points.copy()
        points[:, 0] += np.interp(points[:, 0], knots, shifts)
        return Ink(points, self.ink.end_of_stroke)


def fitted(ink: Ink, width: float, line: Line, tabs: int = 0) -> Ink:
    """Return a line no wider than `width` mm: its blanks become narrower, and if that is not enough, all of it.

    Args:
        tabs: Number of the blanks up to the last tab; what is before it stays where it is.
    """
    over = ink.bounds()[2] - width
    if over <= 0:
        return ink
    spacing = LineSpacing(line, ink)
    blanks = sum(spacing.blanks()[tabs:])
    if blanks:
        part = min(BLANK_SHRINK, over / blanks)
        ink = spacing.spaced(0.0, lambda number, x, natural: -part * natural if number >= tabs else 0.0)
    start = spacing.start_after(tabs)
    excess = ink.bounds()[2]
    if not start < width < excess:
        return ink
    points = ink.points.copy()
    after = points[:, 0] > start
    points[after, 0] = start + (points[after, 0] - start) * (width - start) / (excess - start)
    return Ink(points, ink.end_of_stroke)


def marked(ink: Ink, line: Line, marks: Sequence[Mark], x_height: float) -> Ink:
    """Return a line with its words struck out and underlined.

    Args:
        ink: Ink of the line in mm, its baseline at y = 0.
        marks: Positions in `line.written`.
        x_height: Height of small letters in mm.
    """
    owner = owners(line.phi)
    strokes = []
    for mark in marks:
        own = ink.points[(owner >= mark.first) & (owner < mark.last), 0]
        if len(own):
            strokes.append(_mark(mark.kind, float(own.min()), float(own.max()), x_height))
    return Ink.from_strokes([*ink.strokes(), *strokes]) if strokes else ink


def _mark(kind: str, left: float, right: float, x_height: float) -> np.ndarray:
    """Return the stroke of a mark from one edge of the words to the other, a little uneven as by hand."""
    left -= OVERRUN * x_height
    right += OVERRUN * x_height
    pieces = max(2, round((right - left) / (MARK_STEP * x_height)))
    x = left + (right - left) * np.arange(pieces + 1) / pieces
    level = (STRIKE if kind == STRUCK else UNDERLINE) * x_height
    wave = MARK_WAVE * x_height * np.sin(MARK_TURN * x / x_height)
    return np.column_stack([x, level + wave - MARK_SLOPE * (x - left)])
