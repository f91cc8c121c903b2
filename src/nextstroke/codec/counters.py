"""Adaptive probabilities of a bit, shared by many blocks that learn in the same step.

One int32 holds one counter: the upper 22 bits its probability less one half, as a fraction of 2^22, the lower 10 the
number of bits it has seen. Zero is a counter that knows nothing.

Blocks in step may meet in one counter. Nothing may then depend on the order in which they are served, which numpy
leaves open; so all that is done to a counter is adding, and the rate follows from the count after all have been
counted: with k of them the counter moves as if by their mean, k / (n + k + 1.5) of the way. That cannot overshoot as
long as no more than `limit` meet, and the count cannot flow over as long as limit + k < 1024. Rounding goes down, by
less than one for each of at most 512: the ends lie that far inside what 22 bits hold.
"""

import numpy as np

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
