"""The output layer on integers: as trained, and with what it learns from the text that is coded."""

import numpy as np

from nextstroke.codec.gates import ARGUMENT, falling_exponential
from nextstroke.codec.layer import in_units
from nextstroke.codec.learned import Learned
from nextstroke.codec.product import ZERO, Product, multiply

SYMBOLS = 256
_LEAST_LIKELY = 15 << ARGUMENT
_TOP = 20  # binary places of the likeliest symbol's frequency
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
        self.product, self.bias = Product(weight, 1 << ARGUMENT), in_units(bias)
        self._back = np.rint(np.clip(weight[:, -cells:].astype(np.float64) * 2.0**_BACK, -127, 127)).astype(np.int8)
        self._power = np.maximum(falling_exponential(_LEAST_LIKELY + 1) >> (30 - _TOP), 1)

    def start(self) -> None:
        """Forget what was learned."""
        self._learned = Learned(self.product.whole.shape[1], SYMBOLS, _PLACES, _RATE, _FIRST, _STEPS)

    def predict(self, h: np.ndarray) -> np.ndarray:
        """Frequencies of the next byte as trained and as adapted, (2, blocks, SYMBOLS).

        Args:
            h: Bytes, (2, blocks, inputs): of the layers as trained, and as adapted.
        """
        logits = self.product(h.reshape(-1, h.shape[2])).reshape(*h.shape[:2], SYMBOLS) + self.bias
        logits[1] += self._learned(h[1], ARGUMENT)
        behind = np.minimum(logits.max(2, keepdims=True) - logits, np.float32(_LEAST_LIKELY))
        # The likeliest has 2^_TOP, none has less than 1.
        frequencies = self._power[np.rint(behind).astype(np.int32)]
        self._h, self._adapted = h[1], frequencies[1]
        return frequencies

    def observe(self, byte: np.ndarray) -> np.ndarray:
        """Learn from the bytes that followed the last prediction, (blocks,).

        Returns: By how much the adapted h of the top layer were too low, float32 (blocks, cells).
        """
        total = self._adapted.sum(1, keepdims=True)
        error = -(((self._adapted << _ERROR) + total // 2) // total)
        error[np.arange(len(byte)), byte] += 1 << _ERROR
        error = error.astype(np.int8)
        self._learned.observe(self._h, error)
        return multiply(error.view(np.uint8) ^ ZERO, self._back).astype(np.float32) * _BACK_UNIT
