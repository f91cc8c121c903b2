"""The output layer on integers: as trained, and with what it learns from the text that is coded.

Frequencies come from a table. The few exponentials that its entries are products of come from decimal arithmetic, which
the language defines to the last digit.
"""

from collections.abc import Callable
from decimal import ROUND_HALF_EVEN, Context
from functools import cache, cached_property

import numpy as np

from nextstroke.compression.lm.integer_matmul import ZERO, Product, fixed_product
from nextstroke.compression.lm.lstm_layer import bounded
from nextstroke.compression.lm.online_weights import Learned, Teaching

SYMBOLS = 256
_TOP = 20  # binary places of the likeliest symbol's frequency
STEP = np.float32(2048)  # entries of the table for a natural logarithm of 1
_LEAST_LIKELY = 15  # logarithms below the likeliest
_FINE, _PIECE = 30, 256
TEACHING = Teaching(places=7, rate=0.05, first=4, steps=8)
ERROR = 6  # binary places of an error
_BACK = 6  # binary places of the weights on the way back
BACK_UNIT = np.float32(2.0 ** -(ERROR + _BACK))


class Output:
    """What the h of all layers say of the next byte, as trained and as adapted.

    Args:
        weight: Real numbers, (SYMBOLS, inputs).
        bias: Real numbers, (SYMBOLS,).
        cells: Of the top layer, whose h come last among the inputs.

    Attributes:
        back: The weights of the top layer's h as whole numbers, for the way back, (SYMBOLS, cells).
    """

    def __init__(self, weight: np.ndarray, bias: np.ndarray, cells: int):
        self.product, self.bias = Product(weight), bounded(bias)
        self.back = np.rint(np.clip(weight[:, -cells:].astype(np.float64) * 2.0**_BACK, -127, 127)).astype(np.int8)

    @cached_property
    def _back(self) -> Callable[[np.ndarray], np.ndarray]:
        return fixed_product(self.back.T)

    def start(self, learning: bool = True) -> None:
        """Forget what was learned; without `learning` nothing will be."""
        self._learned = Learned(self.product.whole.shape[1], SYMBOLS, TEACHING) if learning else None

    def predict(self, h: np.ndarray) -> np.ndarray:
        """Frequencies of the next byte as trained and, with learning, as adapted, (passes, blocks, SYMBOLS).

        Args:
            h: Bytes, (passes, blocks, inputs): of the layers as trained, and as adapted.
        """
        sums = self.product.sums(h.reshape(-1, h.shape[2])).reshape(*h.shape[:2], SYMBOLS)
        if self._learned is None:
            return self._frequencies(sums)
        frequencies = self._frequencies(sums, self._learned.sums(h[1]))
        self._h, self._adapted = h[1], frequencies[1]
        return frequencies

    def _frequencies(self, sums: np.ndarray, learned: np.ndarray | None = None) -> np.ndarray:
        """The likeliest has 2^_TOP, none has less than 1."""
        logits = sums.astype(np.float32) * self.product.scale + self.bias
        if learned is not None:
            logits[1] += learned.astype(np.float32) * TEACHING.unit
        behind = np.minimum((logits.max(2, keepdims=True) - logits) * STEP, _LEAST_LIKELY * STEP)
        return frequencies()[np.rint(behind).astype(np.int32)]

    def observe(self, byte: np.ndarray) -> np.ndarray:
        """Learn from the bytes that followed the last prediction, int64 (blocks,).

        Returns: By how much the adapted h of the top layer were too low, float32 (blocks, cells).
        """
        assert self._learned is not None
        error = self._errors(byte)
        self._learned.observe(self._h, error)
        return self._back(error.view(np.uint8) ^ ZERO).astype(np.float32) * BACK_UNIT

    def _errors(self, byte: np.ndarray) -> np.ndarray:
        """By how much each logit was too low, int8 in units of 2^−ERROR."""
        total = self._adapted.sum(1, keepdims=True)
        error = -(((self._adapted << ERROR) + total // 2) // total)
        error[np.arange(len(byte)), byte] += 1 << ERROR
        return error.astype(np.int8)


@cache
def frequencies() -> np.ndarray:
    """Of symbols that are k steps behind the likeliest: 2^_TOP · exp(−k / STEP), no less than one."""
    size = _LEAST_LIKELY * int(STEP) + 1
    coarse, fine = _exponentials(-(-size // _PIECE), _PIECE), _exponentials(_PIECE, 1)
    exact = ((coarse[:, None] * fine + (1 << (_FINE - 1))) >> _FINE).reshape(-1)[:size]
    return np.maximum(exact >> (_FINE - _TOP), 1)


def constants() -> dict[str, object]:
    """Return the numbers from which `frequencies` can be made elsewhere."""
    size = _LEAST_LIKELY * int(STEP) + 1
    return {
        "COARSE": _exponentials(-(-size // _PIECE), _PIECE).tolist(),
        "FINE": _exponentials(_PIECE, 1).tolist(),
        "STEP": int(STEP),
        "LEAST_LIKELY": _LEAST_LIKELY,
        "FINE_PLACES": _FINE,
        "TOP_PLACES": _TOP,
    }


def _exponentials(count: int, step: int) -> np.ndarray:
    exact = Context(prec=30, rounding=ROUND_HALF_EVEN)
    powers = [exact.exp(exact.divide(-n * step, int(STEP))) for n in range(count)]
    whole = [exact.multiply(power, 1 << _FINE).to_integral_value(context=exact) for power in powers]
    return np.array([int(number) for number in whole], np.int64)
