"""The text network: the same bits on any processor, library, number of threads and blocks beside.

Products are of whole numbers (integer_matmul.py), frequencies come from a table (output_layer.py), and all else is
float32, one operation on one number at a time, as IEEE 754 defines it to the last bit. No sum of floats is taken: its
order would matter.

In the formulas: h is in units of 1/127 and kept as a byte; z, logits, gates and c are real numbers.
"""

import hashlib
from collections.abc import Mapping

import numpy as np

from nextstroke.compression.lm.adaptive_layer import AdaptiveLayer
from nextstroke.compression.lm.lstm_layer import Layer
from nextstroke.compression.lm.native_network import NativeNetwork
from nextstroke.compression.lm.output_layer import Output
from nextstroke.errors import CorruptFile
from nextstroke.native.compression_loops import loops


class ExactNetwork:
    """A trained text network over bytes, beside it the same network as it learns.

    Args:
        weights: `tables.N`, `layers.N.weight|recurrent|peepholes|bias`, `output.weight|bias` as nets.TextNetwork has
            them. Every layer reads the symbol and the layer below; the output reads all layers.

    Raises:
        CorruptFile: weights that are missing or of the wrong shape, not finite or too large.
    """

    _native: NativeNetwork | None = None  # made at the first start with the loops
    _active: NativeNetwork | None = None  # the same, while it does the work

    def __init__(self, weights: Mapping[str, np.ndarray]):
        depth = sum(name.startswith("tables.") for name in weights)
        parts = ("weight", "recurrent", "peepholes", "bias")
        try:
            layers = [
                (weights[f"tables.{n}"], *(weights[f"layers.{n}.{part}"] for part in parts)) for n in range(depth)
            ]
            self.lower = [Layer(*layer) for layer in layers[:-1]]
            self.top = AdaptiveLayer(*layers[-1])
            self.fixed_top = self.top.without_learning()
            self._top: Layer = self.top
            self.output = Output(weights["output.weight"], weights["output.bias"], self.top.peepholes.shape[1])
        except (KeyError, ValueError) as error:
            raise CorruptFile(f"the text model: weights are missing or misshapen ({error}); export it anew") from error

    def start(self, blocks: int, learning: bool = True) -> None:
        """Begin `blocks` texts: zero state, no symbol yet, nothing learned; without `learning` nothing ever is."""
        library = loops()
        if library and self._native is None:
            self._native = NativeNetwork(library, [*self.lower, self.top], self.output)
        self._active = self._native if library else None
        if self._active:
            self._active.start(blocks, learning)
            return
        self._top = self.top if learning else self.fixed_top
        for part in (*self.lower, self._top):
            part.start(blocks)
        self.output.start(learning)

    def predict(self) -> np.ndarray:
        """Frequencies of the next byte as trained and, with learning, as adapted: whole numbers up to 2^20.

        Returns: (2, blocks, 256); (1, blocks, 256) without learning.
        """
        if self._active:
            return self._active.predict()
        passes = 2 if self._top is self.top else 1
        top = self._top.h.reshape(passes, -1, self._top.h.shape[1])
        lower = [np.broadcast_to(layer.h, (passes, *layer.h.shape)) for layer in self.lower]
        return self.output.predict(np.concatenate([*lower, top], 2))

    def observe(self, byte: np.ndarray) -> None:
        """Read one byte of each block, (blocks,), which `predict` was asked for, and learn from it."""
        byte = np.ascontiguousarray(byte, np.int64)
        if self._active:
            self._active.observe(byte)
            return
        if self._top is self.top:
            self.top.observe(self.output.observe(byte))
        below = None
        for layer in self.lower:
            below = layer.step(byte, below)
        self._top.step(byte, below)

    @property
    def digest(self) -> bytes:
        """SHA-256 of every number that decides a bit."""
        layers = (*self.lower, self.top)
        products = [self.output.product, *(layer.product for layer in layers)]
        numbers = [self.output.bias, *(part for one in products for part in (one.whole, one.scale))]
        numbers += [part for layer in layers for part in (layer.table, layer.peepholes)]
        return hashlib.sha256(b"".join(np.ascontiguousarray(array, "<f8").tobytes() for array in numbers)).digest()
