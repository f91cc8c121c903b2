"""One LSTM layer whose every result is the same on any machine.

Products are of whole numbers (product.py), gates are tables (gates.py). What lies between is float32, one operation on
one number at a time, which IEEE 754 defines to the last bit: numpy's arrays of them give what any other program gives.
"""

import numpy as np

from nextstroke.codec.gates import ARGUMENT, look_up, sigmoid_table, tanh_table
from nextstroke.codec.product import ONE, ZERO, Product
from nextstroke.errors import CorruptFile

# With these bounds every z stays below 2^31 units.
_BIAS, _PEEPHOLE, _CELL = 1 << 16, 1 << 8, np.float32(1 << 10)


class Layer:
    """One LSTM layer with peepholes (equations 7 to 11).

    Args:
        table: Row of each input symbol, (256, 4 cells).
        weight: From the layer below, (4 cells, inputs); no inputs in the lowest.
        recurrent, peepholes, bias: As in nets/lstm.py.

    Attributes:
        h: Bytes of n / ONE, (blocks, cells).
        c: float32, (blocks, cells).
        gates: i, f, g, o and the squashed c of the last step, for what learns.
    """

    def __init__(
        self, table: np.ndarray, weight: np.ndarray, recurrent: np.ndarray, peepholes: np.ndarray, bias: np.ndarray
    ):
        self.table = in_units(table.astype(np.float64) + bias)
        self.product = Product(np.concatenate([weight, recurrent], 1), 1 << ARGUMENT)
        self.peepholes = in_units(peepholes, _PEEPHOLE)

    def start(self, blocks: int) -> None:
        """Zero state."""
        cells = self.peepholes.shape[1]
        self.h, self.c = np.full((blocks, cells), ZERO, np.uint8), np.zeros((blocks, cells), np.float32)

    def step(self, byte: np.ndarray, below: np.ndarray | None) -> np.ndarray:
        """One time step; the new h."""
        z = self.product(self.h if below is None else np.concatenate([below, self.h], 1))
        z += self.table[byte]
        return self.advance(z)

    def advance(self, z: np.ndarray) -> np.ndarray:
        """Through the gates, (blocks, 4 cells), which it takes for its own: the new h."""
        z = z.reshape(len(z), 4, -1)
        z[:, :2] += self.c[:, None] * self.peepholes[:2]
        i, f = np.moveaxis(look_up(sigmoid_table(), z[:, :2]), 1, 0)
        g = look_up(tanh_table(), z[:, 2])
        c = f * self.c + i * g
        self.c = np.minimum(np.maximum(c, -_CELL), _CELL)
        o = look_up(sigmoid_table(), z[:, 3] + self.c * self.peepholes[2])
        squashed = look_up(tanh_table(), self.c * np.float32(1 << ARGUMENT))
        self.gates = i, f, g, o, squashed
        self.h = (np.rint(o * squashed * np.float32(ONE)) + np.float32(ZERO)).astype(np.uint8)
        return self.h


def in_units(real: np.ndarray, most: int = _BIAS) -> np.ndarray:
    """As float32 in units of 2^−ARGUMENT; raises CorruptFile for what is not below `most`."""
    real = real.astype(np.float64)
    if not (np.abs(real) < most).all():  # nor is what is not a number
        raise CorruptFile(f"the text model holds weights that are not finite or over {most}; take another copy")
    return (real * (1 << ARGUMENT)).astype(np.float32)
