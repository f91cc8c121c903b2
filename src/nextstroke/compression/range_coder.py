"""Range coder over integer frequencies, for many blocks side by side.

A symbol is an interval [start, start + size) of 2^bits. The encoder keeps the 64-bit pair (low, range) of every block
and gives away the upper 32 bits of low whenever range fits into the lower 32; the decoder keeps (value, range) with
value = code − low and does the same steps in the same order. All of it is unsigned integers: no carry of a float, no
rounding. `range >> bits` loses at most one part in 2^(32 − bits) of range: under 0.0001 bits a symbol at 16 bits.
"""

import numpy as np

MAX_BITS = 24
_WORD = np.uint64(32)
_LOW = np.uint64(2**32)
_FULL = np.uint64(2**64 - 1)


class RangeEncoder:
    """Turns intervals into bytes, one stream for each block."""

    def __init__(self, blocks: int):
        self._low = np.zeros(blocks, np.uint64)
        self._range = np.full(blocks, _FULL)
        self._words = np.zeros((blocks, 64), np.uint32)
        self._count = np.zeros(blocks, np.int64)

    def encode(self, start: np.ndarray, size: np.ndarray, bits: int) -> None:
        """Append one symbol to each of the first len(start) blocks.

        Args:
            start: Where the interval begins, 0 ≤ start.
            size: Its length, > 0, start + size ≤ 2^bits.
            bits: At most MAX_BITS.
        """
        n = len(start)
        unit = self._range[:n] >> np.uint64(bits)
        low = self._low[:n] + unit * start.astype(np.uint64)
        carried = np.flatnonzero(low < self._low[:n])
        if len(carried):
            self._carry(carried)
        self._low[:n], self._range[:n] = low, unit * size.astype(np.uint64)
        narrow = np.flatnonzero(self._range[:n] < _LOW)
        if len(narrow):
            self._shift(narrow)

    def lend(self, words: int) -> list[np.ndarray]:
        """The coder's own low, range, words and their counts, with room for `words` more, for loops elsewhere."""
        while self._count.max() + words > self._words.shape[1]:
            self._grow()
        return [self._low, self._range, self._words, self._count]

    @property
    def written(self) -> int:
        """Bytes given away so far, of all blocks together."""
        return 4 * int(self._count.sum())

    def finish(self) -> list[bytes]:
        """The streams; each ends with as few bytes as tell its last interval when zeros follow."""
        streams = []
        for block, count in enumerate(self._count):
            low, width = int(self._low[block]), int(self._range[block])
            kept = next(k for k in range(9) if _rounded_up(low, k) < low + width)
            last = _rounded_up(low, kept)
            if last >> 64:
                self._carry(np.array([block]))
            tail = (last % 2**64).to_bytes(8, "big")[:kept]
            streams.append(self._words[block, :count].astype(">u4").tobytes() + tail)
        return streams

    def _carry(self, blocks: np.ndarray) -> None:
        """Add one to what was given away; there is always a word that takes it, as low + range never exceeds 1."""
        place = self._count[blocks] - 1
        while len(blocks):
            self._words[blocks, place] += np.uint32(1)
            over = self._words[blocks, place] == 0
            blocks, place = blocks[over], place[over] - 1

    def _shift(self, blocks: np.ndarray) -> None:
        if self._count.max() == self._words.shape[1]:
            self._grow()
        self._words[blocks, self._count[blocks]] = (self._low[blocks] >> _WORD).astype(np.uint32)
        self._count[blocks] += 1
        self._low[blocks] <<= _WORD
        self._range[blocks] <<= _WORD

    def _grow(self) -> None:
        self._words = np.concatenate([self._words, np.zeros_like(self._words)], 1)


class RangeDecoder:
    """The mirror image: reads what RangeEncoder wrote; behind the end of a stream it reads zeros."""

    def __init__(self, streams: list[bytes]):
        columns = max((len(stream) for stream in streams), default=0) // 4 + 3
        padded = b"".join(stream.ljust(4 * columns, b"\0") for stream in streams)
        self._words = np.frombuffer(padded, ">u4").reshape(len(streams), columns).astype(np.uint64)
        self._range = np.full(len(streams), _FULL)
        self._value = self._words[:, 0] << _WORD | self._words[:, 1]
        self._next = np.full(len(streams), 2)

    def lend(self) -> list[np.ndarray]:
        """The coder's own value, range, words and the next of them, for loops elsewhere."""
        return [self._value, self._range, self._words, self._next]

    @property
    def written(self) -> int:
        """Bytes taken so far, as the encoder would have counted them."""
        return 4 * int(self._next.sum() - 2 * len(self._next))

    def peek(self, bits: int, blocks: int) -> np.ndarray:
        """Where in [0, 2^bits) each of the first `blocks` blocks points; its symbol's interval holds that place."""
        unit = self._range[:blocks] >> np.uint64(bits)
        # Only an altered stream points behind the last interval.
        return np.minimum(self._value[:blocks] // unit, np.uint64(2**bits - 1)).astype(np.int64)

    def take(self, start: np.ndarray, size: np.ndarray, bits: int) -> None:
        """Go on behind the symbol found by `peek`; arguments as in RangeEncoder.encode."""
        n = len(start)
        unit = self._range[:n] >> np.uint64(bits)
        self._value[:n] -= unit * start.astype(np.uint64)
        self._range[:n] = unit * size.astype(np.uint64)
        narrow = np.flatnonzero(self._range[:n] < _LOW)
        if len(narrow):
            self._shift(narrow)

    def _shift(self, blocks: np.ndarray) -> None:
        self._value[blocks] = self._value[blocks] << _WORD | self._words[blocks, self._next[blocks]]
        self._range[blocks] <<= _WORD
        # The last column is a zero that may be read for ever.
        self._next[blocks] = np.minimum(self._next[blocks] + 1, self._words.shape[1] - 1)


def _rounded_up(low: int, kept: int) -> int:
    """The least multiple of 2^(64 − 8 kept) that is not under `low`; it may be 2^64, a carry."""
    unit = 2 ** (64 - 8 * kept)
    return -(-low // unit) * unit
