"""InkML, the W3C's language for ink (https://www.w3.org/TR/InkML/): read and write traces and their text."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree as ET

import numpy as np

from nextstroke.errors import BadInk, LimitExceeded
from nextstroke.formats.limits import check_coordinates, check_count
from nextstroke.formats.safe_xml import legal_text, local, parse_xml
from nextstroke.ink import Ink

NAMESPACE = "http://www.w3.org/2003/InkML"
XML_ID = "http://www.w3.org/XML/1998/namespace id"
GROUPS = {"traceGroup", "traceView"}
MAX_GROUPS = 20_000
TEXT_TYPES = {"truth", "transcription", "label", "text"}  # annotations that say what was written

NUMBER = r"(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
# A value: an order of difference, valid until the next one, and a number, T, F, "*" (unchanged) or "?" (unknown).
VALUE = re.compile(rf"""([!'"])?\s*(?:((?:[-+]\s*)?(?:{NUMBER}|#[0-9A-Fa-f]+))|([TF*?]))\s*""")


Affine = tuple[tuple[float, ...], tuple[float, ...]]  # rows (a, b, c): a x + b y + c


class Format(NamedTuple):
    """How the position of a point follows from its values.

    Attributes:
        x: Index of the channel X.
        y: Index of the channel Y.
        y_sign: −1 where Y grows upwards.
        transform: From (X, Y) to the canvas, whose y grows downwards; None for the identity.
    """

    x: int = 0
    y: int = 1
    y_sign: int = 1
    transform: Affine | None = None


def parse_inkml(data: bytes, name: Path | str) -> list[tuple[Ink, str]]:
    """Return the ink and the text of an InkML document; the text is empty if no annotation has it.

    A document whose trace groups or trace views have transcriptions of their own, each of several words, gives the ink
    and the text of each. Transcriptions of single words are joined, line by line where views group them.

    Traces of type penUp are not ink. Channels other than X and Y, and intermittent ones, are not read. Affine canvas
    transforms are applied.

    Args:
        data: Content of the file.
        name: Name of the file for messages.

    Raises:
        BadInk: malformed XML or traces, a canvas transform that is not affine, no traces.
        LimitExceeded: too many points.
    """
    document = _Document()
    parse_xml(data, name, document, document.text)
    try:
        return [(Ink.from_strokes(strokes), text) for strokes, text in document.drawings()]
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


class _Group:
    """A traceGroup or traceView: the numbers of its traces, and what annotations say of them.

    Attributes:
        parent: The group around it; None for the document.
        strokes: Numbers of the strokes in it, those of inner groups included, or names of traces and of groups.
        texts: Its own transcriptions.
    """

    def __init__(self, parent: "_Group | None"):
        self.parent = parent
        self.strokes: list[int | str] = []
        self.texts: list[str] = []


class _Document:
    """Handler that collects traces, formats and annotations."""

    def __init__(self) -> None:
        self.groups = [_Group(None)]  # the document, and all groups in the order in which they begin
        self.named: dict[str, list[int | str]] = {}  # strokes of traces and groups by their id
        self._group = self.groups[0]
        self.strokes: list[list[np.ndarray]] = []  # each as pieces
        self.formats: dict[str, Format] = {}
        self.transforms: dict[str, Affine | None] = {}
        self.format = Format()
        self._open: list[tuple[str, dict[str, str]]] = []
        self._channels: list[tuple[str, str]] = []
        self._matrices: list[Affine] = []
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
            self._begin_context(attributes)
        elif tag == "mapping" and attributes.get("type", "unknown") not in ("affine", "identity"):
            raise BadInk(f"a mapping of type {attributes.get('type', 'unknown')[:20]!r}; affine and identity are read")
        elif tag in ("trace", "annotation", "matrix"):
            self._pieces = []
        elif tag in GROUPS:
            self._begin_group(attributes)

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
        elif tag == "matrix":
            self._matrices.append(_affine(self._taken_text()))
        elif tag == "canvasTransform":
            self._add_transform(attributes)
        elif tag == "context" and XML_ID in attributes:
            self.formats[attributes[XML_ID]] = self.format
        elif tag in GROUPS:
            self._end_group()
        self._open.pop()

    def drawings(self) -> list[tuple[list[np.ndarray], str]]:
        """Return the strokes and the text of each part of the document that has a transcription.

        Inner annotations are of single words or symbols where the document, or a group around them, has its own.
        """
        whole = [np.concatenate(pieces) for pieces in self.strokes]
        if self.groups[0].texts:
            return [(whole, " ".join(self.groups[0].texts))]
        outer = [group for group in self.groups if group.texts and not _within_text(group)]
        if not outer:
            return [(whole, "")]
        if sum(" " in " ".join(group.texts) for group in outer) > len(outer) / 2:
            parts = [[group] for group in outer]
        else:
            lines: dict[int, list[_Group]] = {}
            for group in outer:
                lines.setdefault(id(group.parent), []).append(group)
            parts = list(lines.values())
        found = []
        for part in parts:
            numbers = dict.fromkeys(number for group in part for number in self._numbers(group.strokes))
            found.append(([whole[number] for number in numbers], " ".join(" ".join(group.texts) for group in part)))
        return [(strokes, text) for strokes, text in found if strokes] or [(whole, " ".join(text for _, text in found))]

    def _numbers(self, strokes: list[int | str]) -> Iterator[int]:
        """Yield the numbers of strokes, those that are referred to by name included; each name is followed once."""
        waiting = list(reversed(strokes))
        followed = set()
        while waiting:
            stroke = waiting.pop()
            if isinstance(stroke, int):
                yield stroke
            elif stroke not in followed:
                followed.add(stroke)
                waiting += reversed(self.named.get(stroke, []))

    def _begin_group(self, attributes: dict[str, str]) -> None:
        if len(self.groups) > MAX_GROUPS:
            raise LimitExceeded(f"more than {MAX_GROUPS} trace groups and views; split the document")
        self._group = _Group(self._group)
        self.groups.append(self._group)
        if "traceDataRef" in attributes:
            self._group.strokes.append(attributes["traceDataRef"].lstrip("#"))
        name = attributes.get(XML_ID, attributes.get("id", ""))
        if name:
            self.named[name] = self._group.strokes

    def _end_group(self) -> None:
        group = self._group
        assert group.parent is not None
        self._group = group.parent
        self._group.strokes += group.strokes

    def _taken_text(self) -> str:
        """Return the text of the element that ends."""
        text = "".join(self._pieces or [])
        self._pieces = None
        return text

    def _within(self, tag: str) -> bool:
        return any(opened == tag for opened, _ in self._open)

    def _begin_context(self, attributes: dict[str, str]) -> None:
        """Take over the formats and transforms that a context refers to."""
        transform = None
        for reference in ("traceFormatRef", "inkSourceRef", "contextRef"):
            chosen = self.formats.get(attributes.get(reference, "").lstrip("#"))
            if chosen is not None:
                self.format = chosen
                transform = chosen.transform if reference == "contextRef" else transform
        if "canvasTransformRef" in attributes:
            name = attributes["canvasTransformRef"].lstrip("#")
            if name not in self.transforms:
                raise BadInk(f"a context with the canvasTransform {name[:40]!r}, which the document does not have")
            transform = self.transforms[name]
        self.format = self.format._replace(transform=transform)

    def _add_transform(self, attributes: dict[str, str]) -> None:
        """Register a canvas transform; the first mapping is the forward one."""
        transform = self._matrices[0] if self._matrices else None
        self._matrices = []
        if XML_ID in attributes:
            self.transforms[attributes[XML_ID]] = transform
        if self._within("context"):
            self.format = self.format._replace(transform=transform)

    def _add_format(self) -> None:
        """Make the format read last the current one, under the names of all elements around it."""
        names = [name for name, _ in self._channels]
        if "X" not in names or "Y" not in names:
            raise BadInk(f"a traceFormat without channels X and Y, but {names}")
        upward = self._channels[names.index("Y")][1] == "-ve"
        transform = self.format.transform if self._within("context") else None
        self.format = Format(names.index("X"), names.index("Y"), -1 if upward else 1, transform)
        for _, attributes in self._open:
            if XML_ID in attributes:
                self.formats[attributes[XML_ID]] = self.format

    def _add_trace(self, attributes: dict[str, str]) -> None:
        written = self._taken_text()
        if attributes.get("type") == "penUp" or not written.strip():
            return
        self._count += written.count(",") + 1
        check_count(self._count)
        stroke = _points(written, self._format_of_trace())
        if attributes.get("continuation") in ("middle", "end") and self.strokes:
            self.strokes[-1].append(stroke)
        else:
            self._group.strokes.append(len(self.strokes))
            self.strokes.append([stroke])
        name = attributes.get(XML_ID, attributes.get("id", ""))
        if name:
            self.named[name] = [len(self.strokes) - 1]

    def _format_of_trace(self) -> Format:
        """Return the format of the nearest element that refers to a context, or else the current one."""
        references = [attributes["contextRef"] for _, attributes in self._open if "contextRef" in attributes]
        return self.formats.get(references[-1].lstrip("#"), self.format) if references else self.format

    def _add_annotation(self, attributes: dict[str, str]) -> None:
        text = " ".join(self._taken_text().split())
        if text and attributes.get("type", "").lower() in TEXT_TYPES:
            self._group.texts.append(text)


def _within_text(group: _Group) -> bool:
    """Return whether a group around this one has a transcription."""
    while group.parent is not None:
        group = group.parent
        if group.texts:
            return True
    return False


def _points(written: str, layout: Format) -> np.ndarray:
    """Return the points (points, 2) of a trace."""
    needed = max(layout.x, layout.y) + 1
    channels = [_Channel() for _ in range(needed)]
    points = np.array([_point(point, channels) for point in written.strip().rstrip(",").split(",")])
    positions = points[:, [layout.x, layout.y]]
    if layout.transform is None:
        positions = positions * (1, layout.y_sign)
    else:
        matrix = np.array(layout.transform)
        with np.errstate(over="ignore", invalid="ignore"):
            positions = positions @ matrix[:, :2].T + matrix[:, 2]
    check_coordinates(positions)
    return positions


def _affine(written: str) -> Affine:
    """Parse a matrix such as "1 0 5, 0 1 7": one row for each of x and y."""
    rows = [row.split() for row in written.strip().rstrip(",").split(",")]
    try:
        first, second = (tuple(float(value) for value in row) for row in rows)
    except ValueError:
        first = second = ()
    if len(first) != 3 or len(second) != 3:
        raise BadInk(f"a matrix {' '.join(written.split())[:40]!r}; two rows of three numbers are needed")
    return first, second


def _point(written: str, channels: "list[_Channel]") -> list[float]:
    """Return the first values of a point; values after a colon are of intermittent channels."""
    regular = written.partition(":")[0].strip()
    values: list[float] = []
    position = 0
    while position < len(regular):
        match = VALUE.match(regular, position)
        if match is None:
            raise BadInk(f"a trace with {regular[position : position + 20]!r} for a value")
        if len(values) < len(channels):
            values.append(channels[len(values)].read(match[1], match[2], match[3]))
        position = match.end()
    if len(values) < len(channels):
        raise BadInk(f"a point {regular[:20]!r} of {len(values)} values, {len(channels)} are needed")
    return values


class _Channel:
    """Decoder of one channel of a trace, with its order of difference, value and velocity."""

    def __init__(self) -> None:
        self.order = "!"
        self.value = 0.0
        self.velocity = 0.0

    def read(self, order: str | None, number: str | None, mark: str | None) -> float:
        self.order = order or self.order
        if number is None:
            # "*" and "?" leave the value as it was; a truth value is its number.
            explicit = {"T": 1.0, "F": 0.0}.get(mark or "", self.value)
            self.velocity = explicit - self.value
            self.value = explicit
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
