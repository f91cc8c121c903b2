"""Digits are written with more care: the bias grows while the window rests on one.

A corpus of sentences has few of them, so that the network is less sure of their strokes than of letters and leaves more
to chance. A bias of 0 stays 0: unbiased samples are the model's own.
"""

from collections.abc import Sequence

import numpy as np

from nextstroke.alphabet import Alphabet

DIGITS = "0123456789"
CARE = 2.0  # on a digit the bias is 1 + CARE times as large: docs/log.md


class Care:
    """Where in several lines care is to be taken.

    Args:
        alphabet: Of the ids.
        texts: Character ids of each line.
    """

    def __init__(self, alphabet: Alphabet, texts: Sequence[np.ndarray]):
        digits = [i for i, character in enumerate(alphabet.characters) if character in DIGITS]
        self._own, self._digits = np.zeros((2, len(texts), max(map(len, texts)) + 1), np.float32)
        for i, ids in enumerate(texts):
            self._own[i, : len(ids)], self._digits[i, : len(ids)] = 1, np.isin(ids, digits)

    def biased(self, bias: np.ndarray, phi: np.ndarray, lines: np.ndarray) -> np.ndarray:
        """The bias of the next point of each line, by the share of its window that lies on digits.

        Args:
            bias: Of each line.
            phi: Window weights, (lines, places + 1).
            lines: Their numbers among all texts.
        """
        return bias * (1 + CARE * _total(phi * self._digits[lines]) / np.maximum(_total(phi * self._own[lines]), 1e-9))


def _total(rows: np.ndarray) -> np.ndarray:
    """Sums from left to right, which zeros behind them, for longer lines beside, leave as they are to the bit."""
    return rows.astype(np.float64).cumsum(1)[:, -1]
