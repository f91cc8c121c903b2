"""Long repeats of a segment as copies: what is left to predict is short, and the time it takes is too.

`shorten` finds copies of at least LEAST bytes by hashes of windows (Karp and Rabin, 1987), greedily from the left, as
LZ77 (Ziv and Lempel, 1977). The result: a varint with the size of the data, a varint with the number of copies, three
varints for each copy (bytes before it that are given, its length − LEAST, its distance − 1), then all given bytes.
Those after the last copy go to the end.
"""

import numpy as np

from nextstroke.compression.varint import read_varint, varint
from nextstroke.errors import CorruptFile

LEAST = 32  # bytes of a copy
_ANCHOR = 16  # bytes between the windows that can be found
_KEY_BITS = 18
_FACTOR = np.uint64(0x9E3779B97F4A7C15)


def shorten(data: bytes, most: int) -> bytes | None:
    """Return the data with copies in place of long repeats; None if more than `most` bytes would be left.

    Args:
        data: Any bytes.
        most: Bytes of the result, at most.
    """
    found = _Finder(data) if len(data) >= 2 * LEAST else None
    copies, given = bytearray(), bytearray()
    count = place = distance = 0
    while found and len(copies) + len(given) <= most:
        start = found.next_after(place)
        if start is None:
            break
        start, length, distance = found.longest(place, start, distance)
        given += data[place:start]
        copies += varint(start - place) + varint(length - LEAST) + varint(distance - 1)
        count += 1
        place = start + length
    result = varint(len(data)) + varint(count) + copies + given + data[place : place + most + 1]
    return bytes(result) if len(result) <= most else None


class _Finder:
    """Finds where a window of LEAST bytes stands earlier in the data."""

    def __init__(self, data: bytes):
        self._data = data
        self._array = np.frombuffer(data, np.uint8)
        words = np.ndarray((len(data) - 7,), np.dtype("<u8"), data, strides=(1,))
        windows = len(data) - LEAST + 1
        hashes = np.zeros(windows, np.uint64)
        for offset in range(0, LEAST, 8):
            hashes = (hashes ^ hashes >> np.uint64(29)) * _FACTOR + words[offset : offset + windows]
        hashes *= _FACTOR
        keys = (hashes >> np.uint64(64 - _KEY_BITS)).astype(np.int64)
        anchors = np.arange(0, windows, _ANCHOR)
        table = np.full(1 << _KEY_BITS, windows)
        np.minimum.at(table, keys[anchors], anchors)
        self._earlier = table[keys]
        self._earlier[self._earlier >= np.arange(windows)] = 0
        equal = hashes[self._earlier] == hashes
        equal[0] = False
        self._starts = np.flatnonzero(equal)

    def next_after(self, place: int) -> int | None:
        """Return the first position from `place` on whose window has most likely been seen; None if there is none."""
        number = np.searchsorted(self._starts, place)
        while number < len(self._starts):
            start = int(self._starts[number])
            if self._common_length(start, int(self._earlier[start])) >= LEAST:
                return start
            number += 1
        return None

    def longest(self, first: int, start: int, distance: int) -> tuple[int, int, int]:
        """Return start, length and distance of the longest copy of those that hold the window at `start`.

        Args:
            first: The copy may not begin before this position.
            start: Position of a window that stands earlier too.
            distance: Distance of the last copy, which is tried as well; 0 for none.
        """
        tried = {start - int(self._earlier[start]), 1, distance}
        lengths = {d: self._common_length(start, start - d) for d in sorted(tried) if 0 < d <= start}
        best = max(lengths, key=lambda d: lengths[d])
        before = start
        while before > first and before > best and self._data[before - 1] == self._data[before - 1 - best]:
            before -= 1
        return before, lengths[best] + start - before, best

    def _common_length(self, a: int, b: int) -> int:
        """Return how many bytes at position a equal those at position b < a."""
        length, step, end = 0, LEAST, len(self._data)
        while a + length < end:
            size = min(step, end - a - length)
            here, there = (self._array[place + length : place + length + size] for place in (a, b))
            different = here != there
            if different.any():
                return length + int(different.argmax())
            length += size
            step *= 2
        return length


def lengthen(packed: bytes, most: int) -> bytes:
    """Return what `shorten` was given.

    Args:
        packed: What it gave.
        most: Bytes of the result, at most.

    Raises:
        CorruptFile: It never gave that, or the result is longer than `most`.
    """
    size, place = read_varint(packed, 0)
    count, place = read_varint(packed, place)
    if size > most or count > len(packed):
        raise CorruptFile(f"a part claims {size} bytes and {count} repeats, which no version ever writes")
    copies = []
    for _ in range(count):
        given, place = read_varint(packed, place)
        length, place = read_varint(packed, place)
        distance, place = read_varint(packed, place)
        copies.append((given, length + LEAST, distance + 1))
    data = bytearray()
    for given, length, distance in copies:
        data += packed[place : place + given]
        place += given
        if distance > len(data) or len(data) + length > size:
            raise CorruptFile("a repeat refers to bytes that are not there; take another copy")
        part = bytes(data[len(data) - distance : len(data) - distance + length])
        data += (part * -(-length // len(part)))[:length]
    data += packed[place:]
    if len(data) != size:
        raise CorruptFile(f"a part gives {len(data)} bytes instead of {size}; take another copy")
    return bytes(data)
