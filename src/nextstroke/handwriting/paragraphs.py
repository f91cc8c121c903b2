"""The paragraphs of a text: indents, runs of blanks, tabs, and with markup struck-out and underlined words."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace

from nextstroke.handwriting.glyphs.diacritics import normal
from nextstroke.handwriting.request import INVISIBLE, shown_text
from nextstroke.pages.layout import Page

STRUCK, UNDERLINED = "struck", "underlined"
DELIMITERS = {"~~": STRUCK, "__": UNDERLINED}
# A delimiter that a backslash precedes is written as it is.
DELIMITER = re.compile(r"\\([\\~_>-])|(~~|__)")
ALIGNED = re.compile(r"->\s*(.*?)\s*(<-|->)")
MIN_GAP = 0.4  # columns between a word and the tab stop after it


@dataclass(frozen=True)
class Mark:
    """Characters of a text that are struck out or underlined.

    Attributes:
        kind: STRUCK or UNDERLINED.
        first, last: Positions of the first character and of the one after the last.
    """

    kind: str
    first: int
    last: int


@dataclass(frozen=True)
class Paragraph:
    """A paragraph of a text, or a part of one.

    Attributes:
        text: What is written, without the blanks around it; runs of blanks and tabs are kept.
        indent: The blanks and tabs before it.
        align: "left", "center" or "right"; empty for that of the page.
        marks: Its struck-out and underlined words, in order.
    """

    text: str
    indent: str = ""
    align: str = ""
    marks: tuple[Mark, ...] = ()

    @property
    def shown(self) -> str:
        """The text with single blanks, as a line of writing has it."""
        return shown_text(self.text)

    def part(self, first: int, last: int) -> "Paragraph":
        """Return a part of the text between two positions, with the marks on it."""
        inside = [
            replace(mark, first=max(mark.first, first) - first, last=min(mark.last, last) - first)
            for mark in self.marks
            if mark.first < last and mark.last > first
        ]
        return replace(self, text=self.text[first:last], marks=tuple(inside))

    def gaps(self) -> list[str]:
        """Return the blanks between the words, in order; of one blank, or of several blanks and tabs."""
        return re.findall(r"[ \t]+", self.text)

    def marked_characters(self) -> list[Mark]:
        """Return the marks with positions in what is drawn of the text (`PreparedText.written`)."""
        positions = [0]
        for i, character in enumerate(self.text):
            follows_blank = i > 0 and self.text[i - 1] in " \t"
            drawn = "" if character in " \t" and follows_blank else normal(character)
            positions.append(positions[-1] + len(drawn))
        return [replace(mark, first=positions[mark.first], last=positions[mark.last]) for mark in self.marks]


def paragraphs_of(text: str, markup: bool = False) -> list[Paragraph]:
    """Return the paragraphs of a text, one for each of its lines; empty ones at both ends are left out.

    Args:
        markup: Whether `~~struck out~~`, `__underlined__`, `->centred<-` and `->aligned to the right->` are read.
    """
    return [_paragraph(line, markup) for line in text.strip("\n").split("\n")]


def _paragraph(line: str, markup: bool) -> Paragraph:
    line = unicodedata.normalize("NFC", line).translate(INVISIBLE)
    line = re.sub(r"\s", lambda blank: "\t" if blank[0] == "\t" else " ", line).rstrip()
    indent = line[: len(line) - len(line.lstrip())]
    line = line.lstrip()
    align = ""
    if markup and (found := ALIGNED.fullmatch(line)):
        line = found[1]
        align = "center" if found[2] == "<-" else "right"
    text, marks = _without_delimiters(line) if markup else (line, ())
    return Paragraph(text, indent, align, marks)


def _without_delimiters(line: str) -> tuple[str, tuple[Mark, ...]]:
    """Return a line without the delimiters of its marks; a delimiter without a partner is written as it is."""
    found = [match for match in DELIMITER.finditer(line) if match[2]]
    partners: dict[int, int] = {}
    opened: dict[str, int] = {}
    for match in found:
        if match[2] in opened:
            partners[opened.pop(match[2])] = match.start()
        else:
            opened[match[2]] = match.start()
    closing = set(partners.values())
    text = ""
    positions: dict[int, int] = {}
    last = 0
    for match in DELIMITER.finditer(line):
        text += line[last : match.start()]
        last = match.end()
        if match[1]:
            text += match[1]
        elif match.start() in partners or match.start() in closing:
            positions[match.start()] = len(text)
        else:
            text += match[2]
    text += line[last:]
    marks = [
        Mark(DELIMITERS[line[first : first + 2]], positions[first], positions[end])
        for first, end in sorted(partners.items())
        if positions[first] < positions[end]
    ]
    return text, tuple(marks)


def indent_of(blanks: Sequence[str] | str, page: Page) -> float:
    """Return the width in mm of the blanks and tabs before a text."""
    x = 0.0
    for blank in blanks:
        x = _next_stop(x, page) if blank == "\t" else x + page.column
    return x


def gap_after(x: float, natural: float, blanks: str, page: Page) -> float:
    """Return how much wider than one blank a run of blanks and tabs is, in mm.

    Args:
        x: Where the word before it ends, from the left edge of the text.
        natural: Width of one blank, as it was written.
    """
    if "\t" not in blanks:
        return (len(blanks) - 1) * page.column
    end = x
    for blank in blanks:
        end = _next_stop(end + MIN_GAP * page.column, page) if blank == "\t" else end + page.column
    return end - x - natural


def _next_stop(x: float, page: Page) -> float:
    return (x // page.tab + 1) * page.tab
