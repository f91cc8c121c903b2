"""Draw single lines as pictures for recognisers: fixed heights, backgrounds, noise, pens of random width, masks."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageColor, ImageDraw

from nextstroke.errors import BadInput, LimitExceeded, UsageError
from nextstroke.handwriting.character_boxes import boxes, point_characters
from nextstroke.handwriting.glyphs.diacritics import x_height
from nextstroke.handwriting.sampler import Line
from nextstroke.ink import Ink
from nextstroke.pages.background import is_colour
from nextstroke.pages.layout import INK, MAX_SIDE, Page, Sheet, drifted, level
from nextstroke.pages.png import MAX_PIXELS, MILLIMETRES, picture
from nextstroke.pages.spline import polyline

Range = tuple[float, float]

# Letters with ascenders and descenders reach this far from the baseline, in heights of small letters. A picture of a
# fixed height has room for them on every line: a line of small letters is not blown up to the height of the picture.
ABOVE, BELOW = 2.0, 0.8
PIECES = 6  # straight pieces of a curve between two points
MIN_HEIGHT, MAX_HEIGHT = 8, 2000
KEPT = 4  # pictures of backgrounds that are kept in memory
MOST_CHARACTERS = 255  # of a mask of one byte a pixel
# What seeds the random look of a line, apart from its ink.
LOOK_STREAM = 77


@dataclass(frozen=True)
class PictureOptions:
    """How the pictures of lines are drawn. Ranges are drawn from uniformly, anew for each line.

    Attributes:
        dpi: Dots per inch; small letters are 2.2 mm high.
        height: Height in pixels instead, the same for all lines.
        margin: Border around the ink in mm.
        pen: Least and greatest width of the pen in mm.
        nib: Whether the width follows the pen's speed.
        colours: Colours of the ink, for the rows of the batch in turn.
        backgrounds: Colours and files of pictures, of which each line has one; none for white.
        noise: Least and greatest standard deviation of the noise, in grey levels of 255.
        drift: Standard deviation of slope and size, 0 to 3, as for pages.
        boxes: Whether the boxes of characters and words are recorded.
        masks: Whether a second picture says which character each pixel belongs to.

    Raises:
        UsageError: A value is out of its range, or both or none of height and dpi are given.
        BadInput: A file of a background is missing or not a picture.
    """

    dpi: float | None = None
    height: int | None = None
    margin: float = 1.0
    pen: Range = (0.35, 0.35)
    nib: bool = False
    colours: tuple[str, ...] = (INK,)
    backgrounds: tuple[str, ...] = ()
    noise: Range = (0.0, 0.0)
    drift: float = 0.0
    boxes: bool = False
    masks: bool = False

    def __post_init__(self) -> None:
        if (self.height is None) == (self.dpi is None):
            raise UsageError("a picture has --height or --dpi, not both; --height gives all lines one height")
        if self.height is not None and not MIN_HEIGHT <= self.height <= MAX_HEIGHT:
            raise UsageError(f"height {self.height}: give {MIN_HEIGHT} to {MAX_HEIGHT} pixels")
        if self.dpi is not None and not 10 <= self.dpi <= 2400:
            raise UsageError(f"dpi {self.dpi}: give 10 to 2400")
        if not 0.01 <= self.pen[0] <= self.pen[1] <= 50:
            raise UsageError(f"pen {self.pen[0]:g}:{self.pen[1]:g}: give its width in mm, 0.01 to 50")
        if not 0 <= self.noise[0] <= self.noise[1] <= 255:
            raise UsageError(f"noise {self.noise[0]:g}:{self.noise[1]:g}: give grey levels, 0 to 255")
        Page(margin=self.margin, drift=self.drift)
        for colour in self.colours:
            if not is_colour(colour):
                raise UsageError(f"colour {colour!r}: give a name such as navy, or #rrggbb")
        for background in self.backgrounds:
            if not is_colour(background):
                _background(background)


class LinePicture(NamedTuple):
    """The picture of a line.

    Attributes:
        png: PNG file.
        mask: PNG file of the same size, each pixel 0 or 1 + the index of its character in the written text; None where
            it was not asked for.
        about: `width` and `height` in pixels, and where they were asked for `characters` and `words` with boxes.
    """

    png: bytes
    mask: bytes | None
    about: dict[str, Any]


def draw_line(line: Line, ink: Ink, number: int, options: PictureOptions) -> LinePicture:
    """Draw a line. The picture depends on the line's request, its number and the options alone.

    Args:
        ink: `line.ink`, or a slanted form of it with the same points.
        number: Index of its row, which picks the colour.
    """
    rng = np.random.default_rng([*line.request.entropy, LOOK_STREAM])
    page = Page(margin=options.margin, drift=options.drift)
    scale = page.x_height / max(x_height(line.ink, line.phi, line.written), 1e-9)
    (levelled,) = level([ink], page, scale)
    placed = drifted(levelled, page, rng) if page.drift else levelled
    pen, noise = rng.uniform(*options.pen), rng.uniform(*options.noise)
    sheet = _sheet(placed, page, fixed=options.height is not None)
    dpi = options.dpi or options.height * MILLIMETRES / sheet.height  # type: ignore[operator]
    colour = options.colours[number % len(options.colours)]
    image = picture(sheet, dpi, pen, (colour,), options.nib)
    if options.backgrounds:
        image = _on_background(image, options.backgrounds[int(rng.integers(len(options.backgrounds)))], rng)
    if noise:
        image = _with_noise(image, noise, rng)
    about: dict[str, Any] = {"width": image.width, "height": image.height}
    mask = None
    if options.boxes or options.masks:
        (drawn,) = sheet.lines
        pixels = Ink(drawn.points * (dpi / MILLIMETRES), drawn.end_of_stroke)
        curves = _curves(pixels, point_characters(line))
        thick = max(1.0, pen * dpi / MILLIMETRES)
        if options.boxes:
            places, owners = (np.concatenate(arrays) for arrays in zip(*curves, strict=True))
            about |= boxes(places, owners, line.written, thick / 2, image.size)
        if options.masks:
            mask = _png(_mask(curves, thick, image.size, len(line.written)))
    return LinePicture(_png(image), mask, about)


def _sheet(ink: Ink, page: Page, fixed: bool) -> Sheet:
    """Return a sheet around a levelled line; a fixed height has room for ascenders and descenders."""
    left, top, right, bottom = ink.bounds()
    if fixed:
        top = min(top, -ABOVE * page.x_height)
        bottom = max(bottom, BELOW * page.x_height)
    margin = page.margins[0]
    width = min(right - left, MAX_SIDE) + 2 * margin
    return Sheet(width, bottom - top + 2 * margin, [ink.moved(margin - left, margin - top)])


@lru_cache(maxsize=KEPT)
def _background(name: str) -> Image.Image:
    """Read a picture; raises BadInput, and LimitExceeded for one of more than MAX_PIXELS."""
    try:
        with Image.open(Path(name)) as image:
            if image.width * image.height > MAX_PIXELS:
                raise LimitExceeded(f"background {name!r}: {image.width} x {image.height} pixels; make it smaller")
            return image.convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        reason = getattr(error, "strerror", None) or "not a picture that can be read"
        raise BadInput(f"background {name!r}: {reason}; give a colour, a picture or a folder of pictures") from None


def _on_background(image: Image.Image, name: str, rng: np.random.Generator) -> Image.Image:
    """Lay ink on paper: both colours are multiplied, as ink lets the paper's texture shine through."""
    if is_colour(name):
        paper = np.full((image.height, image.width, 3), ImageColor.getrgb(name)[:3], np.float32)
    else:
        paper = _cut_out(_background(name), image.size, rng)
    return Image.fromarray(np.rint(np.asarray(image, np.float32) * paper / 255).astype(np.uint8))


def _cut_out(paper: Image.Image, size: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Return a random part of a picture, (height, width, 3); one that is too small is continued mirrored."""
    columns, rows = (_cut_range(own, length, rng) for own, length in zip(paper.size, size, strict=True))
    return np.asarray(paper)[np.ix_(rows, columns)].astype(np.float32)


def _cut_range(own: int, length: int, rng: np.random.Generator) -> np.ndarray:
    """Return `length` indices that follow each other within `own`, to and fro where it is shorter."""
    first = int(rng.integers(own - length + 1 if own >= length else 2 * own))
    place = (first + np.arange(length)) % (2 * own)
    return np.where(place < own, place, 2 * own - 1 - place)


def _with_noise(image: Image.Image, deviation: float, rng: np.random.Generator) -> Image.Image:
    """Add normal noise, the same in all three colours, as a grey sensor has it."""
    noise = deviation * rng.standard_normal((image.height, image.width, 1), np.float32)
    noisy = np.asarray(image, np.float32) + noise
    return Image.fromarray(np.clip(np.rint(noisy), 0, 255).astype(np.uint8))


def _curves(ink: Ink, owner: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the curve of each stroke as it is drawn, (places, 2), and the character of each of its places."""
    curves = []
    for stroke in ink.stroke_slices():
        own = owner[stroke]
        # The curve has PIECES pieces for each point after the first; each belongs to the point that it leads to.
        curves.append((polyline(ink.points[stroke], PIECES), np.concatenate([own[:1], np.repeat(own[1:], PIECES)])))
    return curves


def _mask(
    curves: Sequence[tuple[np.ndarray, np.ndarray]], thick: float, size: tuple[int, int], characters: int
) -> Image.Image:
    """Return 1 + the index of the character at each pixel of ink, 0 elsewhere; 16 bits for long texts."""
    mask = Image.new("L" if characters <= MOST_CHARACTERS else "I", size)
    draw = ImageDraw.Draw(mask)
    half = thick / 2
    for curve, owner in curves:
        marks = (owner + 1).tolist()
        for (start, end), mark in zip(pairwise(_corners(curve)), marks[1:], strict=True):
            draw.line([start, end], fill=mark, width=max(1, round(thick)))
        for (x, y), mark in zip(_corners(curve), marks, strict=True):
            draw.ellipse([x - half, y - half, x + half, y + half], fill=mark)
    return mask if mask.mode == "L" else mask.convert("I;16")


def _corners(curve: np.ndarray) -> Sequence[tuple[float, float]]:
    return [(x, y) for x, y in curve.tolist()]


def _png(image: Image.Image) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()
