"""What a file of ink from outside may hold at most: bytes, points, and how far away a point may lie."""

import stat
from pathlib import Path

import numpy as np

from nextstroke.errors import BadInk, BadInput, LimitExceeded

# Set so that whatever a file holds, it is refused within a second, or read within two, in 100 MB.
MAX_BYTES = 8 << 20  # about 170,000 points as official XML
MAX_POINTS = 200_000  # a line of handwriting has 600, a full page 20,000
MAX_COORDINATE = 1e6  # float32 still has sixteenths there; the official data stay below 20,000


def read_bounded(path: Path, limit: int = MAX_BYTES) -> bytes:
    """The bytes of a regular file of at most `limit` bytes.

    Raises:
        BadInput: the file cannot be read, or is a folder, pipe or device.
        LimitExceeded: it is longer.
    """
    try:
        about = path.stat()
        if not stat.S_ISREG(about.st_mode):
            raise BadInput(f"{path}: not a regular file; give a file")
        if about.st_size > limit:
            raise LimitExceeded(f"{path}: {about.st_size} bytes, at most {limit} are read; split it into smaller files")
        with path.open("rb") as stream:
            return stream.read(limit)
    except (OSError, ValueError) as error:
        raise BadInput(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from error


def check_count(points: int) -> None:
    """Raise LimitExceeded if there are more than MAX_POINTS."""
    if points > MAX_POINTS:
        raise LimitExceeded(f"{points} points, at most {MAX_POINTS} are read; split it into single lines")


def check_coordinates(points: np.ndarray) -> None:
    """Raise BadInk unless all coordinates of points (points, 2) are finite and within ±MAX_COORDINATE."""
    # Written so that NaN fails too.
    inside = np.abs(points) <= MAX_COORDINATE
    if not inside.all():
        x, y = points[~inside.all(1)][0]
        raise BadInk(f"a point at ({x:g}, {y:g}); only finite numbers within ±{MAX_COORDINATE:g} are read")
