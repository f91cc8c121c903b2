"""enwik8, the first 100 million bytes of the English Wikipedia of 3 March 2006 (section 3.2)."""

import hashlib
from pathlib import Path

import numpy as np

from nextstroke.datasets.packed_text import pack_text
from nextstroke.datasets.plain_text import between, read_pieces
from nextstroke.errors import BadInput

SIZE = 100_000_000  # bytes
SYMBOLS = 205  # different byte values
MD5 = "a1fa5ffddb56f4953e226637dabbb36a"
SHA1 = "57b8363b814821dc9d47aa4d41f58733519076b2"
SOURCE = "mattmahoney.net/dc/enwik8.zip"
MILLION = 1_000_000
Range = tuple[int, int]
# The paper's 96/4, and 90/5/5, which later work reports.
SPLITS: dict[str, dict[str, Range]] = {
    "96/4": {"train": (0, 96 * MILLION), "validation": (96 * MILLION, SIZE)},
    "90/5/5": {
        "train": (0, 90 * MILLION),
        "validation": (90 * MILLION, 95 * MILLION),
        "test": (95 * MILLION, SIZE),
    },
}


def pack_enwik8(file: Path, output: Path, ranges: dict[str, Range], whole: bool) -> dict[str, int]:
    """Pack enwik8 with the byte values it contains as symbols; return the number of symbols of each split.

    Args:
        file: enwik8, unzipped.
        output: Packed text to write.
        ranges: First byte and end (exclusive) of each split, by name.
        whole: Whether the file must be all of enwik8; else any text as long as the ranges.

    Raises:
        BadInput: The file is another one, or too short.
    """
    seen, size = _survey(file, whole)
    needed = max(end for _, end in ranges.values())
    if size < needed:
        raise BadInput(f"{file}: {size} bytes, the splits need {needed}")
    values = np.flatnonzero(seen)
    numbers = np.zeros(256, np.uint8)
    numbers[values] = np.arange(len(values))
    parts = {}
    for name, (begin, end) in ranges.items():
        parts[name] = map(numbers.take, between([file], begin, end))
    symbols = [chr(value) for value in values]
    line_end = int(numbers[10]) if seen[10] else -1
    return pack_text(output, "byte", symbols, line_end, parts)


def _survey(file: Path, whole: bool) -> tuple[np.ndarray, int]:
    """Return which byte values occur, (256,), and the size of a file.

    Args:
        file: File to read.
        whole: Whether to check that it is all of enwik8.
    """
    md5 = hashlib.md5(usedforsecurity=False)
    sha1 = hashlib.sha1(usedforsecurity=False)
    seen = np.zeros(256, bool)
    size = 0
    for piece in read_pieces(file):
        md5.update(piece)
        sha1.update(piece)
        seen[np.frombuffer(piece, np.uint8)] = True
        size += len(piece)
    found = (size, md5.hexdigest(), sha1.hexdigest(), int(seen.sum()))
    if whole and found != (SIZE, MD5, SHA1, SYMBOLS):
        identity = f"{size} bytes, md5 {md5.hexdigest()}"
        raise BadInput(f"{file}: not enwik8 ({identity}); get it from {SOURCE} and unzip it")
    return seen, size
