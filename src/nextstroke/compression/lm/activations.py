"""Sigmoid and hyperbolic tangent by float32 operations, one after the other, and so the same on every machine.

The tangent is the seventh convergent of Lambert's fraction x / (1 + x² / (3 + x² / (5 + …))), at most 1e-4 off: bounded
where it has come within 2e-6 of one.
"""

import numpy as np

FAR = np.float32(4.96875)
OVER = np.array([378, 17325, 135135], np.float32)
UNDER = np.array([28, 3150, 62370, 135135], np.float32)
_HALF = np.float32(0.5)


def tanh(x: np.ndarray) -> np.ndarray:
    """Of float32 that are numbers or infinite."""
    x = np.minimum(np.maximum(x, -FAR), FAR)
    square = x * x
    value, under = square + OVER[0], square * UNDER[0]
    under += UNDER[1]
    for over_next, under_next in zip(OVER[1:], UNDER[2:], strict=True):
        value *= square
        value += over_next
        under *= square
        under += under_next
    value *= x
    value /= under
    return value


def sigmoid(x: np.ndarray) -> np.ndarray:
    """Of float32 that are numbers or infinite: 1 / (1 + exp(−x))."""
    value = tanh(x * _HALF)
    value *= _HALF
    value += _HALF
    return value
