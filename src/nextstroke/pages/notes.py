"""Write sheets as one document of Xournal++."""

from collections.abc import Callable, Iterable, Iterator

import numpy as np
from PIL import ImageColor

from nextstroke.errors import UsageError
from nextstroke.formats.xopp import NotePage, PenStroke, write_xopp
from nextstroke.ink import Ink
from nextstroke.pages.appearance import LOOK, Look
from nextstroke.pages.layout import Sheet
from nextstroke.pages.nib import ribbons
from nextstroke.pages.spline import polyline

PIECES = 4  # straight pieces of a curve between two points
DOT = 0.05  # mm: length of a dot, since a stroke needs two points


def notes(
    sheets: Iterable[Sheet], look: Look = LOOK, title: str = "", check: Callable[[], None] | None = None
) -> bytes:
    """Return all sheets as one document of Xournal++, which is editable there.

    Args:
        title: What the document is about.
        check: Asked before each line of ink; what it raises ends the drawing.

    Raises:
        UsageError: The sheets have rules: Xournal++ has papers of its own.
    """
    pages = []
    for sheet in sheets:
        if sheet.baselines:
            raise UsageError("paper: Xournal++ draws papers of its own; choose one there, and leave this out")
        strokes: list[PenStroke] = []
        for line, name in zip(sheet.lines, sheet.colours(look.colours), strict=True):
            if check:
                check()
            red, green, blue = ImageColor.getrgb(name)[:3]
            strokes += [PenStroke(places, (red, green, blue), widths) for places, widths in _curves(line, look)]
        pages.append(NotePage(sheet.width, sheet.height, strokes))
    return write_xopp(pages, title)


def _curves(line: Ink, look: Look) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the curve of each stroke, and its width or that of each point."""
    width = np.full(1, look.pen)
    curves = ribbons(line, look.pen) if look.nib else [(polyline(stroke, PIECES), width) for stroke in line.strokes()]
    for places, widths in curves:
        if len(places) < 2:
            yield np.concatenate([places, places + (DOT, 0.0)]), widths[:1]
        else:
            yield places, widths
