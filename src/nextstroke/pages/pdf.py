"""Write sheets as one PDF with vector ink; static/pdf.js writes the same bytes in the browser."""

import io
import zlib
from collections.abc import Iterable

import numpy as np
from PIL import Image, ImageColor

from nextstroke.ink import Ink
from nextstroke.pages.appearance import LOOK, Look
from nextstroke.pages.background import TRANSPARENT, Picture
from nextstroke.pages.deflate import deflate
from nextstroke.pages.layout import DOT, RULE, Sheet
from nextstroke.pages.nib import outline, ribbons
from nextstroke.pages.png import Check
from nextstroke.pages.spline import bezier

POINTS = 72 / 25.4  # points in a millimetre
MICROMETRE = "0.002834646"  # points: the unit of ink, whose coordinates are whole numbers
NIB_PARTS = 100  # of a millimetre: the unit of outlines, which have six times as many points
RULE_WIDTH = 0.15  # mm
TITLE = 200  # characters of a title
HEAD = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"  # the bytes above 127 say that it is no text


def pdf(
    sheets: Iterable[Sheet], look: Look = LOOK, title: str = "", about: str = "", check: Check | None = None
) -> bytes:
    """A document with a page for each sheet, in millimetres; the same ink gives the same bytes.

    Args:
        title, about: Shown by viewers as title and subject.
        check: Asked before each line of ink; what it raises ends the drawing.
    """
    picture = look.background if isinstance(look.background, Picture) else None
    first = 5 if picture else 4  # number of the first page's object
    resources = "<</XObject<</B 4 0 R>>>>" if picture else "<<>>"
    pages: list[bytes] = []
    for sheet in sheets:
        size = f"{_number(sheet.width * POINTS)} {_number(sheet.height * POINTS)}"
        content = f"{first + len(pages) + 1} 0 R"
        page = f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 {size}]/Resources{resources}/Contents {content}>>"
        pages += [page.encode(), _stream("", deflate(_content(sheet, look, check).encode()))]
    kids = " ".join(f"{first + number} 0 R" for number in range(0, len(pages), 2))
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        f"<</Type/Pages/Kids[{kids}]/Count {len(pages) // 2}>>".encode(),
        f"<</Title {_text(title[:TITLE])}/Subject {_text(about)}/Creator(nextstroke)>>".encode(),
    ]
    return _file([*objects, *([_image(picture)] if picture else []), *pages])


def _content(sheet: Sheet, look: Look, check: Check | None) -> str:
    """Return the operators that draw a sheet."""
    width, height = _number(sheet.width * POINTS), _number(sheet.height * POINTS)
    found = [_background(sheet, look.background, f"{width} {height}")]
    # From here on micrometres, y downwards, as in `layout`; caps and joins are round.
    found.append(f"{MICROMETRE} 0 0 -{MICROMETRE} 0 {height} cm 1 J 1 j\n")
    lines = list(sheet.printed_lines())
    lines += [(x, y, x, y) for x, y in sheet.printed_dots()]
    if lines:
        width_of_rule = DOT if sheet.paper == "dots" else RULE_WIDTH
        found.append(f"{_rgb(RULE)} RG {_micrometres(width_of_rule)} w\n")
        ends = _whole(np.array(lines)).tolist()
        found += ["{} {} m {} {} l S\n".format(*line) for line in ends]
    if look.nib:
        found.append(f"{1000 // NIB_PARTS} 0 0 {1000 // NIB_PARTS} 0 0 cm\n")
    for colour, inked in sheet.layers(look.colours):
        found.append(f"{_rgb(colour)} rg\n" if look.nib else f"{_rgb(colour)} RG {_micrometres(look.pen)} w\n")
        for line in inked:
            if check:
                check()
            found.append(_ribbons(line, look.pen) if look.nib else _strokes(line))
    return "".join(found)


def _background(sheet: Sheet, background: str | Picture, size: str) -> str:
    """Return the operators that fill the page; the unit is the point, y upwards."""
    if isinstance(background, Picture):
        width, height = sheet.width * POINTS, sheet.height * POINTS
        left, top, inner, _ = background.box(width / height)
        scale = width / inner
        # The picture is centred, so that as much is cut off below as above.
        box = (background.size[0] * scale, background.size[1] * scale, -left * scale, -top * scale)
        return "q {} 0 0 {} {} {} cm /B Do Q\n".format(*map(_number, box))
    return f"{_rgb(background)} rg 0 0 {size} re f\n" if background not in ("", TRANSPARENT) else ""


def _strokes(line: Ink) -> str:
    found = []
    for stroke in line.strokes():
        x, y = _whole(stroke[0]).tolist()
        found.append(f"{x} {y} m\n")
        if len(stroke) == 1:
            found.append(f"{x} {y} l\n")
            continue
        curves = _whole(bezier(stroke)[:, 1:]).reshape(-1, 6).tolist()
        found += ["{} {} {} {} {} {} c\n".format(*curve) for curve in curves]
    return f"{''.join(found)}S\n"


def _ribbons(line: Ink, pen: float) -> str:
    """Return the outlines of a nib, filled where they wind around a place, so that crossings are filled too."""
    found = []
    for curve, width in ribbons(line, pen):
        places = _whole(outline(curve, width), NIB_PARTS)
        moves = np.append(True, (np.diff(places, axis=0) != 0).any(1))
        first, *rest = places[moves].tolist()
        found += ["{} {} m\n".format(*first), *("{} {} l\n".format(*place) for place in rest), "h\n"]
    return f"{''.join(found)}f\n"


def _whole(millimetres: np.ndarray, parts: int = 1000) -> np.ndarray:
    """Return lengths as whole numbers of parts of a millimetre; halves are rounded up, as in JavaScript."""
    return np.floor(millimetres * parts + 0.5).astype(np.int64)


def _micrometres(millimetres: float) -> int:
    return int(_whole(np.array(millimetres)))


def _number(value: float) -> str:
    """Format a number with at most three decimals, without trailing zeros."""
    text = f"{value:.3f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _rgb(colour: str) -> str:
    return " ".join(_number(value / 255) for value in ImageColor.getrgb(colour)[:3])


def _text(text: str) -> str:
    """Return a text string: UTF-16 in hexadecimal digits."""
    return f"<feff{text.encode('utf-16-be', 'surrogatepass').hex()}>"


def _stream(entries: str, data: bytes) -> bytes:
    head = f"<<{entries}/Length {len(data)}/Filter/FlateDecode>>\nstream\n"
    return head.encode() + data + b"\nendstream"


def _image(picture: Picture) -> bytes:
    """Return the object of a background, without its transparency."""
    with Image.open(io.BytesIO(picture.data), formats=["PNG", "JPEG"]) as image:
        entries = f"/Type/XObject/Subtype/Image/Width {image.width}/Height {image.height}/BitsPerComponent 8"
        if picture.kind == "JPEG" and image.mode in ("L", "RGB"):
            space = "DeviceGray" if image.mode == "L" else "DeviceRGB"
            head = f"<<{entries}/ColorSpace/{space}/Length {len(picture.data)}/Filter/DCTDecode>>\nstream\n"
            return head.encode() + picture.data + b"\nendstream"
        return _stream(f"{entries}/ColorSpace/DeviceRGB", zlib.compress(image.convert("RGB").tobytes()))


def _file(objects: list[bytes]) -> bytes:
    """Return objects, numbered from 1, as a file with the table of their offsets."""
    file = io.BytesIO()
    file.write(HEAD)
    offsets = []
    for number, content in enumerate(objects, 1):
        offsets.append(file.tell())
        file.write(b"%d 0 obj\n%b\nendobj\n" % (number, content))
    start = file.tell()
    table = "".join(f"{offset:010d} 00000 n \n" for offset in offsets)
    count = len(objects) + 1
    file.write(f"xref\n0 {count}\n0000000000 65535 f \n{table}".encode())
    file.write(f"trailer\n<</Size {count}/Root 1 0 R/Info 3 0 R>>\nstartxref\n{start}\n%%EOF\n".encode())
    return file.getvalue()
