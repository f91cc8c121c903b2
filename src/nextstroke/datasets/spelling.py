"""Words as the characters they are spelt with: a text of words as one of characters, and what is expected of it."""

from collections.abc import Sequence

import numpy as np

LEAST = 1e-9  # of every character: float sums of words that are not to be expected may be nothing, or a little less
DOUBT = 2.0  # occurrences that a word is given beside its own, closing sentences as often as all words do


class WordSpelling:
    """How the words of a vocabulary are spelt: a blank stands behind each, behind the last of a sentence a line end.

    Words that begin alike lie side by side in the order of their characters, so that what a network expects of the
    words with a beginning is a difference of two sums along that order.

    Args:
        words: The vocabulary, number i being words[i].
        end: Number of what ends a sentence.
        text: Numbers of words (n,), where it is counted how often each word is a sentence's last.

    Attributes:
        symbols: The alphabet, number i being symbols[i].
    """

    def __init__(self, words: Sequence[str], end: int, text: np.ndarray):
        self.end = end
        self.symbols = sorted({" ", "\n"}.union(*(word for i, word in enumerate(words) if i != end)))
        number = {symbol: i for i, symbol in enumerate(self.symbols)}
        self._blank, self._line_end = number[" "], number["\n"]
        spelt = [[] if i == end else [number[c] for c in f"{word} "] for i, word in enumerate(words)]
        self._lengths = np.array([len(word) for word in spelt])
        self._starts = np.cumsum(self._lengths) - self._lengths
        self._spelt = np.concatenate(spelt).astype(np.int64)
        self._order = np.array(sorted((i for i in range(len(words)) if i != end), key=spelt.__getitem__))
        self._grow(spelt)
        # By beginnings: where the word of just this beginning closes a sentence; of no account where there is none.
        self._closing = self._closing_shares(text, len(words))[self._order[self._first[:, self._blank]]]

    def _grow(self, spelt: list[list[int]]) -> None:
        """The beginnings of words, numbered; for each and its next character the words in order from first to until."""
        numbers: dict[tuple[int, ...], int] = {}
        self._beginning = np.zeros(len(self._spelt), np.int64)
        first: list[list[int]] = []
        until: list[list[int]] = []
        for place in reversed(range(len(self._order))):  # so that the first of a range is what stays
            word = self._order[place]
            for depth, character in enumerate(spelt[word]):
                number = numbers.setdefault(tuple(spelt[word][:depth]), len(numbers))
                if number == len(first):
                    first.append([0] * len(self.symbols))
                    until.append([0] * len(self.symbols))
                first[number][character] = place
                until[number][character] = until[number][character] or place + 1
                self._beginning[self._starts[word] + depth] = number
        self._first, self._until = np.array(first), np.array(until)

    def _closing_shares(self, text: np.ndarray, words: int) -> np.ndarray:
        seen = np.bincount(text, minlength=words)
        closing = np.bincount(text[:-1][text[1:] == self.end], minlength=words)
        return (closing + DOUBT * closing.sum() / seen.sum()) / (seen + DOUBT)

    def characters(self, text: np.ndarray) -> np.ndarray:
        """A text of words, numbers (n,), as numbers of characters; no line end stands behind it if it has none."""
        words = text != self.end
        letters = self._spelt[self._places(text[words])]
        ends = np.cumsum(self._lengths[text[words]]) - 1
        letters[ends[np.append(text[1:] == self.end, False)[words]]] = self._line_end
        return letters

    def lengths(self, text: np.ndarray) -> np.ndarray:
        """How many characters each word is spelt with, the one behind it included; 0 for the end of a sentence."""
        return self._lengths[text]

    def expected(self, words: np.ndarray, chances: np.ndarray, closing: np.ndarray) -> np.ndarray:
        """The distribution of each next character, float32 (characters, symbols), from those of each next word.

        Exact but for one thing: whether a sentence ends behind a word that goes on to be a longer one is not told by
        the network, which did not read it; how often it does is counted.

        Args:
            words: Numbers (n,), none of them an end of a sentence.
            chances: Of all words in the place of each, (n, vocabulary).
            closing: Chance that the sentence ends behind each, (n,).
        """
        sums = np.zeros((len(words), len(self._order) + 1))
        np.cumsum(chances[:, self._order], 1, dtype=np.float64, out=sums[:, 1:])
        places, lengths = self._places(words), self._lengths[words]
        row, beginning = np.repeat(np.arange(len(words)), lengths)[:, None], self._beginning[places]
        found = sums[row, self._until[beginning]] - sums[row, self._first[beginning]]
        ends = self._closing[beginning]
        ends[np.cumsum(lengths) - 1] = closing
        found[:, self._line_end] = ends * found[:, self._blank]
        found[:, self._blank] *= 1 - ends
        found = np.maximum(found, LEAST * found.sum(1, keepdims=True)) + np.finfo(np.float64).tiny
        return (found / found.sum(1, keepdims=True)).astype(np.float32)

    def _places(self, words: np.ndarray) -> np.ndarray:
        """Where the characters of words stand in the vocabulary's, one word behind another."""
        lengths = self._lengths[words]
        before = np.cumsum(lengths) - lengths
        return np.arange(lengths.sum()) + np.repeat(self._starts[words] - before, lengths)
