"""Ink drawn as SVG: polylines, lines and paths of one document, in their order; the title is the text."""

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np

from nextstroke.errors import BadInk
from nextstroke.formats.limits import check_coordinates, check_count
from nextstroke.formats.safe_xml import local, parse_xml
from nextstroke.ink import Ink

TOKEN = re.compile(r"([MmLlHhVvCcSsQqTtZz])|([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)|([\s,]+)")
TAKES = {"M": 2, "L": 2, "H": 1, "V": 1, "C": 6, "S": 4, "Q": 4, "T": 2, "Z": 0}
PIECES = 8  # of a curve


def parse_svg(data: bytes, name: Path | str) -> tuple[Ink, str]:
    """The ink and the text of an SVG document; y grows downwards, the unit is the document's.

    Raises:
        BadInk: malformed, transformed, with arcs, or without a line.
    """
    drawing = _Drawing()
    parse_xml(data, name, drawing, drawing.text)
    try:
        return Ink.from_strokes(drawing.strokes), " ".join(drawing.title.split())
    except BadInk as error:
        raise BadInk(f"{name}: {error}; polylines, lines and paths are read") from error


class _Drawing:
    """Collects the lines that go by."""

    def __init__(self) -> None:
        self.strokes: list[np.ndarray] = []
        self.title = ""
        self._count, self._depth, self._in_title = 0, 0, False

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if "transform" in attributes:
            raise BadInk("a transform, which is not read; flatten the drawing first")
        shape = local(tag)
        # Only the document's own title says what is written.
        self._in_title = shape == "title" and self._depth == 1
        self._depth += 1
        if shape == "path":
            for stroke in _path(attributes.get("d", "")):
                self._add(stroke)
        elif shape in ("polyline", "polygon"):
            self._add(np.array(_numbers(attributes.get("points", ""))[1]).reshape(-1, 2))
        elif shape == "line":
            self._add(np.array([[float(attributes.get(a + n, 0)) for a in "xy"] for n in "12"]))

    def text(self, piece: str) -> None:
        if self._in_title:
            self.title += piece

    def end(self, tag: str) -> None:
        self._in_title = False
        self._depth -= 1

    def _add(self, stroke: np.ndarray) -> None:
        check_coordinates(stroke)
        self._count += len(stroke)
        check_count(self._count)
        if len(stroke):
            self.strokes.append(stroke.astype(float))


def _numbers(text: str) -> tuple[str, list[float]]:
    """The first run of numbers in `points`; letters are refused."""
    found = list(_commands(f"M{text}"))
    if len(found) != 1 or len(found[0][1]) % 2:
        raise BadInk(f"points that are no pairs of numbers: {text[:40]!r}")
    return found[0]


def _commands(text: str) -> Iterator[tuple[str, list[float]]]:
    """Each command of a path with its numbers."""
    place, command = 0, ""
    numbers: list[float] = []
    while place < len(text):
        token = TOKEN.match(text, place)
        if not token or (token[2] and not command):
            raise BadInk(f"a path that cannot be read at {text[place : place + 20]!r}; M L H V C S Q T Z are")
        if token[1]:
            if command:
                yield command, numbers
            command, numbers = token[1], []
        elif token[2]:
            numbers.append(float(token[2]))
        place = token.end()
    if command:
        yield command, numbers


def _path(text: str) -> Iterator[np.ndarray]:
    """The strokes of a path, curves as straight pieces."""
    points: list[np.ndarray] = []
    pen, handle = np.zeros(2), np.zeros(2)
    for command, numbers in _commands(text):
        for kind, own in _moves(command, numbers):
            if kind == "M":
                if points:
                    yield np.array(points)
                points = []
            pieces, handle = _piece(kind, command.islower(), own, pen, handle, points)
            points += pieces
            pen = pieces[-1]
    if points:
        yield np.array(points)


def _moves(command: str, numbers: list[float]) -> Iterator[tuple[str, np.ndarray]]:
    """A command as single moves: pairs after the first of M are lines."""
    kind, takes = command.upper(), TAKES[command.upper()]
    if (len(numbers) % takes if takes else numbers) or (takes and not numbers):
        raise BadInk(f"{command} with {len(numbers)} numbers")
    if not takes:
        yield kind, np.zeros(0)
    for i in range(0, len(numbers), takes or 1):
        yield ("L" if kind == "M" and i else kind), np.array(numbers[i : i + takes])


def _piece(
    kind: str, relative: bool, own: np.ndarray, pen: np.ndarray, handle: np.ndarray, points: list[np.ndarray]
) -> tuple[list[np.ndarray], np.ndarray]:
    """The points that a move adds, and the handle that a smooth curve after it mirrors."""
    if kind == "Z":
        start = points[0] if points else pen
        return [start], start
    base = pen if relative else np.zeros(2)
    if kind in "HV":
        axis = "HV".index(kind)
        end = pen.copy()
        end[axis] = base[axis] + own[0]
        return [end], end
    places = list(own.reshape(-1, 2) + base)
    if kind in "ML":
        return places, places[-1]
    if kind in "ST":
        places.insert(0, 2 * pen - handle)
    return _curve([pen, *places]), places[-2]


def _curve(handles: list[np.ndarray]) -> list[np.ndarray]:
    """A Bézier curve of any order by de Casteljau, without its start."""
    t = np.linspace(0, 1, PIECES + 1)[1:, None]
    layer = [np.repeat(place[None], PIECES, 0) for place in handles]
    while len(layer) > 1:
        layer = [(1 - t) * a + t * b for a, b in pairwise(layer)]
    return list(layer[0])
