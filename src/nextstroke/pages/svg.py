"""Write sheets as SVG in millimetres: centre lines of strokes, outlines of a nib, or an animation."""

import base64
from collections.abc import Callable
from xml.etree import ElementTree as ET

import numpy as np

from nextstroke.formats.safe_xml import legal_text
from nextstroke.ink import Ink
from nextstroke.pages.appearance import LIFT, LOOK, PACE, Look
from nextstroke.pages.background import MIME, TRANSPARENT, Picture
from nextstroke.pages.layout import DOT, RULE, Sheet
from nextstroke.pages.nib import outline, ribbons
from nextstroke.pages.plotter import AXIDRAW
from nextstroke.pages.spline import bezier
from nextstroke.pages.travel import tour

NAMESPACE = "http://www.w3.org/2000/svg"
INKSCAPE = "http://www.inkscape.org/namespaces/inkscape"  # whose layers vpype knows too
# Strokes appear one after another. Each is hidden before its time: a dot has no length to draw
# along.
MOTION = """path[style]{visibility:hidden;stroke-dasharray:1;stroke-dashoffset:1;animation:write linear forwards}
@keyframes write{from{visibility:visible}to{visibility:visible;stroke-dashoffset:0}}
@media (prefers-reduced-motion:reduce){path[style]{visibility:visible;stroke-dashoffset:0;animation:none}}"""


def svg(
    sheet: Sheet,
    look: Look = LOOK,
    title: str = "",
    about: str = "",
    check: Callable[[], None] | None = None,
) -> bytes:
    """Return a sheet as an SVG document: a layer for each colour, in it a group for each line.

    Args:
        sheet: Sheet in mm.
        look: Pen, colours, background and animation.
        title: Title that viewers show.
        about: Description that viewers show.
        check: Callback before each line of ink, which may raise to stop the drawing.
    """
    ET.register_namespace("", NAMESPACE)
    ET.register_namespace("inkscape", INKSCAPE)
    width = _number(sheet.width)
    height = _number(sheet.height)
    size = {"width": f"{width}mm", "height": f"{height}mm", "viewBox": f"0 0 {width} {height}"}
    root = ET.Element(_tag("svg"), size)
    for tag, text in (("title", title), ("desc", about), ("style", MOTION if look.animate else "")):
        if text:
            ET.SubElement(root, _tag(tag)).text = legal_text(text)
    _paper(root, sheet, look)
    clock = Clock(look.speed) if look.animate else None
    pen = (0.0, 0.0)
    for number, (colour, lines) in enumerate(sheet.layers(look.colours), 1):
        attributes = _layer(_label(colour, number, look)) | _style(colour, look)
        layer = ET.SubElement(root, _tag("g"), attributes)
        if look.plotter.shortest:
            strokes = tour([stroke for line in lines for stroke in line.strokes()], pen, check)
            lines = [Ink.from_strokes(strokes)]
            pen = tuple(strokes[-1][-1])
        for line in lines:
            if check:
                check()
            _line(ET.SubElement(layer, _tag("g")), line, look, clock)
    return ET.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n"


class Clock:
    """The start times of the strokes of an animation, in seconds.

    Args:
        speed: Speed as a multiple of a writer's.
    """

    def __init__(self, speed: float):
        self.speed = speed
        self.now = 0.0

    def attributes(self, points: int) -> dict[str, str]:
        """Return the attributes that animate a stroke of some points, and advance the clock."""
        begins = self.now
        takes = points / PACE / self.speed
        self.now += takes + LIFT / self.speed
        style = f"animation-duration:{takes:.2f}s;animation-delay:{begins:.2f}s"
        return {"pathLength": "1", "style": style}


def _line(group: ET.Element, line: Ink, look: Look, clock: Clock | None) -> None:
    """Add the strokes of a line to a group."""
    if look.nib:
        for curve, width in ribbons(line, look.pen):
            corners = "L".join(_pair(corner) for corner in outline(curve, width))
            ET.SubElement(group, _tag("path"), {"d": f"M{corners}Z"})
        return
    for stroke in line.strokes():
        timed = clock.attributes(len(stroke)) if clock else {}
        ET.SubElement(group, _tag("path"), {"d": path_data(stroke)} | timed)


def _layer(name: str) -> dict[str, str]:
    """Return the attributes that make a group a layer."""
    return {f"{{{INKSCAPE}}}groupmode": "layer", f"{{{INKSCAPE}}}label": name}


def _label(colour: str, number: int, look: Look) -> str:
    """Return the name of a layer; an AxiDraw pauses before one whose name begins with "!"."""
    if look.plotter.machine != AXIDRAW:
        return colour
    pause = "" if number == 1 else "!"
    return f"{pause}{number} {colour}"


def _style(colour: str, look: Look) -> dict[str, str]:
    """Return the attributes of ink of a colour."""
    if look.nib:
        return {"fill": colour, "stroke": "none"}
    stroke = {"fill": "none", "stroke": colour, "stroke-width": _number(look.pen)}
    return stroke | {"stroke-linecap": "round", "stroke-linejoin": "round"}


def path_data(stroke: np.ndarray) -> str:
    """Return the d attribute of a stroke: its spline as cubic curves; a dot is a line of length 0."""
    data = f"M{_pair(stroke[0])}"
    if len(stroke) == 1:
        return f"{data}l0 0"
    for curve in bezier(stroke):
        data += "C" + " ".join(_pair(point) for point in curve[1:])
    return data


def _paper(root: ET.Element, sheet: Sheet, look: Look) -> None:
    """Add a layer with the background and the printed lines and dots, unless it would be empty."""
    background = look.background
    # An AxiDraw does not plot layers whose name begins with "%".
    label = "%paper" if look.plotter.machine == AXIDRAW else "paper"
    group = ET.Element(_tag("g"), _layer(label) | {"stroke": RULE, "stroke-width": "0.15"})
    size = {"width": _number(sheet.width), "height": _number(sheet.height)}
    if isinstance(background, Picture):
        encoded = base64.b64encode(background.data).decode()
        fit = {
            "preserveAspectRatio": "xMidYMid slice",
            "href": f"data:{MIME[background.kind]};base64,{encoded}",
        }
        ET.SubElement(group, _tag("image"), size | fit)
    elif background not in ("", TRANSPARENT):
        ET.SubElement(group, _tag("rect"), size | {"fill": background, "stroke": "none"})
    for x0, y0, x1, y1 in sheet.printed_lines():
        end = f"H{_number(x1)}" if y0 == y1 else f"V{_number(y1)}"
        ET.SubElement(group, _tag("path"), {"d": f"M{_number(x0)} {_number(y0)}{end}"})
    dots = "".join(f"M{_number(x)} {_number(y)}h0" for x, y in sheet.printed_dots())
    if dots:
        round_dots = {"d": dots, "stroke-width": _number(DOT), "stroke-linecap": "round"}
        ET.SubElement(group, _tag("path"), round_dots)
    if len(group):
        root.append(group)


def _tag(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"


def _pair(point: np.ndarray) -> str:
    return f"{_number(point[0])} {_number(point[1])}"


def _number(value: float) -> str:
    """Format a number with at most three decimals, without trailing zeros."""
    text = f"{value:.3f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
