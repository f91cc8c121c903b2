"""The text network on integers: the same bits on any processor, library, number of threads and blocks beside.

Every number is a whole number held in a float. A product of matrices is exact in float32, whatever the order of its
sums, as long as the greatest |h| times the sum of a row's |w| stays under 2^24: each row has a power of two of its own,
the largest that keeps to that. Cells are float64, where nothing here comes near 2^53. What is multiplied by a negative
power of two is rounded to a whole number at once; gates and exponentials are tables (gates.py).

In the formulas: z and logits in units of 2^−11, gates 2^−15, c 2^−14, h 2^−8.
"""

import hashlib
from collections.abc import Mapping

import numpy as np

from nextstroke.codec.gates import ARGUMENT, VALUE, falling_exponential, look_up, sigmoid_table, tanh_table
from nextstroke.errors import CorruptFile

SYMBOLS = 256
HIDDEN, CELL, PEEPHOLE = 8, 14, 8  # binary places of h, c and the peepholes
MOST_PLACES = 20  # of a weight
EXACT = 2**24
_CELL_LIMIT = 1 << (CELL + 10)
_LEAST_LIKELY = 15 << ARGUMENT
_TOP = 20  # binary places of the likeliest symbol's frequency


class Product:
    """Exact h · W in units of 2^−ARGUMENT.

    Args:
        weight: Real numbers, (rows, inputs).

    Raises:
        CorruptFile: a row is not finite or too large for exact sums.
    """

    def __init__(self, weight: np.ndarray):
        weight = weight.astype(np.float64)
        if not np.isfinite(weight).all():
            raise CorruptFile("the text model holds weights that are not finite; take another copy")
        places = _places(weight)
        whole = np.rint(weight * 2.0 ** (places - HIDDEN)[:, None])
        check_rows(whole)
        self.weight = np.ascontiguousarray(whole.T, np.float32)
        self.scale = (2.0 ** (ARGUMENT - places)).astype(np.float32)

    def __call__(self, h: np.ndarray) -> np.ndarray:
        """Whole numbers, (blocks, rows)."""
        sums = h @ self.weight
        sums *= self.scale
        return np.rint(sums, out=sums)


def _places(weight: np.ndarray) -> np.ndarray:
    """Binary places for each row: as many as leave its sum, with every |w| rounded up by a half, under 2^24."""
    total, inputs = np.abs(weight).sum(1), weight.shape[1]
    places = np.full(len(weight), MOST_PLACES)
    while (wide := total * 2.0**places + inputs * 2.0 ** (HIDDEN - 1) >= EXACT).any():
        places[wide] -= 1
    return places


def check_rows(whole: np.ndarray) -> None:
    """The row condition: max|h| · Σ|w| < 2^24.

    Raises:
        CorruptFile: a row breaks it.
    """
    worst = int(np.abs(whole).sum(1).max(initial=0)) << HIDDEN
    if worst >= EXACT:
        raise CorruptFile(f"the text model: a row sums to {worst}, exact sums stay under {EXACT}; export it anew")


class Layer:
    """One LSTM layer with peepholes (equations 7 to 11).

    Args:
        table: Row of each input symbol, (SYMBOLS, 4 cells).
        weight: From the layer below, (4 cells, inputs); no inputs in the lowest.
        recurrent, peepholes, bias: As in nets/lstm.py.
    """

    def __init__(
        self, table: np.ndarray, weight: np.ndarray, recurrent: np.ndarray, peepholes: np.ndarray, bias: np.ndarray
    ):
        self.table = np.rint((table.astype(np.float64) + bias) * 2.0**ARGUMENT).astype(np.float32)
        self.below = Product(weight) if weight.size else None
        self.recurrent = Product(recurrent)
        self.peepholes = np.rint(peepholes.astype(np.float64) * 2.0**PEEPHOLE)

    def start(self, blocks: int) -> None:
        """Zero state."""
        cells = self.peepholes.shape[1]
        self.h, self.c = np.zeros((blocks, cells), np.float32), np.zeros((blocks, cells))

    def step(self, byte: np.ndarray, below: np.ndarray | None) -> np.ndarray:
        """One time step; the new h."""
        z = self.recurrent(self.h)
        z += self.table[byte]
        if self.below and below is not None:
            z += self.below(below)
        z_i, z_f, z_g, z_o = np.split(z, 4, axis=1)
        self.c = self._new_cell(z_i, z_f, z_g)
        o = look_up(sigmoid_table(), z_o + self._peep(2))
        squashed = look_up(tanh_table(), np.rint(self.c * 2.0 ** (ARGUMENT - CELL)))
        # 2^15 · 2^15 does not fit into float32's 24 bits.
        self.h = np.rint(o.astype(np.float64) * squashed * 2.0 ** (HIDDEN - 2 * VALUE)).astype(np.float32)
        return self.h

    def _new_cell(self, z_i: np.ndarray, z_f: np.ndarray, z_g: np.ndarray) -> np.ndarray:
        i = look_up(sigmoid_table(), z_i + self._peep(0)).astype(np.float64)
        f = look_up(sigmoid_table(), z_f + self._peep(1))
        c = np.rint(f * self.c * 2.0**-VALUE) + np.rint(i * look_up(tanh_table(), z_g) * 2.0 ** (CELL - 2 * VALUE))
        return np.minimum(np.maximum(c, -_CELL_LIMIT), _CELL_LIMIT)

    def _peep(self, gate: int) -> np.ndarray:
        return np.rint(self.c * self.peepholes[gate] * 2.0 ** (ARGUMENT - CELL - PEEPHOLE))


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
            columns = np.cumsum([layer.peepholes.shape[1] for layer in self.layers])[:-1]
            self.output = [Product(part) for part in np.split(weights["output.weight"], columns, axis=1)]
            self.bias = np.rint(weights["output.bias"].astype(np.float64) * 2.0**ARGUMENT)
        except (KeyError, ValueError) as error:
            raise CorruptFile(f"the text model: weights are missing or misshapen ({error}); export it anew") from error
        self._power = np.maximum(falling_exponential(_LEAST_LIKELY + 1) >> (30 - _TOP), 1)

    def start(self, blocks: int) -> None:
        """Begin `blocks` texts: zero state, and no symbol yet."""
        for layer in self.layers:
            layer.start(blocks)
        self._hidden = [layer.h for layer in self.layers]

    def observe(self, byte: np.ndarray) -> None:
        """Read one byte of each block, (blocks,)."""
        below = None
        for n, layer in enumerate(self.layers):
            below = self._hidden[n] = layer.step(byte, below)

    def logits(self) -> np.ndarray:
        """Of the next byte, (blocks, SYMBOLS), in units of 2^−ARGUMENT."""
        logits = self.bias
        for product, h in zip(self.output, self._hidden, strict=True):
            logits = logits + product(h)
        return logits

    def predict(self) -> np.ndarray:
        """Frequencies of the next byte: whole numbers of at least 1, the likeliest 2^20, (blocks, SYMBOLS)."""
        logits = self.logits()
        behind = (logits.max(1, keepdims=True) - logits).astype(np.int64)
        return self._power[np.minimum(behind, _LEAST_LIKELY)]

    @property
    def digest(self) -> bytes:
        """SHA-256 of every number that decides a bit."""
        numbers = [self.bias, *(part for product in self.output for part in (product.weight, product.scale))]
        for layer in self.layers:
            products = [product for product in (layer.below, layer.recurrent) if product]
            numbers += [layer.table, layer.peepholes, *(part for one in products for part in (one.weight, one.scale))]
        return hashlib.sha256(b"".join(np.ascontiguousarray(array, "<f8").tobytes() for array in numbers)).digest()
