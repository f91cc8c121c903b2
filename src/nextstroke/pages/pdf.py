"""Sheets as one PDF, its ink as vectors."""

from collections.abc import Iterable
from datetime import UTC, datetime

from nextstroke.ink import Ink
from nextstroke.pages.layout import RULE, Sheet
from nextstroke.pages.look import LOOK, Look
from nextstroke.pages.nib import outline, ribbons
from nextstroke.pages.spline import bezier

# The date would be all that differs between two files of the same ink.
UNDATED = datetime(2000, 1, 1, tzinfo=UTC)


def pdf(sheets: Iterable[Sheet], look: Look = LOOK, title: str = "", about: str = "") -> bytes:
    """A document with a page for each sheet, in millimetres.

    Args:
        title, about: Shown by viewers as title and subject.
    """
    from fpdf import FPDF

    document = FPDF(unit="mm")
    document.set_auto_page_break(False)
    document.set_title(title[:200])
    document.set_subject(about)
    document.set_creator("nextstroke")
    document.set_creation_date(UNDATED)
    for sheet in sheets:
        document.add_page(format=(sheet.width, sheet.height))
        with document.drawing_context() as drawing:
            drawing.add_item(_rules(sheet))
            for colour, lines in sheet.layers(look.colours):
                for line in lines:
                    drawing.add_item((_ribbons if look.nib else _strokes)(line, colour, look.pen))
    return bytes(document.output())


def _path(colour: str, pen: float | None):
    """An empty path that is stroked with a width, or filled where there is none."""
    from fpdf.drawing import PaintedPath
    from PIL import ImageColor

    path = PaintedPath()
    colour = "#{:02x}{:02x}{:02x}".format(*ImageColor.getrgb(colour)[:3])
    if pen is None:
        path.style.fill_color, path.style.stroke_color = colour, None
        path.style.intersection_rule = "nonzero"
        return path
    path.style.fill_color, path.style.stroke_color, path.style.stroke_width = None, colour, pen
    path.style.stroke_cap_style = path.style.stroke_join_style = "round"
    path.style.auto_close = False
    return path


def _rules(sheet: Sheet):
    path = _path(RULE, 0.15)
    for y in sheet.baselines:
        path.move_to(0, y)
        path.line_to(sheet.width, y)
    return path


def _strokes(line: Ink, colour: str, pen: float):
    path = _path(colour, pen)
    for stroke in line.strokes():
        path.move_to(*stroke[0].tolist())
        if len(stroke) == 1:
            path.line_to(*stroke[0].tolist())
            continue
        for curve in bezier(stroke):
            path.curve_to(*curve[1:].ravel().tolist())
    return path


def _ribbons(line: Ink, colour: str, pen: float):
    path = _path(colour, None)
    for curve, width in ribbons(line, pen):
        first, *rest = outline(curve, width).tolist()
        path.move_to(*first)
        for place in rest:
            path.line_to(*place)
        path.close()
    return path
