"""Counters of the bits that followed a context, in hashed tables.

The two halves of a byte are looked up one after the other; a row of 16 entries holds the 15 nodes of a half's tree and,
first, a check: a row of another context is cleared before it is used.
"""

import numpy as np

from nextstroke.compression.mixing.history import scramble

# Adaptive probabilities of a bit, shared by many blocks that learn in the same step.
#
# One int32 holds one counter: the upper 22 bits its probability less one half, as a fraction of 2^22, the lower 10 the
# number of bits it has seen. Zero is a counter that knows nothing.
#
# Blocks in step may meet in one counter. Nothing may then depend on the order in which they are served, which numpy
# leaves open; so all that is done to a counter is adding, and the rate follows from the count after all have been
# counted: with k of them the counter moves as if by their mean, k / (n + k + 1.5) of the way. That cannot overshoot as
# long as no more than `limit` meet, and the count cannot flow over as long as limit + k < 1024. Rounding goes down, by
# less than one for each of at most 512: the ends lie that far inside what 22 bits hold.

COUNT = 1023
_UP, _DOWN = 2**21 - 512, 512 - 2**21
RATES = np.array([2 * 65536 // (2 * n + 3) for n in range(COUNT + 1)], np.int64)


class Counters:
    """Counters in one flat array.

    Args:
        entries: int32, changed in place.
        limit: Bits after which a counter forgets the oldest as fast as it learns new ones.
    """

    def __init__(self, entries: np.ndarray, limit: int):
        self.entries, self.limit = entries, limit

    def observe(self, index: np.ndarray, before: np.ndarray, bit: np.ndarray) -> None:
        """Let each counter in `index` see its bit.

        Args:
            before: The entries as they were when they predicted.
            bit: 0 or 1 (or bool), of the shape of index.
        """
        np.add.at(self.entries, index, ((before & COUNT) < self.limit).astype(np.int32))
        entry = self.entries[index].astype(np.int64)
        step = ((np.where(bit, _UP, _DOWN) - (entry >> 10)) * RATES[entry & COUNT]) >> 16
        np.add.at(self.entries, index, (step << 10).astype(np.int32))


def probability(entry: np.ndarray) -> np.ndarray:
    """Probability of a one in units of 1/65536, 0 to 65535."""
    return (entry >> 16) + 32768


def counter(probability: np.ndarray) -> np.ndarray:
    """Entries that have seen nothing and begin at `probability`, in units of 1/65536."""
    return ((np.asarray(probability, np.int64) - 32768) << 16).astype(np.int32)


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
