"""Gated logistic mixing of logits, with integer weights that learn online.

Each of several selectors picks a vector of weights; the logit is the mean of their dot products with the inputs. Every
picked vector takes a step down the gradient of its own coding cost. As in contexts.py, blocks in step only add.
"""

from decimal import Context
from functools import cache

import numpy as np

# Probabilities and their logits as integers: the two tables that the mixer lives on.
#
# A probability is p / 65536, 1 ≤ p ≤ 65535; a logit is x / 256, |x| ≤ LIMIT. Both tables are made from decimal
# arithmetic, which the language defines to the last digit, so that they are the same on every machine.

LIMIT = 2815
HALF = 1 << 15
BITS = 16


@cache
def squash_table() -> np.ndarray:
    """Probability of each logit; entry LIMIT + x holds 65536 / (1 + exp(−x / 256)), rounded."""
    exact = Context(prec=30)
    upper = [
        int((exact.divide(65536, 1 + exact.exp(exact.divide(-x, 256)))).to_integral_value())
        for x in range(1, LIMIT + 1)
    ]
    return np.array([65536 - p for p in reversed(upper)] + [HALF] + upper, np.int64)


@cache
def stretch_table() -> np.ndarray:
    """Logit of each probability 0 to 65535: the first whose probability is not smaller."""
    return np.minimum(np.searchsorted(squash_table(), np.arange(65536)), 2 * LIMIT).astype(np.int64) - LIMIT


def squash(logit: np.ndarray) -> np.ndarray:
    """Probabilities of logits; what is beyond the limits is taken as the limit."""
    # maximum and minimum: numpy's clip takes several times as long on short arrays.
    return squash_table()[np.minimum(np.maximum(logit, -LIMIT), LIMIT) + LIMIT]


ONE = 1 << 16


class Mixer:
    """Weights in units of 1/ONE.

    Args:
        weights: Where every vector begins, (inputs,).
        choices: Number of weight vectors of each selector.
        rate: Step of learning in units of 2^−18.
    """

    def __init__(self, weights: np.ndarray, choices: list[int], rate: int):
        self._weights = np.tile(np.asarray(weights, np.int64), (sum(choices), 1))
        self._first = np.cumsum([0, *choices[:-1]])
        self._rate = rate

    def predict(self, inputs: np.ndarray, choice: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mix (blocks, inputs) by the vectors chosen, (blocks, selectors).

        Returns: The logit of each block, and each selector's own probability, (blocks, selectors).
        """
        chosen = self._weights[choice + self._first]
        logits = np.matmul(chosen, inputs[:, :, None])[:, :, 0] >> 16
        return logits.sum(1) // logits.shape[1], squash(logits)

    def observe(self, inputs: np.ndarray, choice: np.ndarray, told: np.ndarray, bits: np.ndarray) -> None:
        """Learn from the bits that came; arguments as predict took and gave them, flat over blocks and bits."""
        error = ((bits[:, None] << BITS) - told) * self._rate
        step = (inputs[:, None, :] * error[:, :, None] + (1 << 17)) >> 18
        width = self._weights.shape[1]
        place = ((choice + self._first) * width)[:, :, None] + np.arange(width)
        np.add.at(self._weights.reshape(-1), place.reshape(-1), step.reshape(-1))
