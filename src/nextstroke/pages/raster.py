"""Sheets as PNG pictures."""

import io

from PIL import Image, ImageDraw

from nextstroke.errors import LimitExceeded, UsageError
from nextstroke.pages.layout import Sheet
from nextstroke.pages.spline import polyline

MILLIMETRES = 25.4  # in an inch
FINER = 4  # drawn so many times larger and shrunk, which smooths the edges
MOST_PIXELS = 100_000_000


def picture(sheet: Sheet, dpi: float = 200, pen: float = 0.35, colour: str = "#1a1a2e") -> Image.Image:
    """One sheet as a picture.

    Args:
        dpi: Dots per inch.
        pen: Width of the stroke in mm.
    Raises:
        LimitExceeded: more than 100 million pixels at the size it is drawn at.
    """
    if not 10 <= dpi <= 2400:
        raise UsageError(f"dpi {dpi}: give 10 to 2400")
    scale = dpi / MILLIMETRES * FINER
    size = round(sheet.width * scale / FINER) * FINER, round(sheet.height * scale / FINER) * FINER
    if size[0] * size[1] > MOST_PIXELS * FINER:
        raise LimitExceeded(f"a picture of {size[0] // FINER} x {size[1] // FINER} pixels is too large; lower the dpi")
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    for y in sheet.baselines:
        draw.line([(0, y * scale), (size[0], y * scale)], fill="#c8d3e0", width=FINER)
    for line in sheet.lines:
        for stroke in line.strokes():
            _stroke(draw, polyline(stroke) * scale, max(1.0, pen * scale), colour)
    return image.resize((size[0] // FINER, size[1] // FINER), Image.Resampling.BOX)


def png(sheet: Sheet, dpi: float = 200, **look) -> bytes:
    """One sheet as a PNG file that knows its dpi."""
    stream = io.BytesIO()
    picture(sheet, dpi, **look).save(stream, "PNG", dpi=(dpi, dpi))
    return stream.getvalue()


def _stroke(draw: ImageDraw.ImageDraw, points, width: float, colour: str) -> None:
    """A line with round joints and ends: pillow's own joints leave gaps at turns."""
    draw.line([tuple(point) for point in points], fill=colour, width=round(width))
    for x, y in points:
        draw.ellipse([x - width / 2, y - width / 2, x + width / 2, y + width / 2], fill=colour)
