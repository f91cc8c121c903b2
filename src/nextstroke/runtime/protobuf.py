"""The wire format of protocol buffers, read without its library: the fields of a message by number."""

from collections.abc import Iterator

# Wire types.
VARINT = 0
FIXED64 = 1
BYTES = 2
FIXED32 = 5
WIDTHS = {FIXED64: 8, FIXED32: 4}  # bytes
MAX_SHIFT = 63  # bits of the longest integer

Value = int | memoryview


def fields(message: memoryview) -> Iterator[tuple[int, Value]]:
    """Iterate over the fields of a message: the number of each and its value, an integer or bytes.

    Raises:
        ValueError: It is no message, or it is truncated.
    """
    place = 0
    while place < len(message):
        key, place = varint(message, place)
        kind = key & 7
        if kind == VARINT:
            value, place = varint(message, place)
            yield key >> 3, value
            continue
        if kind == BYTES:
            size, place = varint(message, place)
        elif kind in WIDTHS:
            size = WIDTHS[kind]
        else:
            raise ValueError(f"a field of the wire type {kind}")
        if place + size > len(message):
            raise ValueError("a field that is cut")
        yield key >> 3, message[place : place + size]
        place += size


def varints(packed: memoryview) -> Iterator[int]:
    """Iterate over the integers of a packed repeated field."""
    place = 0
    while place < len(packed):
        value, place = varint(packed, place)
        yield value


def varint(message: memoryview, place: int) -> tuple[int, int]:
    """Return the base-128 integer at an offset, lowest group first, and the offset after it.

    Raises:
        ValueError: It does not end, or has more than 64 bits.
    """
    value = 0
    shift = 0
    while True:
        if place >= len(message) or shift > MAX_SHIFT:
            raise ValueError("a number that does not end")
        byte = message[place]
        value |= (byte & 127) << shift
        place += 1
        shift += 7
        if byte < 128:
            return value, place
