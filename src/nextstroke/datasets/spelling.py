"""Convert a text of words, and distributions over words, to characters."""

from collections.abc import Sequence

import numpy as np

LEAST = 1e-9  # least probability of a character: sums over improbable words may be 0 or below
DOUBT = 2.0  # pseudo-occurrences of each word, which end sentences as often as all words do


class WordSpelling:
    """Spelling of the words of a vocabulary; a blank ends a word, and a line end ends a sentence.

    In the order of their characters, words with a common prefix are adjacent. The probability of a
    prefix is then a difference of two cumulative sums along that order.

    Args:
        words: Vocabulary, number i being words[i].
        end: Number of the symbol that ends a sentence.
        text: Numbers of words (n,), to count how often each word ends a sentence.

    Attributes:
        symbols: Alphabet, number i being symbols[i].
    """

    def __init__(self, words: Sequence[str], end: int, text: np.ndarray):
        self.end = end
        spelt_words = (word for i, word in enumerate(words) if i != end)
        self.symbols = sorted({" ", "\n"}.union(*spelt_words))
        number = {symbol: i for i, symbol in enumerate(self.symbols)}
        self._blank = number[" "]
        self._line_end = number["\n"]
        spelt: list[list[int]] = []
        for i, word in enumerate(words):
            spelt.append([] if i == end else [number[character] for character in f"{word} "])
        self._lengths = np.array([len(word) for word in spelt])
        self._starts = np.cumsum(self._lengths) - self._lengths
        self._spelt = np.concatenate(spelt).astype(np.int64)
        others = (i for i in range(len(words)) if i != end)
        self._order = np.array(sorted(others, key=spelt.__getitem__))
        self._grow(spelt)
        # For each prefix: how often the word equal to it ends a sentence; unused where there is
        # none.
        shares = self._closing_shares(text, len(words))
        self._closing = shares[self._order[self._first[:, self._blank]]]

    def _grow(self, spelt: list[list[int]]) -> None:
        """Number the prefixes of words, and find the range of words of each prefix and next character."""
        numbers: dict[tuple[int, ...], int] = {}
        self._prefix = np.zeros(len(self._spelt), np.int64)
        first: list[list[int]] = []
        until: list[list[int]] = []
        for position in reversed(range(len(self._order))):  # reversed: the first of a range is kept
            word = self._order[position]
            for depth, character in enumerate(spelt[word]):
                number = numbers.setdefault(tuple(spelt[word][:depth]), len(numbers))
                if number == len(first):
                    first.append([0] * len(self.symbols))
                    until.append([0] * len(self.symbols))
                first[number][character] = position
                until[number][character] = until[number][character] or position + 1
                self._prefix[self._starts[word] + depth] = number
        self._first = np.array(first)
        self._until = np.array(until)

    def _closing_shares(self, text: np.ndarray, words: int) -> np.ndarray:
        """Return the share of the occurrences of each word that end a sentence, (words,)."""
        seen = np.bincount(text, minlength=words)
        closing = np.bincount(text[:-1][text[1:] == self.end], minlength=words)
        return (closing + DOUBT * closing.sum() / seen.sum()) / (seen + DOUBT)

    def characters(self, text: np.ndarray) -> np.ndarray:
        """Return the numbers of the characters of a text, given those of its words, (n,)."""
        words = text != self.end
        letters = self._spelt[self._positions(text[words])]
        ends = np.cumsum(self._lengths[text[words]]) - 1
        letters[ends[np.append(text[1:] == self.end, False)[words]]] = self._line_end
        return letters

    def lengths(self, text: np.ndarray) -> np.ndarray:
        """Return the number of characters of each word, (n,), with its blank; 0 for a sentence's end."""
        return self._lengths[text]

    def expected(self, words: np.ndarray, chances: np.ndarray, closing: np.ndarray) -> np.ndarray:
        """Return the distribution of each next character, given that of each next word.

        It is exact with one exception: the network gives no probability that a sentence ends after
        a word that is a prefix of the real one; the frequency in the text is used instead.

        Args:
            words: Numbers of words (n,), none of them an end of a sentence.
            chances: Predicted distribution of each word, (n, vocabulary).
            closing: Probability that the sentence ends after each word, (n,).

        Returns: Float32, (characters, symbols).
        """
        sums = np.zeros((len(words), len(self._order) + 1))
        np.cumsum(chances[:, self._order], 1, dtype=np.float64, out=sums[:, 1:])
        positions = self._positions(words)
        lengths = self._lengths[words]
        row = np.repeat(np.arange(len(words)), lengths)[:, None]
        prefix = self._prefix[positions]
        found = sums[row, self._until[prefix]] - sums[row, self._first[prefix]]
        ends = self._closing[prefix]
        ends[np.cumsum(lengths) - 1] = closing
        found[:, self._line_end] = ends * found[:, self._blank]
        found[:, self._blank] *= 1 - ends
        found = np.maximum(found, LEAST * found.sum(1, keepdims=True)) + np.finfo(np.float64).tiny
        return (found / found.sum(1, keepdims=True)).astype(np.float32)

    def _positions(self, words: np.ndarray) -> np.ndarray:
        """Return the indices of the characters of words, one after another, in the spelt vocabulary."""
        lengths = self._lengths[words]
        before = np.cumsum(lengths) - lengths
        return np.arange(lengths.sum()) + np.repeat(self._starts[words] - before, lengths)
