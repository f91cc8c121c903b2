"""Read the freehand lines of Excalidraw: elements of type "freedraw", y downwards."""

import math
from typing import Any

import numpy as np

from nextstroke.errors import BadInk
from nextstroke.formats.json_ink import stroke_array
from nextstroke.formats.limits import check_coordinates, check_count
from nextstroke.ink import Ink


def is_excalidraw(document: Any) -> bool:
    """Return whether a JSON document is an Excalidraw drawing."""
    return isinstance(document, dict) and document.get("type") in ("excalidraw", "excalidraw/clipboard")


def excalidraw_ink(document: dict[str, Any]) -> Ink:
    """Return the freehand lines of a drawing; deleted and other elements are not ink.

    Raises:
        BadInk: no freehand lines, or malformed ones.
        LimitExceeded: too many points.
    """
    elements = document.get("elements")
    if not isinstance(elements, list):
        raise BadInk("an Excalidraw drawing without elements")
    strokes = []
    count = 0
    for element in elements:
        if not isinstance(element, dict) or element.get("type") != "freedraw" or element.get("isDeleted"):
            continue
        strokes.append(_stroke(element))
        count += len(strokes[-1])
        check_count(count)
    if not strokes:
        raise BadInk("an Excalidraw drawing without freehand lines")
    return Ink.from_strokes(strokes)


def _stroke(element: dict[str, Any]) -> np.ndarray:
    """Return the points of an element, moved to its position and turned about the middle of its box."""
    points = stroke_array(element.get("points"))
    values = [element.get(key, 0) for key in ("x", "y", "angle")]
    if not all(isinstance(value, int | float) and math.isfinite(value) for value in values):
        raise BadInk("a freehand line whose x, y and angle are not numbers")
    x, y, angle = values
    middle = (points.min(0) + points.max(0)) / 2
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    placed = (points - middle) @ turn + middle + (x, y)
    check_coordinates(placed)
    return placed
