"""Whole numbers as bytes: seven bits in each, the lowest first; all bytes but the last have the eighth bit set."""

from nextstroke.errors import CorruptFile

_LONGEST = 9  # bytes: 63 bits


def varint(value: int) -> bytes:
    """Return a number of at least 0 as bytes."""
    data = bytearray()
    while value > 127:
        data.append(value & 127 | 128)
        value >>= 7
    data.append(value)
    return bytes(data)


def read_varint(data: bytes, place: int) -> tuple[int, int]:
    """Return the number at a position, and the position after it.

    Raises:
        CorruptFile: The data end within the number, or it is longer than any that is written.
    """
    value = 0
    for n in range(_LONGEST):
        if place + n >= len(data):
            raise CorruptFile("a number is cut short; take another copy")
        byte = data[place + n]
        value |= (byte & 127) << (7 * n)
        if byte < 128:
            return value, place + n + 1
    raise CorruptFile(f"a number is longer than {_LONGEST} bytes; take another copy")
