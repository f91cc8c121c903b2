"""What is added to a matrix of trained weights while a text is coded, exact on every machine.

All blocks teach together: after every few bytes the additions take a step down the gradient of those bytes' cost. Each
weight's rate falls with the root of what its row's squared errors and its input's squares add up to: AdaGrad (Duchi,
Hazan and Singer, 2011) with one factor a row and one an input, as Adafactor has them (Shazeer and Stern, 2018).
Sums are of whole numbers; all else is done to single numbers, each operation as IEEE 754 defines it to the last bit.
"""

from ctypes import CDLL

import numpy as np

from nextstroke.compression.lm.integer_matmul import LEVELS, ONE, ZERO, multiply
from nextstroke.native.compression_loops import call, loops

_MOST = np.float32(LEVELS)
_AT_ONCE = 512  # rows, which a cache holds


class Learned:
    """Additions to the weights of one product, at first none.

    Args:
        inputs, rows: Shape of the weights.
        places: Binary places of an addition in the product, where it is a byte.
        rate: Size of the steps: of the first, for a row and an input like all others.
        first: Squared errors that a row is thought to have made before.
        steps: Bytes of each block from which it learns at once.

    Attributes:
        unit: What one of the sums is worth.
    """

    def __init__(self, inputs: int, rows: int, places: int, rate: float, first: int, steps: int):
        self._steps, self._rate, self.unit = steps, rate * 2.0**places / ONE, np.float32(2.0**-places / ONE)
        self._kept, self._used = np.zeros((inputs, rows), np.float32), np.zeros((inputs, rows), np.int8)
        self._row_squares, self._input_squares = np.full(rows, first, np.int64), np.full(inputs, ONE * ONE, np.int64)
        self._errors: list[np.ndarray] = []
        self._seen: list[np.ndarray] = []
        self._loops = loops()

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
        if len(self._seen) == self._steps:
            self._learn(np.concatenate(self._seen), np.concatenate(self._errors))
            self._seen, self._errors = [], []

    def _learn(self, h: np.ndarray, error: np.ndarray) -> None:
        inputs = self._look_by_loops(self._loops, h, error) if self._loops else self._look(h, error)
        by_row = (self._rate / np.sqrt(self._row_squares)).astype(np.float32)
        by_input = np.sqrt(self._input_squares.mean() / self._input_squares).astype(np.float32)
        for first in range(0, len(by_row), _AT_ONCE):
            steps = multiply(inputs, np.ascontiguousarray(error[:, first : first + _AT_ONCE]))
            if self._loops:
                self._move_by_loops(self._loops, first, steps, by_row, by_input)
            else:
                self._move(first, steps, by_row, by_input)

    def _look(self, h: np.ndarray, error: np.ndarray) -> np.ndarray:
        """Add up squares; h turned, (inputs, bytes)."""
        self._row_squares += np.einsum("tr,tr->r", error, error, dtype=np.int32)
        away = h.astype(np.int16) - ZERO
        self._input_squares += np.einsum("ti,ti->i", away, away, dtype=np.int32)
        return np.ascontiguousarray(h.T)

    def _look_by_loops(self, library: CDLL, h: np.ndarray, error: np.ndarray) -> np.ndarray:
        turned = np.empty(h.shape[::-1], np.uint8)
        sizes = (*h.shape, error.shape[1])
        call(library.learned_look, *sizes, h, error, ZERO, self._input_squares, self._row_squares, turned)
        return turned

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

    def _move_by_loops(
        self, library: CDLL, first: int, steps: np.ndarray, by_row: np.ndarray, by_input: np.ndarray
    ) -> None:
        shape = (*self._kept.shape, first, steps.shape[1])
        call(library.learned_move, *shape, steps, by_row, by_input, _MOST, self._kept, self._used)
