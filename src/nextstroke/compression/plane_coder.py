"""Bytes without any order, such as random differences, by a range coder with fixed frequencies, many at once.

Symbol t of a plane goes to lane t mod LANES. The frequencies of a plane are whole numbers with the sum 2^BITS; they are
written as the count of its distinct bytes and, of each of them in turn, its distance from the last and its frequency,
as varints. All lanes are written once, at the end: the length of each stream as a varint, then the streams.
"""

from itertools import pairwise

import numpy as np

from nextstroke.compression.range_coder import RangeDecoder, RangeEncoder
from nextstroke.compression.varint import read_varint, varint
from nextstroke.errors import CorruptFile

LANES = 64
BITS = 14


class PlaneEncoder:
    """Codes planes of bytes, one after the other."""

    def __init__(self) -> None:
        self._coder = RangeEncoder(LANES)
        self._used = False

    def encode(self, plane: np.ndarray) -> bytes:
        """Code a plane; return its frequencies as bytes, which its reader must be given."""
        self._used = True
        size = _frequencies(np.bincount(plane, minlength=256))
        start = np.cumsum(size) - size
        starts, sizes = start[plane], size[plane]
        for first in range(0, len(plane), LANES):
            part = slice(first, first + LANES)
            self._coder.encode(starts[part], sizes[part], BITS)
        symbols = np.flatnonzero(size)
        distances = np.diff(symbols, prepend=0)
        pairs = (varint(int(d)) + varint(int(f)) for d, f in zip(distances, size[symbols], strict=True))
        return varint(len(symbols)) + b"".join(pairs)

    def finish(self) -> bytes:
        """Return what was coded; nothing if no plane was."""
        if not self._used:
            return b""
        streams = self._coder.finish()
        return b"".join(varint(len(stream)) for stream in streams) + b"".join(streams)


def _frequencies(counts: np.ndarray) -> np.ndarray:
    """Return whole numbers with the sum 2^BITS, about in proportion to counts, at least 1 where one is at least 1."""
    present = counts > 0
    size = present + counts * ((1 << BITS) - int(present.sum())) // int(counts.sum())
    size[counts.argmax()] += (1 << BITS) - int(size.sum())
    return size


class PlaneDecoder:
    """Decodes the planes that PlaneEncoder coded, in the same order.

    Args:
        coded: What PlaneEncoder.finish gave.

    Raises:
        CorruptFile: It never gave that.
    """

    def __init__(self, coded: bytes):
        lengths, place = [], 0
        for _ in range(LANES if coded else 0):
            length, place = read_varint(coded, place)
            lengths.append(length)
        if sum(lengths) != len(coded) - place:
            raise CorruptFile("the streams of columns are cut short; take another copy")
        ends = np.cumsum([place, *lengths]).tolist()
        streams = [coded[start:end] for start, end in pairwise(ends)]
        self._coder = RangeDecoder(streams) if streams else None

    def decode(self, size: np.ndarray, count: int) -> np.ndarray:
        """Return a plane of `count` bytes.

        Args:
            size: Frequency of each byte, (256,), as `read_frequencies` gives them.
            count: Number of bytes.
        """
        if self._coder is None:
            raise CorruptFile("the streams of columns are missing; take another copy")
        start = np.cumsum(size) - size
        symbol_at = np.repeat(np.arange(256), size)
        plane = np.zeros(count, np.int64)
        for first in range(0, count, LANES):
            lanes = min(LANES, count - first)
            symbol = symbol_at[self._coder.peek(BITS, lanes)]
            self._coder.take(start[symbol], size[symbol], BITS)
            plane[first : first + lanes] = symbol
        return plane


def read_frequencies(data: bytes, place: int) -> tuple[np.ndarray, int]:
    """Return the frequencies at a position of `data`, int64 (256,), and the position after them.

    Raises:
        CorruptFile: They are none.
    """
    size = np.zeros(256, np.int64)
    count, place = read_varint(data, place)
    symbol = 0
    for _ in range(min(count, 256)):
        distance, place = read_varint(data, place)
        frequency, place = read_varint(data, place)
        symbol += distance
        if symbol > 255 or not 0 < frequency <= 1 << BITS:
            break
        size[symbol] = frequency
    if size.sum() != 1 << BITS:
        raise CorruptFile("a column has impossible frequencies; take another copy")
    return size, place
