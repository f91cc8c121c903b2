"""What is added to a matrix of trained weights while a text is coded, exact on every machine.

All blocks teach together: after every few bytes the additions take a step down the gradient of those bytes' cost. Each
weight's rate falls with the root of what its row's squared errors and its input's squares add up to: AdaGrad (Duchi,
Hazan and Singer, 2011) with one factor a row and one an input, as Adafactor has them (Shazeer and Stern, 2018).
Sums are of whole numbers; all else is done to single numbers, each operation as IEEE 754 defines it to the last bit.
"""

from dataclasses import dataclass

import numpy as np

from nextstroke.compression.lm.integer_matmul import LEVELS, ONE, ZERO, kind_of_changing, multiply

_MOST = np.float32(LEVELS)
_AT_ONCE = 512  # rows, which a cache holds


@dataclass(frozen=True)
class Teaching:
    """How additions to weights are learned.

    Args:
        places: Binary places of an addition in the product, where it is a byte.
        rate: Size of the steps: of the first, for a row and an input like all others.
        first: Squared errors that a row is thought to have made before.
        steps: Bytes of each block from which it learns at once.
    """

    places: int
    rate: float
    first: int
    steps: int

    @property
    def unit(self) -> np.float32:
        """What one of the sums is worth."""
        return np.float32(2.0**-self.places / ONE)

    @property
    def step(self) -> float:
        """The rate in units of an addition."""
        return self.rate * 2.0**self.places / ONE


class Learned:
    """Additions to the weights of one product, at first none.

    Args:
        inputs, rows: Shape of the weights.
        of: How they are learned.

    Attributes:
        unit: What one of the sums is worth.
    """

    def __init__(self, inputs: int, rows: int, of: Teaching):
        self._of, self.unit = of, of.unit
        self._kept = np.zeros((inputs, rows), np.float32)
        self._used: np.ndarray = np.zeros((inputs, rows), kind_of_changing())
        self._row_squares, self._input_squares = np.full(rows, of.first, np.int64), np.full(inputs, ONE * ONE, np.int64)
        self._errors: list[np.ndarray] = []
        self._seen: list[np.ndarray] = []

    def sums(self, h: np.ndarray) -> np.ndarray:
        """What the additions give to the product of bytes (blocks, inputs), int32: times `unit`, real numbers."""
        return multiply(h, self._used)

    def observe(self, h: np.ndarray, error: np.ndarray) -> None:
        """Learn from one byte of each block.

        Args:
            h: What the product was taken of.
            error: By how much each row of it was too low, int8 (blocks, rows), in units of no account.
        """
        self._seen.append(h)
        self._errors.append(error)
        if len(self._seen) == self._of.steps:
            self._learn(np.concatenate(self._seen), np.concatenate(self._errors))
            self._seen, self._errors = [], []

    def _learn(self, h: np.ndarray, error: np.ndarray) -> None:
        inputs = self._look(h, error)
        by_row = (self._of.step / np.sqrt(self._row_squares)).astype(np.float32)
        by_input = np.sqrt(self._input_squares.mean() / self._input_squares).astype(np.float32)
        for first in range(0, len(by_row), _AT_ONCE):
            steps = multiply(inputs, np.ascontiguousarray(error[:, first : first + _AT_ONCE]))
            self._move(first, steps, by_row, by_input)

    def _look(self, h: np.ndarray, error: np.ndarray) -> np.ndarray:
        """Add up squares; h turned, (inputs, bytes)."""
        self._row_squares += np.einsum("tr,tr->r", error, error, dtype=np.int32)
        away = h.astype(np.int16) - ZERO
        self._input_squares += np.einsum("ti,ti->i", away, away, dtype=np.int32)
        return np.ascontiguousarray(h.T)

    def _move(self, first: int, steps: np.ndarray, by_row: np.ndarray, by_input: np.ndarray) -> None:
        """Add steps to the additions of some rows, the first of which is number `first`."""
        part = slice(first, first + _AT_ONCE)
        step = steps.astype(np.float32)
        step *= by_row[part]
        step *= by_input[:, None]
        kept = self._kept[:, part]
        kept += step
        np.minimum(np.maximum(kept, -_MOST, out=kept), _MOST, out=kept)
        self._used[:, part] = np.rint(kept, out=step)
