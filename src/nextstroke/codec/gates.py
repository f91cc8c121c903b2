"""Sigmoid, hyperbolic tangent and exponential as tables, the same on every machine.

Argument: x in units of 2^−ARGUMENT. Values of gates: float32, whole multiples of 2^−VALUE. The few exponentials that
all others are products of come from decimal arithmetic, which the language defines to the last digit.
"""

from decimal import ROUND_HALF_EVEN, Context
from functools import cache

import numpy as np

ARGUMENT, VALUE = 11, 15
REACH = 12 << ARGUMENT  # beyond that the sigmoid is 0 or 1
_FINE = 30
_PIECE = 256


@cache
def falling_exponential(size: int) -> np.ndarray:
    """exp(−k / 2^ARGUMENT) in units of 2^−30, for k from 0 to size − 1."""
    coarse, fine = _exponentials(-(-size // _PIECE), _PIECE), _exponentials(_PIECE, 1)
    return ((coarse[:, None] * fine + (1 << (_FINE - 1))) >> _FINE).reshape(-1)[:size]


def _exponentials(count: int, step: int) -> np.ndarray:
    exact = Context(prec=30, rounding=ROUND_HALF_EVEN)
    powers = [exact.exp(exact.divide(-n * step, 1 << ARGUMENT)) for n in range(count)]
    whole = [exact.multiply(power, 1 << _FINE).to_integral_value(context=exact) for power in powers]
    return np.array([int(number) for number in whole], np.int64)


@cache
def sigmoid_table() -> np.ndarray:
    """Sigmoid of −REACH to REACH."""
    power = falling_exponential(REACH + 1)
    upper = ((1 << (VALUE + _FINE)) + ((1 << _FINE) + power) // 2) // ((1 << _FINE) + power)
    return np.concatenate([(1 << VALUE) - upper[:0:-1], upper]).astype(np.float32) / np.float32(1 << VALUE)


@cache
def tanh_table() -> np.ndarray:
    """Hyperbolic tangent of −REACH to REACH."""
    doubled = falling_exponential(2 * REACH + 1)[::2]
    one = 1 << _FINE
    upper = (((one - doubled) << VALUE) + (one + doubled) // 2) // (one + doubled)
    return np.concatenate([-upper[:0:-1], upper]).astype(np.float32) / np.float32(1 << VALUE)


def look_up(table: np.ndarray, argument: np.ndarray) -> np.ndarray:
    """Values of a table for the nearest whole numbers to float32 ones below 2^31, which may lie beyond its reach."""
    return table.take((argument + np.float32(REACH + 0.5)).astype(np.int32), mode="clip")
