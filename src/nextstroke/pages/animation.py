"""Several sheets as one moving picture."""

import io
from collections.abc import Sequence
from dataclasses import replace

from PIL import ImageDraw

from nextstroke.pages.layout import Sheet
from nextstroke.pages.raster import picture

LABEL = 7.0  # mm of free paper above the ink, for the frame's label


def animated(sheets: Sequence[Sheet], labels: Sequence[str], pause: float = 0.15, dpi: float = 110, **look) -> bytes:
    """A GIF that shows the sheets in turn, each with its label, and the last one longer; it begins anew for ever.

    Args:
        sheets: All are drawn at the size of the largest.
        pause: Seconds a frame.
        look: `pen` and `colour` as for pictures.
    """
    width, height = max(sheet.width for sheet in sheets), max(sheet.height for sheet in sheets) + LABEL
    frames = []
    for sheet, label in zip(sheets, labels, strict=True):
        lower = replace(sheet, width=width, height=height, lines=[line.moved(0, LABEL) for line in sheet.lines])
        frame = picture(lower, dpi, **look)
        ImageDraw.Draw(frame).text((8, 4), label, fill="#555555", font_size=round(dpi / 7))
        frames.append(frame.quantize(32))
    stream = io.BytesIO()
    times = [round(1000 * pause)] * (len(frames) - 1) + [1500]
    frames[0].save(stream, "GIF", save_all=True, append_images=frames[1:], duration=times, loop=0)
    return stream.getvalue()
