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
DPI = 200.0  # default of pictures
FILM_DPI = 100.0  # default of animations

Check = Callable[[], None]  # raises to stop a drawing whose request was cancelled


def default_dpi(format: str, dpi: float | None) -> float:
    """Return the resolution of a format in dots per inch: `dpi`, or its default where that is None."""
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
    """Draw a sheet.

    It is drawn in strips, each FINER times as large and then reduced: the whole of an A3 page at
    300 dpi would take a gigabyte at that size.

    Args:
        sheet: Sheet in mm.
        dpi: Dots per inch, 10 to 2400.
        pen: Width of the stroke in mm.
        colours: Colours of the paragraphs in turn.
        nib: Whether the width follows the pen's speed.
        background: Colour of the paper, "none" for a transparent picture, or a Picture; white if
            empty.
        check: Callback before each line of ink, which may raise to stop the drawing.

    Raises:
        UsageError: The dpi is out of range.
        LimitExceeded: The picture has more than MAX_PIXELS pixels.
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
    """Return the picture without ink, and the colour (R, G, B, A) of the strips on which ink is drawn."""
    if isinstance(background, Picture):
        return background.covering(size), (0, 0, 0, 0)
    if background == TRANSPARENT:
        return Image.new("RGBA", size), (0, 0, 0, 0)
    colour = ImageColor.getrgb(background or "white")[:3]
    return Image.new("RGB", size, colour), (*colour, 255)


def _curves(
    line: Ink, scale: float, pen: float, nib: bool, top: int, height: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the curves of a line that extend into a strip, and the width at their points, in finer pixels.

    Args:
        line: Ink in mm.
        scale: Finer pixels per millimetre.
        pen: Width of the stroke in mm.
        nib: Whether the width follows the pen's speed.
        top: Upper edge of the strip, in finer pixels.
        height: Height of the strip, in finer pixels.
    """
    reach = 2 * max(1.0, pen * scale)  # a nib's stroke is up to 1.5 pens wide
    _, upper, _, lower = line.bounds()
    low = upper * scale
    high = lower * scale
    bulge = high - low  # a spline may leave the box of its points
    if low - bulge - reach > top + height or high + bulge + reach < top:
        return
    constant = np.full(1, pen)
    centre_lines = ((polyline(stroke), constant) for stroke in line.strokes())
    for curve, width in ribbons(line, pen) if nib else centre_lines:
        levels = curve[:, 1] * scale
        if levels.min() - reach <= top + height and levels.max() + reach >= top:
            yield curve * scale, np.maximum(1.0, width * scale)


def pixel_size(sheet: Sheet, dpi: float) -> tuple[int, int]:
    """Return the width and the height of a sheet in pixels.

    Raises:
        UsageError: The dpi is out of range.
        LimitExceeded: There are more than MAX_PIXELS pixels.
    """
    if not 10 <= dpi <= 2400:
        raise UsageError(f"dpi {dpi}: give 10 to 2400")
    width = max(1, round(sheet.width * dpi / MILLIMETRES))
    height = max(1, round(sheet.height * dpi / MILLIMETRES))
    if width * height > MAX_PIXELS:
        raise LimitExceeded(f"a picture of {width} x {height} pixels is too large; lower the dpi")
    return width, height


def rule(image: Image.Image, sheet: Sheet, scale: float, fill: str | int, top: int = 0) -> None:
    """Draw the printed lines and dots of the paper.

    Args:
        image: Image of a strip of the sheet.
        sheet: Sheet in mm.
        scale: Pixels of the image per millimetre.
        fill: Colour, or its number in an image with a palette.
        top: Upper edge of the strip, in pixels.
    """
    draw = ImageDraw.Draw(image)
    for x0, y0, x1, y1 in sheet.printed_lines():
        start = (int(x0 * scale), int(y0 * scale) - top)
        end = (int(x1 * scale), int(y1 * scale) - top)
        if start[1] <= image.height + FINER and end[1] >= -FINER:
            draw.line([start, end], fill=fill, width=FINER)
    radius = DOT / 2 * scale
    for x, y in sheet.printed_dots():
        column = x * scale
        row = y * scale - top
        if -radius <= row <= image.height + radius:
            box = [column - radius, row - radius, column + radius, row + radius]
            draw.ellipse(box, fill=fill)


def png(sheet: Sheet, dpi: float = DPI, **look) -> bytes:
    """Return a sheet as a PNG file with its dpi; `look` are arguments of `picture`."""
    stream = io.BytesIO()
    picture(sheet, dpi, **look).save(stream, "PNG", dpi=(dpi, dpi))
    return stream.getvalue()


def jpeg(sheet: Sheet, dpi: float = DPI, **look) -> bytes:
    """Return a sheet as a JPEG file with its dpi; `look` are arguments of `picture`."""
    stream = io.BytesIO()
    image = picture(sheet, dpi, **look)
    image.save(stream, "JPEG", dpi=(round(dpi), round(dpi)), quality=92, subsampling=0)
    return stream.getvalue()


def straight(image: Image.Image, ends: np.ndarray, width: float, colour: str | int) -> None:
    """Draw a straight piece with round ends.

    Args:
        image: Image to draw on.
        ends: First and last point in pixels, (2, 2).
        width: Width in pixels.
        colour: Colour, or its number in an image with a palette.
    """
    _stroke(ImageDraw.Draw(image), ends, np.full(1, width), colour)


def _stroke(
    draw: ImageDraw.ImageDraw,
    points: np.ndarray,
    width: np.ndarray,
    colour: str | int,
    top: int = 0,
) -> None:
    """Draw a polyline with round joints and ends; pillow's own joints leave gaps at turns.

    Args:
        draw: Image to draw on.
        points: Points on the sheet in pixels, (points, 2). They are rounded before the strip's
            position is subtracted, so that the picture does not depend on the strips.
        width: Width at each point, or one for all, in pixels.
        colour: Colour, or its number in an image with a palette.
        top: Upper edge of the image on the sheet, in pixels.
    """
    widths = np.broadcast_to(width, len(points)).tolist()
    places = points.tolist()
    corners = [(int(x), int(y) - top) for x, y in places]
    for (start, end), thick in zip(pairwise(corners), widths, strict=False):
        draw.line([start, end], fill=colour, width=round(thick))
    for (x, y), thick in zip(places, widths, strict=True):
        half = thick / 2
        box = [int(x - half), int(y - half) - top, int(x + half), int(y + half) - top]
        draw.ellipse(box, fill=colour)
