"""Animations: a sheet being written, as GIF or APNG at the pace of a pen, or several sheets in turn."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageColor, ImageDraw

from nextstroke.pages.appearance import LIFT, PACE, Look
from nextstroke.pages.layout import RULE, Sheet
from nextstroke.pages.png import FINER, MILLIMETRES, blank, picture, straight
from nextstroke.pages.spline import polyline

FRAMES_A_SECOND = 20
LAST = 2.5  # seconds that the finished sheet is shown
PIXELS = 120_000_000  # in all frames together; a long animation has fewer frames a second
PIECES = 6
LABEL = 7.0  # mm of free paper above the ink, for the frame's label


class Moment(NamedTuple):
    """A straight piece of ink.

    Attributes:
        time: Seconds from the beginning at which it is complete.
        start, end: Points (2,), in mm.
        colour: Colour of its line.
    """

    time: float
    start: np.ndarray
    end: np.ndarray
    colour: str


def moments(sheet: Sheet, colours: Sequence[str], speed: float = 1.0) -> Iterator[Moment]:
    """Yield the pieces of a sheet in the order and at the times of writing; a dot is a piece of length 0."""
    time = 0.0
    for line, colour in zip(sheet.lines, sheet.colours(colours), strict=True):
        for stroke in line.strokes():
            curve = polyline(stroke, PIECES)
            for start, end in pairwise(curve) if len(curve) > 1 else [(curve[0], curve[0])]:
                time += 1 / (PACE * PIECES * speed)
                yield Moment(time, start, end, colour)
            time += LIFT / speed


def film(sheet: Sheet, format: str, look: Look) -> bytes:
    """Return one sheet being written, as an endless GIF or APNG (`format` is "gif" or "apng")."""
    dpi = 100 if look.dpi is None else look.dpi
    pieces = list(moments(sheet, look.colours, look.speed))
    page = blank(sheet, dpi)
    pixels = page.width * page.height // FINER**2
    count = max(2, min(round(pieces[-1].time * FRAMES_A_SECOND), PIXELS // pixels))
    step = pieces[-1].time / count
    first, *rest = _frames(page, pieces, count, step, look.pen * dpi / MILLIMETRES * FINER, dpi / MILLIMETRES * FINER)
    stream = io.BytesIO()
    times = [max(20, round(1000 * step))] * (count - 1) + [round(1000 * LAST)]
    kind = "PNG" if format == "apng" else "GIF"
    first.save(stream, kind, save_all=True, append_images=rest, duration=times, loop=0)
    return stream.getvalue()


def _frames(
    page: Image.Image, pieces: list[Moment], count: int, step: float, width: float, scale: float
) -> Iterator[Image.Image]:
    """Yield the sheet at `count` times, `step` seconds apart; only the part with new ink is drawn again."""
    small = page.reduce(FINER)
    palette = _palette(sorted({piece.colour for piece in pieces}))
    done = 0
    for number in range(1, count + 1):
        drawn = done
        while done < len(pieces) and (number == count or pieces[done].time <= number * step):
            piece = pieces[done]
            straight(page, np.array([piece.start, piece.end]) * scale, max(1.0, width), piece.colour)
            done += 1
        _refresh(small, page, pieces[drawn:done], scale, width)
        yield small.quantize(palette=palette, dither=Image.Dither.NONE)


def _refresh(small: Image.Image, page: Image.Image, pieces: list[Moment], scale: float, width: float) -> None:
    """Draw the part of `small` that `pieces` touch again."""
    if not pieces:
        return
    places = np.array([[piece.start, piece.end] for piece in pieces]).reshape(-1, 2) * scale
    low = np.maximum((places.min(0) - width) // FINER - 1, 0).astype(int)
    high = np.minimum((places.max(0) + width) // FINER + 2, small.size).astype(int)
    if (high > low).all():
        box = (*(low * FINER).tolist(), *(high * FINER).tolist())
        small.paste(page.crop(box).reduce(FINER), tuple(low.tolist()))


def _palette(colours: Sequence[str]) -> Image.Image:
    """Return the shades between white paper and each ink, and the colour of the rules."""
    # Pillow looks colours up in boxes of eight steps a side: finer ramps would turn white to grey.
    steps = min(24, 250 // len(colours))
    shade = np.linspace(0, 1, steps)[:, None]
    ramps = [255 + shade * (np.array(ImageColor.getrgb(colour)[:3]) - 255) for colour in colours]
    palette = Image.new("P", (1, 1))
    palette.putpalette(np.concatenate([*ramps, [ImageColor.getrgb(RULE)]]).round().astype(np.uint8).tobytes())
    return palette


def animated(sheets: Sequence[Sheet], labels: Sequence[str], pause: float = 0.15, dpi: float = 110, **look) -> bytes:
    """Return an endless GIF that shows the sheets in turn, and the last one longer.

    Args:
        sheets: Sheets, all drawn at the size of the largest.
        labels: Text above each sheet.
        pause: Seconds per frame.
        dpi: Dots per inch.
        look: Keyword arguments of `picture`.
    """
    width = max(sheet.width for sheet in sheets)
    height = max(sheet.height for sheet in sheets) + LABEL
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
