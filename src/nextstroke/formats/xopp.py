"""Read Xournal++ notes (.xopp): the pen strokes of each page, in points, y downwards."""

import re
from pathlib import Path

import numpy as np

from nextstroke.errors import BadInk
from nextstroke.formats.limits import check_coordinates, check_count
from nextstroke.formats.safe_xml import parse_xml
from nextstroke.ink import Ink

ROOT = "xournal"
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
