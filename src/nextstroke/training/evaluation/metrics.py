"""Scores in the paper's units."""

import math
from dataclasses import dataclass

CHARACTERS_PER_WORD = 5.6  # the paper's, for the Penn Treebank; every row of its Table 1 fits it


@dataclass(frozen=True)
class InkScore:
    """Sums over a set of lines of ink.

    Attributes:
        log_loss: Sum of −log density over all points, in nats.
        squared_error: Sum over all points of the squared distance to the mean of the mixture, in
            normalised units.
        points: Number of points.
        lines: Number of lines.
    """

    log_loss: float
    squared_error: float
    points: int
    lines: int

    @property
    def nats_per_line(self) -> float:
        """Return the paper's log-loss: the mean over the lines of the sum over a line."""
        return self.log_loss / self.lines

    @property
    def nats_per_point(self) -> float:
        """Return the log-loss of a point, comparable between sets of lines of one representation."""
        return self.log_loss / self.points

    @property
    def squared_error_per_point(self) -> float:
        """Return the paper's SSE, with the mixture's mean as the point prediction, without the pen bit."""
        return self.squared_error / self.points

    @property
    def selection_metric(self) -> float:
        """Return the metric that selects the best checkpoint; lower is better."""
        return self.nats_per_line

    def metrics(self) -> dict[str, float]:
        """Return all metrics by name."""
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
        wrong: Number of symbols that were not the likeliest.
        symbols: Number of symbols.
        words: Number of words; an end of sentence or line counts as one, as in later work.
        characters: Number of characters of the text, ends of sentences included.
    """

    log_loss: float
    wrong: int
    symbols: int
    words: int
    characters: int

    @property
    def nats_per_point(self) -> float:
        """Return the log-loss of a symbol in nats."""
        return self.log_loss / self.symbols

    @property
    def bits_per_character(self) -> float:
        """Return the log-loss of a character in bits, also where the symbols are words."""
        return self.log_loss / self.characters / math.log(2)

    @property
    def selection_metric(self) -> float:
        """Return the metric that selects the best checkpoint; lower is better."""
        return self.bits_per_character

    def metrics(self) -> dict[str, float]:
        """Return all metrics by name.

        The perplexity of words is given by the paper's 5.6 characters a word, and by the real
        words.
        """
        with_ends = _power(self.log_loss / self.words / math.log(2)) if self.words else math.nan
        return {
            "symbols": self.symbols,
            "bits_per_character": self.bits_per_character,
            "perplexity_of_the_paper": _power(CHARACTERS_PER_WORD * self.bits_per_character),
            "perplexity_with_ends": with_ends,
            "error_percent": 100 * self.wrong / self.symbols,
        }


@dataclass(frozen=True)
class RecognitionScore:
    """Sums over a set of lines.

    Attributes:
        log_loss: Sum of −log probability of the texts, in nats.
        edits: Sum of the edit distances between the texts and the recognised texts.
        characters: Number of characters.
        lines: Number of lines.
    """

    log_loss: float
    edits: int
    characters: int
    lines: int

    @property
    def nats_per_point(self) -> float:
        """Return the log-loss of a character in nats."""
        return self.log_loss / self.characters

    @property
    def selection_metric(self) -> float:
        """Return the metric that selects the best checkpoint: the character error rate."""
        return self.edits / self.characters

    def metrics(self) -> dict[str, float]:
        """Return all metrics by name."""
        return {
            "lines": self.lines,
            "character_error": self.selection_metric,
            "nats_per_character": self.nats_per_point,
        }


def _power(bits: float) -> float:
    """Return 2 to the bits; infinity where a float overflows."""
    return 2.0**bits if bits < 1000 else math.inf


Score = InkScore | TextScore | RecognitionScore
