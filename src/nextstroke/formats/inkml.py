"""InkML, the W3C's language for ink (https://www.w3.org/TR/InkML/): read and write traces and their text."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree as ET

import numpy as np

from nextstroke.errors import BadInk
from nextstroke.formats.limits import check_coordinates, check_count
from nextstroke.formats.safe_xml import legal_text, local, parse_xml
from nextstroke.ink import Ink

NAMESPACE = "http://www.w3.org/2003/InkML"
XML_ID = "http://www.w3.org/XML/1998/namespace id"
TEXT_TYPES = {"truth", "transcription", "label", "text"}  # annotations that say what was written

NUMBER = r"(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
# A value: an order of difference, which holds until the next one, and a number, T, F, "*" (as before) or "?" (unknown).
VALUE = re.compile(rf"""([!'"])?\s*(?:((?:[-+]\s*)?(?:{NUMBER}|#[0-9A-Fa-f]+))|([TF*?]))\s*""")


class Format(NamedTuple):
    """Which of a point's values are its place.

    Attributes:
        x: Index of the channel X.
        y: Index of the channel Y.
        y_sign: −1 where Y grows upwards.
    """

    x: int = 0
    y: int = 1
    y_sign: int = 1


def parse_inkml(data: bytes, name: Path | str) -> tuple[Ink, str]:
    """The ink and the text of an InkML document; the text is empty if no annotation has it.

    Traces of type penUp are not ink. Channels other than X and Y, and intermittent ones, are not read.

    Raises:
        BadInk: malformed XML or traces, no traces; `name`, and the line where there is one, are named.
    """
    document = _Document()
    parse_xml(data, name, document, document.text)
    try:
        return Ink.from_strokes(map(np.concatenate, document.strokes)), document.truth()
    except BadInk as error:
        raise BadInk(f"{name}: {error}; a trace holds points such as 10 0, 9 14, 8 28") from error


def write_inkml(strokes: Iterable[np.ndarray], text: str) -> bytes:
    """Return an InkML document with one trace per stroke.

    Args:
        strokes: Each of shape (points, 2), in millimetres, y downwards.
        text: What the ink says.
    """
    ET.register_namespace("", NAMESPACE)
    root = ET.Element(f"{{{NAMESPACE}}}ink")
    trace_format = ET.SubElement(root, f"{{{NAMESPACE}}}traceFormat")
    for name in ("X", "Y"):
        ET.SubElement(trace_format, f"{{{NAMESPACE}}}channel", {"name": name, "type": "decimal", "units": "mm"})
    ET.SubElement(root, f"{{{NAMESPACE}}}annotation", {"type": "truth"}).text = legal_text(text)
    for stroke in strokes:
        ET.SubElement(root, f"{{{NAMESPACE}}}trace").text = ", ".join(f"{x:.3f} {y:.3f}" for x, y in stroke)
    return ET.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n"


class _Document:
    """Collects the traces, formats and annotations that go by."""

    def __init__(self) -> None:
        self.strokes: list[list[np.ndarray]] = []  # the pieces of each
        self.formats: dict[str, Format] = {}
        self.format = Format()
        self.annotations: list[tuple[int, str]] = []
        self._open: list[tuple[str, dict[str, str]]] = []
        self._channels: list[tuple[str, str]] = []
        self._pieces: list[str] | None = None
        self._count = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        tag = local(tag)
        self._open.append((tag, attributes))
        if tag == "traceFormat":
            self._channels = []
        elif tag == "channel" and not self._within("intermittentChannels"):
            self._channels.append((attributes.get("name", ""), attributes.get("orientation", "+ve")))
        elif tag == "context":
            self._choose(attributes, ("traceFormatRef", "inkSourceRef", "contextRef"))
        elif tag in ("trace", "annotation"):
            self._pieces = []

    def text(self, piece: str) -> None:
        if self._pieces is not None:
            self._pieces.append(piece)

    def end(self, tag: str) -> None:
        tag, attributes = local(tag), self._open[-1][1]
        if tag == "traceFormat":
            self._add_format()
        elif tag == "trace":
            self._add_trace(attributes)
        elif tag == "annotation":
            self._add_annotation(attributes)
        self._open.pop()

    def truth(self) -> str:
        """The outermost annotations, joined: inner ones name single words or symbols."""
        least = min((depth for depth, _ in self.annotations), default=0)
        return " ".join(text for depth, text in self.annotations if depth == least)

    def _within(self, tag: str) -> bool:
        return any(opened == tag for opened, _ in self._open)

    def _choose(self, attributes: dict[str, str], references: tuple[str, ...]) -> None:
        """Take the format that an attribute refers to, and give it the element's own name too."""
        for reference in references:
            chosen = self.formats.get(attributes.get(reference, "").lstrip("#"))
            if chosen is not None:
                self.format = self.formats[attributes.get(XML_ID, "")] = chosen

    def _add_format(self) -> None:
        """The format read last is the current one, and goes by the names of all elements about it."""
        names = [name for name, _ in self._channels]
        if "X" not in names or "Y" not in names:
            raise BadInk(f"a traceFormat without channels X and Y, but {names}")
        upward = self._channels[names.index("Y")][1] == "-ve"
        self.format = Format(names.index("X"), names.index("Y"), -1 if upward else 1)
        for _, attributes in self._open:
            if XML_ID in attributes:
                self.formats[attributes[XML_ID]] = self.format

    def _add_trace(self, attributes: dict[str, str]) -> None:
        written, self._pieces = "".join(self._pieces or []), None
        if attributes.get("type") == "penUp" or not written.strip():
            return
        self._count += written.count(",") + 1
        check_count(self._count)
        stroke = _points(written, self._format_of_trace())
        if attributes.get("continuation") in ("middle", "end") and self.strokes:
            self.strokes[-1].append(stroke)
        else:
            self.strokes.append([stroke])

    def _format_of_trace(self) -> Format:
        """The format of the nearest element that refers to a context, or else the current one."""
        references = [attributes["contextRef"] for _, attributes in self._open if "contextRef" in attributes]
        return self.formats.get(references[-1].lstrip("#"), self.format) if references else self.format

    def _add_annotation(self, attributes: dict[str, str]) -> None:
        text, self._pieces = " ".join("".join(self._pieces or []).split()), None
        if text and attributes.get("type", "").lower() in TEXT_TYPES:
            self.annotations.append((len(self._open), text))


def _points(written: str, layout: Format) -> np.ndarray:
    """The points (points, 2) of a trace."""
    needed = max(layout.x, layout.y) + 1
    channels = [_Channel() for _ in range(needed)]
    points = np.array([_point(point, channels) for point in written.strip().rstrip(",").split(",")])
    places = points[:, [layout.x, layout.y]] * (1, layout.y_sign)
    check_coordinates(places)
    return places


def _point(written: str, channels: "list[_Channel]") -> list[float]:
    """The first values of a point; those behind a colon are intermittent channels."""
    regular = written.partition(":")[0].strip()
    values: list[float] = []
    place = 0
    while place < len(regular):
        match = VALUE.match(regular, place)
        if match is None:
            raise BadInk(f"a trace with {regular[place : place + 20]!r} for a value")
        if len(values) < len(channels):
            values.append(channels[len(values)].read(match[1], match[2], match[3]))
        place = match.end()
    if len(values) < len(channels):
        raise BadInk(f"a point {regular[:20]!r} of {len(values)} values, {len(channels)} are needed")
    return values


class _Channel:
    """One channel of a trace: its order of difference, value and velocity so far."""

    def __init__(self) -> None:
        self.order, self.value, self.velocity = "!", 0.0, 0.0

    def read(self, order: str | None, number: str | None, mark: str | None) -> float:
        self.order = order or self.order
        if number is None:
            # "*" and "?" leave the value as it was; a truth value is its number.
            explicit = {"T": 1.0, "F": 0.0}.get(mark or "", self.value)
            self.velocity, self.value = explicit - self.value, explicit
            return self.value
        amount = _number(number)
        before = self.value
        if self.order == "!":
            self.value = amount
        elif self.order == "'":
            self.value = before + amount
        else:
            self.value = before + self.velocity + amount
        self.velocity = self.value - before
        return self.value


def _number(written: str) -> float:
    written = "".join(written.split())
    try:
        return float(int(written.replace("#", ""), 16)) if "#" in written else float(written)
    except OverflowError:
        raise BadInk(f"a trace with the value {written[:20]}...; it is not finite") from None
