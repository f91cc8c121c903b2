"""IAM-OnDB: the official XML of one line or of a whole form in, its ink out."""

from array import array
from pathlib import Path

import numpy as np

from nextstroke.errors import BadInk, LimitExceeded
from nextstroke.formats.limits import MAX_COORDINATE, check_count, read_bounded
from nextstroke.formats.safe_xml import parse_xml
from nextstroke.formats.transcription import text_rows, unescape
from nextstroke.ink import Ink

ROOT = "WhiteboardCaptureSession"


def read_line(path: Path) -> Ink:
    """The ink of one official line file, in whiteboard units.

    Times are not read: in 47 official lines they run backwards.

    Raises:
        BadInk: malformed XML, a point without finite x and y, no points; file and line are named.
        BadInput: the file cannot be read.
        LimitExceeded: it is too long.
    """
    return parse_line(read_bounded(path), path)


def parse_line(data: bytes, name: Path | str) -> Ink:
    """As `read_line`, from bytes; `name` is for messages."""
    return _ink(_parsed(data, name), name)


def parse_form(data: bytes, name: Path | str) -> tuple[Ink, str]:
    """Return the ink of a line or of a whole form, and the transcription of a form, a row for each line.

    Args:
        data: Content of the file.
        name: Name of the file for messages.

    Raises:
        BadInk, LimitExceeded: As `read_line`.
    """
    trace = _parsed(data, name)
    return _ink(trace, name), text_rows("\n".join(trace.rows))


def _parsed(data: bytes, name: Path | str) -> "_Trace":
    trace = _Trace()
    parse_xml(data, name, trace)
    return trace


def _ink(trace: "_Trace", name: Path | str) -> Ink:
    try:
        return trace.ink()
    except (BadInk, LimitExceeded) as error:
        raise type(error)(f"{name}: {error}") from error


class _Trace:
    """Collects the points, the stroke ends and the rows of the transcription that go by."""

    def __init__(self) -> None:
        self.x, self.y = array("d"), array("d")
        self.stops = [0]
        self.rows: list[str] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "TextLine":
            self.rows.append(unescape(attributes.get("text", "")))
        if tag != "Point":
            return
        try:
            x, y = float(attributes["x"]), float(attributes["y"])
        except KeyError as error:
            raise BadInk(f"a Point without {error.args[0]}") from None
        except ValueError as error:
            raise BadInk(f"a Point whose place is no number ({error})") from None
        # Written so that NaN fails too.
        if not (-MAX_COORDINATE <= x <= MAX_COORDINATE and -MAX_COORDINATE <= y <= MAX_COORDINATE):
            raise BadInk(f"a Point at ({x:g}, {y:g}); only finite numbers within ±{MAX_COORDINATE:g} are read")
        self.x.append(x)
        self.y.append(y)

    def end(self, tag: str) -> None:
        if tag == "Stroke" and len(self.x) > self.stops[-1]:
            self.stops.append(len(self.x))

    def ink(self) -> Ink:
        if self.stops[-1] != len(self.x):
            raise BadInk("a Point outside any Stroke")
        check_count(len(self.x))
        if not self.x:
            raise BadInk(f"no strokes; an official line has {ROOT} > StrokeSet > Stroke > Point")
        ends = np.zeros(len(self.x), bool)
        ends[np.array(self.stops[1:]) - 1] = True
        return Ink(np.column_stack([self.x, self.y]), ends)
