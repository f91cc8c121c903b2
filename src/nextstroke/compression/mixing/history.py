"""What the blocks have said so far, and the hashes of the contexts they stand in."""

import numpy as np

ODD = np.uint64(0x9E3779B97F4A7C15)
MIX = np.uint64(0xD6E8FEB86659FD93)
_BYTE, _SECOND = np.uint64(8), np.uint64(255 << 8)
WORD_CONTEXTS = 6
_NEWLINE = 10


class History:
    """The last sixteen bytes, this word and the two before, of every block; and all bytes, for the match models.

    A word is a run of letters, without regard to case, and of bytes above 127. How a line begins tells what kind it is.
    Words and lines begin with the block.

    Args:
        orders: Numbers of bytes that contexts look back; WORD_CONTEXTS contexts of words follow them.
    """

    def __init__(self, blocks: int, length: int, orders: tuple[int, ...]):
        self.bytes = np.zeros((blocks, length), np.uint8)
        self.step = 0
        self.recent, self.earlier = np.zeros((2, blocks), np.uint64)
        self._word, self._before, self._second_before = np.zeros((3, blocks), np.uint64)
        self._first, self._line = np.zeros((2, blocks), np.uint64)
        self._begins = np.ones(blocks, bool)
        self._masks = np.array([2 ** (8 * order) - 1 for order in orders], np.uint64)
        self._salts = np.arange(len(orders) + WORD_CONTEXTS, dtype=np.uint64)

    def hashes(self) -> np.ndarray:
        """One 64-bit hash for each block and context, shape (blocks, contexts)."""
        this = self._word * MIX
        two = this + self._before
        before, last = self._second_before, self.recent << _BYTE
        begun = this + (last & _SECOND | self._first)
        words = [self._word, two, this + before, two * MIX + before, begun, self._line]
        contexts = np.concatenate([self.recent[:, None] & self._masks, np.stack(words, 1)], 1)
        return scramble(contexts * ODD + self._salts)

    def back(self, steps: int) -> np.ndarray:
        """The byte of each block a number of steps back, 1 to 8."""
        return (self.recent >> np.uint64(8 * (steps - 1)) & np.uint64(255)).astype(np.int64)

    def append(self, byte: np.ndarray) -> None:
        """One more byte for each block."""
        self.bytes[:, self.step] = byte
        byte = byte.astype(np.uint64)
        self.step += 1
        self.earlier = self.earlier << _BYTE | self.recent >> np.uint64(56)
        self.recent = self.recent << _BYTE | byte
        lower = byte | 32
        letter = ((lower >= 97) & (lower <= 122)) | (byte >= 128)
        ended = ~letter & (self._word != 0)
        self._second_before = np.where(ended, self._before, self._second_before)
        self._before = np.where(ended, self._word, self._before)
        ends = byte == _NEWLINE
        self._first = np.where(ends, np.uint64(0), np.where(self._begins, byte, self._first))
        self._line = np.where(ends, np.uint64(0), (self._line + byte + np.uint64(1)) * ODD)
        self._begins = ends
        self._word = np.where(letter, (self._word + lower) * ODD, np.uint64(0))


def scramble(value: np.ndarray) -> np.ndarray:
    """Mix 64-bit values so that their upper bits depend on all."""
    value = value * MIX
    return (value ^ value >> np.uint64(32)) * ODD
