"""Plain text as bytes: text files, plain or compressed by gzip, bzip2 or xz."""

import bz2
import gzip
import lzma
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from nextstroke.datasets.packed_text import pack_text
from nextstroke.errors import BadInput

PIECE = 1 << 22
OPENERS: dict[str, Any] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
BYTES = [chr(byte) for byte in range(256)]
NEWLINE = 10


def read_pieces(path: Path) -> Iterator[bytes]:
    """Yield the bytes of a file in pieces, decompressed by its suffix.

    Raises:
        BadInput: it cannot be read, is a folder, or is not what its suffix says.
    """
    try:
        with _opened(path) as stream:
            while piece := stream.read(PIECE):
                yield piece
    except (OSError, EOFError, lzma.LZMAError, zlib.error) as error:
        raise BadInput(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from error


def _opened(path: Path) -> IO[bytes]:
    return OPENERS.get(path.suffix, open)(path, "rb")


def pack_bytes(
    files: Sequence[Path], validation: Sequence[Path], output: Path, hold_out: float = 0.05
) -> dict[str, int]:
    """Pack text files as bytes, one after another; return the number of bytes of each split.

    Args:
        files: Text files in order.
        validation: Files held out.
        output: Packed text to write.
        hold_out: Share at the end of the text that is held out if there are no validation files, 0 to 1.

    Raises:
        BadInput: a file cannot be read, or there is too little text.
    """
    if validation:
        parts = {"train": _numbers(files), "validation": _numbers(validation)}
    else:
        size = sum(len(piece) for path in files for piece in read_pieces(path))
        border = size - int(hold_out * size)
        parts = {"train": between(files, 0, border), "validation": between(files, border, size)}
    return pack_text(output, "byte", BYTES, NEWLINE, parts)


def _numbers(files: Sequence[Path]) -> Iterator[np.ndarray]:
    for path in files:
        for piece in read_pieces(path):
            yield np.frombuffer(piece, np.uint8)


def between(files: Sequence[Path], begin: int, end: int) -> Iterator[np.ndarray]:
    """Yield the bytes from `begin` to `end` (exclusive) of the concatenated files."""
    position = 0
    for piece in _numbers(files):
        yield piece[max(0, begin - position) : max(0, end - position)]
        position += len(piece)
        if position >= end:
            return
