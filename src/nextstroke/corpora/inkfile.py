"""The door for single files of ink: official line XML, InkML, SVG or JSON, told apart by what is in them."""

import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from nextstroke.corpora import linexml
from nextstroke.corpora.inkml import parse_inkml
from nextstroke.corpora.jsonink import parse_json_ink
from nextstroke.corpora.limits import read_bounded
from nextstroke.corpora.packed import InkCorpus, Line
from nextstroke.corpora.svgink import parse_svg
from nextstroke.corpora.xmlreader import root_tag
from nextstroke.errors import BadInk, BadInput, LimitExceeded
from nextstroke.ink import Ink

MAX_TEXT = 1 << 16  # bytes
MAX_JSON = 3 << 20  # bytes; as lists of Python they can take 25 times as much
NO_TEXT = "no transcription"
HELD_OUT = "testset_v"  # the split that recipes validate on


def read_ink(path: str | Path) -> tuple[Ink, str]:
    """The ink of a file and its text, empty if the file has none; y grows downwards, the unit is the file's.

    Raises:
        BadInk: in none of the four formats, malformed, without points, or with points that are not finite.
        BadInput: the file cannot be read.
        LimitExceeded: it is too long.
    """
    path = Path(path)
    data = read_bounded(path)
    if data.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"["):
        if len(data) > MAX_JSON:
            raise LimitExceeded(f"{path}: {len(data)} bytes of JSON, at most {MAX_JSON} are read; split it")
        return parse_json_ink(data, path)
    root = root_tag(data, path)
    if root == linexml.ROOT:
        return linexml.parse_line(data, path), ""
    if root == "ink":
        return parse_inkml(data, path)
    if root == "svg":
        return parse_svg(data, path)
    raise BadInk(f"{path}: <{root}> is no ink; give InkML, SVG, a line of IAM-OnDB or JSON with strokes")


def read_with_text(path: str | Path) -> tuple[Ink, str]:
    """As `read_ink`; a text that is not in FILE is read from FILE.txt, or the same name with .txt, beside it."""
    ink, text = read_ink(path)
    return ink, text or _text_beside(Path(path))


def pack_files(
    paths: Iterable[str | Path], split: str = "", hold_out: int = 0
) -> tuple[InkCorpus, list[tuple[str, str]]]:
    """Join files of ink; a text that is not in FILE is read from FILE.txt, or the same name with .txt, beside it.

    Args:
        split: The split that all lines are put in.
        hold_out: So many of the last are put in HELD_OUT instead.

    Returns: The corpus, and for each file that was left out its name and the reason.

    Raises:
        BadInput: no file could be read.
    """
    lines, inks, left_out = [], [], []
    for path in map(Path, paths):
        try:
            ink, text = read_with_text(path)
        except (BadInput, LimitExceeded) as error:
            left_out.append((str(path), str(error)))
            continue
        lines.append(Line(path.stem, text, split, fault="" if text else NO_TEXT))
        inks.append(ink)
    if not inks:
        raise BadInput(f"no ink to pack; {left_out[0][1] if left_out else 'no files were given'}")
    kept = max(0, len(lines) - hold_out)
    lines[kept:] = [replace(line, split=HELD_OUT) for line in lines[kept:]]
    return InkCorpus.of(lines, inks), left_out


def _text_beside(path: Path) -> str:
    for beside in (path.with_name(path.name + ".txt"), path.with_suffix(".txt")):
        if beside != path and os.path.isfile(beside):
            return _decode(read_bounded(beside, MAX_TEXT), beside)
    return ""


def _decode(data: bytes, path: Path) -> str:
    try:
        return " ".join(data.decode("utf-8-sig").split())
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: not UTF-8 at byte {error.start}; save it as UTF-8") from error
