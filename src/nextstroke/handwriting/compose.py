"""Compose a text as pages of handwriting: the model writes the lines, the layout places them."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from nextstroke.errors import EmptyText, UsageError
from nextstroke.handwriting.best_of import FirstValid, LineWriter
from nextstroke.handwriting.glyphs.diacritics import normal, x_height
from nextstroke.handwriting.hands import Hand
from nextstroke.handwriting.paragraphs import Paragraph, gap_after, indent_of, paragraphs_of
from nextstroke.handwriting.request import checked_biases, checked_seed, line_requests, prepare
from nextstroke.handwriting.sampler import Line
from nextstroke.handwriting.spacing import LineSpacing, fitted, marked
from nextstroke.ink import Ink
from nextstroke.pages.layout import (
    ADVANCE,
    LONGEST,
    MAX_LINE,
    Page,
    Sheet,
    advance_of,
    drifted,
    level,
    place,
    wrap,
)
from nextstroke.runtime.model_file import Model

TRIES = 4  # how often a line is broken anew because it is wider or narrower than expected
AIM = 1.0  # the part of the text's width that a line is expected to take at most
OVERHANG = 1.08  # the part that it may take as it was written: it is made narrower to fit
TOGETHER = 24  # lines written side by side
FIRST_TOGETHER = 4  # lines written side by side of a hand whose width is not known yet
# A hand whose words are wider than expected: its width per character is at least WIDER times the one before, and ROOM
# times the measured one.
WIDER = 1.05
ROOM = 1.02
FIRST_VALID = FirstValid()

Report = Callable[[int, int], None]  # called with the number of characters written, and of all


@dataclass(frozen=True, repr=False)
class Letter:
    """A finished text.

    Attributes:
        sheets: The pages.
        lines: Every line that was written, in order.
    """

    sheets: list[Sheet]
    lines: list[Line]

    def __repr__(self) -> str:
        return f"Letter({len(self.sheets)} pages, {len(self.lines)} lines)"

    @property
    def incomplete(self) -> list[str]:
        """Texts of lines that broke off or missed a character even at the last attempt."""
        return incomplete(self.lines)


@dataclass(frozen=True)
class TextRequest:
    """A text to be written on pages of a kind.

    Attributes:
        text: The text; each line end begins a paragraph.
        page: Size and layout of the pages.
        hands: A hand for each paragraph in turn.
        biases: A sampling bias >= 0 for each paragraph in turn.
        seed: Random seed, >= 0.
        markup: Whether `~~struck out~~`, `__underlined__`, `->centred<-` and `->aligned to the right->` are read.

    Raises:
        UsageError: A bias or the seed is not a number in its range, or there is no hand.
    """

    text: str
    page: Page
    hands: Sequence[Hand]
    biases: Sequence[float]
    seed: int
    markup: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "biases", checked_biases(self.biases))
        object.__setattr__(self, "seed", checked_seed(self.seed))
        if not self.hands:
            raise UsageError("style: there is none; give one, or several for the paragraphs in turn")

    def metadata(self, model_name: str) -> dict[str, Any]:
        """Return what files say of the ink: the text as it was given and as it was drawn, seed, bias, style, model."""
        written = "\n".join(paragraph.text for paragraph in self.paragraphs()) if self.markup else self.text
        return {
            "text": self.text,
            "written": normal(written),
            "seed": self.seed,
            "bias": self.biases[0] if len(self.biases) == 1 else list(self.biases),
            "style": ",".join(hand.name or "none" for hand in self.hands),
            "model": model_name,
        }

    def paragraphs(self) -> list[Paragraph]:
        """Return the paragraphs of the text."""
        return paragraphs_of(self.text, self.markup)

    def replacements(self) -> dict[str, str]:
        """Return the characters of the text that are drawn as others, and what is drawn."""
        characters = dict.fromkeys(character for each in self.paragraphs() for character in each.text)
        return {each: normal(each) for each in characters if normal(each) != each and not each.isspace()}

    def warnings(self) -> list[str]:
        """Return a line for the user about what is drawn otherwise than it was given; none where nothing is."""
        replaced = ", ".join(f"{given} as {drawn}" for given, drawn in self.replacements().items())
        return [f"drawn otherwise than given: {replaced}"] if replaced else []


class Row(NamedTuple):
    """A row of a page.

    Attributes:
        line: What was written; None for an empty row.
        ink: Its ink in mm, levelled, the left end of its baseline at (0, 0); None for an empty row.
        paragraph: Index of its paragraph.
        align: Its alignment.
    """

    line: Line | None
    ink: Ink | None
    paragraph: int
    align: str


@dataclass
class _Spacing:
    """The room that a hand takes, known better after its first lines.

    Attributes:
        advance: mm a mean character.
        scale: mm a unit of the model; None before the first lines.
        together: Number of lines written side by side: fewer where a line is often wider or narrower than expected, so
            that those after it are broken anew.
    """

    hand: Hand
    bias: float
    advance: float
    scale: float | None = None
    together: int = FIRST_TOGETHER


def compose(
    model: Model,
    text: str,
    page: Page,
    hands: Sequence[Hand],
    bias: float | Iterable[float],
    seed: int,
    writer: LineWriter = FIRST_VALID,
) -> Letter:
    """Write a text on pages, all at once.

    Args:
        text: The text; each line end begins a paragraph.
        hands: A hand for each paragraph in turn.
        bias: A sampling bias >= 0, or several for the paragraphs in turn.
        seed: Random seed, >= 0.
        writer: Writes the lines: the first valid attempt at each, or the best of several.

    Raises:
        EmptyText, UnknownCharacters: The text cannot be written.
        UsageError: A bias or the seed is not a number in its range.
    """
    sheets = []
    lines = []
    request = TextRequest(text, page, hands, checked_biases(bias), seed)
    for sheet, on_sheet in compose_sheets(model, request, writer):
        sheets.append(sheet)
        lines += on_sheet
    return Letter(sheets, lines)


def compose_sheets(
    model: Model, request: TextRequest, writer: LineWriter = FIRST_VALID, report: Report | None = None
) -> Iterator[tuple[Sheet, list[Line]]]:
    """Yield each page as soon as it is full, with the lines on it; a page without ink is left out.

    Arguments and errors are those of `compose_rows`.
    """
    rows = compose_rows(model, request, writer, report)
    return _sheets(rows, request.page)


def _sheets(rows: Iterator[Row], page: Page) -> Iterator[tuple[Sheet, list[Line]]]:
    while held := list(islice(rows, page.rows)):
        if any(row.ink for row in held):
            numbers, aligns = [row.paragraph for row in held], [row.align for row in held]
            (sheet,) = place([row.ink for row in held], page, numbers, aligns)
            yield sheet, [row.line for row in held if row.line]


def compose_rows(
    model: Model, request: TextRequest, writer: LineWriter = FIRST_VALID, report: Report | None = None
) -> Iterator[Row]:
    """Return an iterator over the rows of a text, each written when it is asked for.

    Args:
        writer: Writes the lines: the first valid attempt at each, or the best of several.
        report: Called after each group of lines.

    Raises:
        EmptyText, UnknownCharacters: The text cannot be written; before any line is.
    """
    paragraphs = request.paragraphs()
    if not any(paragraph.text for paragraph in paragraphs):
        raise EmptyText("the text is empty; give at least one character that leaves ink")
    prepare(" ".join(paragraph.text for paragraph in paragraphs), model.alphabet)
    return _rows(_Composer(model, request, writer), paragraphs, report)


def incomplete(lines: Sequence[Line]) -> list[str]:
    """Return the texts of the lines that broke off or missed a character even at the last attempt."""
    return [line.text for line in lines if not line.complete]


def _rows(composer: "_Composer", paragraphs: list[Paragraph], report: Report | None) -> Iterator[Row]:
    """Yield all rows, top to bottom; `writer.cancelled` is called before each."""
    request = composer.request
    page = request.page
    done = 0
    total = sum(len(paragraph.text) for paragraph in paragraphs)
    spacings = _spacings(request, len(paragraphs))
    for index, (paragraph, spacing) in enumerate(zip(paragraphs, spacings, strict=True)):
        composer.check()
        align = paragraph.align or page.aligns[index % len(page.aligns)]
        if not paragraph.text:
            yield Row(None, None, index, align)
        indent = indent_of(paragraph.indent, page)
        rest = paragraph
        while rest.text:
            indents = indent + page.indent * (rest is paragraph), indent
            for piece in composer.next_lines(rest, spacing, indents):
                composer.check()
                yield Row(piece.line, piece.ink, index, align)
                composer.above[piece.part.shown] += 1
                # A line ends at blanks, which are dropped, or within a word that is too long.
                end = len(piece.part.text)
                end += _leading_blanks(rest.text[end:])
                rest = rest.part(end, len(rest.text))
                done += end
            if report:
                report(min(done, total), total)


def _spacings(request: TextRequest, paragraphs: int) -> list[_Spacing]:
    """Return the spacing of each paragraph; paragraphs in one hand with one bias share theirs."""
    advance = ADVANCE * request.page.x_height
    shared: dict[tuple[str, float], _Spacing] = {}
    spacings = []
    for i in range(paragraphs):
        hand = request.hands[i % len(request.hands)]
        bias = request.biases[i % len(request.biases)]
        spacings.append(shared.setdefault((hand.name, bias), _Spacing(hand, bias, advance)))
    return spacings


class _Piece(NamedTuple):
    """A part of a paragraph, written as one line.

    Attributes:
        part: The part.
        line: The line.
        ink: Its ink in mm, levelled.
    """

    part: Paragraph
    line: Line
    ink: Ink


class _Composer:
    """Breaks paragraphs into lines and writes them.

    Attributes:
        above: How often each line occurs above the next one.
    """

    def __init__(self, model: Model, request: TextRequest, writer: LineWriter):
        self.model = model
        self.request = request
        self.writer = writer
        self.above: Counter[str] = Counter()
        self._latest: dict[tuple[str, int], Line] = {}  # the lines written last, by text and occurrence

    def check(self) -> None:
        """Call `writer.cancelled`."""
        if self.writer.cancelled:
            self.writer.cancelled()

    def next_lines(self, rest: Paragraph, spacing: _Spacing, indents: tuple[float, float]) -> list[_Piece]:
        """Write the next lines of a paragraph, each filled with as many words as fit at the width that the hand has.

        Args:
            rest: What is left of the paragraph.
            indents: Indents in mm of the next line and of those after it.
        """
        for _ in range(TRIES):
            known = spacing.scale is not None
            count = spacing.together if self.request.page.width else TOGETHER
            parts = list(islice(self._parts(rest, spacing, indents), count))
            pieces = self._write(parts, spacing)
            verdicts = [self._verdict(pieces, i, rest, spacing, indents) for i in range(len(pieces))]
            good = next((i for i, verdict in enumerate(verdicts) if verdict), len(pieces))
            if known:
                spacing.together = min(2 * count, TOGETHER) if good == len(pieces) else max(1, good)
            if good:
                break
            # One word wider than the page is cut anew, and so are the first lines of a hand, now that it is known.
            if known and " " in parts[0].shown:
                return [self._finished(self._filled(pieces[0], verdicts[0], rest, spacing, indents[0]), indents[0])]
            if verdicts[0] > 0:
                width = pieces[0].ink.bounds()[2] / _characters(parts[0].shown)
                spacing.advance = max(WIDER * spacing.advance, ROOM * width)
        return [self._finished(piece, indents[i > 0]) for i, piece in enumerate(pieces[: max(good, 1)])]

    def _parts(self, rest: Paragraph, spacing: _Spacing, indents: tuple[float, float]) -> Iterator[Paragraph]:
        """Yield the lines that a paragraph is expected to have."""
        page = self.request.page
        longest = (MAX_LINE if page.width else LONGEST) * spacing.advance
        first, others = (min(AIM * self._room(indent), longest) for indent in indents)
        start = 0
        for text in wrap(rest.text, others, partial(self._width, advance=spacing.advance), first):
            start += _leading_blanks(rest.text[start:])
            yield rest.part(start, start + len(text))
            start += len(text)

    def _room(self, indent: float) -> float:
        """Return the width that a line may take, in mm; there is always some."""
        width = self.request.page.text_width
        return max(width - indent, min(width, 2 * self.request.page.column))

    def _width(self, text: str, advance: float) -> float:
        """Return the expected width of a text on the page in mm; `advance` is that of a mean character."""
        page = self.request.page
        part = Paragraph(text)
        shown = part.shown
        gaps = part.gaps()
        width = advance * _characters(shown)
        width += page.letter_spacing * (len(shown) - 1) + page.word_spacing * len(gaps)
        # Without knowing where on the line a tab is, it is taken to go half the way between two stops.
        return width + sum(page.tab * gap.count("\t") / 2 + page.column * (len(gap) - 1) for gap in gaps)

    def _write(self, parts: Sequence[Paragraph], spacing: _Spacing) -> list[_Piece]:
        """Write the lines that were not among those written last, and learn the size and width of a new hand."""
        request = self.request
        texts = [part.shown for part in parts]
        requests = line_requests(self.model, texts, spacing.hand, spacing.bias, request.seed, self.above)
        keys = [(each.text.shown, each.occurrence) for each in requests]
        new = [each for key, each in zip(keys, requests, strict=True) if key not in self._latest]
        written = self._latest | {
            (line.text, line.request.occurrence): line for line in self.writer.write(self.model, new)
        }
        self._latest = {key: written[key] for key in keys}
        lines = list(self._latest.values())
        first = spacing.scale is None
        if spacing.scale is None:
            spacing.scale = _scale(lines, request.page)
        inks = level([line.ink for line in lines], request.page, spacing.scale)
        if first and request.page.width:
            width = sum(ink.bounds()[2] for ink in inks)
            spacing.advance = width / sum(map(_characters, texts))
        return [
            _Piece(part, line, self._spaced(part, line, ink))
            for part, line, ink in zip(parts, lines, inks, strict=True)
        ]

    def _spaced(self, part: Paragraph, line: Line, ink: Ink) -> Ink:
        """Return the ink of a line with the page's spacing and the blanks and tabs of its text."""
        page = self.request.page
        gaps = part.gaps()
        if not page.letter_spacing and not page.word_spacing and all(gap == " " for gap in gaps):
            return ink

        def gap(number: int, x: float, natural: float) -> float:
            return page.word_spacing + gap_after(x, natural, gaps[number], page)

        return LineSpacing(line, ink).spaced(page.letter_spacing, gap)

    def _verdict(
        self, pieces: Sequence[_Piece], i: int, rest: Paragraph, spacing: _Spacing, indents: tuple[float, float]
    ) -> int:
        """Return 1 for a line that is too wide, -1 for one that leaves room for the next word, and else 0."""
        room = self._room(indents[i > 0])
        piece = pieces[i]
        width = piece.ink.bounds()[2]
        if width > OVERHANG * room:
            return int(len(piece.part.text) > 1)
        following = rest.text
        for each in pieces[: i + 1]:
            following = following.lstrip(" \t")[len(each.part.text) :]
        word = following.split()[:1]
        if not word or not following.startswith((" ", "\t")) or _characters(piece.part.shown) >= MAX_LINE:
            return 0
        blank = following[: _leading_blanks(following)]
        needed = self._width(f"x{blank}{word[0]}", spacing.advance) - self._width("x", spacing.advance)
        return -1 if width + needed <= room else 0

    def _filled(self, piece: _Piece, verdict: int, rest: Paragraph, spacing: _Spacing, indent: float) -> _Piece:
        """Return the next line with a word more or less, until it fits."""
        for _ in range(TRIES):
            end = len(piece.part.text)
            if verdict > 0:
                end = len(piece.part.text) - len(piece.part.text.replace("\t", " ").rpartition(" ")[2])
                end = len(piece.part.text[:end].rstrip(" \t"))
                if not end:
                    return piece
            else:
                following = rest.text[end:]
                end += _leading_blanks(following) + len(following.split()[0])
            (other,) = self._write([rest.part(0, end)], spacing)
            found = self._verdict([other], 0, rest, spacing, (indent, indent))
            if verdict < 0 and found > 0:
                return piece
            piece = other
            if found != verdict:
                break
        return piece

    def _finished(self, piece: _Piece, indent: float) -> _Piece:
        """Return a line as it is placed: not wider than its room, with marks, indented, and drifted."""
        page = self.request.page
        gaps = piece.part.gaps()
        tabs = max((i + 1 for i, gap in enumerate(gaps) if "\t" in gap), default=0)
        ink = fitted(piece.ink, self._room(indent), piece.line, tabs)
        ink = marked(ink, piece.line, piece.part.marked_characters(), page.x_height)
        ink = drifted(ink, page, np.random.default_rng(piece.line.request.entropy))
        return piece._replace(ink=ink.moved(indent, 0) if indent else ink)


def _leading_blanks(text: str) -> int:
    """Return the number of blanks and tabs that a text begins with."""
    return len(text) - len(text.lstrip(" \t"))


def _characters(shown: str) -> float:
    """Return the expected width of a text with single blanks, as it is drawn, in mean characters."""
    return advance_of(normal(shown))


def _scale(lines: Sequence[Line], page: Page) -> float:
    """Return mm a unit of the model, by the small letters, which the window knows.

    A quantile of the ink would depend on what it says.
    """
    heights = [x_height(line.ink, line.phi, line.written) for line in lines]
    return page.x_height / max(float(np.median(heights)), 1e-9)
