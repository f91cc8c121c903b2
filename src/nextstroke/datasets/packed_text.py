"""Packed text: the symbols of a text as numbers in one memory-mapped file."""

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any

import numpy as np

from nextstroke.datasets.memory_map import map_arrays
from nextstroke.errors import BadInput, CorruptFile, WrongModel
from nextstroke.files import atomic_write

FORMAT = "nextstroke-text-1"
NAMES = {np.dtype(np.uint8): "U8", np.dtype(np.uint16): "U16", np.dtype(np.float16): "F16"}
EXPECTED = " expected"  # suffix of a split's array with the distributions that a teacher predicts
UNITS = ("byte", "character", "word")
ROOM = 4096  # bytes reserved in the header for the sizes, which are known last


class TextCorpus:
    """A text as numbers of symbols; it stays on disk until a part is read.

    Attributes:
        unit: Kind of symbol: "byte", "character" or "word".
        symbols: Alphabet, number i being symbols[i]; a byte is the character of its number.
        splits: Arrays of uint8 or uint16 by name, such as "train" and "validation".
        expected: Distribution that a teacher predicts for each symbol of a split, float16 (size,
            symbols), by name.
        words: Words of each split: runs between blanks, and ends of sentences or lines.
        end: Number of the symbol that ends a sentence or line, −1 where there is none.
        digest: SHA-256 of the content as the file gives it.
    """

    def __init__(self, about: dict, arrays: dict[str, np.ndarray]):
        self.unit = about["unit"]
        self.symbols = about["symbols"]
        self.end = about["end"]
        self.words = about["words"]
        self.digest = about["sha256"]
        self.splits = {name: array for name, array in arrays.items() if array.ndim == 1}
        self.expected = {name.removesuffix(EXPECTED): array for name, array in arrays.items() if array.ndim == 2}

    @classmethod
    def open(cls, path: str | Path) -> "TextCorpus":
        """Map a packed text into memory.

        Raises:
            CorruptFile: The file is not a packed text, or is truncated.
            WrongModel: It has another version of the format.
        """
        about, arrays = map_arrays(Path(path))
        if about["format"] != FORMAT:
            found = f"format {about['format']!r}, a packed text is {FORMAT!r}"
            raise WrongModel(f"{path}: {found}; pack the data again")
        try:
            _check_metadata(about)
            corpus = cls(about, arrays)
            corpus._check_arrays()
            return corpus
        except (KeyError, TypeError, ValueError) as error:
            problem = f"not a whole text ({error}); make it again with `nextstroke data`"
            raise CorruptFile(f"{path}: {problem}") from error

    def _check_arrays(self) -> None:
        """Raise ValueError unless all numbers are those of symbols, and distributions and texts fit."""
        if set(self.words) != set(self.splits) or set(self.expected) - set(self.splits):
            raise ValueError("splits and counts of words do not match")
        for name, numbers in self.splits.items():
            if len(numbers) < 2 or numbers.dtype not in (np.uint8, np.uint16):
                raise ValueError(f"the split {name!r} is no text")
            # Numbers of one byte cannot be beyond an alphabet of 256, and a large text need not be
            # read for that.
            if np.iinfo(numbers.dtype).max >= len(self.symbols) and numbers.max() >= len(self.symbols):
                raise ValueError(f"the split {name!r} has numbers beyond the alphabet")
        for name, rows in self.expected.items():
            if rows.dtype != np.float16 or rows.shape != (len(self.splits[name]), len(self.symbols)):
                raise ValueError(f"the distributions of the split {name!r} do not fit it")

    def split(self, name: str) -> np.ndarray:
        """Return the numbers of a split; raise BadInput for an unknown split."""
        if name not in self.splits:
            raise BadInput(f"the text has no split {name!r} (it has {', '.join(self.splits)})")
        return self.splits[name]


def _check_metadata(about: dict) -> None:
    """Raise ValueError unless the metadata of a packed text have the types that `TextCorpus` has."""
    symbols = about["symbols"]
    words = about["words"]
    end = about["end"]
    if not isinstance(symbols, list) or not all(isinstance(symbol, str) for symbol in symbols):
        raise ValueError("its alphabet is no list of texts")
    if not 0 < len(symbols) <= 1 << 16 or len(set(symbols)) != len(symbols):
        raise ValueError("its alphabet is empty, too large or has a symbol twice")
    if about["unit"] not in UNITS:
        raise ValueError(f"its unit is {about['unit']!r}")
    if type(end) is not int or not -1 <= end < len(symbols):
        raise ValueError(f"the number of the symbol that ends a sentence is {end!r}")
    counts = words.values() if isinstance(words, dict) else [None]
    if not all(type(count) is int and count >= 0 for count in counts):
        raise ValueError("its counts of words are no numbers")
    if not isinstance(about["sha256"], str):
        raise ValueError("its digest is no text")


def pack_text(
    path: Path,
    unit: str,
    symbols: list[str],
    end: int,
    parts: Mapping[str, Iterable[np.ndarray]],
    expected: Mapping[str, Iterable[np.ndarray]] = MappingProxyType({}),
) -> dict[str, int]:
    """Write a packed text piece by piece, whole or not at all; return each split's number of symbols.

    Args:
        path: File to write.
        unit: Kind of symbol: "byte", "character" or "word".
        symbols: Alphabet.
        end: Number of the symbol that ends a sentence or line, −1 for none.
        parts: Numbers of each split, in pieces of any size.
        expected: Distributions (piece, symbols) that a teacher predicts for the symbols of a split.

    Raises:
        BadInput: A split has fewer than two symbols.
    """
    kind = np.dtype(np.uint8 if len(symbols) <= 256 else np.uint16)
    about = {
        "format": FORMAT,
        "unit": unit,
        "symbols": symbols,
        "end": end,
        "words": {},
        "sha256": "0" * 64,
    }
    room = -(-(len(json.dumps(json.dumps(about))) + ROOM) // 8) * 8
    with atomic_write(path) as stream:
        stream.write(bytes(8 + room))
        digest = hashlib.sha256()
        sizes = {}
        for name, pieces in parts.items():
            sizes[name] = _write(stream, name, pieces, kind, about, digest)
        for pieces in expected.values():
            _append(stream, pieces, np.dtype(np.float16), digest)
        digest.update(json.dumps([about, sizes], sort_keys=True).encode())
        about["sha256"] = digest.hexdigest()
        arrays = {name: (kind, [size]) for name, size in sizes.items()}
        for name in expected:
            arrays[name + EXPECTED] = (np.dtype(np.float16), [sizes[name], len(symbols)])
        header = json.dumps(_header(about, arrays)).encode()
        stream.seek(0)
        stream.write(room.to_bytes(8, "little") + header.ljust(room))
    return sizes


def _header(about: dict, arrays: Mapping[str, tuple[np.dtype, list[int]]]) -> dict:
    """Return the header of a safetensors file with the types and shapes of its arrays."""
    header: dict = {"__metadata__": {"nextstroke": json.dumps(about)}}
    begin = 0
    for name, (kind, shape) in arrays.items():
        after = begin + math.prod(shape) * kind.itemsize
        header[name] = {"dtype": NAMES[kind], "shape": shape, "data_offsets": [begin, after]}
        begin = after
    return header


def _write(
    stream: IO[bytes],
    name: str,
    pieces: Iterable[np.ndarray],
    kind: np.dtype,
    about: dict,
    digest: Any,
) -> int:
    """Append a split to the file, add its number of words to `about` and return that of its symbols."""
    counter = WordCounter(about["unit"], about["symbols"], about["end"])
    size = _append(stream, map(counter.counted, pieces), kind, digest)
    if size < 2:
        raise BadInput(f"the split {name!r} has {size} symbols; a text of two at least is needed")
    about["words"][name] = counter.words
    return size


def _append(stream: IO[bytes], pieces: Iterable[np.ndarray], kind: np.dtype, digest: Any) -> int:
    """Append an array to the file piece by piece; return its number of rows."""
    rows = 0
    for piece in pieces:
        data = piece.astype(kind).tobytes()
        stream.write(data)
        digest.update(data)
        rows += len(piece)
    return rows


class WordCounter:
    """Counter of words in a text in pieces: runs between blanks, and ends of sentences or lines.

    Args:
        unit: Kind of symbol: "byte", "character" or "word".
        symbols: Alphabet.
        end: Number of the symbol that ends a sentence or line, −1 for none.

    Attributes:
        words: Number of words so far.
    """

    def __init__(self, unit: str, symbols: list[str], end: int):
        self.blank = np.array([unit != "word" and symbol.isspace() for symbol in symbols])
        self.unit = unit
        self.end = end
        self.words = 0
        self.inside = False

    def counted(self, numbers: np.ndarray) -> np.ndarray:
        """Count the words of a piece and return it unchanged."""
        self.add(numbers)
        return numbers

    def add(self, numbers: np.ndarray) -> None:
        """Count the words of a further piece."""
        if self.unit == "word":
            self.words += len(numbers)
            return
        ink = ~self.blank[numbers]
        before = np.concatenate([[self.inside], ink[:-1]])
        self.words += int((ink & ~before).sum() + (numbers == self.end).sum())
        self.inside = bool(ink[-1]) if len(ink) else self.inside
