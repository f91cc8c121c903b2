"""What one request takes, estimated from all its fields together before work begins, and what it may take at most.

Each field has bounds of its own; they do not bound products such as page × dpi × number of pages. The command, Python
and the server all ask here.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from nextstroke.errors import LimitExceeded
from nextstroke.pages.animation import FRAMES_A_SECOND, PIXELS
from nextstroke.pages.appearance import PACE, Look
from nextstroke.pages.layout import ADVANCE, LONGEST, MAX_LINE, Page, Sheet
from nextstroke.pages.plotter import Plotter
from nextstroke.pages.png import FINER, MAX_PIXELS, MILLIMETRES, STRIP_BYTES, default_dpi
from nextstroke.pages.save import DOCUMENTS, FILMS, PICTURES

MIB = 1 << 20
PIXELLED = PICTURES | FILMS
# Measured on whole pages, and rounded up (tests/test_budget.py holds the sums to it).
BASE = 4 * MIB  # of any request
INK_BYTES = 200  # of a point: positions as read, scaled, levelled and placed
TEXT_BYTES = 1000  # of a point in a format of text, with the tree that it is made from
CODE_BYTES = 2500  # of a point in G-code, where all pieces of its curve are kept
COMMAND_BYTES = 10  # of a character of the commands of G-code for the pen, at each stroke
STROKE_POINTS = 4  # of a stroke at least, on average: text of points and commas has 4.7
FILED = 4  # times that the memory for drawing G-code is larger than the finished file
OUTLINE_BYTES = 6000  # of a point as an outline
WINDOW_BYTES = 8  # of a point and a character of its line: the window's weights, and a copy
TOGETHER = 24  # lines whose window weights are kept at once
PICTURE_BYTES = 12  # of a pixel: the picture, and what its encoder keeps
CANVAS_BYTES = 2 * FINER**2 + 8  # of a pixel of a film: one byte for each of its finer pixels, and copies
FRAME_BYTES = 3  # of a pixel in each frame of a film
PACKED_BYTES = 0.2  # of a pixel in a finished file


@dataclass(frozen=True)
class Budget:
    """What one request may take at most.

    Attributes:
        characters: Of its text.
        pages: Number of pages.
        pixels: In the pictures of all its pages together.
        memory: Bytes, as `estimate` reckons them.
    """

    characters: int = 1_000_000
    pages: int = 5_000
    pixels: int = 20_000_000_000
    memory: int = 1024 * MIB

    def check(self, work: "Work") -> None:
        """Raise LimitExceeded where a request would take more."""
        _limit("characters", work.characters, self.characters, "give a shorter text")
        _limit("pages", work.pages, self.pages, "give a shorter text or a larger page")
        _limit("pixels on a page", work.page_pixels, MAX_PIXELS, "lower the dpi, or make the page smaller")
        _limit("pixels on all pages", work.pages * work.page_pixels, self.pixels, "lower the dpi, or give less text")
        needed, allowed = math.ceil(work.memory / MIB), self.memory // MIB
        _limit("MiB of memory", needed, allowed, "lower the dpi, make the page smaller, or allow more memory")


BUDGET = Budget()


@dataclass(frozen=True)
class Work:
    """The estimated size of a request.

    Attributes:
        characters: Of its text.
        pages: Number of pages.
        page_pixels: Pixels of one page; 0 in formats without pixels.
        memory: Bytes at its peak.
    """

    characters: int
    pages: int
    page_pixels: int
    memory: int


def estimate(
    text: str, page: Page, format: str, look: Look, points_per_character: float, streamed: bool = False
) -> Work:
    """Estimate the size of a text as handwriting in a format.

    Args:
        points_per_character: Of the model that writes it.
        streamed: Whether each page is written out before the next but one is made; a PDF holds all pages.
    """
    advance = ADVANCE * page.x_height
    longest = min(page.text_width / advance, MAX_LINE) if page.width else LONGEST
    paragraphs = [len(paragraph) for paragraph in text.split("\n")]
    lines = sum(max(1, min(length, math.ceil(length / longest))) for length in paragraphs)
    pages = math.ceil(lines / page.rows)
    width, height = page.width, page.height
    if width is None or height is None:
        width = min(longest, max(paragraphs)) * advance + page.margins[1] + page.margins[3]
        height = lines * page.line_height + page.margins[0] + page.margins[2]
    pixels = _pixels(width, height, format, look)
    held = min(pages, 2) if streamed and format not in DOCUMENTS else pages
    points = len(text) * points_per_character
    windows = min(points, TOGETHER * longest * points_per_character) * min(longest, max(paragraphs)) * WINDOW_BYTES
    memory = BASE + windows + _kept(points * held / pages, pixels * held, format, look)
    memory += _drawing(format, look, pixels, points if format in DOCUMENTS else points / pages)
    return Work(len(text), pages, pixels, math.ceil(memory))


def measure(sheets: Sequence[Sheet], format: str, look: Look) -> Work:
    """Return what it takes to draw finished sheets, one after the other or all as a PDF."""
    points = [sum(map(len, sheet.lines)) for sheet in sheets]
    pixels = max(_pixels(sheet.width, sheet.height, format, look) for sheet in sheets)
    memory = BASE + _kept(sum(points), pixels * len(sheets), format, look)
    memory += _drawing(format, look, pixels, sum(points) if format in DOCUMENTS else max(points))
    return Work(0, len(sheets), pixels, math.ceil(memory))


def _kept(points: float, pixels: float, format: str, look: Look) -> float:
    """Bytes of pages that are written, and of their finished files."""
    filed = _code_bytes(look.plotter) / FILED if format == "gcode" else 0
    return points * (INK_BYTES + filed) + pixels * PACKED_BYTES


def _code_bytes(plotter: Plotter) -> float:
    """Bytes that it takes to draw a point as G-code."""
    commands = len(plotter.pen_up) + len(plotter.pen_down)
    moves = CODE_BYTES if plotter.tolerance < Plotter.tolerance else TEXT_BYTES
    return moves + COMMAND_BYTES * commands / STROKE_POINTS


def _pixels(width: float, height: float, format: str, look: Look) -> int:
    """Return the pixels of a page of a size in mm; 0 in formats without pixels."""
    if format not in PIXELLED:
        return 0
    scale = default_dpi(format, look.dpi) / MILLIMETRES
    return math.ceil(width * scale) * math.ceil(height * scale)


def _drawing(format: str, look: Look, pixels: int, points: float) -> float:
    """Bytes that it takes to draw one page, or all pages of a PDF."""
    if format in FILMS:
        frames = points / PACE / look.speed * FRAMES_A_SECOND
        return pixels * CANVAS_BYTES + max(2 * pixels, min(frames * pixels, PIXELS)) * FRAME_BYTES
    if format in PIXELLED:
        return pixels * PICTURE_BYTES + min(pixels * 4 * FINER**2, 2 * STRIP_BYTES) + points * INK_BYTES
    if format == "gcode":
        return points * _code_bytes(look.plotter)
    return points * (OUTLINE_BYTES if look.nib else TEXT_BYTES)


def _limit(what: str, needed: int, allowed: int, advice: str) -> None:
    if needed > allowed:
        raise LimitExceeded(f"this takes {needed} {what}, at most {allowed} are allowed; {advice}")
