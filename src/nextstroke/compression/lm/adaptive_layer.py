"""The top layer of the text network twice: as trained, and as it learns from the text that is coded.

Learning looks back no further than one step: from the byte that came the derivative goes through the output layer and
this layer's gates to the weights, and not on to the h and c before. That brings most of what all layers learning over
eight steps bring, at a fraction of the time (notes/log.md).
"""

import numpy as np

from nextstroke.compression.lm.lstm_layer import Layer
from nextstroke.compression.lm.online_weights import Learned, Teaching

_ONE, _BYTE = np.float32(1), np.float32(127)
TEACHING = Teaching(places=9, rate=0.05, first=64, steps=16)
ERROR = np.float32(1 << 9)  # units of an error of z


class AdaptiveLayer(Layer):
    """A layer whose first blocks are as trained, and whose second as many are the same blocks as it learns."""

    def start(self, blocks: int) -> None:
        """Zero state, nothing learned."""
        super().start(2 * blocks)
        rows, inputs = self.product.whole.shape
        self._learned = Learned(inputs, rows, TEACHING)
        self.learned_unit = self._learned.unit
        self._inputs: np.ndarray | None = None

    def without_learning(self) -> Layer:
        """Return the layer as trained, which has the same weights and a state of its own."""
        fixed = Layer.__new__(Layer)
        fixed.table = self.table
        fixed.product = self.product
        fixed.peepholes = self.peepholes
        return fixed

    def step(self, byte: np.ndarray, below: np.ndarray | None) -> np.ndarray:
        """One time step; the new h, (2 · blocks, cells)."""
        adapted = self.h[len(byte) :]
        self._inputs = adapted if below is None else np.concatenate([below, adapted], 1)
        self._before = self.c[len(byte) :]
        return self.advance(byte, below, self._learned.sums(self._inputs))

    def observe(self, slope: np.ndarray) -> None:
        """Learn from a byte that came, but for the first: by how much each adapted h was too low, (blocks, cells)."""
        if self._inputs is not None:
            self._learned.observe(self._inputs, self._errors(slope))

    def _errors(self, slope: np.ndarray) -> np.ndarray:
        """By how much z was too low: through the gates, int8 in units of 1 / ERROR."""
        i, f, g, o, squashed = self.gates
        by_h = slope * ERROR
        by_c = by_h * o * (_ONE - squashed * squashed)
        by_i, by_f = by_c * g * (i * (_ONE - i)), by_c * self._before * (f * (_ONE - f))
        by_g, by_o = by_c * i * (_ONE - g * g), by_h * squashed * (o * (_ONE - o))
        errors = np.concatenate([by_i, by_f, by_g, by_o], 1)
        return np.rint(np.minimum(np.maximum(errors, -_BYTE), _BYTE)).astype(np.int8)
