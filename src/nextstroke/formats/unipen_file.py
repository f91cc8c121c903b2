"""Read UNIPEN files: components of pen points and labelled segments of them.

The format: Guyon, Schomaker, Plamondon, Liberman and Janet, "UNIPEN project of on-line data exchange and recognizer
benchmarks", ICPR 1994. A line that begins with a full stop and a keyword opens a statement, which ends where the next
one begins.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np

from nextstroke.errors import BadInk, LimitExceeded
from nextstroke.formats.limits import check_coordinates, read_bounded

STATEMENT = re.compile(rb"^[ \t]*\.([A-Z][A-Z0-9_]*)", re.MULTILINE)
SEGMENT = re.compile(r'\s*(\S+)\s+([\d:,\-\s]+?)\s+(?:(\S+)\s+)?"((?:[^"\\]|\\.)*)"', re.DOTALL)
PIECE = re.compile(r"(\d{1,9})(?::(\d{1,9}))?(?:-(\d{1,9})(?::(\d{1,9}))?)?")
ESCAPE = re.compile(r"\\(.)", re.DOTALL)

MAX_BYTES = 64 << 20  # bytes of one file; the largest of the distribution has 4 MiB
MAX_DEPTH = 16  # of includes; the distribution nests 3 deep
MAX_FILES = 1000  # that one file may include


@dataclass(frozen=True)
class Component:
    """The points between two statements of the pen.

    Attributes:
        points: float64 of shape (points, 2), as the tablet gave them; at least one.
        down: True where the pen touched the tablet.
        writer: The identifier of the writer in force, empty if none was given.
    """

    points: np.ndarray
    down: bool
    writer: str


@dataclass(frozen=True)
class Piece:
    """A run of components, both ends included; a point of None means the whole component.

    Attributes:
        first, last: Numbers of components, counted from 0 over the components that have points.
        first_point, last_point: Numbers of points within the first and the last component.
    """

    first: int
    last: int
    first_point: int | None = None
    last_point: int | None = None


@dataclass(frozen=True)
class Segment:
    """A labelled part of the ink.

    Attributes:
        level: "TEXT", "WORD", "CHARACTER" or another name of the file's hierarchy.
        pieces: The components that belong to it.
        quality: "OK", "GOOD", "?" or "BAD"; empty where the file has none.
        label: What the ink says, escapes undone.
    """

    level: str
    pieces: tuple[Piece, ...]
    quality: str
    label: str


@dataclass
class UnipenFile:
    """A UNIPEN file with all that it includes.

    Attributes:
        components: The components that have points, pen-ups included.
        segments: The labelled segments in the order of the file.
        malformed: Segment statements that could not be read.
    """

    components: list[Component] = field(default_factory=list)
    segments: list[Segment] = field(default_factory=list)
    malformed: int = 0

    def strokes(self, segment: Segment) -> list[np.ndarray]:
        """Return the pen-down points of a segment, each stroke of shape (points, 2).

        Raises:
            BadInk: the segment names components or points that the file does not have.
        """
        strokes = []
        for piece in segment.pieces:
            if piece.last < piece.first or piece.last >= len(self.components):
                raise BadInk(
                    f"the label {segment.label[:40]!r} names components {piece.first} to {piece.last}, "
                    f"the file has {len(self.components)}"
                )
            for number in range(piece.first, piece.last + 1):
                component = self.components[number]
                begin = piece.first_point if number == piece.first else None
                end = piece.last_point if number == piece.last else None
                points = component.points[begin or 0 : None if end is None else end + 1]
                if component.down and len(points):
                    strokes.append(points)
        return strokes

    def writer(self, segment: Segment) -> str:
        """Return the writer of the first component of a segment, empty if not known."""
        first = segment.pieces[0].first
        return self.components[first].writer if first < len(self.components) else ""


def read_unipen_file(path: Path, include: Path | None = None) -> UnipenFile:
    """Read a UNIPEN file and the files it includes.

    Args:
        path: The file.
        include: The folder that `.INCLUDE` statements are relative to; default: the file's own folder.

    Raises:
        BadInk: the file is malformed, includes itself, or names an include that is not there.
        BadInput: a file cannot be read.
        LimitExceeded: a file is too long, or includes are nested too deep or too many.
    """
    found = UnipenFile()
    columns: list[str] | None = None
    writer = ""
    for source, keyword, rest in _statements(path, include or path.parent):
        if keyword in ("PEN_DOWN", "PEN_UP"):
            points = _points(rest, columns, source)
            if len(points):
                found.components.append(Component(points, keyword == "PEN_DOWN", writer))
        elif keyword == "SEGMENT":
            segment = _segment(rest.decode("latin-1"))
            if segment is None:
                found.malformed += 1
            else:
                found.segments.append(segment)
        elif keyword == "COORD":
            columns = _columns(rest, source)
        elif keyword == "WRITER_ID":
            writer = " ".join(rest.decode("latin-1").split())
    return found


def _statements(path: Path, include: Path) -> Iterator[tuple[Path, str, bytes]]:
    """Yield file, keyword and argument of each statement, includes read where they stand."""
    waiting = [(path, iter(_split(read_bounded(path, MAX_BYTES))))]
    files = 0
    while waiting:
        source, statements = waiting[-1]
        statement = next(statements, None)
        if statement is None:
            waiting.pop()
            continue
        keyword, rest = statement
        if keyword != "INCLUDE":
            yield source, keyword, rest
            continue
        inner = _included(rest, include, source)
        files += 1
        if any(inner == outer for outer, _ in waiting):
            raise BadInk(f"{source}: includes {inner.name}, which includes it again")
        if len(waiting) >= MAX_DEPTH or files > MAX_FILES:
            raise LimitExceeded(f"{source}: more than {MAX_DEPTH} nested or {MAX_FILES} included files")
        waiting.append((inner, iter(_split(read_bounded(inner, MAX_BYTES)))))


def _included(rest: bytes, include: Path, source: Path) -> Path:
    """Return the path of an included file, which may not lie outside of `include`."""
    name = rest.decode("latin-1").strip()
    parts = Path(name).parts
    if not parts or Path(name).is_absolute() or ".." in parts or "\0" in name:
        raise BadInk(f"{source}: includes {name[:80]!r}; give a path below {include}")
    path = include.joinpath(*parts)
    if not os.path.isfile(path):
        raise BadInk(f"{source}: includes {name[:80]}, which is not in {include}")
    return path


# Neighbouring files include the same set-up and word list, and often the same ink. They are kept by content and not by
# name, since a file may have changed since.
@lru_cache(maxsize=8)
def _split(data: bytes) -> tuple[tuple[str, bytes], ...]:
    """Return keyword and argument of each statement of one file's bytes."""
    found = list(STATEMENT.finditer(data))
    ends = [*(match.start() for match in found), len(data)][1:]
    return tuple((match[1].decode("ascii"), data[match.end() : end]) for match, end in zip(found, ends, strict=True))


def _columns(rest: bytes, source: Path) -> list[str]:
    columns = rest.decode("latin-1").split()
    if "X" not in columns or "Y" not in columns:
        raise BadInk(f"{source}: .COORD names {' '.join(columns)[:60]!r}; X and Y are needed")
    return columns


def _points(rest: bytes, columns: list[str] | None, source: Path) -> np.ndarray:
    """Return x and y of a component, shape (points, 2)."""
    words = rest.split()
    if not words:
        return np.empty((0, 2))
    # Without .COORD the first row tells the number of columns, of which x and y are the first.
    width = len(columns) if columns else len(rest.strip().split(b"\n", 1)[0].split())
    if len(words) % width:
        # A row was cut short: leave it out, and keep the others.
        rows_of_words = [row.split() for row in rest.splitlines()]
        words = [word for row in rows_of_words if len(row) == width for word in row]
    try:
        numbers = np.array(words, dtype=np.float64)
    except ValueError:
        raise BadInk(f"{source}: a component holds {words[0][:20]!r}…, not numbers") from None
    if width < 2:
        raise BadInk(f"{source}: a component has rows of {width} number, x and y are needed")
    rows = numbers.reshape(-1, width)
    points = rows[:, [columns.index("X"), columns.index("Y")]] if columns else rows[:, :2]
    check_coordinates(points)
    return points


def _segment(text: str) -> Segment | None:
    """Read the argument of a `.SEGMENT` statement; None if it is malformed."""
    found = SEGMENT.match(text)
    if found is None:
        return None
    level, numbers, quality, label = found.groups()
    pieces = []
    for part in re.split(r"\s*,\s*", numbers.strip()):
        piece = PIECE.fullmatch(part)
        if piece is None:
            return None
        first, first_point, last, last_point = piece.groups()
        if last is None:
            # "3:5" is one point of one component.
            last, last_point = first, first_point
        pieces.append(
            Piece(
                int(first),
                int(last),
                None if first_point is None else int(first_point),
                None if last_point is None else int(last_point),
            )
        )
    return Segment(level, tuple(pieces), quality or "", ESCAPE.sub(r"\1", label))
