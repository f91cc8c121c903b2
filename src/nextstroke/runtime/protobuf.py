"""The wire format of protocol buffers, read without its library: fields of messages by number."""

from collections.abc import Iterator

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
WIDTHS = {FIXED64: 8, FIXED32: 4}
MAX_SHIFT = 63  # bits of the longest whole number

Value = int | memoryview


def fields(message: memoryview) -> Iterator[tuple[int, Value]]:
    """Numbers and values of a message's fields: whole numbers, or bytes.

    Raises:
        ValueError: it is no message, or is cut.
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
    """Whole numbers one after the other."""
    place = 0
    while place < len(packed):
        value, place = varint(packed, place)
        yield value


def varint(message: memoryview, place: int) -> tuple[int, int]:
    """A whole number in groups of seven bits, lowest first, and the place after it; raises ValueError."""
    value = shift = 0
    while True:
        if place >= len(message) or shift > MAX_SHIFT:
            raise ValueError("a number that does not end")
        byte = message[place]
        value |= (byte & 127) << shift
        place, shift = place + 1, shift + 7
        if byte < 128:
            return value, place
