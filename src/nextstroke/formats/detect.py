"""Read a file of ink in any of the formats, recognised by its content."""

import os
import zlib
from pathlib import Path

from nextstroke.errors import BadInk, BadInput, LimitExceeded
from nextstroke.formats import iam_xml, xopp
from nextstroke.formats.csv_ink import is_csv, parse_csv_ink
from nextstroke.formats.excalidraw import excalidraw_ink, is_excalidraw
from nextstroke.formats.inkml import parse_inkml
from nextstroke.formats.jiix import is_jiix, jiix_ink
from nextstroke.formats.json_ink import json_ink, load_json
from nextstroke.formats.limits import MAX_BYTES, check_count, read_bounded
from nextstroke.formats.npy_ink import MAGIC, parse_npy_ink
from nextstroke.formats.quick_draw import is_drawing, parse_quick_draw
from nextstroke.formats.safe_xml import root_tag
from nextstroke.formats.svg_ink import parse_svg
from nextstroke.formats.transcription import MAX_TEXT, text_rows
from nextstroke.formats.unipen_file import STATEMENT, read_unipen_file
from nextstroke.ink import Ink

MAX_PARSED = 3 << 20  # bytes of JSON, CSV and UNIPEN, whose lists in memory can be 25 times as large
MAX_COMPONENTS = 50_000  # pen-downs and pen-ups of a UNIPEN file
BYTE_ORDER_MARKS = (b"\xff\xfe", b"\xfe\xff")
GZIP = b"\x1f\x8b"
KNOWN = (
    "InkML, SVG, lines and forms of IAM-OnDB, Xournal++, JSON with strokes, MyScript JSON and JIIX, Excalidraw, "
    "Quick Draw, UNIPEN, CSV with x,y,stroke, or .npy with dx,dy,end of stroke"
)

Drawing = tuple[Ink, str]  # ink and its text, a row for each line; empty if the file has none


def read_ink(path: str | Path) -> Drawing:
    """Return the ink of a file and its text; y grows downwards, the unit is the file's.

    Raises:
        BadInk: an unknown format, a malformed file, several drawings, no points, or points that are not finite.
        BadInput: the file cannot be read.
        LimitExceeded: it is too long.
    """
    drawings = read_drawings(path)
    if len(drawings) > 1:
        raise BadInk(f"{path}: {len(drawings)} drawings; give a file of one, or pack them with `nextstroke data ink`")
    return drawings[0]


def read_drawings(path: str | Path) -> list[Drawing]:
    """Return all drawings of a file: of Quick Draw, pages of Xournal++, parts of InkML with texts of their own.

    Raise as `read_ink`.
    """
    path = Path(path)
    data = read_bounded(path)
    if data.startswith(MAGIC):
        return [parse_npy_ink(data, path)]
    if data.startswith(GZIP):
        data = _unzipped(data, path)
    head = data[:1000].removeprefix(b"\xef\xbb\xbf").lstrip()
    if head.startswith((b"<", *BYTE_ORDER_MARKS)):
        return _read_xml(data, path)
    unipen = STATEMENT.match(head) is not None
    if not unipen and not head.startswith((b"{", b"[")) and not is_csv(data):
        raise BadInk(f"{path}: not a known format; give {KNOWN}")
    if len(data) > MAX_PARSED:
        raise LimitExceeded(f"{path}: {len(data)} bytes, of this format at most {MAX_PARSED} are read; split it")
    if unipen:
        if data.count(b".PEN_") > MAX_COMPONENTS:
            raise LimitExceeded(f"{path}: more than {MAX_COMPONENTS} components of UNIPEN; split it")
        return [_read_unipen(path)]
    if not head.startswith((b"{", b"[")):
        return [(parse_csv_ink(data, path), "")]
    try:
        return _read_json(data)
    except (BadInk, LimitExceeded) as error:
        raise type(error)(f"{path}: {error}") from error


def _read_xml(data: bytes, path: Path) -> list[Drawing]:
    root = root_tag(data, path)
    if root == iam_xml.ROOT:
        return [iam_xml.parse_form(data, path)]
    if root == "ink":
        return parse_inkml(data, path)
    if root == "svg":
        return [parse_svg(data, path)]
    if root == xopp.ROOT:
        return [(ink, "") for ink in xopp.parse_xopp(data, path)]
    raise BadInk(f"{path}: <{root}> is no ink; give {KNOWN}")


def _read_json(data: bytes) -> list[Drawing]:
    first = data.lstrip().split(b"\n", 1)[0]
    if b'"drawing"' in first and is_drawing(load_json(first)):
        return [(ink, "") for ink in parse_quick_draw(data)]
    document = load_json(data)
    if is_excalidraw(document):
        return [(excalidraw_ink(document), "")]
    if is_jiix(document):
        return [jiix_ink(document)]
    return [json_ink(document)]


def _read_unipen(path: Path) -> Drawing:
    """Return all pen-down ink of a UNIPEN file, y turned downwards, and the labels of its first level."""
    found = read_unipen_file(path)
    strokes = [component.points * (1, -1) for component in found.components if component.down]
    level = found.segments[0].level if found.segments else ""
    labels = [segment.label for segment in found.segments if segment.level == level]
    try:
        check_count(sum(map(len, strokes)))
        return Ink.from_strokes(strokes), " ".join(" ".join(labels).split())
    except (BadInk, LimitExceeded) as error:
        raise type(error)(f"{path}: {error}") from error


def _unzipped(data: bytes, path: Path) -> bytes:
    """Return the content of a gzip file of at most MAX_BYTES, as .svgz and .xopp are."""
    decoder = zlib.decompressobj(wbits=31)
    try:
        content = decoder.decompress(data, MAX_BYTES)
    except zlib.error as error:
        raise BadInk(f"{path}: not a whole gzip file ({error})") from error
    if decoder.unconsumed_tail:
        raise LimitExceeded(f"{path}: more than {MAX_BYTES} bytes unzipped; split it into smaller files")
    if not decoder.eof:
        raise BadInk(f"{path}: a gzip file that was cut short")
    return content


def read_with_text(path: str | Path) -> Drawing:
    """Return as `read_ink`; a text that is not in FILE is read from FILE.txt, or FILE with the suffix .txt."""
    ink, text = read_ink(path)
    return ink, text or _sidecar_text(Path(path))


def read_all_with_text(path: str | Path) -> list[Drawing]:
    """Return all drawings of a file; a text that is not in FILE is read as for `read_with_text`.

    Several drawings take one row of the text each, where there are as many rows.

    Raises:
        BadInk: The text has another number of rows than there are drawings. Else as `read_with_text`.
    """
    drawings = read_drawings(path)
    if any(text for _, text in drawings):
        return drawings
    text = _sidecar_text(Path(path))
    rows = text.split("\n") if text else []
    if len(drawings) == 1 or not rows:
        return [(ink, text) for ink, _ in drawings]
    if len(rows) != len(drawings):
        raise BadInk(f"{path}: {len(drawings)} drawings, but its text has {len(rows)} rows; give a row for each")
    return [(ink, row) for (ink, _), row in zip(drawings, rows, strict=True)]


def _sidecar_text(path: Path) -> str:
    for sidecar in (path.with_name(path.name + ".txt"), path.with_suffix(".txt")):
        if sidecar != path and os.path.isfile(sidecar):
            return _decode(read_bounded(sidecar, MAX_TEXT), sidecar)
    return ""


def _decode(data: bytes, path: Path) -> str:
    try:
        return text_rows(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: not UTF-8 at byte {error.start}; save it as UTF-8") from error
