"""The Penn Treebank as language models use it: Mikolov's files of 10,000 words (section 3.1)."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from nextstroke.datasets.packed_text import pack_text
from nextstroke.datasets.plain_text import read_pieces
from nextstroke.errors import BadInput

FILES = {"train": "ptb.train.txt", "validation": "ptb.valid.txt", "test": "ptb.test.txt"}
END_OF_SENTENCE = "<eos>"
MAX_BYTES = 256 << 20  # of a file, which is read whole; the largest has 5 MB


def pack_penn(folder: Path, output: Path, words: bool) -> dict[str, int]:
    """Pack the three files found in a folder; return the number of symbols of each split.

    Args:
        folder: Folder with the files, at any depth.
        output: Packed text to write.
        words: Whether the symbols are words and an end of sentence; else characters, with a line
            end after each sentence.

    Raises:
        BadInput: A file is missing, not UTF-8, or has symbols that training does not have.
        LimitExceeded: A file has more than MAX_BYTES bytes.
    """
    texts = {split: _sentences(folder, name, words) for split, name in FILES.items()}
    alphabet: set[str] = set()
    for sentences in texts.values():
        alphabet.update(*sentences)
    symbols = sorted(alphabet)
    number = {symbol: i for i, symbol in enumerate(symbols)}
    end = number[END_OF_SENTENCE if words else "\n"]
    parts = {split: _numbered(sentences, number) for split, sentences in texts.items()}
    return pack_text(output, "word" if words else "character", symbols, end, parts)


def _sentences(folder: Path, name: str, words: bool) -> list[list[str]]:
    """Return the symbols of each sentence of a file: its words or its characters, and its end."""
    found = sorted(folder.rglob(name)) if folder.is_dir() else []
    if not found:
        raise BadInput(f"{folder}: no {name} there; give the folder with the three ptb.*.txt files")
    data = b"".join(read_pieces(found[0], MAX_BYTES))
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadInput(f"{found[0]}: not UTF-8 at byte {error.start}; save it as UTF-8") from error
    sentences = [line.split() for line in text.splitlines()]
    if words:
        return [[*sentence, END_OF_SENTENCE] for sentence in sentences]
    return [[*" ".join(sentence), "\n"] for sentence in sentences]


def _numbered(sentences: list[list[str]], number: dict[str, int]) -> Iterator[np.ndarray]:
    for sentence in sentences:
        yield np.array([number[symbol] for symbol in sentence])
