"""Layout of lines of ink on pages, in millimetres, y downwards."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from nextstroke.errors import LimitExceeded, UsageError
from nextstroke.ink import Ink

SIZES = {
    "a3": (297.0, 420.0), "a4": (210.0, 297.0), "a5": (148.0, 210.0), "a6": (105.0, 148.0),
    "letter": (215.9, 279.4), "legal": (215.9, 355.6),
}  # fmt: skip
UNITS = {"": 1.0, "mm": 1.0, "cm": 10.0, "in": 25.4}  # mm
PAPERS = ("blank", "ruled", "grid", "dots")
INK = "#1a1a2e"  # colour of ink
RULE = "#c8d3e0"  # colour of printed lines and dots
DOT = 0.5  # mm across, on dotted paper
ALIGN = {"left": 0.0, "center": 0.5, "right": 1.0}
MIN_WIDTH = 10.0  # mm between the margins
MIN_LENGTH = 0.1  # mm, of letters and between baselines
MAX_LENGTH = 1000.0  # mm, of letters and between baselines
MIN_SPACING = -5.0  # mm, between letters and between words
MAX_SPACING = 100.0  # mm, between letters and between words, of indents and tab stops
CUT_MARGIN = 4.0  # mm around ink whose page is cut to it
TAB = 12.0  # mm between tab stops by default
MAX_SLANT = 60.0  # degrees, added to that of a hand
HALF_TURN = 180.0  # degrees
MAX_SIDE = 100_000.0  # mm: 100 m, longer than a roll of paper for a plotter
MAX_ROWS = 10_000  # lines on one page
LONGEST = 70  # characters of a line of unlimited width, as in the longest lines of the corpus
MAX_LINE = 400  # characters of a line on a page of any width
ADVANCE = 1.2  # mean width of a character in heights of small letters, before a hand is known

# Mean widths of characters over eight hands, as a ratio to that of all characters (notes/log.md).
ADVANCES = {
    "ijltI.,:;'!()\"": 0.69,
    "cfkrsvz": 0.82,
    "0123456789": 1.13,
    "mwABCDEFGHJKLMNOPQRSTUVWXYZ": 1.22,
    " ": 1.4,
}
USUAL_ADVANCE = 0.94

# Quantiles of the y of a line's points between which small letters are; ascenders and descenders
# are outside.
X_HEIGHT_QUANTILES = 0.12, 0.86
FLAT = 6.0  # width to spread of y; the slope of a line with a smaller ratio cannot be measured
FLAT_QUANTILES = 0.1, 0.9  # of y, whose difference is its spread
SLOPE_ROUNDS = 3  # fits of the straight line, each without the outliers of the previous one
OUTLIER = 2.0  # median distances from the straight line
MAX_SLOPE = 0.3  # dy for each dx
FIRST_BASELINE = 0.75  # line heights below the margin, so that tall letters stay below it
# Standard deviations at a drift of 1.
DRIFT_SIZE = 0.05  # of the logarithm of the size
DRIFT_SLOPE = 0.008  # dy for each dx
DRIFT_RISE = 0.05  # line heights
_ADVANCES = {character: width for some, width in ADVANCES.items() for character in some}


def printed_paper(paper: str, ruled: bool) -> str:
    """Return the paper that is named, or "ruled" where that is asked for; raises UsageError for two papers."""
    if ruled and paper not in ("blank", "ruled"):
        raise UsageError(f"ruled and paper {paper}: give one of them")
    return "ruled" if ruled else paper


@dataclass(frozen=True)
class Page:
    """Size and layout of a page; all lengths in millimetres.

    Attributes:
        width: Width of the page; None means cut to the ink.
        height: Height of the page; None means cut to the ink.
        margin: Free border on all sides; or top and bottom, left and right; or top, right, bottom,
            left.
        line_height: Distance from baseline to baseline.
        x_height: Height of small letters.
        align: "left", "center" or "right"; several, separated by commas, for the paragraphs in
            turn.
        paper: "blank", "ruled", "grid" or "dots"; squares and dots are half a line height apart.
        drift: Amount by which lines rise, sink and change in size, 0 to 3; 1 is an unsteady hand.
        letter_spacing: Space added between letters, -5 to 100; below 0 they are closer.
        word_spacing: Space added between words, -5 to 100.
        indent: Indent of the first line of each paragraph, 0 to 100.
        tab: Distance of the tab stops from each other, 1 to 100.
        slant: Degrees by which the letters of any hand are slanted further, -60 to 60; above 0 to the right.

    Raises:
        UsageError: A value is out of range, or there is no room between the margins.
        LimitExceeded: A page has more than MAX_ROWS lines.
    """

    width: float | None = None
    height: float | None = None
    margin: float | Sequence[float] = 15.0
    line_height: float = 10.0
    x_height: float = 2.2
    align: str = "left"
    paper: str = "blank"
    drift: float = 0.0
    letter_spacing: float = 0.0
    word_spacing: float = 0.0
    indent: float = 0.0
    tab: float = TAB
    slant: float = 0.0

    def __post_init__(self) -> None:
        for align in self.aligns:
            if align not in ALIGN:
                known = ", ".join(ALIGN)
                raise UsageError(f"align {align!r}: give one of {known}, or several as left,right")
        if self.paper not in PAPERS:
            raise UsageError(f"paper {self.paper!r}: give one of {', '.join(PAPERS)}")
        if not isinstance(self.margin, float | int) and len(self.margin) not in (1, 2, 4):
            count = len(self.margin)
            raise UsageError(f"margin: {count} numbers; give 1, 2 or 4 (top, right, bottom, left)")
        self._check_lengths()
        if not 0 <= self.drift <= 3:
            raise UsageError(f"drift {self.drift}: give 0 to 3; 0 is level, 1 an unsteady hand")
        if not -MAX_SLANT <= self.slant <= MAX_SLANT:
            raise UsageError(
                f"slant {self.slant:g}: give degrees, -{MAX_SLANT:g} to {MAX_SLANT:g}; 0 is the hand's own"
            )
        if self.width is not None and (self.text_width < MIN_WIDTH or self.rows < 1):
            size = f"{self.width} x {self.height} mm"
            raise UsageError(f"a page of {size} has no room for text; make margins smaller")
        if self.height is not None and self.rows > MAX_ROWS:
            problem = f"{self.rows} lines on a page, at most {MAX_ROWS}"
            raise LimitExceeded(f"{problem}; make the line height larger")

    def _check_lengths(self) -> None:
        below = f"below {MAX_LENGTH:g}"
        for side in self.margins:
            if not 0 <= side < MAX_LENGTH:
                raise UsageError(f"margin {side}: give millimetres, 0 or more and {below}")
        for name, value in {"line height": self.line_height, "text size": self.x_height}.items():
            if not MIN_LENGTH <= value < MAX_LENGTH:
                wanted = f"give millimetres, {MIN_LENGTH} or more and {below}"
                raise UsageError(f"{name} {value}: {wanted}")
        for name, length in {"width": self.width, "height": self.height}.items():
            if length is not None and not 0 <= length <= MAX_SIDE:
                wanted = f"give millimetres, at most {MAX_SIDE:g}"
                raise UsageError(f"{name} of the page {length:g}: {wanted}")
        spacings = [
            ("letter spacing", self.letter_spacing, MIN_SPACING),
            ("word spacing", self.word_spacing, MIN_SPACING),
            ("indent", self.indent, 0.0),
            ("tab", self.tab, 1.0),
        ]
        for name, value, low in spacings:
            if not low <= value <= MAX_SPACING:
                raise UsageError(f"{name} {value}: give millimetres, {low:g} to {MAX_SPACING:g}")

    @classmethod
    def named(cls, name: str, **changes) -> "Page":
        """Return a page of a standard size or of a given one.

        Args:
            name: One of SIZES, with "-landscape" if it lies on its side, or WIDTHxHEIGHT in
                millimetres or with a unit: "148x105", "10x15cm", "4x6in".
            changes: Attributes with other values.

        Raises:
            UsageError: The name is unknown, or a value is out of range.
        """
        found = re.fullmatch(r"([0-9.]+)(mm|cm|in)?[x×]([0-9.]+)(mm|cm|in)?", name.lower())
        kind, _, turned = name.lower().partition("-")
        try:
            if found:
                unit = UNITS[found[4] or found[2] or ""]
                width = float(found[1]) * (UNITS[found[2]] if found[2] else unit)
                height = float(found[3]) * unit
            elif turned in ("", "portrait", "landscape"):
                width, height = sorted(SIZES[kind], reverse=turned == "landscape")
            else:
                raise KeyError(name)
        except (KeyError, ValueError):
            raise UsageError(
                f"page {name!r:.60}: give {', '.join(SIZES)}, with -landscape if it lies on its side, "
                "or WIDTHxHEIGHT in mm, or as 10x15cm or 4x6in"
            ) from None
        return cls(width, height, **changes)

    @property
    def margins(self) -> tuple[float, float, float, float]:
        """Free border at the top, right, bottom and left."""
        if isinstance(self.margin, float | int):
            return (self.margin,) * 4
        top, right, bottom, left = (list(self.margin) * 4)[:4]
        return top, right, bottom, left

    @property
    def aligns(self) -> tuple[str, ...]:
        """Alignments of the paragraphs in turn."""
        return tuple(align.strip() for align in self.align.split(","))

    @property
    def text_width(self) -> float:
        """Width between the margins; infinite where the page is cut to the ink."""
        if self.width is None:
            return float("inf")
        return self.width - self.margins[1] - self.margins[3]

    @property
    def rows(self) -> int:
        """Number of lines that a page holds."""
        if self.height is None:
            return 1_000_000
        return int((self.height - self.margins[0] - self.margins[2]) // self.line_height)

    @property
    def column(self) -> float:
        """Width of each further blank in a run of blanks, in mm: that of a mean character."""
        return ADVANCE * self.x_height


@dataclass(frozen=True)
class Sheet:
    """One finished page, in millimetres.

    Attributes:
        width: Width of the page.
        height: Height of the page.
        lines: Ink at its position on the page.
        baselines: Heights of the baselines of the page; empty on blank paper.
        paragraphs: Number of each line's paragraph; empty means all 0.
        paper: Print of the paper, one of PAPERS.
        squares: Left edge of the first square of grid paper, and the side of a square.
    """

    width: float
    height: float
    lines: Sequence[Ink]
    baselines: Sequence[float] = ()
    paragraphs: Sequence[int] = ()
    paper: str = "ruled"
    squares: tuple[float, float] = (0.0, 5.0)

    def strokes(self) -> Iterator[np.ndarray]:
        """Yield the strokes of all lines, each of shape (points, 2)."""
        for line in self.lines:
            yield from line.strokes()

    def size(self) -> dict[str, str | float]:
        """Return unit, width and height, as the entries of JSON ink."""
        return {"unit": "mm", "width": round(self.width, 3), "height": round(self.height, 3)}

    def colours(self, inks: Sequence[str]) -> list[str]:
        """Return the colour of each line; `inks` are the colours of the paragraphs in turn."""
        return [inks[number % len(inks)] for number in self.paragraphs or [0] * len(self.lines)]

    def layers(self, inks: Sequence[str]) -> list[tuple[str, list[Ink]]]:
        """Return each colour with its lines, in the order of first use."""
        layers: dict[str, list[Ink]] = {}
        for colour, line in zip(self.colours(inks), self.lines, strict=True):
            layers.setdefault(colour, []).append(line)
        return list(layers.items())

    def printed_lines(self) -> Iterator[tuple[float, float, float, float]]:
        """Yield the lines printed on the paper: x and y of both ends."""
        if self.paper == "ruled":
            yield from ((0.0, y, self.width, y) for y in self.baselines)
        elif self.paper == "grid":
            columns, rows = self._crossings()
            yield from ((0.0, y, self.width, y) for y in rows)
            yield from ((x, 0.0, x, self.height) for x in columns)

    def printed_dots(self) -> Iterator[tuple[float, float]]:
        """Yield the dots printed on the paper."""
        if self.paper == "dots":
            columns, rows = self._crossings()
            yield from ((x, y) for y in rows for x in columns)

    def _crossings(self) -> tuple[list[float], list[float]]:
        """Return x and y of the squares' edges, some of which are the baselines."""
        if not self.baselines:
            return [], []
        left, size = self.squares
        left %= size
        top = self.baselines[0] % size
        columns = [left + i * size for i in range(int((self.width - left) / size) + 1)]
        rows = [top + i * size for i in range(int((self.height - top) / size) + 1)]
        return columns, rows


def advance_of(text: str) -> float:
    """Return the width of a text in mean widths of a character."""
    return sum(_ADVANCES.get(character, USUAL_ADVANCE) for character in text)


def wrap(
    text: str,
    width: float,
    measure: Callable[[str], float],
    first: float | None = None,
) -> Iterator[str]:
    """Break a text into lines no wider than `width`; only blanks at the breaks are dropped.

    Line ends in the text stay; an empty string is an empty line. A word wider than a line is split.

    Args:
        text: Text with line ends.
        width: Width of a line, in any unit.
        measure: Function from a text to its width in the unit of `width`; must grow with the text.
        first: Width of the first line of each paragraph; None for `width`.
    """
    for paragraph in text.split("\n"):
        line = ""
        room = width if first is None else first
        for found in re.finditer(r"(\s*)(\S+)", paragraph):
            blank, word = found.groups()
            if line and measure(line + blank + word) <= room:
                line += blank + word
                continue
            if line:
                yield line
                room = width
            pieces = _pieces(word, room, width, measure)
            line = next(pieces)
            for piece in pieces:
                yield line
                room = width
                line = piece
        yield line


def _pieces(
    word: str,
    first: float,
    width: float,
    measure: Callable[[str], float],
) -> Iterator[str]:
    """Yield the pieces of a word that fit a line each; a piece has at least one character.

    Args:
        word: Word to cut.
        first: Width of the first piece's line.
        width: Width of the other lines.
        measure: Function from a text to its width.
    """
    piece = ""
    room = first
    for character in word:
        if piece and measure(piece + character) > room:
            yield piece
            piece = ""
            room = width
        piece += character
    yield piece


@dataclass(frozen=True)
class Measures:
    """Baseline and size of a line of ink, in its own units.

    Attributes:
        slope: Slope of the baseline, dy for each dx.
        baseline: Height of the baseline at x = 0.
        x_height: Height of small letters.
    """

    slope: float
    baseline: float
    x_height: float

    @classmethod
    def of(cls, ink: Ink) -> "Measures":
        """Measure a line: its baseline is a high quantile of y, and the top of small letters a low one.

        Descenders, ascenders and bars are outside both quantiles.
        """
        slope = _slope(ink)
        level = ink.points[:, 1] - slope * ink.points[:, 0]
        low, high = np.quantile(level, X_HEIGHT_QUANTILES)
        return cls(slope, float(high), float(max(high - low, 1e-9)))


def _slope(ink: Ink) -> float:
    """Fit a robust straight line through all points and return dy for each dx; 0 for short lines."""
    x, y = (ink.points - ink.points.mean(0)).T
    low, high = np.quantile(y, FLAT_QUANTILES)
    if np.ptp(x) <= FLAT * (high - low):
        return 0.0
    keep = np.ones(len(x), bool)
    for _ in range(SLOPE_ROUNDS):
        near = x[keep] - x[keep].mean()
        slope = float(near @ y[keep] / (near @ near))
        rest = abs(y - y[keep].mean() - slope * (x - x[keep].mean()))
        keep = rest <= OUTLIER * np.median(rest) + 1e-9
    return float(np.clip(slope, -MAX_SLOPE, MAX_SLOPE))


def scale_of(lines: Sequence[Ink], page: Page) -> float:
    """Return the scale in mm per unit that brings lines of one hand to the page's x-height."""
    heights = [Measures.of(line).x_height for line in lines]
    return page.x_height / float(np.median(heights))


def level(lines: Sequence[Ink], page: Page, scale: float | None = None) -> list[Ink]:
    """Scale lines of one hand to mm, slant them, and move each baseline to y = 0 and each left edge to x = 0.

    Args:
        lines: Lines of one hand, in its units.
        page: Page whose x-height and slant they get.
        scale: Result of `scale_of`; None computes it from these lines.
    """
    scale = scale_of(lines, page) if scale is None else scale
    return [_levelled(line, Measures.of(line), page.slant).scaled(scale) for line in lines]


def drifted(ink: Ink, page: Page, rng: np.random.Generator) -> Ink:
    """Return a levelled line with a random height, slope and size, by the page's drift."""
    deviations = (DRIFT_SIZE, DRIFT_SLOPE, DRIFT_RISE * page.line_height)
    size, slope, rise = rng.normal(0, page.drift, 3) * deviations
    points = ink.points * np.exp(size)
    points[:, 1] += slope * points[:, 0] + rise
    return Ink(points, ink.end_of_stroke)


def place(
    level: Sequence[Ink | None],
    page: Page,
    paragraphs: Sequence[int] = (),
    aligns: Sequence[str] = (),
) -> list[Sheet]:
    """Place levelled lines on sheets, top to bottom.

    Args:
        level: Results of `level`; None is an empty line.
        page: Size and layout.
        paragraphs: Number of each line's paragraph; empty means all 0.
        aligns: Alignment of each line; empty means that of its paragraph on the page.

    Raises:
        UsageError: All lines are empty.
    """
    if not any(level):
        raise UsageError("there is nothing to put on the page")
    whole = page.width is None or page.height is None
    rows = len(level) if whole else page.rows
    numbers = paragraphs or [0] * len(level)
    if not aligns:
        aligns = [page.aligns[number % len(page.aligns)] for number in numbers]
    shares = [ALIGN[align] for align in aligns]
    put = _cut if whole else _filled
    sheets = [slice(i, i + rows) for i in range(0, len(level), rows)]
    return [put(level[some], numbers[some], shares[some], page) for some in sheets]


def _levelled(ink: Ink, measures: Measures, slant: float) -> Ink:
    """Return a line with its baseline at y = 0 and its left edge at x = 0, slanted further by degrees."""
    points = ink.points.copy()
    points[:, 1] -= measures.slope * points[:, 0] + measures.baseline
    points[:, 0] -= np.tan(slant * np.pi / HALF_TURN) * points[:, 1]
    points[:, 0] -= points[:, 0].min()
    return Ink(points, ink.end_of_stroke)


def _filled(
    lines: Sequence[Ink | None],
    paragraphs: Sequence[int],
    shares: Sequence[float],
    page: Page,
) -> Sheet:
    """Return a sheet of the page's size; `shares` are parts of the free width left of each line."""
    assert page.width is not None
    assert page.height is not None
    top, _, _, left = page.margins
    baselines = [top + (row + FIRST_BASELINE) * page.line_height for row in range(page.rows)]
    placed = [
        line.moved(left + share * (page.text_width - line.bounds()[2]), y)
        for line, share, y in zip(lines, shares, baselines, strict=False)
        if line is not None
    ]
    return _sheet((page.width, page.height), placed, baselines, _inked(lines, paragraphs), page)


def _inked(lines: Sequence[Ink | None], paragraphs: Sequence[int]) -> list[int]:
    """Return the paragraphs of the lines that have ink."""
    return [number for line, number in zip(lines, paragraphs, strict=True) if line is not None]


def _cut(
    lines: Sequence[Ink | None],
    paragraphs: Sequence[int],
    shares: Sequence[float],
    page: Page,
) -> Sheet:
    """Return a sheet of the size of the ink and its margins; `shares` as for `_filled`."""
    widest = max(line.bounds()[2] for line in lines if line is not None)
    rows = [
        line.moved(share * (widest - line.bounds()[2]), row * page.line_height)
        for row, (line, share) in enumerate(zip(lines, shares, strict=True))
        if line is not None
    ]
    top = min(row.bounds()[1] for row in rows)
    bottom = max(row.bounds()[3] for row in rows)
    above, right, below, left = page.margins
    placed = [row.moved(left, above - top) for row in rows]
    baselines = [above - top + row * page.line_height for row in range(len(lines))]
    size = (left + widest + right, above + bottom - top + below)
    return _sheet(size, placed, baselines, _inked(lines, paragraphs), page)


def _sheet(
    size: tuple[float, float],
    placed: list[Ink],
    baselines: list[float],
    paragraphs: list[int],
    page: Page,
) -> Sheet:
    """Return a sheet with the page's paper."""
    printed = [] if page.paper == "blank" else baselines
    squares = (page.margins[3], page.line_height / 2)
    return Sheet(*size, placed, printed, paragraphs, page.paper, squares)
