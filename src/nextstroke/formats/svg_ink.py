"""Read ink drawn as SVG: polylines, polygons, lines and paths with their transforms; the title is the text.

Hidden elements, clip paths, masks, markers and patterns are not ink. Symbols and definitions are, where a `use` element
draws them.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np

from nextstroke.errors import BadInk, LimitExceeded
from nextstroke.formats.limits import check_coordinates, check_count
from nextstroke.formats.safe_xml import local, parse_xml
from nextstroke.ink import Ink

NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
COMMAND = re.compile(r"[\s,]*([MmLlHhVvCcSsQqTtAaZz])")
ARGUMENT = re.compile(rf"[\s,]*({NUMBER})")
FLAG = re.compile(r"[\s,]*([01])")  # of an arc; flags may follow each other without a separator
ARGUMENTS = {"M": 2, "L": 2, "H": 1, "V": 1, "C": 6, "S": 4, "Q": 4, "T": 2, "A": 7, "Z": 0}
FLAGS = (3, 4)  # which arguments of an arc are flags
PIECES = 8  # straight pieces of a curve
ARC_PIECES = 16  # straight pieces of a full turn

FUNCTION = re.compile(r"[\s,]*(matrix|translate|scale|rotate|skewX|skewY)\s*\(([^()]*)\)[\s,]*")
PARAMETERS = {"matrix": (6,), "translate": (1, 2), "scale": (1, 2), "rotate": (1, 3), "skewX": (1,), "skewY": (1,)}

# Elements whose content is drawn only where another element refers to it.
NOT_DRAWN = {"defs", "clipPath", "mask", "marker", "symbol", "pattern", "linearGradient", "radialGradient", "filter"}
KEPT = ("id", "transform", "style", "display", "visibility", "d", "points", "href", "x", "y")
MAX_ELEMENTS = 50_000  # read or drawn; `use` elements can repeat each other
MAX_USES = 8  # of `use` elements within what others draw


def parse_svg(data: bytes, name: Path | str) -> tuple[Ink, str]:
    """Return the ink and the text of an SVG document; y grows downwards, the unit is the document's.

    Pieces of one group that begin exactly where the one before ends are joined to one stroke: note tablets cut strokes
    where the pressure changes.

    Args:
        data: Content of the file.
        name: Name of the file for messages.

    Raises:
        BadInk: malformed XML, path or transform, or no line at all.
        LimitExceeded: too many points or elements.
    """
    document = _Document()
    parse_xml(data, name, document, document.text)
    try:
        drawing = _Drawing(document.by_id)
        drawing.draw(document.root, np.eye(3), True, 0)
        return Ink.from_strokes(drawing.strokes), " ".join(document.title.split())
    except (BadInk, LimitExceeded) as error:
        hint = "; polylines, lines and paths are read" if isinstance(error, BadInk) else ""
        raise type(error)(f"{name}: {error}{hint}") from error


@dataclass
class _Element:
    tag: str
    attributes: dict[str, str]
    children: "list[_Element]" = field(default_factory=list)


class _Document:
    """Handler that builds the tree of elements, with the attributes that matter to ink."""

    def __init__(self) -> None:
        self.root = _Element("", {})
        self.by_id: dict[str, _Element] = {}
        self.title = ""
        self._open = [self.root]
        self._count = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if self._count > MAX_ELEMENTS:
            raise LimitExceeded(f"more than {MAX_ELEMENTS} elements; split the drawing")
        kept = {}
        for key, value in attributes.items():
            if local(key) in KEPT or (local(tag) == "line" and key in ("x1", "y1", "x2", "y2")):
                kept[local(key)] = value
        element = _Element(local(tag), kept)
        self._open[-1].children.append(element)
        self._open.append(element)
        if "id" in kept:
            self.by_id.setdefault(kept["id"], element)

    def text(self, piece: str) -> None:
        # Only the document's own title says what is written.
        if len(self._open) == 3 and self._open[-1].tag == "title":
            self.title += piece

    def end(self, tag: str) -> None:
        self._open.pop()


class _Drawing:
    """Collects the strokes of a tree of elements."""

    def __init__(self, by_id: dict[str, _Element]) -> None:
        self.strokes: list[np.ndarray] = []
        self._by_id = by_id
        self._points = 0
        self._drawn = 0
        self._group: _Element | None = None

    def draw(self, parent: _Element, matrix: np.ndarray, visible: bool, uses: int) -> None:
        """Draw the children of an element.

        Args:
            parent: Element whose children are drawn.
            matrix: Transform of their coordinates, (3, 3).
            visible: Inherited visibility.
            uses: Number of `use` elements around.
        """
        for element in parent.children:
            if element.tag not in NOT_DRAWN:
                self._draw_element(element, parent, matrix, visible, uses)

    def _draw_element(self, element: _Element, parent: _Element, matrix: np.ndarray, visible: bool, uses: int) -> None:
        self._drawn += 1
        if self._drawn > MAX_ELEMENTS:
            raise LimitExceeded(f"more than {MAX_ELEMENTS} elements are drawn; split the drawing")
        if _property(element, "display") == "none":
            return
        visibility = _property(element, "visibility")
        visible = visible if visibility in ("", "inherit") else visibility == "visible"
        if "transform" in element.attributes or element.tag == "svg":
            matrix = matrix @ _transform(element)
        if element.tag == "use":
            self._use(element, matrix, visible, uses)
        elif visible:
            for stroke in _shape(element):
                self._add(stroke, matrix, parent)
        self.draw(element, matrix, visible, uses)

    def _use(self, element: _Element, matrix: np.ndarray, visible: bool, uses: int) -> None:
        target = self._by_id.get(element.attributes.get("href", "").removeprefix("#"))
        if target is None:
            raise BadInk(f"a use of {element.attributes.get('href', '')[:40]!r}, which the document does not have")
        if uses >= MAX_USES:
            raise LimitExceeded(f"use elements nested more than {MAX_USES} deep")
        offset = _translation(_length(element, "x"), _length(element, "y"))
        if target.tag == "symbol":
            self.draw(target, matrix @ offset, visible, uses + 1)
        else:
            self._draw_element(target, element, matrix @ offset, visible, uses + 1)

    def _add(self, stroke: np.ndarray, matrix: np.ndarray, group: _Element) -> None:
        with np.errstate(over="ignore", invalid="ignore"):
            points = stroke @ matrix[:2, :2].T + matrix[:2, 2]
        check_coordinates(points)
        self._points += len(points)
        check_count(self._points)
        if not len(points):
            return
        continues = self.strokes and group is self._group and np.array_equal(self.strokes[-1][-1], points[0])
        if continues:
            self.strokes[-1] = np.concatenate([self.strokes[-1], points[1:]])
        else:
            self.strokes.append(points)
        self._group = group


def _property(element: _Element, name: str) -> str:
    """Return a property from the style attribute, or else from the attribute of its own; empty where there is none."""
    if "style" in element.attributes:
        found = re.search(rf"(?:^|;)\s*{name}\s*:\s*([^;!]*)", element.attributes["style"])
        if found:
            return found[1].strip()
    return element.attributes.get(name, "").strip()


def _length(element: _Element, name: str) -> float:
    found = re.fullmatch(rf"\s*({NUMBER})\s*(?:px)?\s*", element.attributes.get(name, "0"))
    if found is None:
        raise BadInk(f"{name}={element.attributes[name][:20]!r} of {element.tag}; only numbers without unit are read")
    return float(found[1])


def _transform(element: _Element) -> np.ndarray:
    """Return the transform of an element's coordinates to its parent's, (3, 3)."""
    matrix = np.eye(3)
    if element.tag == "svg":
        matrix = matrix @ _translation(_length(element, "x"), _length(element, "y"))
    written = element.attributes.get("transform", "")
    position = 0
    while position < len(written.rstrip()):
        found = FUNCTION.match(written, position)
        if found is None:
            raise BadInk(f"a transform that cannot be read: {written[position : position + 40]!r}")
        values = [float(value) for value in ARGUMENT.findall(found[2])]
        if ARGUMENT.sub("", found[2]).strip(" ,\t\n") or len(values) not in PARAMETERS[found[1]]:
            raise BadInk(f"a transform that cannot be read: {found[0][:40]!r}")
        matrix = matrix @ _matrix(found[1], values)
        position = found.end()
    return matrix


def _matrix(function: str, values: list[float]) -> np.ndarray:
    """Return the matrix (3, 3) of one transform function (SVG 1.1, section 7.6)."""
    if function == "matrix":
        a, b, c, d, e, f = values
        return np.array([[a, c, e], [b, d, f], [0, 0, 1]])
    if function == "translate":
        return _translation(values[0], values[1] if len(values) == 2 else 0)
    if function == "scale":
        return np.diag([values[0], values[-1], 1])
    angle = math.radians(values[0])
    if function == "skewX":
        return np.array([[1, math.tan(angle), 0], [0, 1, 0], [0, 0, 1]])
    if function == "skewY":
        return np.array([[1, 0, 0], [math.tan(angle), 1, 0], [0, 0, 1]])
    turn = np.array([[math.cos(angle), -math.sin(angle), 0], [math.sin(angle), math.cos(angle), 0], [0, 0, 1]])
    if len(values) == 1:
        return turn
    return _translation(values[1], values[2]) @ turn @ _translation(-values[1], -values[2])


def _translation(x: float, y: float) -> np.ndarray:
    return np.array([[1, 0, x], [0, 1, y], [0, 0, 1]])


def _shape(element: _Element) -> Iterator[np.ndarray]:
    """Yield the strokes (points, 2) of an element in its own coordinates."""
    if element.tag == "path":
        yield from _path(element.attributes.get("d", ""))
    elif element.tag in ("polyline", "polygon"):
        points = _points(element.attributes.get("points", ""))
        yield np.concatenate([points, points[:1]]) if element.tag == "polygon" else points
    elif element.tag == "line":
        yield np.array([[_length(element, axis + end) for axis in "xy"] for end in "12"])


def _points(written: str) -> np.ndarray:
    numbers = [float(number) for number in ARGUMENT.findall(written)]
    if ARGUMENT.sub("", written).strip(" ,\t\r\n") or len(numbers) % 2:
        raise BadInk(f"points that are not pairs of numbers: {written[:40]!r}")
    return np.array(numbers).reshape(-1, 2)


def _commands(written: str) -> Iterator[tuple[str, np.ndarray]]:
    """Yield each command of a path with one set of its arguments; further pairs after M are lines."""
    position = 0
    end = len(written.rstrip(" ,\t\r\n"))
    while position < end:
        found = COMMAND.match(written, position)
        if found is None:
            raise _bad_path(written, position)
        command = found[1]
        position = found.end()
        needed = ARGUMENTS[command.upper()]
        if not needed:
            yield command, np.zeros(0)
            continue
        while True:
            arguments, position = _arguments(written, position, command, needed)
            yield command, arguments
            if position >= end or COMMAND.match(written, position):
                break
            command = {"M": "L", "m": "l"}.get(command, command)


def _arguments(written: str, position: int, command: str, needed: int) -> tuple[np.ndarray, int]:
    """Return one set of arguments of a command, and the position after it."""
    arguments = []
    for number in range(needed):
        pattern = FLAG if command in "Aa" and number in FLAGS else ARGUMENT
        found = pattern.match(written, position)
        if found is None:
            raise _bad_path(written, position)
        arguments.append(float(found[1]))
        position = found.end()
    return np.array(arguments), position


def _bad_path(written: str, position: int) -> BadInk:
    return BadInk(f"a path that cannot be read at {written[position : position + 20]!r}")


def _path(written: str) -> Iterator[np.ndarray]:
    """Yield the strokes of a path, with curves as straight pieces."""
    points: list[np.ndarray] = []
    pen = np.zeros(2)
    handle = np.zeros(2)
    for command, arguments in _commands(written):
        if not points and command not in "Mm":
            raise BadInk(f"a path that begins with {command}, not with M")
        if command in "Mm":
            if points:
                yield np.array(points)
            points = []
        pieces, handle = _piece(command, arguments, pen, handle, points)
        points += pieces
        pen = pieces[-1]
    if points:
        yield np.array(points)


def _piece(
    command: str, arguments: np.ndarray, pen: np.ndarray, handle: np.ndarray, points: list[np.ndarray]
) -> tuple[list[np.ndarray], np.ndarray]:
    """Return the points that a command adds, and the handle that a smooth curve after it mirrors."""
    kind = command.upper()
    base = pen if command.islower() else np.zeros(2)
    if kind == "Z":
        return [points[0]], points[0]
    if kind in "HV":
        axis = "HV".index(kind)
        end = pen.copy()
        end[axis] = base[axis] + arguments[0]
        return [end], end
    if kind == "A":
        end = base + arguments[5:]
        return _arc(pen, end, arguments), end
    handles = list(arguments.reshape(-1, 2) + base)
    if kind in "ML":
        return handles, handles[-1]
    if kind in "ST":
        handles.insert(0, 2 * pen - handle)
    return _curve([pen, *handles]), handles[-2]


def _curve(handles: list[np.ndarray]) -> list[np.ndarray]:
    """Return PIECES points of a Bézier curve of any order by de Casteljau's algorithm, without its start."""
    t = np.linspace(0, 1, PIECES + 1)[1:, None]
    layer = [np.repeat(handle[None], PIECES, 0) for handle in handles]
    while len(layer) > 1:
        layer = [(1 - t) * a + t * b for a, b in pairwise(layer)]
    return list(layer[0])


def _arc(start: np.ndarray, end: np.ndarray, arguments: np.ndarray) -> list[np.ndarray]:
    """Return points of an elliptical arc without its start (SVG 1.1, appendix F.6.5)."""
    radii = np.abs(arguments[:2])
    if not radii.all() or np.array_equal(start, end):
        return [end]
    phi = math.radians(arguments[2])
    turn = np.array([[math.cos(phi), math.sin(phi)], [-math.sin(phi), math.cos(phi)]])
    half = turn @ (start - end) / 2
    check_coordinates(np.array([start, end, radii, half]))
    excess = float(np.square(half / radii).sum())
    radii = radii * math.sqrt(max(1.0, excess))
    # In the circle of radius 1 the centre is on the bisector of the chord.
    chord = half / radii
    length = float(np.square(chord).sum())
    side = -1 if bool(arguments[3]) == bool(arguments[4]) else 1
    offset = side * math.sqrt(max(0.0, 1 / length - 1)) if length else 0.0
    centre = offset * np.array([chord[1], -chord[0]])
    first = math.atan2(*(chord - centre)[::-1])
    last = math.atan2(*(-chord - centre)[::-1])
    sweep = (last - first) % (2 * math.pi) if arguments[4] else -((first - last) % (2 * math.pi))
    count = max(2, math.ceil(abs(sweep) / (2 * math.pi) * ARC_PIECES))
    angles = first + sweep * np.linspace(0, 1, count + 1)[1:]
    circle = np.column_stack([np.cos(angles), np.sin(angles)]) + centre
    points = (circle * radii) @ turn + (start + end) / 2
    points[-1] = end
    return list(points)
