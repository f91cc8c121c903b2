"""Write sheets as a PDF document with vector ink."""

import io
from collections.abc import Iterable

from PIL import ImageColor

from nextstroke.ink import Ink
from nextstroke.pages.appearance import LOOK, Look
from nextstroke.pages.background import TRANSPARENT, Picture
from nextstroke.pages.layout import DOT, RULE, Sheet
from nextstroke.pages.nib import outline, ribbons
from nextstroke.pages.png import Check
from nextstroke.pages.spline import bezier

MILLIMETRE = 72 / 25.4  # points
ROUND = 1  # caps and joins, as PDF numbers them
RULE_WIDTH = 0.15  # mm


def pdf(
    sheets: Iterable[Sheet],
    look: Look = LOOK,
    title: str = "",
    about: str = "",
    check: Check | None = None,
) -> bytes:
    """Return a PDF document with a page for each sheet; the same ink gives the same bytes.

    Args:
        sheets: Sheets in mm.
        look: Pen, colours and background.
        title: Title that viewers show.
        about: Subject that viewers show.
        check: Callback before each line of ink, which may raise to stop the drawing.
    """
    from reportlab import rl_config
    from reportlab.pdfgen.canvas import Canvas

    # ASCII85 makes the file a quarter larger; reportlab has only this switch for the whole process.
    rl_config.useA85 = 0
    stream = io.BytesIO()
    # Invariant: the date would be all that differs between two files of the same ink.
    document = Canvas(stream, pageCompression=1, invariant=1)
    document.setTitle(title[:200])
    document.setSubject(about)
    document.setAuthor("")
    document.setCreator("nextstroke")
    for sheet in sheets:
        _draw(document, sheet, look, check)
        document.showPage()
    document.save()
    return stream.getvalue()


def _draw(document, sheet: Sheet, look: Look, check: Check | None) -> None:
    document.setPageSize((sheet.width * MILLIMETRE, sheet.height * MILLIMETRE))
    _draw_background(document, sheet, look.background)
    # The unit is now the millimetre, and y goes downwards, as in `layout`.
    document.transform(MILLIMETRE, 0, 0, -MILLIMETRE, 0, sheet.height * MILLIMETRE)
    document.setLineCap(ROUND)
    document.setLineJoin(ROUND)
    document.setLineWidth(RULE_WIDTH)
    document.setStrokeColorRGB(*_rgb(RULE))
    for ends in sheet.printed_lines():
        document.line(*ends)
    document.setLineWidth(DOT)
    for x, y in sheet.printed_dots():
        document.line(x, y, x, y)
    document.setLineWidth(look.pen)
    for colour, lines in sheet.layers(look.colours):
        document.setStrokeColorRGB(*_rgb(colour))
        document.setFillColorRGB(*_rgb(colour))
        for line in lines:
            if check:
                check()
            path = document.beginPath()
            if look.nib:
                _add_ribbons(path, line, look.pen)
            else:
                _add_strokes(path, line)
            # Fill mode 1, non-zero: crossings of ribbons are filled too.
            document.drawPath(path, stroke=not look.nib, fill=look.nib, fillMode=1)


def _draw_background(document, sheet: Sheet, background: str | Picture) -> None:
    """Fill the page; the unit is the point, y upwards."""
    width = sheet.width * MILLIMETRE
    height = sheet.height * MILLIMETRE
    if isinstance(background, Picture):
        from reportlab.lib.utils import ImageReader

        left, top, inner, _ = background.box(width / height)
        scale = width / inner
        size = (background.size[0] * scale, background.size[1] * scale)
        document.saveState()
        page = document.beginPath()
        page.rect(0, 0, width, height)
        document.clipPath(page, stroke=0, fill=0)
        # The picture is centred, so that as much is cut off below as above.
        image = ImageReader(io.BytesIO(background.data))
        document.drawImage(image, -left * scale, -top * scale, *size)
        document.restoreState()
    elif background not in ("", TRANSPARENT):
        document.setFillColorRGB(*_rgb(background))
        document.rect(0, 0, width, height, stroke=0, fill=1)


def _rgb(colour: str) -> tuple[float, ...]:
    return tuple(value / 255 for value in ImageColor.getrgb(colour)[:3])


def _add_strokes(path, line: Ink) -> None:
    for stroke in line.strokes():
        path.moveTo(*stroke[0].tolist())
        if len(stroke) == 1:
            path.lineTo(*stroke[0].tolist())
            continue
        for curve in bezier(stroke):
            path.curveTo(*curve[1:].round(3).ravel().tolist())


def _add_ribbons(path, line: Ink, pen: float) -> None:
    for curve, width in ribbons(line, pen):
        first, *rest = outline(curve, width).round(3).tolist()
        path.moveTo(*first)
        for place in rest:
            path.lineTo(*place)
        path.close()
