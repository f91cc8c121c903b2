"""One LSTM layer whose every result is the same on any machine.

Products are of whole numbers (integer_matmul.py). The operations between are float32, one operation on one number
at a time, which IEEE 754 defines to the last bit: numpy's arrays of them give what any other program gives.
"""

import numpy as np

from nextstroke.compression.lm.activations import sigmoid, tanh
from nextstroke.compression.lm.integer_matmul import ONE, ZERO, Product
from nextstroke.errors import CorruptFile

# With these bounds every z is a number.
_BIAS, _PEEPHOLE, MOST_CELL = 1 << 16, 1 << 8, np.float32(1 << 10)


class Layer:
    """One LSTM layer with peepholes (equations 7 to 11).

    Args:
        table: Row of each input symbol, (256, 4 cells).
        weight: From the layer below, (4 cells, inputs); no inputs in the lowest.
        recurrent, peepholes, bias: As in nets/lstm.py.

    Attributes:
        h: Bytes of n / ONE, (blocks, cells).
        c: float32, (blocks, cells).
        gates: i, f, g, o and the squashed c of the last pass's last step, for what learns, (5, blocks, cells).
    """

    learned_unit = np.float32(0)

    def __init__(
        self, table: np.ndarray, weight: np.ndarray, recurrent: np.ndarray, peepholes: np.ndarray, bias: np.ndarray
    ):
        self.table = bounded(table.astype(np.float64) + bias)
        self.product = Product(np.concatenate([weight, recurrent], 1), weight.shape[1])
        self.peepholes = bounded(peepholes, _PEEPHOLE)

    def start(self, blocks: int) -> None:
        """Zero state."""
        cells = self.peepholes.shape[1]
        self.h, self.c = np.full((blocks, cells), ZERO, np.uint8), np.zeros((blocks, cells), np.float32)

    def step(self, byte: np.ndarray, below: np.ndarray | None) -> np.ndarray:
        """One time step; the new h, which may be that of several passes side by side.

        Args:
            byte, below: Of each block, for all passes; bytes are int64.
        """
        return self.advance(byte, below)

    def advance(self, byte: np.ndarray, below: np.ndarray | None, learned: np.ndarray | None = None) -> np.ndarray:
        """As `step`; whole numbers are added to the last pass's z, `learned` in units of `learned_unit`."""
        sums, beneath = self.sums(below)
        passes = sums.reshape(-1, len(byte), sums.shape[1])
        if beneath is not None:
            passes += beneath
        passes = passes.astype(np.float32)
        passes *= self.product.scale
        passes += self.table[byte]
        if learned is not None:
            passes[-1] += learned.astype(np.float32) * self.learned_unit
        i, f, g, o, squashed = self._through_gates(passes.reshape(len(sums), 4, -1))
        self.h = (np.rint(o * squashed * np.float32(ONE)) + np.float32(ZERO)).astype(np.uint8)
        self.gates = np.stack([gate[-len(byte) :] for gate in (i, f, g, o, squashed)])
        return self.h

    def sums(self, below: np.ndarray | None) -> tuple[np.ndarray, np.ndarray | None]:
        """The products as whole numbers: with h, (rows, 4 cells), and with what comes from below, (blocks, 4 cells)."""
        return self.product.sums(self.h), None if below is None else self.product.sums(below, first=True)

    def _through_gates(self, z: np.ndarray) -> tuple[np.ndarray, ...]:
        """Gates and squashed c of z (rows, 4, cells), which it takes for its own."""
        z[:, :2] += self.c[:, None] * self.peepholes[:2]
        i, f = np.moveaxis(sigmoid(z[:, :2]), 1, 0)
        g = tanh(z[:, 2])
        c = f * self.c + i * g
        self.c = np.minimum(np.maximum(c, -MOST_CELL), MOST_CELL)
        o = sigmoid(z[:, 3] + self.c * self.peepholes[2])
        return i, f, g, o, tanh(self.c)


def bounded(real: np.ndarray, most: int = _BIAS) -> np.ndarray:
    """As float32; raises CorruptFile for what is not below `most`."""
    real = real.astype(np.float64)
    if not (np.abs(real) < most).all():  # nor is what is not a number
        raise CorruptFile(f"the text model holds weights that are not finite or over {most}; take another copy")
    return real.astype(np.float32)
