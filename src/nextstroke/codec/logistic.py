"""Probabilities and their logits as integers: the two tables that the mixer lives on.

A probability is p / 65536, 1 ≤ p ≤ 65535; a logit is x / 256, |x| ≤ LIMIT. Both tables are made from decimal
arithmetic, which the language defines to the last digit, so that they are the same on every machine.
"""

from decimal import Context
from functools import cache

import numpy as np

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
