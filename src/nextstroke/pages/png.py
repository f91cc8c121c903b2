"""Draw sheets as PNG pictures."""

import io
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from PIL import Image, ImageDraw

from nextstroke.errors import LimitExceeded, UsageError
from nextstroke.pages.layout import INK, RULE, Sheet
from nextstroke.pages.nib import ribbons
from nextstroke.pages.spline import polyline

MILLIMETRES = 25.4  # in an inch
FINER = 4  # oversampling: drawn larger by this factor and reduced, which smooths the edges
MOST_PIXELS = 25_000_000


def picture(
    sheet: Sheet, dpi: float = 200, pen: float = 0.35, colours: Sequence[str] = (INK,), nib: bool = False
) -> Image.Image:
    """Draw one sheet.

    Args:
        sheet: Sheet in mm.
        dpi: Dots per inch, 10 to 2400.
        pen: Width of the stroke in mm.
        colours: Colours of the paragraphs in turn.
        nib: Whether the width follows the pen's speed.

    Raises:
        LimitExceeded: more than 25 million pixels.
        UsageError: dpi out of its range.
    """
    image, scale = blank(sheet, dpi), dpi / MILLIMETRES * FINER
    draw = ImageDraw.Draw(image)
    for line, colour in zip(sheet.lines, sheet.colours(colours), strict=True):
        curves = ribbons(line, pen) if nib else [(polyline(s), np.full(1, pen)) for s in line.strokes()]
        for curve, width in curves:
            _stroke(draw, curve * scale, np.maximum(1.0, width * scale), colour)
    return image.reduce(FINER)


def blank(sheet: Sheet, dpi: float) -> Image.Image:
    """Draw the paper of a sheet, larger by FINER than the picture; raise as `picture` does."""
    if not 10 <= dpi <= 2400:
        raise UsageError(f"dpi {dpi}: give 10 to 2400")
    scale = dpi / MILLIMETRES
    width, height = (max(1, round(length * scale)) for length in (sheet.width, sheet.height))
    if width * height > MOST_PIXELS:
        raise LimitExceeded(f"a picture of {width} x {height} pixels is too large; lower the dpi")
    image = Image.new("RGB", (width * FINER, height * FINER), "white")
    draw = ImageDraw.Draw(image)
    for y in sheet.baselines:
        draw.line([(0, y * scale * FINER), (width * FINER, y * scale * FINER)], fill=RULE, width=FINER)
    return image


def png(sheet: Sheet, dpi: float = 200, **look) -> bytes:
    """Return one sheet as a PNG file that carries its dpi; `look` are keyword arguments of `picture`."""
    stream = io.BytesIO()
    picture(sheet, dpi, **look).save(stream, "PNG", dpi=(dpi, dpi))
    return stream.getvalue()


def straight(image: Image.Image, ends: np.ndarray, width: float, colour: str) -> None:
    """Draw a straight piece between two points, `ends` of shape (2, 2) in pixels."""
    _stroke(ImageDraw.Draw(image), ends, np.full(1, width), colour)


def _stroke(draw: ImageDraw.ImageDraw, points: np.ndarray, width: np.ndarray, colour: str) -> None:
    """Draw a line with round joints and ends; Pillow's own joints leave gaps at turns.

    Args:
        draw: Picture to draw on.
        points: Points (n, 2) in pixels.
        width: Widths (n,), or (1,) for all points.
        colour: Colour of the line.
    """
    widths = np.broadcast_to(width, len(points)).tolist()
    places = [tuple(point) for point in points.tolist()]
    for (start, end), thick in zip(pairwise(places), widths, strict=False):
        draw.line([start, end], fill=colour, width=round(thick))
    for (x, y), thick in zip(places, widths, strict=True):
        draw.ellipse([x - thick / 2, y - thick / 2, x + thick / 2, y + thick / 2], fill=colour)
