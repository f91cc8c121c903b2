"""Ink as JSON: {"text": "a word", "strokes": [[[x, y], [x, y]], [[x, y]]]}, y downwards.

Also read: points as {"x": 1, "y": 2}, strokes as {"points": [...]}, {"pointers": [...]} (MyScript) or {"x": [...],
"y": [...]}, and a list of such strokes without a text.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from nextstroke.errors import BadInk, LimitExceeded
from nextstroke.formats.limits import check_coordinates, check_count
from nextstroke.formats.transcription import text_rows
from nextstroke.ink import Ink

FORM = 'it is {"text": "...", "strokes": [[[x, y], ...], ...]}'


def parse_json_ink(data: bytes, name: Path | str) -> tuple[Ink, str]:
    """Return the ink and the text of a JSON document; further values of a point are ignored.

    Args:
        data: Content of the file.
        name: Name of the file for messages.

    Raises:
        BadInk: not JSON, NaN or Infinity in it, or not of a known form.
        LimitExceeded: too many points.
    """
    try:
        return json_ink(load_json(data))
    except (BadInk, LimitExceeded) as error:
        raise type(error)(f"{name}: {error}") from error


def write_json_ink(strokes: Iterable[np.ndarray], metadata: Mapping[str, Any]) -> bytes:
    """Return a JSON document with the metadata, such as the text, and the strokes.

    Args:
        strokes: Each of shape (points, 2), y downwards.
        metadata: Values that JSON has, by name; NaN is refused.
    """
    points = [stroke.round(3).tolist() for stroke in strokes]
    return (
        json.dumps({**metadata, "strokes": points}, ensure_ascii=False, allow_nan=False).encode(
            "utf-8", "backslashreplace"
        )
        + b"\n"
    )


def load_json(data: bytes) -> Any:
    """Parse JSON; raise BadInk where it is malformed, too deep or holds NaN or Infinity."""
    try:
        return json.loads(data, parse_constant=_refuse)
    except RecursionError as error:
        raise BadInk("not JSON ink: nested too deep") from error
    except ValueError as error:
        raise BadInk(f"not JSON ({error})") from error


def json_ink(document: Any) -> tuple[Ink, str]:
    """Return the ink and the text of a parsed document; raise as `parse_json_ink`."""
    text = ""
    strokes = document
    if isinstance(document, dict):
        strokes = document.get("strokes")
        text = document.get("text", "")
    elif not (isinstance(document, list) and document and all(isinstance(stroke, dict) for stroke in document)):
        strokes = None
    if not isinstance(strokes, list):
        raise BadInk(f"not JSON ink; {FORM}")
    if not isinstance(text, str):
        raise BadInk("its text is not a string")
    strokes = [_points_of(stroke) for stroke in strokes if stroke != []]
    check_count(sum(len(stroke) for stroke in strokes if isinstance(stroke, list)))
    return Ink.from_strokes([stroke_array(stroke) for stroke in strokes if stroke != []]), text_rows(text)


def stroke_array(points: object) -> np.ndarray:
    """Return a stroke (points, 2) from a list of points [x, y, ...] or {"x": x, "y": y, ...}."""
    if isinstance(points, list) and points and all(isinstance(point, dict) for point in points):
        points = [[point.get("x"), point.get("y")] for point in points]
    try:
        stroke = np.array(points)
    except ValueError:  # rows of different lengths
        stroke = np.array(None)
    if stroke.dtype.kind not in "if" or stroke.ndim != 2 or stroke.shape[1] < 2:
        raise BadInk(f"a stroke that is not a list of points [x, y]: {str(points)[:40]}")
    check_coordinates(stroke[:, :2])
    return stroke[:, :2].astype(float)


def stroke_from_columns(x: object, y: object) -> np.ndarray:
    """Return a stroke (points, 2) from a list of x and a list of y."""
    if not (isinstance(x, list) and isinstance(y, list) and len(x) == len(y)):
        raise BadInk("a stroke whose x and y are not lists of one length")
    try:
        stroke = np.array([x, y]).T
    except ValueError:  # lists inside of lists
        stroke = np.array(None)
    if stroke.dtype.kind not in "if" or stroke.ndim != 2:
        raise BadInk(f"a stroke whose x and y are not lists of numbers: {str(x)[:40]}")
    check_coordinates(stroke)
    return stroke.astype(float)


def _points_of(stroke: object) -> object:
    """Return the list of points of a stroke that is an object; other strokes unchanged."""
    if not isinstance(stroke, dict):
        return stroke
    for key in ("points", "pointers"):
        if key in stroke:
            return stroke[key]
    for x, y in (("x", "y"), ("X", "Y")):
        if x in stroke and y in stroke:
            return stroke_from_columns(stroke[x], stroke[y]).tolist()
    raise BadInk(f"a stroke with {', '.join(map(str, stroke))[:60]}; points, pointers, or x and y are needed")


def _refuse(constant: str) -> NoReturn:
    raise BadInk(f"{constant} in it; only finite numbers are read")
