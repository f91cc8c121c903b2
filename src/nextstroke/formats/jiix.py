"""Read JIIX, the JSON Ink Interchange Format of MyScript: strokes with arrays X and Y, in millimetres, y downwards."""

from typing import Any

from nextstroke.errors import BadInk
from nextstroke.formats.json_ink import stroke_from_columns
from nextstroke.formats.limits import check_count
from nextstroke.formats.transcription import text_rows
from nextstroke.ink import Ink

TYPES = ("Text", "Raw Content", "Math", "Diagram", "Drawing", "Shape", "Group")


def is_jiix(document: Any) -> bool:
    """Return whether a JSON document is the block of a JIIX export."""
    return isinstance(document, dict) and document.get("type") in TYPES and "strokes" not in document


def jiix_ink(document: dict[str, Any]) -> tuple[Ink, str]:
    """Return the ink and the label of a JIIX document.

    The strokes are in the order of the words, each in the order of writing. A stroke that both words and characters
    list is read once, by its id.

    Raises:
        BadInk: no strokes, or strokes without X and Y of one length.
        LimitExceeded: too many points.
    """
    strokes = []
    seen = set()
    count = 0
    waiting: list[Any] = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting.extend(reversed(value))
        elif isinstance(value, dict) and value.get("type") == "stroke":
            name = str(value.get("id", ""))
            if name and name in seen:
                continue
            seen.add(name)
            strokes.append(stroke_from_columns(value.get("X"), value.get("Y")))
            count += len(strokes[-1])
            check_count(count)
        elif isinstance(value, dict):
            waiting.extend(reversed(value.values()))
    if not strokes:
        raise BadInk("a JIIX document without strokes; export it with its ink")
    label = document.get("label", "")
    return Ink.from_strokes(strokes), text_rows(label) if isinstance(label, str) else ""
