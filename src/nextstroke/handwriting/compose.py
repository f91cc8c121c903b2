"""A text as pages of handwriting: the model writes the lines, the layout places them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

import numpy as np

from nextstroke.errors import EmptyText
from nextstroke.handwriting.best_of import FirstSound, LineWriter, Wish
from nextstroke.handwriting.glyphs.diacritics import normal, x_height
from nextstroke.handwriting.glyphs.symbols import plain
from nextstroke.handwriting.hands import Style
from nextstroke.handwriting.sampler import Check, Written, biases_of
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

TRIES = 4  # how often lines are wrapped anew when a hand turns out wider than thought
OVERHANG = 1.04  # a line may reach so far beyond the right margin, as a pen does
TOGETHER = 24  # lines written side by side
FIRST_SOUND = FirstSound()

Report = Callable[[int, int], None]  # told characters written, and all there are


@dataclass(frozen=True)
class Letter:
    """A finished text.

    Attributes:
        sheets: The pages.
        lines: Every line that was written, in order.
    """

    sheets: list[Sheet]
    lines: list[Written]

    @property
    def doubtful(self) -> list[str]:
        """Texts of lines that broke off or missed a character even at the last attempt."""
        return doubtful(self.lines)


class Row(NamedTuple):
    """A line of a page: what was written and its levelled ink, or neither; and the number of its paragraph."""

    written: Written | None
    ink: Ink | None
    paragraph: int


@dataclass
class _Hand:
    """One of the hands: how much room it takes, known better after its first lines.

    Attributes:
        advance: mm a character.
        scale: mm a unit of the model; None before the first lines.
    """

    style: Style
    bias: float
    advance: float
    scale: float | None = None


Writing = Callable[[Sequence[str], _Hand, Sequence[int]], list[Written]]


def compose(
    model: Model,
    text: str,
    page: Page,
    styles: Sequence[Style],
    bias: float | Sequence[float],
    seed: int,
    chooser: LineWriter = FIRST_SOUND,
) -> Letter:
    """Write a text on pages, all at once; arguments as for `compose_rows`."""
    sheets, lines = [], []
    for sheet, written in compose_sheets(model, text, page, styles, bias, seed, chooser=chooser):
        sheets.append(sheet)
        lines += written
    return Letter(sheets, lines)


def compose_sheets(
    model: Model,
    text: str,
    page: Page,
    styles: Sequence[Style],
    bias: float | Sequence[float],
    seed: int,
    report: Report = lambda done, total: None,
    chooser: LineWriter = FIRST_SOUND,
) -> Iterator[tuple[Sheet, list[Written]]]:
    """Write a text on pages, each handed on when it is full, with the lines on it; arguments as for `compose_rows`."""
    return _filled(compose_rows(model, text, page, styles, bias, seed, report, chooser), page)


def compose_rows(
    model: Model,
    text: str,
    page: Page,
    styles: Sequence[Style],
    bias: float | Sequence[float],
    seed: int,
    report: Report = lambda done, total: None,
    chooser: LineWriter = FIRST_SOUND,
) -> Iterator[Row]:
    """Write a text line by line, for pages of a kind.

    Args:
        styles: One for each paragraph in turn; a paragraph is what stands between line ends.
        bias: One for all paragraphs, or one for each in turn.
        chooser: What writes the lines: the first sound attempt at each, or the best of several.
    Raises:
        EmptyText, UnknownCharacters: the text cannot be written; before anything is.
    """
    paragraphs = _paragraphs(model, text)
    hands = _hands(styles, bias, page, len(paragraphs))
    return _rows(_writing(model, seed, chooser), paragraphs, page, hands, seed, report, chooser.check)


def doubtful(lines: Sequence[Written]) -> list[str]:
    """Texts of the lines that broke off or missed a character even at the last attempt."""
    return [line.text for line in lines if not line.sound]


def _paragraphs(model: Model, text: str) -> list[str]:
    """The paragraphs, single blanks between their words; characters that cannot be written are refused."""
    if not text.strip():
        raise EmptyText("the text is empty; give at least one character that leaves ink")
    paragraphs = [" ".join(line.split()) for line in normal(text).strip("\n").split("\n")]
    model.alphabet.encode(plain(" ".join(paragraphs), model.alphabet))
    return paragraphs


def _hands(styles: Sequence[Style], bias: float | Sequence[float], page: Page, paragraphs: int) -> list[_Hand]:
    """The hand of each paragraph; paragraphs in one style with one bias share theirs."""
    biases = biases_of(bias, np.size(bias)).tolist()
    turns = [(styles[i % len(styles)], biases[i % len(biases)]) for i in range(paragraphs)]
    hands = {(style.name, bias): _Hand(style, bias, ADVANCE * page.x_height) for style, bias in turns}
    return [hands[style.name, bias] for style, bias in turns]


def _rows(
    write: Writing,
    paragraphs: list[str],
    page: Page,
    hands: list[_Hand],
    seed: int,
    report: Report,
    check: Check | None,
) -> Iterator[Row]:
    """All lines, top to bottom; `check` is asked before each."""
    number, done, total = 0, 0, sum(map(len, paragraphs))
    for paragraph, (text, hand) in enumerate(zip(paragraphs, hands, strict=True)):
        if check:
            check()
        if not text:
            yield Row(None, None, paragraph)
        while text:
            lines, inks = _write_some(write, text, page, hand, number)
            for line, ink in zip(lines, inks, strict=True):
                if check:
                    check()
                yield Row(line, drifted(ink, page, np.random.default_rng([seed, number])), paragraph)
                number += 1
                # A line ends at a blank, which goes, or within a word that is too long.
                text = text[len(line.text) :].removeprefix(" ")
                done += len(line.text) + 1
            report(min(done, total), total)


def _writing(model: Model, seed: int, chooser: LineWriter) -> Writing:
    """How lines are written: texts, hand and numbers in, lines out."""

    def write(texts: Sequence[str], hand: _Hand, numbers: Sequence[int]) -> list[Written]:
        numbered = zip(texts, numbers, strict=True)
        return chooser.write(model, [Wish(text, hand.bias, seed, hand.style, number) for text, number in numbered])

    return write


def _write_some(write: Writing, text: str, page: Page, hand: _Hand, number: int) -> tuple[list[Written], list[Ink]]:
    """The first lines of a text and their levelled ink, wrapped again until they fit at the width the hand has."""
    for _ in range(TRIES):
        width = min(page.text_width, MAX_LINE * hand.advance) if page.width else LONGEST * hand.advance
        advance = hand.advance
        pieces = list(islice(wrap(text, width, lambda piece: advance * advance_of(piece)), TOGETHER))  # noqa: B023
        lines = write(pieces, hand, range(number, number + len(pieces)))
        scale = hand.scale or _scale(lines, page)
        inks = level([line.ink for line in lines], page, scale)
        widths = [ink.bounds()[2] for ink in inks]
        if max(widths) <= OVERHANG * page.text_width or max(map(len, pieces)) == 1:
            break
        hand.advance = max(1.05 * hand.advance, 1.02 * sum(widths) / sum(map(advance_of, pieces)))
    hand.scale = scale
    return lines, inks


def _scale(lines: Sequence[Written], page: Page) -> float:
    """Millimetres a unit; by small letters, which the window knows: a quantile of the ink depends on what it says."""
    heights = [x_height(line.ink, line.phi, line.text) for line in lines]
    return page.x_height / max(float(np.median(heights)), 1e-9)


def _filled(rows: Iterator[Row], page: Page) -> Iterator[tuple[Sheet, list[Written]]]:
    """Sheets as they get full; one without any ink is left out."""
    while held := list(islice(rows, page.rows)):
        if any(row.ink for row in held):
            (sheet,) = place([row.ink for row in held], page, [row.paragraph for row in held])
            yield sheet, [row.written for row in held if row.written]
