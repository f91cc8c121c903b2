"""Read ink as CSV: rows of x, y and the number of the stroke, y downwards.

A header may name the columns in any order: x and y (or the only names that end in _x and _y), and stroke (also with
id, nr or the like, or trace, or idx), or pen_up (or end_of_stroke) with 1 at the last point of a stroke. Without a
header the third column is the number of the stroke. There is one stroke where no column tells strokes apart, or where
each row has another number.
"""

import re
from pathlib import Path

import numpy as np

from nextstroke.errors import BadInk, LimitExceeded
from nextstroke.formats.limits import MAX_POINTS, check_coordinates
from nextstroke.ink import Ink

SEPARATOR = re.compile(r"\s*[,;\t]\s*|\s+")
NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
STROKE = re.compile(r"(stroke|trace)[ _]?(id|nr|no|num|number|index|idx)?|idx")
PEN_UP = ("pen_up", "penup", "end_of_stroke", "eos")


def is_csv(data: bytes) -> bool:
    """Return whether the first row of a file is a header with x and y, or has two numbers at least."""
    first = _cells(data[:1000].removeprefix(b"\xef\xbb\xbf").decode("latin-1").lstrip().split("\n", 1)[0])
    return bool(_positions(first)) or (len(first) >= 2 and all(NUMBER.fullmatch(cell) for cell in first))


def parse_csv_ink(data: bytes, name: Path | str) -> Ink:
    """Return the ink of a CSV file.

    Args:
        data: Content of the file.
        name: Name of the file for messages.

    Raises:
        BadInk: a row that lacks numbers; its line is named.
        LimitExceeded: too many points.
    """
    rows = data.removeprefix(b"\xef\xbb\xbf").decode("latin-1").splitlines()
    try:
        return _ink(rows)
    except (BadInk, LimitExceeded) as error:
        raise type(error)(f"{name}{error}") from error


def _ink(rows: list[str]) -> Ink:
    if len(rows) > MAX_POINTS + 1:
        raise LimitExceeded(f": {len(rows)} rows, at most {MAX_POINTS} points are read; split it into single lines")
    columns: dict[str, int] = {}
    read: list[int] = []
    table: list[list[float]] = []
    for line, row in enumerate(rows, 1):
        if not row.strip():
            continue
        cells = _cells(row)
        if not columns:
            columns = _columns(cells)
            read = list(columns.values())
            if not NUMBER.fullmatch(cells[columns["x"]]):
                continue
        try:
            table.append([float(cells[column]) for column in read])
        except (ValueError, IndexError):
            raise BadInk(f":{line}: {row[:40]!r} is not a row of {len(read)} numbers") from None
    if not table:
        raise BadInk(": the ink has no points; rows of x,y,stroke are read")
    values = np.array(table)
    try:
        check_coordinates(values[:, :2])
    except BadInk as error:
        raise BadInk(f": {error}") from error
    marks = values[:, 2] if len(columns) == 3 else np.zeros(len(values))
    if "stroke" in columns and len(marks) > 2 and len(np.unique(marks)) == len(marks):
        marks = np.zeros(len(values))  # the number of the row, not of a stroke
    last = marks > 0 if "pen_up" in columns else np.append(marks[1:] != marks[:-1], True)
    last[-1] = True
    return Ink(values[:, :2], last)


def _columns(cells: list[str]) -> dict[str, int]:
    """Return the indices of the columns that are read, by the first row."""
    columns = _positions(cells)
    if columns:
        found = [i for i, cell in enumerate(cells) if STROKE.fullmatch(cell)]
        lifted = [i for i, cell in enumerate(cells) if cell in PEN_UP]
        return columns | ({"stroke": found[0]} if found else {"pen_up": lifted[0]} if lifted else {})
    if len(cells) < 2:
        raise BadInk(":1: rows of x,y,stroke are needed")
    return {"x": 0, "y": 1} | ({"stroke": 2} if len(cells) > 2 else {})


def _positions(cells: list[str]) -> dict[str, int]:
    """Return the indices of the columns x and y by the names in a header; empty if it does not name both once."""
    found = {}
    for axis in "xy":
        named = [i for i, cell in enumerate(cells) if cell == axis]
        named = named or [i for i, cell in enumerate(cells) if cell.endswith(f"_{axis}")]
        if len(named) == 1:
            found[axis] = named[0]
    return found if len(found) == 2 else {}


def _cells(row: str) -> list[str]:
    return [cell.strip('"').lower() for cell in SEPARATOR.split(row.strip())]
