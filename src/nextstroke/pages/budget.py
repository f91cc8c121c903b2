"""Estimate the size of a request before work begins, and check it against a budget.

Each field of a request has bounds of its own, but they do not bound products such as page × dpi ×
number of pages. The command, the Python interface and the server all use this module.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from nextstroke.errors import LimitExceeded
from nextstroke.pages.animation import FRAMES_A_SECOND, PIXELS
from nextstroke.pages.appearance import PACE, Look
from nextstroke.pages.layout import ADVANCE, LONGEST, MAX_LINE, Page, Sheet
from nextstroke.pages.png import FINER, MAX_PIXELS, MILLIMETRES, STRIP_BYTES, default_dpi
from nextstroke.pages.save import DOCUMENTS, FILMS, PICTURES

MIB = 1 << 20
PIXELLED = PICTURES | FILMS
# Bytes, measured on whole pages and rounded up; tests/test_budget.py compares estimates with
# measurements.
BASE = 4 * MIB  # of any request
INK_BYTES = 200  # per point: positions as read, scaled, levelled and placed
TEXT_BYTES = 1000  # per point in a text format, with the element tree
OUTLINE_BYTES = 6000  # per point of an outline
WINDOW_BYTES = 8  # per point and character of its line: the window's weights, and a copy
TOGETHER = 24  # lines whose window weights are kept at once
PICTURE_BYTES = 12  # per pixel: the picture and the state of its encoder
CANVAS_BYTES = 2 * FINER**2 + 8  # per pixel of an animation: one for each finer pixel, and copies
FRAME_BYTES = 3  # per pixel in each frame of an animation
PACKED_BYTES = 0.2  # per pixel in a finished file


@dataclass(frozen=True)
class Budget:
    """Limits of a request.

    Attributes:
        characters: Greatest number of characters of its text.
        pages: Greatest number of pages.
        pixels: Greatest number of pixels on all its pages.
        memory: Greatest estimated memory in bytes.
    """

    characters: int = 1_000_000
    pages: int = 5_000
    pixels: int = 20_000_000_000
    memory: int = 1024 * MIB

    def check(self, work: "Work") -> None:
        """Raise LimitExceeded if a request exceeds a limit."""
        _limit("characters", work.characters, self.characters, "give a shorter text")
        _limit("pages", work.pages, self.pages, "give a shorter text or a larger page")
        smaller = "lower the dpi, or make the page smaller"
        _limit("pixels on a page", work.page_pixels, MAX_PIXELS, smaller)
        pixels = work.pages * work.page_pixels
        _limit("pixels on all pages", pixels, self.pixels, "lower the dpi, or give less text")
        needed = math.ceil(work.memory / MIB)
        less = "lower the dpi, make the page smaller, or raise --memory"
        _limit("MiB of memory", needed, self.memory // MIB, less)


BUDGET = Budget()


@dataclass(frozen=True)
class Work:
    """The estimated size of a request.

    Attributes:
        characters: Number of characters of its text.
        pages: Number of pages.
        page_pixels: Number of pixels of one page; 0 in formats without pixels.
        memory: Peak memory in bytes.
    """

    characters: int
    pages: int
    page_pixels: int
    memory: int


def estimate(
    text: str,
    page: Page,
    format: str,
    look: Look,
    points_per_character: float,
    streamed: bool = False,
) -> Work:
    """Estimate the size of a text as handwriting in a format.

    Args:
        text: Text to write.
        page: Size and layout of a page.
        format: One of FORMATS.
        look: Pen, resolution and speed.
        points_per_character: Mean number of points per character of the model.
        streamed: Whether at most two pages are in memory at once; a PDF holds all pages.
    """
    advance = ADVANCE * page.x_height
    longest = min(page.text_width / advance, MAX_LINE) if page.width else LONGEST
    paragraphs = [len(paragraph) for paragraph in text.split("\n")]
    lines = sum(max(1, min(length, math.ceil(length / longest))) for length in paragraphs)
    pages = math.ceil(lines / page.rows)
    width = page.width
    height = page.height
    widest = min(longest, max(paragraphs))  # characters
    if width is None or height is None:
        width = widest * advance + page.margins[1] + page.margins[3]
        height = lines * page.line_height + page.margins[0] + page.margins[2]
    pixels = _pixels(width, height, format, look)
    held = min(pages, 2) if streamed and format not in DOCUMENTS else pages
    points = len(text) * points_per_character
    windowed = min(points, TOGETHER * longest * points_per_character)
    memory = BASE + windowed * widest * WINDOW_BYTES
    memory += _kept(points * held / pages, pixels * held)
    memory += _drawing(format, look, pixels, points if format in DOCUMENTS else points / pages)
    return Work(len(text), pages, pixels, math.ceil(memory))


def measure(sheets: Sequence[Sheet], format: str, look: Look) -> Work:
    """Estimate the size of drawing finished sheets, one after another or all as a PDF."""
    points = [sum(map(len, sheet.lines)) for sheet in sheets]
    pixels = max(_pixels(sheet.width, sheet.height, format, look) for sheet in sheets)
    memory = BASE + _kept(sum(points), pixels * len(sheets))
    memory += _drawing(format, look, pixels, sum(points) if format in DOCUMENTS else max(points))
    return Work(0, len(sheets), pixels, math.ceil(memory))


def _kept(points: float, pixels: float) -> float:
    """Return the bytes of finished pages and their files."""
    return points * INK_BYTES + pixels * PACKED_BYTES


def _pixels(width: float, height: float, format: str, look: Look) -> int:
    """Return the number of pixels of a page whose size is in mm; 0 in formats without pixels."""
    if format not in PIXELLED:
        return 0
    scale = default_dpi(format, look.dpi) / MILLIMETRES
    return math.ceil(width * scale) * math.ceil(height * scale)


def _drawing(format: str, look: Look, pixels: int, points: float) -> float:
    """Return the bytes needed to draw one page, or all pages of a PDF."""
    if format in FILMS:
        frames = points / PACE / look.speed * FRAMES_A_SECOND
        frame_pixels = max(2 * pixels, min(frames * pixels, PIXELS))
        return pixels * CANVAS_BYTES + frame_pixels * FRAME_BYTES
    if format in PIXELLED:
        strips = min(pixels * 4 * FINER**2, 2 * STRIP_BYTES)
        return pixels * PICTURE_BYTES + strips + points * INK_BYTES
    return points * (OUTLINE_BYTES if look.nib else TEXT_BYTES)


def _limit(what: str, needed: int, allowed: int, advice: str) -> None:
    if needed > allowed:
        raise LimitExceeded(f"this takes {needed} {what}, at most {allowed} are allowed; {advice}")
