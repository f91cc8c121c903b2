"""Read and write Xournal++ notes (.xopp): pen strokes in points of 1/72 inch, y downwards."""

import gzip
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree as ET

import numpy as np

from nextstroke.errors import BadInk
from nextstroke.formats.limits import check_coordinates, check_count
from nextstroke.formats.safe_xml import legal_text, parse_xml
from nextstroke.ink import Ink

ROOT = "xournal"
VERSION = "4"  # of the format, which Xournal++ 1.0 and later read
POINTS = 72 / 25.4  # in a millimetre
NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")


def parse_xopp(data: bytes, name: Path | str) -> list[Ink]:
    """Return the ink of each page that has any, unzipped; strokes of the highlighter and the eraser are not ink.

    Args:
        data: XML of the file.
        name: Name of the file for messages.

    Raises:
        BadInk: malformed XML or strokes, or no strokes.
        LimitExceeded: too many points.
    """
    notes = _Notes()
    parse_xml(data, name, notes, notes.text)
    pages = [Ink.from_strokes(page) for page in notes.pages if page]
    if not pages:
        raise BadInk(f"{name}: no pen strokes")
    return pages


class _Notes:
    """Handler that collects the strokes of each page."""

    def __init__(self) -> None:
        self.pages: list[list[np.ndarray]] = []
        self._pieces: list[str] | None = None
        self._count = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "page":
            self.pages.append([])
        elif tag == "stroke" and attributes.get("tool", "pen") == "pen":
            self._pieces = []

    def text(self, piece: str) -> None:
        if self._pieces is not None:
            self._pieces.append(piece)

    def end(self, tag: str) -> None:
        if tag != "stroke" or self._pieces is None:
            return
        words = "".join(self._pieces).split()
        self._pieces = None
        self._count += len(words) // 2
        check_count(self._count)
        if not words or len(words) % 2 or not all(NUMBER.fullmatch(word) for word in words) or not self.pages:
            raise BadInk(f"a stroke that is not pairs of numbers on a page: {' '.join(words[:4])[:40]!r}")
        points = np.array([float(word) for word in words]).reshape(-1, 2)
        check_coordinates(points)
        self.pages[-1].append(points)


class PenStroke(NamedTuple):
    """A stroke to be written.

    Attributes:
        places: Positions in mm, (points, 2), at least two.
        colour: Red, green and blue, 0 to 255 each.
        widths: Width of the pen in mm: one for the stroke, or one for each of its points.
    """

    places: np.ndarray
    colour: tuple[int, int, int]
    widths: np.ndarray


class NotePage(NamedTuple):
    """A page to be written: its size in mm, and its strokes."""

    width: float
    height: float
    strokes: Sequence[PenStroke]


def write_xopp(pages: Iterable[NotePage], title: str) -> bytes:
    """Return a document of plain white pages, which Xournal++ opens.

    Args:
        pages: The pages in order.
        title: What the file is about.
    """
    root = ET.Element(ROOT, {"creator": "nextstroke", "fileversion": VERSION})
    ET.SubElement(root, "title").text = legal_text(title)
    for page in pages:
        size = {"width": _decimals(page.width * POINTS), "height": _decimals(page.height * POINTS)}
        element = ET.SubElement(root, "page", size)
        ET.SubElement(element, "background", {"type": "solid", "color": "#ffffffff", "style": "plain"})
        layer = ET.SubElement(element, "layer")
        for stroke in page.strokes:
            colour = "#{:02x}{:02x}{:02x}ff".format(*stroke.colour)
            # Of several widths the first is the pen's; one for each piece of the stroke follows it.
            widths = " ".join(_decimals(width * POINTS) for width in stroke.widths)
            element = ET.SubElement(layer, "stroke", {"tool": "pen", "color": colour, "width": widths})
            element.text = " ".join(_decimals(value * POINTS) for value in stroke.places.ravel())
    # Without the time of packing the same ink gives the same file.
    return gzip.compress(ET.tostring(root, encoding="utf-8", xml_declaration=True), mtime=0)


def _decimals(value: float) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".")
