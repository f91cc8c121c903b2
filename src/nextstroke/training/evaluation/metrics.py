"""Scores in the paper's units."""

import math
from dataclasses import dataclass

CHARACTERS_PER_WORD = 5.6  # the paper's, for the Penn Treebank; every row of its Table 1 fits it


@dataclass(frozen=True)
class InkScore:
    """Sums over a set of lines of ink.

    Attributes:
        log_loss: Sum of −log density over all points, in nats.
        squared_error: Sum over all points of the squared distance to the mean of the mixture, in normalised units.
        points, lines: How many.
    """

    log_loss: float
    squared_error: float
    points: int
    lines: int

    @property
    def nats_per_line(self) -> float:
        """The paper's log-loss: mean over the lines of the sum over a line."""
        return self.log_loss / self.lines

    @property
    def nats_per_point(self) -> float:
        """Comparable between sets of lines, not between representations of ink."""
        return self.log_loss / self.points

    @property
    def squared_error_per_point(self) -> float:
        """The paper's SSE, with the mixture's mean as the point prediction, without the pen bit."""
        return self.squared_error / self.points

    @property
    def selection_metric(self) -> float:
        """What a training is judged by."""
        return self.nats_per_line

    def metrics(self) -> dict[str, float]:
        """All of it by name."""
        return {
            "lines": self.lines,
            "nats_per_line": self.nats_per_line,
            "nats_per_point": self.nats_per_point,
            "squared_error_per_point": self.squared_error_per_point,
        }


@dataclass(frozen=True)
class TextScore:
    """Sums over a text.

    Attributes:
        log_loss: Sum of −log probability over all symbols, in nats.
        wrong: Symbols that were not the likeliest.
        symbols, words: How many; an end of sentence or line counts as a word, as later work counts.
        characters: How many the text has, ends of sentences among them.
    """

    log_loss: float
    wrong: int
    symbols: int
    words: int
    characters: int

    @property
    def nats_per_point(self) -> float:
        """Log-loss of a symbol."""
        return self.log_loss / self.symbols

    @property
    def bits_per_character(self) -> float:
        """Log-loss of a character, whatever the symbols are."""
        return self.log_loss / self.characters / math.log(2)

    @property
    def selection_metric(self) -> float:
        """What a training is judged by."""
        return self.bits_per_character

    def metrics(self) -> dict[str, float]:
        """All of it by name; perplexity of words by the paper's 5.6 characters a word and by the words there are."""
        return {
            "symbols": self.symbols,
            "bits_per_character": self.bits_per_character,
            "perplexity_of_the_paper": _power(CHARACTERS_PER_WORD * self.bits_per_character),
            "perplexity_with_ends": _power(self.log_loss / self.words / math.log(2)) if self.words else math.nan,
            "error_percent": 100 * self.wrong / self.symbols,
        }


@dataclass(frozen=True)
class RecognitionScore:
    """Sums over a set of lines.

    Attributes:
        log_loss: Sum of −log probability of the texts, in nats.
        edits: Sum of the edit distances between what is there and what was read.
        characters, lines: How many.
    """

    log_loss: float
    edits: int
    characters: int
    lines: int

    @property
    def nats_per_point(self) -> float:
        """Log-loss of a character: what a reader is paid by."""
        return self.log_loss / self.characters

    @property
    def selection_metric(self) -> float:
        """What a training is judged by: the share of characters read wrong."""
        return self.edits / self.characters

    def metrics(self) -> dict[str, float]:
        """All of it by name."""
        return {
            "lines": self.lines,
            "character_error": self.selection_metric,
            "nats_per_character": self.nats_per_point,
        }


def _power(bits: float) -> float:
    """2 to the bits; infinite beyond what a float holds."""
    return 2.0**bits if bits < 1000 else math.inf


Score = InkScore | TextScore | RecognitionScore
