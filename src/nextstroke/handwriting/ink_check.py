"""Check whether ink is handwriting, is the right way up, and says its whole text."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nextstroke.errors import UsageError
from nextstroke.formats.detect import read_all_with_text
from nextstroke.handwriting.glyphs.diacritics import normal
from nextstroke.handwriting.glyphs.symbols import plain
from nextstroke.handwriting.page_lines import split_ink, split_text
from nextstroke.handwriting.recogniser import Recogniser
from nextstroke.handwriting.request import shown_text
from nextstroke.handwriting.resample import thinned
from nextstroke.ink import Ink
from nextstroke.pages.layout import Page, level
from nextstroke.runtime.metadata import RECOGNISERS
from nextstroke.runtime.model_file import load_model
from nextstroke.text.edit_distance import edit_distance, edit_table

# Nats a character that the recogniser gives the text of ink: at most 3.7 on 174 lines of 58 unseen writers, and at
# least 4.2 to the same letters in another order.
MOST_NATS = 4.0
SURE = 1.5  # nats a character up to which other placements are not tried; 90 of 100 right lines have fewer
BETTER = 1.0  # nats a character that another placement must be better, to be named
MISSING = 4  # characters at an end of the text or of the ink that the other lacks; the recogniser's mistakes are fewer
SWAPPED = 4.0  # nats that the ink must be likelier with two words exchanged
X_HEIGHT = 2.44  # of lines that the recogniser learned from, in standard deviations of dy
STEP = 0.38  # mean distance of two points of such a line, in heights of small letters
MOST_SHARE = 8  # times the points of the ink that are interpolated at most; flat ink has no height to measure
KNOWN = 0.5  # share of a text's characters that the recogniser must know, to judge at all
READ = 0.3  # share of a text's length that is read at least from ink that is writing
ALIKE = 0.5  # edit distance, as a share of the length, up to which two texts are the same with mistakes
CLOSED = 0.02  # distance of a closed stroke's ends, in its lengths, at most
FEW_OUTLINES = 3  # strokes of a drawing of outlines at least
OUTLINED = 0.8  # share of the strokes that are closed in a drawing of outlines
TURNS = (0, 90, 180, 270)
SHOWN = 40  # characters of a text in a message

OUTLINES = "its strokes are closed outlines, not the path of a pen; export centre lines"


@dataclass(frozen=True)
class Placement:
    """How a page of ink is brought into the upright position; the operations apply in this order.

    Attributes:
        mirror: Exchange left and right.
        flip: Exchange top and bottom, for ink whose y grows upwards.
        turn: Degrees clockwise: 0, 90, 180 or 270.

    Raises:
        UsageError: another turn.
    """

    mirror: bool = False
    flip: bool = False
    turn: int = 0

    def __post_init__(self) -> None:
        if self.turn not in TURNS:
            raise UsageError(f"turn {self.turn}: give 90, 180 or 270 degrees, clockwise")

    def apply(self, ink: Ink) -> Ink:
        """Return the ink in its new position."""
        points = ink.points * (-1 if self.mirror else 1, -1 if self.flip else 1)
        for _ in range(self.turn // 90):
            points = points[:, ::-1] * (-1, 1)
        return Ink(points, ink.end_of_stroke)

    def __str__(self) -> str:
        options = [name for name, given in (("--mirror", self.mirror), ("--flip", self.flip)) if given]
        return " ".join([*options, f"--turn {self.turn}"] if self.turn else options)


UPRIGHT = Placement()
# Every other placement of a page once; each is what undoes the wrong position that the words name.
WRONG = {
    Placement(flip=True): "upside down and mirrored, as where y grows upwards",
    Placement(turn=180): "upside down",
    Placement(mirror=True): "mirrored",
    Placement(turn=90): "turned to the left",
    Placement(turn=270): "turned to the right",
    Placement(mirror=True, turn=90): "mirrored and turned",
    Placement(mirror=True, turn=270): "mirrored and turned",
}


@dataclass(frozen=True)
class CheckedLine:
    """One line of ink.

    Attributes:
        ink: Its strokes, in the source's unit.
        text: What it should say.
        fault: Why it cannot be learned from; empty for a good line.
    """

    ink: Ink
    text: str
    fault: str = ""


class InkChecker:
    """Splits pages of ink into lines and checks each, by what a recogniser reads.

    Args:
        recogniser: The recogniser of the characters.
    """

    def __init__(self, recogniser: Recogniser):
        self.recogniser = recogniser
        self.alphabet = recogniser.model.alphabet

    @classmethod
    def bundled(cls) -> "InkChecker":
        """Return a checker with the bundled recogniser."""
        return cls(Recogniser(load_model(RECOGNISERS[0], "reader")))

    def read_lines(self, path: Path, placement: Placement = UPRIGHT) -> list[CheckedLine]:
        """Return the checked lines of a file of ink, in any format.

        Args:
            path: The file; its text is in it, or in a file next to it (`read_all_with_text`).
            placement: How its ink is brought into the upright position.

        Raises:
            BadInput, LimitExceeded: As `read_all_with_text`.
        """
        drawings = read_all_with_text(path)
        return [line for ink, text in drawings for line in self.lines(placement.apply(ink), text)]

    def lines(self, ink: Ink, text: str) -> list[CheckedLine]:
        """Return the lines of a page.

        A page of several lines is split where the pen begins a further one; a text of one row is divided among them.
        If the lines do not say their texts, each says why.

        Args:
            ink: One page or line.
            text: What it says, a row for each line or all in one row; empty if it is not known.
        """
        if are_outlines(ink):
            return [CheckedLine(ink, _one_row(text), OUTLINES)]
        if not text or not self._knows(text):
            return self._split(ink, text)
        lines = self._split(ink, text)
        nats = self._nats(lines)
        placement = self._better_placement(ink, text, float(nats.mean())) if nats.mean() > SURE else None
        if placement is not None:
            fault = f"the ink is {WRONG[placement]}; give {placement} to `nextstroke style learn` or `data ink`"
            return [CheckedLine(line.ink, line.text, fault) for line in lines]
        if "\n" in text and len(lines) == 1 and nats[0] > MOST_NATS:
            found = len(split_ink(ink))
            fault = f"{text.count(chr(10)) + 1} rows of text for ink on {found} line{'s' * (found != 1)}"
            return [CheckedLine(ink, _one_row(text), fault)]
        return [
            CheckedLine(line.ink, line.text, self._text_fault(line) if bad else self._part_fault(line))
            for line, bad in zip(lines, nats > MOST_NATS, strict=True)
        ]

    def _split(self, ink: Ink, text: str) -> list[CheckedLine]:
        rows = text.split("\n")
        inks = split_ink(ink, len(rows) if len(rows) > 1 else None)
        if len(inks) == len(rows):
            return [CheckedLine(line, row) for line, row in zip(inks, rows, strict=True)]
        if len(inks) == 1 or not text:
            return [CheckedLine(line, _one_row(text)) for line in inks]
        whole = CheckedLine(ink, text)
        if self._nats([whole])[0] <= MOST_NATS:
            return [whole]
        parts = split_text(text, self._read(inks))
        return [CheckedLine(line, part) for line, part in zip(inks, parts, strict=True)]

    def _better_placement(self, ink: Ink, text: str, nats: float) -> Placement | None:
        """Return the placement under which the ink says its text, None if there is none."""
        found = {placement: self._nats(self._split(placement.apply(ink), text)).mean() for placement in WRONG}
        best = min(found, key=lambda placement: found[placement])
        return best if found[best] <= min(MOST_NATS, nats - BETTER) else None

    def _part_fault(self, line: CheckedLine) -> str:
        """Return what a legible line and its text lack of each other, or which words are exchanged; empty for none."""
        text = self._plain(line.text)
        (read,) = self._read([line.ink])
        missing = _missing(text, read)
        if missing:
            return missing
        words = text.split()
        others = [" ".join([*words[:i], words[i + 1], words[i], *words[i + 2 :]]) for i in range(len(words) - 1)]
        nats = self._nats([CheckedLine(line.ink, each) for each in (text, *others)]) * len(text)
        if len(nats) > 1 and nats[0] - nats[1:].min() > SWAPPED:
            return f"the ink has the words in another order: {_shown(others[int(nats[1:].argmin())])}"
        return ""

    def _text_fault(self, line: CheckedLine) -> str:
        """Return why a line is not legible as its text."""
        if not line.text:
            (read,) = self._read([line.ink])
            return f"no text is left for a line that reads {_shown(read)}; give its whole text"
        text = self._plain(line.text)
        (read,) = self._read([line.ink])
        if len(read) < READ * len(text):
            return f"a drawing, or writing that cannot be read; it should say {_shown(line.text)}"
        missing = _missing(text, read)
        if missing:
            return missing
        if _word_distance(text, read) <= ALIKE:
            return f"the ink has the words in another order; it reads {_shown(read)}"
        return f"the ink does not seem to say {_shown(line.text)}; it reads {_shown(read)}"

    def _knows(self, text: str) -> bool:
        letters = text.replace(" ", "").replace("\n", "")
        known = sum(not self.alphabet.unknown(letter) for letter in self._plain(letters))
        return known >= KNOWN * max(len(letters), 1)

    def _plain(self, text: str) -> str:
        """Return a text without diacritics, as the recogniser reads it."""
        return plain(normal(shown_text(text)), self.alphabet)

    def _nats(self, lines: Sequence[CheckedLine]) -> np.ndarray:
        """Return −log probability of each line's text, in nats a character, (lines,)."""
        inks = [self._fitted(line.ink) for line in lines]
        return self.recogniser.ctc_nll(inks, [self._plain(line.text) or " " for line in lines])

    def _read(self, inks: Sequence[Ink]) -> list[str]:
        return [" ".join(read.split()) for read in self.recogniser.read([self._fitted(ink) for ink in inks])]

    def _fitted(self, ink: Ink) -> Ink:
        """Return a line in the size and with the point rate that the recogniser knows."""
        x_height = X_HEIGHT * float(self.recogniser.model.std[1])
        (levelled,) = level([ink], Page(x_height=x_height))
        drawn = np.hypot(*np.diff(levelled.points, axis=0)[~levelled.end_of_stroke[:-1]].T).sum()
        return thinned(levelled, min(drawn / (STEP * x_height), MOST_SHARE * len(ink)))


def are_outlines(ink: Ink) -> bool:
    """Return whether nearly all strokes of a drawing end where they begin, as the outlines of a nib do."""
    strokes = [stroke for stroke in ink.strokes() if len(stroke) > 2]
    if len(strokes) < FEW_OUTLINES:
        return False
    lengths = [float(np.hypot(*np.diff(stroke, axis=0).T).sum()) for stroke in strokes]
    closed = [
        np.hypot(*(stroke[-1] - stroke[0])) <= CLOSED * length for stroke, length in zip(strokes, lengths, strict=True)
    ]
    return sum(closed) >= OUTLINED * len(strokes)


def _missing(text: str, read: str) -> str:
    """Return which end of a text or of what is read has no counterpart in the other; empty if there is none.

    The rest of it must be alike in both.
    """
    forwards = edit_table(text.lower(), read.lower())
    backwards = edit_table(text.lower()[::-1], read.lower()[::-1])
    for table in (forwards, backwards):
        rest = min(table[-1])
        if rest <= ALIKE * len(text) and table[-1][-1] - rest >= MISSING:
            return f"the ink says more than {_shown(text)}; it reads {_shown(read)}"
        rest = min(row[-1] for row in table)
        if rest <= ALIKE * len(read) and table[-1][-1] - rest >= MISSING:
            return f"the ink says only a part of {_shown(text)}; it reads {_shown(read)}"
    return ""


def _word_distance(text: str, read: str) -> float:
    """Return the mean distance of each word to the nearest word that was read, in lengths of the word."""
    found = read.lower().split()
    words = text.lower().split()
    nearest = [min(edit_distance(word, other) for other in found) / len(word) for word in words] if found else [1.0]
    return float(np.mean(nearest))


def _one_row(text: str) -> str:
    return " ".join(text.split())


def _shown(text: str) -> str:
    text = _one_row(text)
    return repr(text if len(text) <= SHOWN else text[: SHOWN - 1] + "…")
