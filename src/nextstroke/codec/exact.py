"""The text network on integers: the same bits on any processor, library, number of threads and blocks beside.

Every number is a whole number from the weights on; products are exact (product.py), gates and exponentials are tables
(gates.py), and what is divided by a power of two is rounded down after half of it was added.

In the formulas: z and logits in units of 2^−11, gates 2^−15, c 2^−14, peepholes 2^−8, h 1/127 and kept as a byte.
"""

import hashlib
from collections.abc import Mapping

import numpy as np

from nextstroke.codec.gates import ARGUMENT, VALUE, look_up, sigmoid_table, tanh_table
from nextstroke.codec.output import Output
from nextstroke.codec.product import ONE, ZERO, Product
from nextstroke.errors import CorruptFile

CELL, PEEPHOLE = 14, 8  # binary places of c and the peepholes
_PEEP = CELL + PEEPHOLE - ARGUMENT  # places from c times a peephole to z
_CELL_LIMIT = 1 << (CELL + 10)
_LARGEST = 1 << 16  # of a bias or peephole


class Layer:
    """One LSTM layer with peepholes (equations 7 to 11).

    Args:
        table: Row of each input symbol, (256, 4 cells).
        weight: From the layer below, (4 cells, inputs); no inputs in the lowest.
        recurrent, peepholes, bias: As in nets/lstm.py.
    """

    def __init__(
        self, table: np.ndarray, weight: np.ndarray, recurrent: np.ndarray, peepholes: np.ndarray, bias: np.ndarray
    ):
        self.table = _whole(table.astype(np.float64) + bias, ARGUMENT)
        self.product = Product(np.concatenate([weight, recurrent], 1), 1 << ARGUMENT)
        self.peepholes = _whole(peepholes, PEEPHOLE)

    def start(self, blocks: int) -> None:
        """Zero state."""
        cells = self.peepholes.shape[1]
        self.h, self.c = np.full((blocks, cells), ZERO, np.uint8), np.zeros((blocks, cells), np.int64)

    def step(self, byte: np.ndarray, below: np.ndarray | None) -> np.ndarray:
        """One time step; the new h."""
        z = self.product(self.h if below is None else np.concatenate([below, self.h], 1))
        z += self.table[byte]
        z = z.reshape(len(z), 4, -1)
        seen = _rounded(self.c[:, None] * self.peepholes[:2], _PEEP)
        i, f = np.moveaxis(look_up(sigmoid_table(), z[:, :2] + seen), 1, 0)
        g = look_up(tanh_table(), z[:, 2])
        c = _rounded(f * self.c, VALUE) + _rounded(i * g, 2 * VALUE - CELL)
        self.c = np.minimum(np.maximum(c, -_CELL_LIMIT), _CELL_LIMIT)
        o = look_up(sigmoid_table(), z[:, 3] + _rounded(self.c * self.peepholes[2], _PEEP))
        squashed = look_up(tanh_table(), _rounded(self.c, CELL - ARGUMENT))
        self.h = (_rounded(_rounded(o * squashed, VALUE) * ONE, VALUE) + ZERO).astype(np.uint8)
        return self.h


def _whole(real: np.ndarray, places: int) -> np.ndarray:
    """Whole numbers in units of 2^−places."""
    real = real.astype(np.float64)
    if not (np.abs(real) < _LARGEST).all():  # nor is what is not a number
        raise CorruptFile(f"the text model holds weights that are not finite or over {_LARGEST}; take another copy")
    return np.rint(real * (1 << places)).astype(np.int32)


def _rounded(number: np.ndarray, places: int) -> np.ndarray:
    """Divided by 2^places."""
    return (number + (1 << (places - 1))) >> places


class ExactNetwork:
    """A trained text network over bytes, in whole numbers.

    Args:
        weights: `tables.N`, `layers.N.weight|recurrent|peepholes|bias`, `output.weight|bias` as nets.TextNetwork has
            them. Every layer reads the symbol and the layer below; the output reads all layers.

    Raises:
        CorruptFile: weights that are missing or of the wrong shape, not finite or too large.
    """

    def __init__(self, weights: Mapping[str, np.ndarray]):
        depth = sum(name.startswith("tables.") for name in weights)
        parts = ("weight", "recurrent", "peepholes", "bias")
        try:
            self.layers = [
                Layer(weights[f"tables.{n}"], *(weights[f"layers.{n}.{part}"] for part in parts)) for n in range(depth)
            ]
            self.output = Output(weights["output.weight"], _whole(weights["output.bias"], ARGUMENT))
        except (KeyError, ValueError) as error:
            raise CorruptFile(f"the text model: weights are missing or misshapen ({error}); export it anew") from error

    def start(self, blocks: int) -> None:
        """Begin `blocks` texts: zero state, no symbol yet, nothing learned."""
        for layer in self.layers:
            layer.start(blocks)
        self.output.start()

    def predict(self) -> np.ndarray:
        """Frequencies of the next byte as trained and as adapted, (2, blocks, 256): whole numbers up to 2^20."""
        return self.output.predict(np.concatenate([layer.h for layer in self.layers], 1))

    def observe(self, byte: np.ndarray) -> None:
        """Read one byte of each block, (blocks,), which `predict` was asked for, and learn from it."""
        self.output.observe(byte)
        below = None
        for layer in self.layers:
            below = layer.step(byte, below)

    @property
    def digest(self) -> bytes:
        """SHA-256 of every number that decides a bit."""
        products = [self.output.product, *(layer.product for layer in self.layers)]
        numbers = [self.output.bias, *(part for one in products for part in (one.whole, one.scale))]
        numbers += [part for layer in self.layers for part in (layer.table, layer.peepholes)]
        return hashlib.sha256(b"".join(np.ascontiguousarray(array, "<i8").tobytes() for array in numbers)).digest()
