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
from nextstroke.handwriting.request import checked_biases, checked_seed, line_requests, prepare, shown_text
from nextstroke.handwriting.sampler import Line
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

TRIES = 4  # how often lines are wrapped anew because a hand turns out wider than expected
OVERHANG = 1.04  # the part of the text's width that a line may take, as a pen does
TOGETHER = 24  # lines written side by side
# A hand that is wider than expected: its width per character is at least WIDER times the one before, and ROOM times the
# measured one.
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

    Raises:
        UsageError: A bias or the seed is not a number in its range, or there is no hand.
    """

    text: str
    page: Page
    hands: Sequence[Hand]
    biases: Sequence[float]
    seed: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "biases", checked_biases(self.biases))
        object.__setattr__(self, "seed", checked_seed(self.seed))
        if not self.hands:
            raise UsageError("style: there is none; give one, or several for the paragraphs in turn")

    def metadata(self, model_name: str) -> dict[str, Any]:
        """Return what files say of the ink: the text as it was given and as it was drawn, seed, bias, style, model."""
        return {
            "text": self.text,
            "written": normal(self.text),
            "seed": self.seed,
            "bias": self.biases[0] if len(self.biases) == 1 else list(self.biases),
            "style": ",".join(hand.name or "none" for hand in self.hands),
            "model": model_name,
        }


class Row(NamedTuple):
    """A row of a page.

    Attributes:
        line: What was written; None for an empty row.
        ink: Its ink in mm, levelled, the left end of its baseline at (0, 0); None for an empty row.
        paragraph: Index of its paragraph.
    """

    line: Line | None
    ink: Ink | None
    paragraph: int


@dataclass
class _Spacing:
    """The room that a hand takes, known better after its first lines.

    Attributes:
        advance: mm a mean character.
        scale: mm a unit of the model; None before the first lines.
    """

    hand: Hand
    bias: float
    advance: float
    scale: float | None = None


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
            (sheet,) = place([row.ink for row in held], page, [row.paragraph for row in held])
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
    paragraphs = [shown_text(paragraph) for paragraph in request.text.strip("\n").split("\n")]
    if not any(paragraphs):
        raise EmptyText("the text is empty; give at least one character that leaves ink")
    prepare(" ".join(paragraphs), model.alphabet)
    return _rows(model, request, paragraphs, writer, report)


def incomplete(lines: Sequence[Line]) -> list[str]:
    """Return the texts of the lines that broke off or missed a character even at the last attempt."""
    return [line.text for line in lines if not line.complete]


def _rows(
    model: Model, request: TextRequest, paragraphs: list[str], writer: LineWriter, report: Report | None
) -> Iterator[Row]:
    """Yield all rows, top to bottom; `writer.cancelled` is called before each."""
    page = request.page
    above: Counter[str] = Counter()
    done = 0
    total = sum(map(len, paragraphs))
    spacings = _spacings(request, len(paragraphs))
    for index, (text, spacing) in enumerate(zip(paragraphs, spacings, strict=True)):
        if writer.cancelled:
            writer.cancelled()
        if not text:
            yield Row(None, None, index)
        while text:
            pieces, lines, inks = _write_group(model, request, text, spacing, writer, above)
            for piece, line, ink in zip(pieces, lines, inks, strict=True):
                if writer.cancelled:
                    writer.cancelled()
                yield Row(line, drifted(ink, page, np.random.default_rng(line.request.entropy)), index)
                above[piece] += 1
                # A line ends at a blank, which is dropped, or within a word that is too long.
                text = text[len(piece) :].removeprefix(" ")
                done += len(piece) + 1
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


def _write_group(
    model: Model,
    request: TextRequest,
    text: str,
    spacing: _Spacing,
    writer: LineWriter,
    above: Counter[str],
) -> tuple[list[str], list[Line], list[Ink]]:
    """Write the first lines of a text, wrapped again until they fit at the width that the hand has.

    Args:
        above: How often each line occurs above these.

    Returns:
        The text of each line, the lines, and their levelled ink in mm.
    """
    page = request.page
    for _ in range(TRIES):
        width = min(page.text_width, (MAX_LINE if page.width else LONGEST) * spacing.advance)
        pieces = list(islice(wrap(text, width, partial(_width, advance=spacing.advance)), TOGETHER))
        requests = line_requests(model, pieces, spacing.hand, spacing.bias, request.seed, above)
        lines = writer.write(model, requests)
        scale = spacing.scale or _scale(lines, page)
        inks = level([line.ink for line in lines], page, scale)
        widths = [ink.bounds()[2] for ink in inks]
        if max(widths) <= OVERHANG * page.text_width or max(map(len, pieces)) == 1:
            break
        spacing.advance = max(WIDER * spacing.advance, ROOM * sum(widths) / sum(map(_width, pieces)))
    spacing.scale = scale
    return pieces, lines, inks


def _width(text: str, advance: float = 1.0) -> float:
    """Return the width of a text as it is drawn, in the unit of `advance`, that of a mean character."""
    return advance * advance_of(normal(text))


def _scale(lines: Sequence[Line], page: Page) -> float:
    """Return mm a unit of the model, by the small letters, which the window knows.

    A quantile of the ink would depend on what it says.
    """
    heights = [x_height(line.ink, line.phi, line.written) for line in lines]
    return page.x_height / max(float(np.median(heights)), 1e-9)
