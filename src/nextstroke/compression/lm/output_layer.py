"""The output layer on integers: as trained, and with what it learns from the text that is coded.

Frequencies come from a table. The few exponentials that its entries are products of come from decimal arithmetic, which
the language defines to the last digit.
"""

from ctypes import CDLL
from decimal import ROUND_HALF_EVEN, Context
from functools import cache

import numpy as np

from nextstroke.compression.lm.integer_matmul import ZERO, Product, multiply
from nextstroke.compression.lm.lstm_layer import bounded
from nextstroke.compression.lm.online_weights import Learned
from nextstroke.native.compression_loops import call, loops

SYMBOLS = 256
_TOP = 20  # binary places of the likeliest symbol's frequency
_STEP = np.float32(2048)  # entries of the table for a natural logarithm of 1
_LEAST_LIKELY = 15  # logarithms below the likeliest
_FINE, _PIECE = 30, 256
_PLACES, _RATE, _FIRST, _STEPS = 7, 0.05, 4, 8
_ERROR = 6  # binary places of an error
_BACK = 6  # binary places of the weights on the way back
_BACK_UNIT = np.float32(2.0 ** -(_ERROR + _BACK))


class Output:
    """What the h of all layers say of the next byte, as trained and as adapted.

    Args:
        weight: Real numbers, (SYMBOLS, inputs).
        bias: Real numbers, (SYMBOLS,).
        cells: Of the top layer, whose h come last among the inputs.
    """

    def __init__(self, weight: np.ndarray, bias: np.ndarray, cells: int):
        self.product, self.bias = Product(weight), bounded(bias)
        self._back = np.rint(np.clip(weight[:, -cells:].astype(np.float64) * 2.0**_BACK, -127, 127)).astype(np.int8)

    def start(self) -> None:
        """Forget what was learned."""
        self._learned = Learned(self.product.whole.shape[1], SYMBOLS, _PLACES, _RATE, _FIRST, _STEPS)
        self._loops = loops()

    def predict(self, h: np.ndarray) -> np.ndarray:
        """Frequencies of the next byte as trained and as adapted, (2, blocks, SYMBOLS).

        Args:
            h: Bytes, (2, blocks, inputs): of the layers as trained, and as adapted.
        """
        sums, learned = self.product.sums(h.reshape(-1, h.shape[2])), self._learned.sums(h[1])
        sums = sums.reshape(*h.shape[:2], SYMBOLS)
        library = self._loops
        frequencies = self._by_loops(library, sums, learned) if library else self._frequencies(sums, learned)
        self._h, self._adapted = h[1], frequencies[1]
        return frequencies

    def _frequencies(self, sums: np.ndarray, learned: np.ndarray) -> np.ndarray:
        """The likeliest has 2^_TOP, none has less than 1."""
        logits = sums.astype(np.float32) * self.product.scale + self.bias
        logits[1] += learned.astype(np.float32) * self._learned.unit
        behind = np.minimum((logits.max(2, keepdims=True) - logits) * _STEP, _LEAST_LIKELY * _STEP)
        return frequencies()[np.rint(behind).astype(np.int32)]

    def _by_loops(self, library: CDLL, sums: np.ndarray, learned: np.ndarray) -> np.ndarray:
        told, table = np.empty(sums.shape, np.int64), frequencies()
        numbers = self.product.scale, self.bias, learned, self._learned.unit, _STEP, len(table), table, told
        call(library.output_frequencies, 2 * len(learned), *learned.shape, sums, *numbers)
        return told

    def observe(self, byte: np.ndarray) -> np.ndarray:
        """Learn from the bytes that followed the last prediction, int64 (blocks,).

        Returns: By how much the adapted h of the top layer were too low, float32 (blocks, cells).
        """
        error = self._errors_by_loops(self._loops, byte) if self._loops else self._errors(byte)
        self._learned.observe(self._h, error)
        return multiply(error.view(np.uint8) ^ ZERO, self._back).astype(np.float32) * _BACK_UNIT

    def _errors(self, byte: np.ndarray) -> np.ndarray:
        """By how much each logit was too low, int8 in units of 2^−_ERROR."""
        total = self._adapted.sum(1, keepdims=True)
        error = -(((self._adapted << _ERROR) + total // 2) // total)
        error[np.arange(len(byte)), byte] += 1 << _ERROR
        return error.astype(np.int8)

    def _errors_by_loops(self, library: CDLL, byte: np.ndarray) -> np.ndarray:
        error = np.empty(self._adapted.shape, np.int8)
        call(library.output_errors, *error.shape, self._adapted, byte, _ERROR, error)
        return error


@cache
def frequencies() -> np.ndarray:
    """Of symbols that are k steps behind the likeliest: 2^_TOP · exp(−k / _STEP), no less than one."""
    size = _LEAST_LIKELY * int(_STEP) + 1
    coarse, fine = _exponentials(-(-size // _PIECE), _PIECE), _exponentials(_PIECE, 1)
    exact = ((coarse[:, None] * fine + (1 << (_FINE - 1))) >> _FINE).reshape(-1)[:size]
    return np.maximum(exact >> (_FINE - _TOP), 1)


def _exponentials(count: int, step: int) -> np.ndarray:
    exact = Context(prec=30, rounding=ROUND_HALF_EVEN)
    powers = [exact.exp(exact.divide(-n * step, int(_STEP))) for n in range(count)]
    whole = [exact.multiply(power, 1 << _FINE).to_integral_value(context=exact) for power in powers]
    return np.array([int(number) for number in whole], np.int64)
