"""The door for single files of ink: official line XML, InkML, SVG or JSON, told apart by what is in them."""

import os
from pathlib import Path

from nextstroke.errors import BadInk, BadInput, LimitExceeded
from nextstroke.formats import iam_xml
from nextstroke.formats.inkml import parse_inkml
from nextstroke.formats.json_ink import parse_json_ink
from nextstroke.formats.limits import read_bounded
from nextstroke.formats.safe_xml import root_tag
from nextstroke.formats.svg_ink import parse_svg
from nextstroke.ink import Ink

MAX_TEXT = 1 << 16  # bytes
MAX_JSON = 3 << 20  # bytes; as lists of Python they can take 25 times as much


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
    if root == iam_xml.ROOT:
        return iam_xml.parse_line(data, path), ""
    if root == "ink":
        return parse_inkml(data, path)
    if root == "svg":
        return parse_svg(data, path)
    raise BadInk(f"{path}: <{root}> is no ink; give InkML, SVG, a line of IAM-OnDB or JSON with strokes")


def read_with_text(path: str | Path) -> tuple[Ink, str]:
    """As `read_ink`; a text that is not in FILE is read from FILE.txt, or the same name with .txt, beside it."""
    ink, text = read_ink(path)
    return ink, text or _sidecar_text(Path(path))


def _sidecar_text(path: Path) -> str:
    for beside in (path.with_name(path.name + ".txt"), path.with_suffix(".txt")):
        if beside != path and os.path.isfile(beside):
            return _decode(read_bounded(beside, MAX_TEXT), beside)
    return ""


def _decode(data: bytes, path: Path) -> str:
    try:
        return " ".join(data.decode("utf-8-sig").split())
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: not UTF-8 at byte {error.start}; save it as UTF-8") from error
