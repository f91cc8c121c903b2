"""The output layer on integers, and a second one beside it that learns from the text that is coded.

All blocks teach the second together: after every few bytes its weights take a step down the gradient of those bytes'
cost, each symbol's at a rate that falls with the root of what its squared errors add up to (AdaGrad: Duchi, Hazan and
Singer, 2011). Its numbers are whole, too: what is kept in floats stays below 2^24.
"""

import numpy as np

from nextstroke.codec.gates import ARGUMENT, falling_exponential
from nextstroke.codec.product import LEVELS, ONE, Product, multiply

SYMBOLS = 256
_LEAST_LIKELY = 15 << ARGUMENT
_TOP = 20  # binary places of the likeliest symbol's frequency
_STEPS = 8  # bytes of each block from which it learns at once
_ERROR = 6  # binary places of an error
_USED, _KEPT = 7, 17  # binary places of a learned weight in the product, and as it is kept
_COARSER = np.float32(2.0 ** (_USED - _KEPT))
_MOST = np.float32(LEVELS << (_KEPT - _USED))
_RATE = 0.05 * 2.0 ** (_KEPT + 12) / ONE
_RATE_UNIT = np.float32(2.0**-12)
_FIRST = 4  # squared errors that a symbol is thought to have made before


class Output:
    """What the h of all layers say of the next byte, as trained and as adapted.

    Args:
        weight: Real numbers, (SYMBOLS, inputs).
        bias: In units of 2^−ARGUMENT, (SYMBOLS,).
    """

    def __init__(self, weight: np.ndarray, bias: np.ndarray):
        self.product, self.bias = Product(weight, 1 << ARGUMENT), bias
        self._power = np.maximum(falling_exponential(_LEAST_LIKELY + 1) >> (30 - _TOP), 1)

    def start(self) -> None:
        """Forget what was learned."""
        shape = self.product.whole.shape[::-1]
        self._kept, self._used = np.zeros(shape, np.float32), np.zeros(shape, np.int8)
        self._squares = np.full(SYMBOLS, _FIRST)
        self._errors: list[np.ndarray] = []
        self._seen: list[np.ndarray] = []

    def predict(self, h: np.ndarray) -> np.ndarray:
        """Frequencies of the next byte, as trained and as adapted: (2, blocks, SYMBOLS) of h (blocks, inputs)."""
        trained = self.product(h) + self.bias
        learned = (multiply(h, self._used).astype(np.int64) << (ARGUMENT - _USED)) // ONE
        logits = np.stack([trained, trained + learned])
        # The likeliest has 2^_TOP, none has less than 1.
        frequencies = self._power[np.minimum(logits.max(2, keepdims=True) - logits, _LEAST_LIKELY)]
        self._h, self._adapted = h, frequencies[1]
        return frequencies

    def observe(self, byte: np.ndarray) -> None:
        """Learn from the bytes that followed the last prediction, (blocks,)."""
        total = self._adapted.sum(1, keepdims=True)
        error = -(((self._adapted << _ERROR) + total // 2) // total)
        error[np.arange(len(byte)), byte] += 1 << _ERROR
        self._errors.append(error)
        self._seen.append(self._h)
        if len(self._seen) == _STEPS:
            self._learn(np.concatenate(self._errors), np.concatenate(self._seen))
            self._errors, self._seen = [], []

    def _learn(self, error: np.ndarray, h: np.ndarray) -> None:
        self._squares += (error * error).sum(0)
        # IEEE 754 has a root rounded alike everywhere, as all else that is done to single numbers.
        rate = np.rint(_RATE / np.sqrt(self._squares)).astype(np.float32) * _RATE_UNIT
        step = multiply(np.ascontiguousarray(h.T), error.astype(np.int8)).astype(np.float32)
        step *= rate
        self._kept += np.rint(step, out=step)
        np.minimum(np.maximum(self._kept, -_MOST, out=self._kept), _MOST, out=self._kept)
        self._used = np.rint(np.multiply(self._kept, _COARSER, out=step), out=step).astype(np.int8)
