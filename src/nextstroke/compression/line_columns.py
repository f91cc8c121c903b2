"""Lines that differ in their numbers, as in logs: the numbers as columns of differences, each form of line once.

The form of a line is the line with FIELD in place of each decimal number of at most MOST_DIGITS digits. The result is a
varint with the number of lines, a varint with the size of all forms, the forms in the order of their first line
(joined by line ends), the column of each line's form, and then for each form, from left to right, the column of each
field.

A column of n numbers is a byte with the digits of each (0: as many as the number needs; GIVEN: n bytes follow at the
end), a byte that is 1 for differences, a byte with the width b of what follows, the base as a varint, and b planes:
first the lowest bytes of all, then the next. They hold the numbers less the base, their least; or the differences from
the number before, of the first from the base, each d as 2d, or −2d − 1 if it is negative. A plane is a byte 0 and n
bytes, or a byte 1 and frequencies, and is then coded by plane_coder.py.
"""

from itertools import pairwise

import numpy as np

from nextstroke.compression.plane_coder import PlaneDecoder, PlaneEncoder, read_frequencies
from nextstroke.compression.repeats import shorten
from nextstroke.compression.varint import read_varint, varint
from nextstroke.errors import CorruptFile

FIELD = b"\0"
MOST_DIGITS = 18
GIVEN = MOST_DIGITS + 1
_LINE_END = b"\n"
_POWERS = 10 ** np.arange(MOST_DIGITS + 1, dtype=np.int64)
_MOST_FORMS = 1024  # data with more forms of lines are left alone
_LEAST_CODED = 1024  # bytes of a plane that is coded by itself
_UNORDERED = 0.97  # of the bits of the same bytes in another order


def split_columns(data: bytes) -> tuple[bytes, bytes] | None:
    """Return lines as forms and columns; None for data that have FIELD in them or too many forms.

    Returns: What is left to predict, and planes that are coded already.
    """
    if FIELD in data:
        return None
    array = np.frombuffer(data, np.uint8)
    first, digits = _numbers(array)
    forms = _form_of_each(array, first, digits)
    number = {form: n for n, form in enumerate(dict.fromkeys(forms))}
    if len(number) > _MOST_FORMS:
        return None
    ids = np.fromiter(map(number.__getitem__, forms), np.int64, len(forms))
    texts = _LINE_END.join(number)
    order, bounds = _order(ids, list(number))
    values = _values(array, first, digits)[order]
    digits = digits[order]
    encoder = PlaneEncoder()
    parts = [varint(len(forms)), varint(len(texts)), texts, _pack_column(ids, _digits_of(ids), encoder)]
    for start, end in pairwise(bounds):
        parts.append(_pack_column(values[start:end], digits[start:end], encoder))
    return b"".join(parts), encoder.finish()


def _numbers(array: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where the numbers of an array of bytes begin, and how many digits they have."""
    digit = np.zeros(len(array) + 2, np.int8)
    digit[1:-1] = (array >= ord("0")) & (array <= ord("9"))
    change = np.diff(digit)
    first = np.flatnonzero(change == 1)
    length = np.flatnonzero(change == -1) - first
    short = length <= MOST_DIGITS
    return first[short], length[short]


def _form_of_each(array: np.ndarray, first: np.ndarray, digits: np.ndarray) -> list[bytes]:
    """Return the form of each line."""
    kept = np.zeros(len(array) + 1, np.int8)
    kept[first] = 1
    kept[first + digits] -= 1
    inside = np.cumsum(kept[:-1]).astype(bool)
    text = array.copy()
    text[first] = FIELD[0]
    inside[first] = False
    return text[~inside].tobytes().split(_LINE_END)


def _order(ids: np.ndarray, forms: list[bytes]) -> tuple[np.ndarray, list[int]]:
    """Return the order that sorts the fields of all lines by column, and where columns begin and end in it.

    Args:
        ids: The form of each line.
        forms: The forms.
    """
    fields = np.array([form.count(FIELD) for form in forms])
    of_line = fields[ids]
    before = np.cumsum(of_line) - of_line
    column = np.cumsum(fields) - fields
    columns = np.repeat(column[ids] - before, of_line) + np.arange(of_line.sum())
    sizes = np.repeat(np.bincount(ids, minlength=len(forms)), fields)
    return np.argsort(columns, kind="stable"), np.cumsum([0, *sizes]).tolist()


def _values(array: np.ndarray, first: np.ndarray, digits: np.ndarray) -> np.ndarray:
    """Return the numbers that begin at `first`."""
    values = np.zeros(len(first), np.int64)
    for place in range(int(digits.max(initial=0))):
        longer = digits > place
        values[longer] = values[longer] * 10 + array[first[longer] + place] - ord("0")
    return values


def _digits_of(values: np.ndarray) -> np.ndarray:
    """Return how many digits each number needs."""
    return np.maximum(np.searchsorted(_POWERS, values, side="right"), 1)


def _pack_column(values: np.ndarray, digits: np.ndarray, encoder: PlaneEncoder) -> bytes:
    as_needed = (digits == _digits_of(values)).all()
    same = (digits == digits[0]).all()
    width = 0 if as_needed else int(digits[0]) if same else GIVEN
    given = digits.astype(np.uint8).tobytes() if width == GIVEN else b""
    away = np.diff(values, prepend=values[:1])
    differences = np.where(away < 0, -2 * away - 1, 2 * away)
    least = int(values.min())
    options = [(0, least, _planes(values - least)), (1, int(values[0]), _planes(differences))]
    kind, base, planes = min(options, key=lambda option: sum(map(_entropy, option[2])))
    head = bytes([width, kind, len(planes)]) + varint(base)
    return head + b"".join(_pack_plane(plane, encoder) for plane in planes) + given


def _pack_plane(plane: np.ndarray, encoder: PlaneEncoder) -> bytes:
    if _is_unordered(plane):
        return b"\1" + encoder.encode(plane)
    return b"\0" + plane.tobytes()


def _is_unordered(plane: np.ndarray) -> bool:
    """Return whether neither the byte before nor repeats tell anything about a byte."""
    if len(plane) < _LEAST_CODED or shorten(plane.tobytes(), len(plane) // 4) is not None:
        return False
    rows = int(len(plane) ** 0.5)
    other = plane[: rows * rows].reshape(rows, rows).T.reshape(-1)
    return _order_1_entropy(plane[: rows * rows]) >= _UNORDERED * _order_1_entropy(other)


def _order_1_entropy(plane: np.ndarray) -> float:
    """Return the bits of a plane, given the byte before each."""
    pairs = plane[:-1].astype(np.int64) << 8 | plane[1:]
    return _bits(np.bincount(pairs)) - _bits(np.bincount(plane[:-1]))


def _planes(values: np.ndarray) -> list[np.ndarray]:
    """Return the lowest byte of all numbers, the next of all, and so on as long as one is not 0."""
    count = (int(values.max()).bit_length() + 7) // 8
    return [(values >> (8 * plane)).astype(np.uint8) for plane in range(count)]


def _entropy(plane: np.ndarray) -> float:
    """Return the bits of a plane by itself."""
    return _bits(np.bincount(plane))


def _bits(counts: np.ndarray) -> float:
    """Return the bits that tell the kind of each thing, given the number of things of each kind."""
    counts = counts[counts > 0]
    return float((counts * np.log2(counts.sum() / counts)).sum())


def join_columns(packed: bytes, coded: bytes, size: int) -> bytes:
    """Return what `split_columns` was given.

    Args:
        packed, coded: What it gave.
        size: Bytes of the result.

    Raises:
        CorruptFile: It never gave that for data of this size.
    """
    reader = _Reader(packed, PlaneDecoder(coded))
    lines = reader.varint()
    if not 0 < lines <= size + 1:
        raise CorruptFile(f"a part claims {lines} lines in {size} bytes; take another copy")
    forms = reader.take(reader.varint()).split(_LINE_END)
    ids, _ = reader.column(lines)
    if ids.min() < 0 or ids.max() >= len(forms):
        raise CorruptFile("a line has a form that is not there; take another copy")
    length = int(np.array([len(form) for form in forms])[ids].sum()) + lines - 1
    _check_size(length, size, length <= size)  # before memory is taken: each field has at least one digit
    order, bounds = _order(ids, forms)
    columns = [reader.column(end - start) for start, end in pairwise(bounds)]
    values, digits = np.zeros((2, len(order)), np.int64)
    if columns:
        values[order], digits[order] = (np.concatenate(parts) for parts in zip(*columns, strict=True))
    length += int(digits.sum()) - len(order)
    _check_size(length, size, length == size)
    return _written(_LINE_END.join([forms[n] for n in ids.tolist()]), values, digits)


def _check_size(length: int, size: int, is_possible: bool) -> None:
    if not is_possible:
        raise CorruptFile(f"the lines of a part have {length} bytes together instead of {size}; take another copy")


def _written(text: bytes, values: np.ndarray, digits: np.ndarray) -> bytes:
    """Return a text with numbers in place of its fields."""
    array = np.frombuffer(text, np.uint8)
    field = np.flatnonzero(array == FIELD[0])
    width = np.ones(len(array), np.int64)
    width[field] = digits
    result = np.repeat(array, width)
    end = np.cumsum(width)[field]
    for place in range(int(digits.max(initial=0))):
        longer = digits > place
        result[end[longer] - 1 - place] = values[longer] // _POWERS[place] % 10 + ord("0")
    return result.tobytes()


class _Reader:
    """Reads one part of `packed` after the other; raises CorruptFile where the bytes end before it."""

    def __init__(self, packed: bytes, decoder: PlaneDecoder):
        self._packed = packed
        self._place = 0
        self._decoder = decoder

    def varint(self) -> int:
        value, self._place = read_varint(self._packed, self._place)
        return value

    def take(self, count: int) -> bytes:
        data = self._packed[self._place : self._place + count]
        if len(data) < count:
            raise CorruptFile("columns are cut short; take another copy")
        self._place += count
        return data

    def column(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the numbers of a column, and how many digits each has."""
        width, kind, planes = self.take(3)
        if width > GIVEN or kind > 1 or planes > 8:
            raise CorruptFile("a column is of an unknown kind; take another copy")
        base = self.varint()
        numbers = np.zeros(count, np.int64)
        for plane in range(planes):
            numbers |= self._plane(count) << (8 * plane)
        if kind:
            numbers = np.cumsum(np.where(numbers & 1, -(numbers >> 1) - 1, numbers >> 1))
        values = numbers + base
        if width == GIVEN:
            digits = np.frombuffer(self.take(count), np.uint8).astype(np.int64)
        else:
            digits = np.full(count, width) if width else _digits_of(values)
        if digits.max(initial=0) > MOST_DIGITS:
            raise CorruptFile("a number has too many digits; take another copy")
        return values, digits

    def _plane(self, count: int) -> np.ndarray:
        if self.take(1) == b"\0":
            return np.frombuffer(self.take(count), np.uint8).astype(np.int64)
        size, self._place = read_frequencies(self._packed, self._place)
        return self._decoder.decode(size, count)
