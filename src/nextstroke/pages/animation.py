"""Write animations: a sheet as it is written, as GIF or APNG, or several sheets in turn."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageColor, ImageDraw

from nextstroke.pages.appearance import LIFT, PACE, Look
from nextstroke.pages.layout import RULE, Sheet
from nextstroke.pages.png import (
    FINER,
    MILLIMETRES,
    STRIP_BYTES,
    Check,
    default_dpi,
    picture,
    pixel_size,
    rule,
    straight,
)
from nextstroke.pages.spline import polyline

FRAMES_A_SECOND = 20
LAST = 2.5  # seconds that the finished sheet is shown
PIXELS = 120_000_000  # in all frames together; a long animation has fewer frames a second
PIECES = 6  # straight pieces of a curve between two points
# Numbers of colours in the palette of a canvas; those of the ink follow.
PAPER = 0
PRINTED = 1
LABEL = 7.0  # mm of free paper above the ink, for the frame's label


class Moment(NamedTuple):
    """A straight piece of ink.

    Attributes:
        time: Seconds from the beginning to its end.
        start: First point, (2,), in mm.
        end: Last point, (2,), in mm.
        colour: Colour of its line.
    """

    time: float
    start: np.ndarray
    end: np.ndarray
    colour: str


def moments(sheet: Sheet, colours: Sequence[str], speed: float = 1.0) -> Iterator[Moment]:
    """Yield the pieces of a sheet in the order of writing; a dot is a piece of length 0.

    Args:
        sheet: Sheet in mm.
        colours: Colours of the paragraphs in turn.
        speed: Speed as a multiple of a writer's.
    """
    time = 0.0
    for line, colour in zip(sheet.lines, sheet.colours(colours), strict=True):
        for stroke in line.strokes():
            curve = polyline(stroke, PIECES)
            if len(curve) == 1:
                curve = np.repeat(curve, 2, 0)
            for start, end in pairwise(curve):
                time += 1 / (PACE * PIECES * speed)
                yield Moment(time, start, end, colour)
            time += LIFT / speed


def film(sheet: Sheet, format: str, look: Look, check: Check | None = None) -> bytes:
    """Return an endless animation of a sheet as it is written.

    Args:
        sheet: Sheet in mm.
        format: "gif" or "apng".
        look: Pen, colours, background, resolution and speed.
        check: Callback before each frame, which may raise to stop the drawing.
    """
    dpi = default_dpi(format, look.dpi)
    width, height = pixel_size(sheet, dpi)
    ends = max(piece.time for piece in moments(sheet, look.colours, look.speed))
    count = max(2, min(round(ends * FRAMES_A_SECOND), PIXELS // (width * height)))
    step = ends / count
    first, *rest = _frames(sheet, look, dpi, count, step, check)
    stream = io.BytesIO()
    times = [max(20, round(1000 * step))] * (count - 1) + [round(1000 * LAST)]
    kind = "PNG" if format == "apng" else "GIF"
    first.save(stream, kind, save_all=True, append_images=rest, duration=times, loop=0)
    return stream.getvalue()


def _frames(
    sheet: Sheet, look: Look, dpi: float, count: int, step: float, check: Check | None
) -> Iterator[Image.Image]:
    """Yield the sheet at `count` times, `step` seconds apart; only parts with new ink are redrawn."""
    width, height = pixel_size(sheet, dpi)
    scale = dpi / MILLIMETRES * FINER
    pen = max(1.0, look.pen * scale)
    colours = sorted(set(sheet.colours(look.colours)))
    paper = str(look.background) or "white"
    canvas = _canvas(sheet, (width, height), scale, [paper, RULE, *colours])
    small = _shrunk(canvas)
    palette = _palette(paper, colours)
    pieces = moments(sheet, look.colours, look.speed)
    piece = next(pieces, None)
    for number in range(1, count + 1):
        if check:
            check()
        fresh = []
        while piece is not None and (number == count or piece.time <= number * step):
            ends = np.array([piece.start, piece.end]) * scale
            straight(canvas, ends, pen, PRINTED + 1 + colours.index(piece.colour))
            fresh.append(piece)
            piece = next(pieces, None)
        _refresh(small, canvas, fresh, scale, pen)
        yield small.quantize(palette=palette, dither=Image.Dither.NONE)


def _canvas(
    sheet: Sheet,
    size: tuple[int, int],
    scale: float,
    colours: Sequence[str],
) -> Image.Image:
    """Return the paper, FINER times as large as the animation, with one byte for each pixel."""
    canvas = Image.new("P", (size[0] * FINER, size[1] * FINER), PAPER)
    shades = [ImageColor.getrgb(colour)[:3] for colour in colours]
    canvas.putpalette([value for shade in shades for value in shade])
    rule(canvas, sheet, scale, PRINTED)
    return canvas


def _shrunk(canvas: Image.Image) -> Image.Image:
    """Return the canvas at the size of the animation, in RGB; reduced in strips to save memory."""
    small = Image.new("RGB", (canvas.width // FINER, canvas.height // FINER))
    rows = FINER * max(1, STRIP_BYTES // (3 * FINER * canvas.width))
    for top in range(0, canvas.height, rows):
        strip = canvas.crop((0, top, canvas.width, min(top + rows, canvas.height)))
        small.paste(strip.convert("RGB").reduce(FINER), (0, top // FINER))
    return small


def _refresh(
    small: Image.Image,
    canvas: Image.Image,
    pieces: list[Moment],
    scale: float,
    width: float,
) -> None:
    """Copy the part of the canvas with some pieces to the reduced picture.

    Args:
        small: Reduced picture, which is changed.
        canvas: Canvas with the pieces.
        pieces: Pieces drawn since the last call.
        scale: Pixels of the canvas per millimetre.
        width: Width of the pen in pixels of the canvas.
    """
    if not pieces:
        return
    points = np.array([[piece.start, piece.end] for piece in pieces]).reshape(-1, 2) * scale
    low = np.maximum((points.min(0) - width) // FINER - 1, 0).astype(int)
    high = np.minimum((points.max(0) + width) // FINER + 2, small.size).astype(int)
    if (high > low).all():
        box = (*(low * FINER).tolist(), *(high * FINER).tolist())
        small.paste(canvas.crop(box).convert("RGB").reduce(FINER), tuple(low.tolist()))


def _palette(paper: str, colours: Sequence[str]) -> Image.Image:
    """Return a palette of the shades between the paper and each ink, and the colour of printed lines."""
    # Pillow looks colours up in boxes of eight steps a side: finer ramps would turn white to grey.
    steps = min(24, 250 // len(colours))
    shade = np.linspace(0, 1, steps)[:, None]
    ground = np.array(ImageColor.getrgb(paper)[:3])
    inks = [np.array(ImageColor.getrgb(colour)[:3]) for colour in colours]
    ramps = [ground + shade * (ink - ground) for ink in inks]
    shades = np.concatenate([*ramps, [ImageColor.getrgb(RULE)]])
    palette = Image.new("P", (1, 1))
    palette.putpalette(shades.round().astype(np.uint8).tobytes())
    return palette


def animated(
    sheets: Sequence[Sheet],
    labels: Sequence[str],
    pause: float = 0.15,
    dpi: float = 110,
    **look,
) -> bytes:
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
        lowered = [line.moved(0, LABEL) for line in sheet.lines]
        labelled = replace(sheet, width=width, height=height, lines=lowered)
        frame = picture(labelled, dpi, **look)
        ImageDraw.Draw(frame).text((8, 4), label, fill="#555555", font_size=round(dpi / 7))
        frames.append(frame.quantize(32))
    stream = io.BytesIO()
    times = [round(1000 * pause)] * (len(frames) - 1) + [1500]
    frames[0].save(stream, "GIF", save_all=True, append_images=frames[1:], duration=times, loop=0)
    return stream.getvalue()
