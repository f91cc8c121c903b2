"""Ink as plain JSON: {"text": "a word", "strokes": [[[x, y], [x, y]], [[x, y]]]}, y growing downwards."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from nextstroke.errors import BadInk, LimitExceeded
from nextstroke.formats.limits import check_coordinates, check_count
from nextstroke.ink import Ink


def parse_json_ink(data: bytes, name: Path | str) -> tuple[Ink, str]:
    """The ink and the text of a JSON document. Values of a point behind the first two are not read.

    Raises:
        BadInk: not JSON, NaN or Infinity in it, or not of the form above.
    """
    try:
        document = _load(data)
        check_count(sum(len(stroke) for stroke in document["strokes"] if isinstance(stroke, list)))
        strokes = [_stroke(stroke) for stroke in document["strokes"] if stroke != []]
        return Ink.from_strokes(strokes), " ".join(document["text"].split())
    except (BadInk, LimitExceeded) as error:
        raise type(error)(f"{name}: {error}") from error


def write_json_ink(strokes: Iterable[np.ndarray], metadata: Mapping[str, Any]) -> bytes:
    """Return a JSON document with the metadata, such as the text, and the strokes.

    Args:
        strokes: Each of shape (points, 2), y downwards.
        metadata: Values that JSON has, by name; NaN is refused.
    """
    points = [stroke.round(3).tolist() for stroke in strokes]
    return json.dumps({**metadata, "strokes": points}, ensure_ascii=False, allow_nan=False).encode() + b"\n"


def _load(data: bytes) -> dict[str, Any]:
    """The document, with "strokes" a list and "text" a string."""
    try:
        document = json.loads(data, parse_constant=_refuse)
    except RecursionError as error:
        raise BadInk("not JSON ink: nested too deep") from error
    except ValueError as error:
        raise BadInk(f"not JSON ({error})") from error
    if not isinstance(document, dict) or not isinstance(document.get("strokes"), list):
        raise BadInk('not JSON ink; it is {"text": "...", "strokes": [[[x, y], ...], ...]}')
    if not isinstance(document.setdefault("text", ""), str):
        raise BadInk("its text is not a string")
    return document


def _refuse(constant: str) -> NoReturn:
    raise BadInk(f"{constant} in it; only finite numbers are read")


def _stroke(points: object) -> np.ndarray:
    """A stroke (points, 2) from lists of numbers."""
    try:
        stroke = np.array(points)
    except ValueError:  # rows of different lengths
        stroke = np.array(None)
    if stroke.dtype.kind not in "if" or stroke.ndim != 2 or stroke.shape[1] < 2:
        raise BadInk(f"a stroke that is not a list of points [x, y]: {str(points)[:40]}")
    check_coordinates(stroke[:, :2])
    return stroke[:, :2].astype(float)
