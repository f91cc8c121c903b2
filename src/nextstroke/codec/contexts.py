"""Counters of the bits that followed a context, in hashed tables.

The two halves of a byte are looked up one after the other; a row of 16 entries holds the 15 nodes of a half's tree and,
first, a check: a row of another context is cleared before it is used.
"""

import numpy as np

from nextstroke.codec.counters import Counters
from nextstroke.codec.history import scramble

ROW = 16


class ContextTables:
    """One table for each context, shared by all blocks.

    Args:
        row_bits: Binary logarithm of the rows of each table.
        limit: As in Counters.
    """

    def __init__(self, row_bits: list[int], limit: int):
        sizes = [2**bits for bits in row_bits]
        # Pages that are never touched take no memory.
        self._rows = np.zeros((sum(sizes), ROW), np.int32)
        self._first = np.cumsum([0, *sizes[:-1]])
        self._shift = np.array([64 - bits for bits in row_bits], np.uint64)
        self.counters = Counters(self._rows.reshape(-1), limit)

    def find(self, hashes: np.ndarray, node: np.ndarray) -> np.ndarray:
        """Places of the rows for the half byte that begins at `node`, shape (blocks, contexts).

        Args:
            hashes: Of the contexts, (blocks, contexts).
            node: The bits of the byte so far behind a one, (blocks,).
        """
        key = scramble(hashes + node[:, None].astype(np.uint64))
        row = (key >> self._shift).astype(np.int64) + self._first
        check = (key & np.uint64(2**30 - 1)).astype(np.int32) + 1
        foreign = self._rows[row, 0] != check
        self._claim(row[foreign], check[foreign])
        return row * ROW

    def _claim(self, row: np.ndarray, check: np.ndarray) -> None:
        """Clear rows and sign them; of two that claim one row the higher check stays, whoever comes first."""
        self._rows[row] = 0
        np.maximum.at(self.counters.entries, row * ROW, check)
