"""Seeds of a training's random streams.

A seed depends on the recipe's seed and on the position in the data alone, so that a resumed
training draws the numbers that it would have drawn without the stop, on any number of workers.
"""

from enum import IntEnum

import numpy as np

STREAMS = "SeedSequence"  # how seeds are derived; checkpoints record it
OLDER_STREAMS = "tuple hash"  # of checkpoints that record nothing


class Stream(IntEnum):
    """Uses of random numbers, which must not share a stream."""

    DROPOUT = 0
    WEIGHT_NOISE = 1
    EVALUATION = 2


def stream_seed(seed: int, stream: Stream, *position: int) -> int:
    """Return a seed of 63 bits for torch.

    Args:
        seed: Seed of the recipe; may be negative.
        position: Position in the data, such as epoch, batch and chunk; numbers of 0 or above.
    """
    sequence = np.random.SeedSequence(seed % 2**64, spawn_key=(int(stream), *position))
    return int(sequence.generate_state(1, np.uint64)[0] >> np.uint64(1))
