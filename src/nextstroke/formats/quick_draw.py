"""Read Quick Draw ndjson: one drawing a line, each stroke as a list of x and a list of y, y downwards."""

from collections.abc import Iterator
from typing import Any

from nextstroke.errors import BadInk, LimitExceeded
from nextstroke.formats.json_ink import load_json, stroke_from_columns
from nextstroke.formats.limits import check_count
from nextstroke.ink import Ink

MAX_DRAWINGS = 20_000  # lines of a file


def is_drawing(document: Any) -> bool:
    """Return whether a JSON document is a drawing of the Quick Draw data set."""
    return isinstance(document, dict) and "drawing" in document


def parse_quick_draw(data: bytes) -> Iterator[Ink]:
    """Yield the ink of each drawing.

    The key "word" names what is drawn. It is not a transcription, so the drawings have no text.

    Raises:
        BadInk: a line that is not a drawing; its number is named.
        LimitExceeded: too many drawings, or points in all of them.
    """
    if data.count(b"\n") > MAX_DRAWINGS:
        raise LimitExceeded(f"more than {MAX_DRAWINGS} drawings; split it into smaller files")
    count = 0
    for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").splitlines(), 1):
        if not line.strip():
            continue
        try:
            document = load_json(line)
            strokes = document["drawing"] if is_drawing(document) else None
            if not isinstance(strokes, list) or not all(isinstance(one, list) and len(one) >= 2 for one in strokes):
                raise BadInk('not a drawing; it is {"drawing": [[[x, ...], [y, ...]], ...]}')
            ink = Ink.from_strokes([stroke_from_columns(stroke[0], stroke[1]) for stroke in strokes])
        except BadInk as error:
            raise BadInk(f"line {number}: {error}") from error
        count += len(ink)
        check_count(count)
        yield ink
