"""Draw sheets as PNG pictures."""

import io
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

import numpy as np
from PIL import Image, ImageColor, ImageDraw

from nextstroke.errors import LimitExceeded, UsageError
from nextstroke.ink import Ink
from nextstroke.pages.background import TRANSPARENT, Picture
from nextstroke.pages.layout import DOT, INK, RULE, Sheet
from nextstroke.pages.nib import ribbons
from nextstroke.pages.spline import polyline

MILLIMETRES = 25.4  # in an inch
FINER = 4  # oversampling: drawn larger by this factor and reduced, which smooths the edges
MAX_PIXELS = 25_000_000  # of one picture
STRIP_BYTES = 32 << 20  # of the part of a picture that is drawn at once, FINER times as large
DPI, FILM_DPI = 200.0, 100.0  # where none is given

Check = Callable[[], None]  # raises where nobody waits for the picture any more


def default_dpi(format: str, dpi: float | None) -> float:
    """Return the dots per inch of a format: those given, or its default."""
    if dpi is not None:
        return dpi
    return DPI if format in ("png", "jpg") else FILM_DPI


def picture(
    sheet: Sheet,
    dpi: float = DPI,
    pen: float = 0.35,
    colours: Sequence[str] = (INK,),
    nib: bool = False,
    background: str | Picture = "",
    check: Check | None = None,
) -> Image.Image:
    """Draw one sheet.

    It is drawn in strips, each FINER times as large and then shrunk: the whole of an A3 page at 300 dpi would take a
    gigabyte at that size.

    Args:
        sheet: Sheet in mm.
        dpi: Dots per inch, 10 to 2400.
        pen: Width of the stroke in mm.
        colours: Colours of the paragraphs in turn.
        nib: Whether the width follows the pen's speed.
        background: Colour of the paper, "none" for a transparent picture, or a Picture; white if empty.
        check: Asked before each line of ink; what it raises ends the drawing.
    Raises:
        LimitExceeded: more than MAX_PIXELS pixels.
    """
    width, height = pixel_size(sheet, dpi)
    scale = dpi / MILLIMETRES * FINER
    image, paper = _paper((width, height), background)
    rows = max(1, STRIP_BYTES // (4 * FINER**2 * width))
    inked = list(zip(sheet.lines, sheet.colours(colours), strict=True))
    for top in range(0, height, rows):
        strip = Image.new("RGBA", (width * FINER, min(rows, height - top) * FINER), paper)
        rule(strip, sheet, scale, RULE, top * FINER)
        draw = ImageDraw.Draw(strip)
        for line, colour in inked:
            if check:
                check()
            for curve, thick in _curves(line, scale, pen, nib, top * FINER, strip.height):
                _stroke(draw, curve, thick, colour, top * FINER)
        drawn = strip.reduce(FINER)
        image.paste(drawn, (0, top), drawn if image.mode == "RGB" else None)
    return image


def _paper(size: tuple[int, int], background: str | Picture) -> tuple[Image.Image, tuple[int, ...]]:
    """Return the picture without ink, and the colour (R, G, B, A) on which ink is drawn before it is pasted there."""
    if isinstance(background, Picture):
        return background.covering(size), (0, 0, 0, 0)
    if background == TRANSPARENT:
        return Image.new("RGBA", size), (0, 0, 0, 0)
    colour = ImageColor.getrgb(background or "white")[:3]
    return Image.new("RGB", size, colour), (*colour, 255)


def _curves(
    line: Ink, scale: float, pen: float, nib: bool, top: int, height: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The curves of a line that reach into a strip, and the width at their points, in finer pixels."""
    reach = 2 * max(1.0, pen * scale)  # a nib's stroke is up to 1.5 pens wide
    low, high = line.bounds()[1] * scale, line.bounds()[3] * scale
    bulge = high - low  # a spline may leave the box of its points
    if low - bulge - reach > top + height or high + bulge + reach < top:
        return
    curves = ribbons(line, pen) if nib else [(polyline(s), np.full(1, pen)) for s in line.strokes()]
    for curve, width in curves:
        levels = curve[:, 1] * scale
        if levels.min() - reach <= top + height and levels.max() + reach >= top:
            yield curve * scale, np.maximum(1.0, width * scale)


def pixel_size(sheet: Sheet, dpi: float) -> tuple[int, int]:
    """Width and height of a sheet in pixels.

    Raises:
        UsageError: a dpi out of range.
        LimitExceeded: more than MAX_PIXELS pixels.
    """
    if not 10 <= dpi <= 2400:
        raise UsageError(f"dpi {dpi}: give 10 to 2400")
    width, height = (max(1, round(length * dpi / MILLIMETRES)) for length in (sheet.width, sheet.height))
    if width * height > MAX_PIXELS:
        raise LimitExceeded(f"a picture of {width} x {height} pixels is too large; lower the dpi")
    return width, height


def rule(image: Image.Image, sheet: Sheet, scale: float, fill: str | int, top: int = 0) -> None:
    """Draw what is printed on the paper.

    Args:
        scale: Pixels of the image a millimetre.
        fill: Colour, or its number in an image with a palette.
        top: Pixels of the sheet above the image.
    """
    draw = ImageDraw.Draw(image)
    for x0, y0, x1, y1 in sheet.printed_lines():
        first, last = int(y0 * scale) - top, int(y1 * scale) - top
        if first <= image.height + FINER and last >= -FINER:
            draw.line([(int(x0 * scale), first), (int(x1 * scale), last)], fill=fill, width=FINER)
    radius = DOT / 2 * scale
    for x, y in sheet.printed_dots():
        left, level = x * scale, y * scale - top
        if -radius <= level <= image.height + radius:
            draw.ellipse([left - radius, level - radius, left + radius, level + radius], fill=fill)


def png(sheet: Sheet, dpi: float = DPI, **look) -> bytes:
    """One sheet as a PNG file that knows its dpi; `look` as for `picture`."""
    stream = io.BytesIO()
    picture(sheet, dpi, **look).save(stream, "PNG", dpi=(dpi, dpi))
    return stream.getvalue()


def jpeg(sheet: Sheet, dpi: float = DPI, **look) -> bytes:
    """One sheet as a JPEG file that knows its dpi; `look` as for `picture`."""
    stream = io.BytesIO()
    picture(sheet, dpi, **look).save(stream, "JPEG", dpi=(round(dpi), round(dpi)), quality=92, subsampling=0)
    return stream.getvalue()


def straight(image: Image.Image, ends: np.ndarray, width: float, colour: str | int) -> None:
    """Draw a straight piece, `ends` being its two points in pixels; `colour` as `fill` of `rule`."""
    _stroke(ImageDraw.Draw(image), ends, np.full(1, width), colour)


def _stroke(draw: ImageDraw.ImageDraw, points: np.ndarray, width: np.ndarray, colour: str | int, top: int = 0) -> None:
    """A line with round joints and ends: pillow's own joints leave gaps at turns.

    Args:
        width: Of each point, or one for all.
        top: Pixels of the sheet above the image; places are rounded on the sheet, so that it does not matter where
            strips begin.
    """
    widths = np.broadcast_to(width, len(points)).tolist()
    places = points.tolist()
    corners = [(int(x), int(y) - top) for x, y in places]
    for (start, end), thick in zip(pairwise(corners), widths, strict=False):
        draw.line([start, end], fill=colour, width=round(thick))
    for (x, y), thick in zip(places, widths, strict=True):
        half = thick / 2
        draw.ellipse([int(x - half), int(y - half) - top, int(x + half), int(y + half) - top], fill=colour)
