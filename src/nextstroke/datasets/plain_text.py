"""Plain text as bytes or words: text files, plain or compressed by gzip, bzip2 or xz."""

import bz2
import codecs
import gzip
import lzma
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from nextstroke.datasets.packed_text import pack_text
from nextstroke.errors import BadInput, LimitExceeded

PIECE = 1 << 22  # bytes
MAX_TEXT = 16 << 30  # bytes of a text; /dev/zero, and what a small archive may hold, have no end
MAX_DEVICE = 1 << 20  # bytes of a device, which may be a terminal
MAX_TEXT_LINE = 64 << 20  # characters of a line: a whole one is kept in memory
OPENERS: dict[str, Any] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
BYTES = [chr(byte) for byte in range(256)]
NEWLINE = 10
END_OF_LINE = "<eos>"
UNKNOWN_WORD = "<unk>"


def read_pieces(path: Path, limit: int | None = None) -> Iterator[bytes]:
    """Yield the bytes of a file in pieces, decompressed by its suffix.

    Args:
        limit: Number of bytes that it may have; default: MAX_TEXT, of a device MAX_DEVICE.

    Raises:
        BadInput: It cannot be read, is a folder, or is not what its suffix says.
        LimitExceeded: It is longer.
    """
    open_file = OPENERS.get(path.suffix, open)
    size = 0
    try:
        if limit is None:
            limit = MAX_DEVICE if path.is_char_device() else MAX_TEXT
        with open_file(path, "rb") as stream:
            while piece := stream.read(PIECE):
                size += len(piece)
                if size > limit:
                    raise LimitExceeded(f"{path}: longer than {limit} bytes; give a smaller file")
                yield piece
    except (OSError, EOFError, lzma.LZMAError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        raise BadInput(f"{path}: cannot be read ({reason})") from error


def pack_bytes(
    files: Sequence[Path], validation: Sequence[Path], output: Path, hold_out: float = 0.05
) -> dict[str, int]:
    """Pack text files as bytes, one after another; return the number of bytes of each split.

    Args:
        files: Text files in order.
        validation: Files held out.
        output: Packed text to write.
        hold_out: Share at the end of the text that is held out if there are no validation files, 0
            to 1.

    Raises:
        BadInput: A file cannot be read, or there is too little text.
    """
    if validation:
        parts = {"train": _numbers(files), "validation": _numbers(validation)}
    else:
        size = sum(len(piece) for path in files for piece in read_pieces(path))
        border = size - int(hold_out * size)
        parts = {"train": between(files, 0, border), "validation": between(files, border, size)}
    return pack_text(output, "byte", BYTES, NEWLINE, parts)


def _numbers(files: Sequence[Path]) -> Iterator[np.ndarray]:
    """Yield the bytes of files, one after another."""
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


def pack_words(
    files: Sequence[Path],
    validation: Sequence[Path],
    output: Path,
    hold_out: float = 0.05,
    vocabulary: int = 10_000,
) -> dict[str, int]:
    """Pack text files as words; return the number of symbols of each split.

    Words are runs between blanks; each line end is a symbol too.

    Args:
        files: Text files in order, UTF-8.
        validation: Files held out.
        output: Packed text to write.
        hold_out: Share of the lines, at the end, that is held out if there are no validation files,
            0 to 1.
        vocabulary: Greatest number of symbols: the most frequent words of the training text, the
            line end and the symbol of all other words.

    Raises:
        BadInput: A file cannot be read or is not UTF-8, or there is too little text.
    """
    lines = sum(1 for _ in read_lines(files))
    border = lines if validation else lines - int(hold_out * lines)
    counts: Counter[str] = Counter()
    for line in islice(read_lines(files), border):
        counts.update(line.split())
    for own in (END_OF_LINE, UNKNOWN_WORD):
        counts.pop(own, None)
    # Equally frequent words are in alphabetical order, so that the same text gives the same file.
    words = sorted(counts, key=lambda word: (-counts[word], word))[: vocabulary - 2]
    symbols = [END_OF_LINE, UNKNOWN_WORD, *words]
    number = {symbol: i for i, symbol in enumerate(symbols)}
    rest = read_lines(validation) if validation else islice(read_lines(files), border, None)
    parts = {
        "train": _word_numbers(islice(read_lines(files), border), number),
        "validation": _word_numbers(rest, number),
    }
    return pack_text(output, "word", symbols, 0, parts)


def read_lines(files: Sequence[Path]) -> Iterator[str]:
    """Yield the lines of text files, without their ends.

    Raises:
        BadInput: A file cannot be read or is not UTF-8.
        LimitExceeded: A line is longer than MAX_TEXT_LINE characters.
    """
    for path in files:
        decoder = codecs.getincrementaldecoder("utf-8-sig")()
        begun = ""
        position = 0
        try:
            for piece in read_pieces(path):
                *whole, begun = (begun + decoder.decode(piece)).split("\n")
                position += len(piece)
                yield from whole
                if len(begun) > MAX_TEXT_LINE:
                    raise LimitExceeded(f"{path}: a line is longer than {MAX_TEXT_LINE} characters; break it")
            begun += decoder.decode(b"", final=True)
        except UnicodeDecodeError as error:
            place = position - len(decoder.getstate()[0]) + error.start
            problem = f"not UTF-8 near byte {place}; save it as UTF-8, or pack it as bytes"
            raise BadInput(f"{path}: {problem}") from error
        if begun:
            yield begun


def _word_numbers(lines: Iterable[str], number: dict[str, int]) -> Iterator[np.ndarray]:
    """Yield the numbers of the words of each line and of its end."""
    for line in lines:
        words = [number.get(word, number[UNKNOWN_WORD]) for word in line.split()]
        yield np.array([*words, number[END_OF_LINE]])
