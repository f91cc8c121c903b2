"""Read strokes as numpy arrays: rows of dx, dy, end of stroke, y upwards, as handwriting-synthesis keeps its styles.

The text of `style-1-strokes.npy` is in `style-1-chars.npy` next to it. Rows of end of stroke, dx, dy are read too.
"""

import re
from pathlib import Path

import numpy as np

from nextstroke.errors import BadInk, BadInput
from nextstroke.formats.limits import check_coordinates, check_count, read_bounded
from nextstroke.formats.transcription import MAX_TEXT, text_rows
from nextstroke.ink import Ink

MAGIC = b"\x93NUMPY"
# Version, length and content of the header, as numpy writes it; its values are never evaluated.
HEADER = re.compile(
    rb"\x93NUMPY[\x01-\x03]\x00(?s:.{2}|.{4})\{'descr': '([<>|=][a-zA-Z]\d{0,5})', 'fortran_order': (True|False), "
    rb"'shape': \(([\d, ]{0,60})\), \} *\n"
)
STROKES, CHARACTERS = "-strokes", "-chars"  # ends of the names of two files that belong together
FORM = "rows of dx, dy, end of stroke are read"


def parse_npy_ink(data: bytes, path: Path) -> tuple[Ink, str]:
    """Return the ink of an array of offsets, and the text of the file that belongs to it, empty if there is none.

    Args:
        data: Content of the file.
        path: The file; its text is looked for next to it.

    Raises:
        BadInk: not a whole array of numbers, or not of three columns with 0 and 1 in one of them.
        LimitExceeded: too many points.
    """
    try:
        ink = _ink(load_array(data))
    except BadInk as error:
        raise BadInk(f"{path}: {error}; {FORM}") from error
    if not path.stem.endswith(STROKES):
        return ink, ""
    characters = path.with_name(path.stem.removesuffix(STROKES) + CHARACTERS + path.suffix)
    return ink, _text(characters) if characters.is_file() else ""


def load_array(data: bytes) -> np.ndarray:
    """Return an array whose header fits its size; pickled objects are refused.

    Raises:
        BadInk: not a whole array of numbers or of bytes.
    """
    found = HEADER.match(data)
    if found is None:
        raise BadInk("not a numpy array with the header of one of numbers")
    kind, order, written = (group.decode("ascii") for group in found.groups())
    shape = [int(length) for length in written.split(",") if length.strip()]
    if kind[1] not in "fiubS":
        raise BadInk(f"an array of {kind!r}, not of numbers")
    try:
        dtype = np.dtype(kind)
    except TypeError:
        raise BadInk(f"an array of {kind!r}, not of numbers") from None
    size = dtype.itemsize
    for length in shape:
        size *= length
    if size != len(data) - found.end():
        raise BadInk(f"an array whose header says {size:.3g} bytes, it has {len(data) - found.end()}")
    array = np.frombuffer(data, dtype, offset=found.end()) if size else np.empty(0, dtype)
    return array.reshape(shape, order="F" if order == "True" else "C")


def _ink(array: np.ndarray) -> Ink:
    if array.ndim != 2 or array.shape[1] != 3 or array.dtype.kind not in "fiub":
        raise BadInk(f"an array of {array.dtype} of shape {array.shape}")
    check_count(len(array))
    rows = array.astype(float)
    marks = [column for column in (2, 0) if np.isin(rows[:, column], (0, 1)).all()]
    if not marks:
        raise BadInk("an array without a column of 0 and 1")
    ends = rows[:, marks[0]] > 0
    with np.errstate(over="ignore", invalid="ignore"):
        points = np.delete(rows, marks[0], 1).cumsum(0) * (1, -1)
    check_coordinates(points)
    if len(ends) > 1 and not rows[0, np.arange(3) != marks[0]].any():
        ends[0] = False  # the first row is the start of the first stroke, with a mark as if it ended one
    if len(ends):
        ends[-1] = True
    return Ink(points, ends)


def _text(path: Path) -> str:
    try:
        characters = load_array(read_bounded(path, MAX_TEXT))
        return text_rows(characters.tobytes().rstrip(b"\0").decode("utf-8"))
    except (BadInk, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: not the text of the strokes next to it ({error})") from error
