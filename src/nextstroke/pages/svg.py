"""Sheets as SVG in millimetres: single centre lines, as plotters and editors want them, or outlines, or moving."""

import re
from collections.abc import Callable
from xml.etree import ElementTree as ET

import numpy as np

from nextstroke.ink import Ink
from nextstroke.pages.appearance import LIFT, LOOK, PACE, Look
from nextstroke.pages.layout import RULE, Sheet
from nextstroke.pages.nib import outline, ribbons
from nextstroke.pages.spline import bezier

NAMESPACE = "http://www.w3.org/2000/svg"
INKSCAPE = "http://www.inkscape.org/namespaces/inkscape"  # whose layers vpype knows too
# Strokes appear one after the other; a dot has no length to be drawn along, so each is hidden until its time.
MOTION = """path[style]{visibility:hidden;stroke-dasharray:1;stroke-dashoffset:1;animation:write linear forwards}
@keyframes write{from{visibility:visible}to{visibility:visible;stroke-dashoffset:0}}
@media (prefers-reduced-motion:reduce){path[style]{visibility:visible;stroke-dashoffset:0;animation:none}}"""
# What XML 1.0 cannot hold, escaped or not.
ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def svg(
    sheet: Sheet, look: Look = LOOK, title: str = "", about: str = "", check: Callable[[], None] | None = None
) -> bytes:
    """One sheet as an SVG document: a layer for each colour, in it a group for each line.

    Args:
        title, about: Shown by viewers as title and description.
        check: Asked before each line of ink; what it raises ends the drawing.
    """
    ET.register_namespace("", NAMESPACE)
    ET.register_namespace("inkscape", INKSCAPE)
    width, height = _number(sheet.width), _number(sheet.height)
    size = {"width": f"{width}mm", "height": f"{height}mm", "viewBox": f"0 0 {width} {height}"}
    root = ET.Element(_tag("svg"), size)
    for tag, text in (("title", title), ("desc", about), ("style", MOTION if look.animate else "")):
        if text:
            ET.SubElement(root, _tag(tag)).text = legal(text)
    if sheet.baselines:
        _rules(root, sheet)
    clock = Clock(look.speed) if look.animate else None
    for colour, lines in sheet.layers(look.colours):
        layer = ET.SubElement(root, _tag("g"), _layer(colour) | _style(colour, look))
        for line in lines:
            if check:
                check()
            _line(ET.SubElement(layer, _tag("g")), line, look, clock)
    return ET.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n"


class Clock:
    """Tells when each stroke of an animation begins, in seconds."""

    def __init__(self, speed: float):
        self.speed, self.now = speed, 0.0

    def attributes(self, points: int) -> dict[str, str]:
        """What makes a stroke appear from the present on, as fast as a pen writes it."""
        begins, takes = self.now, points / PACE / self.speed
        self.now += takes + LIFT / self.speed
        return {"pathLength": "1", "style": f"animation-duration:{takes:.2f}s;animation-delay:{begins:.2f}s"}


def _line(group: ET.Element, line: Ink, look: Look, clock: Clock | None) -> None:
    if look.nib:
        for curve, width in ribbons(line, look.pen):
            ET.SubElement(group, _tag("path"), {"d": _polygon(outline(curve, width))})
        return
    for stroke in line.strokes():
        timed = clock.attributes(len(stroke)) if clock else {}
        ET.SubElement(group, _tag("path"), {"d": path_data(stroke)} | timed)


def _layer(name: str) -> dict[str, str]:
    return {f"{{{INKSCAPE}}}groupmode": "layer", f"{{{INKSCAPE}}}label": name}


def _style(colour: str, look: Look) -> dict[str, str]:
    if look.nib:
        return {"fill": colour, "stroke": "none"}
    stroke = {"fill": "none", "stroke": colour, "stroke-width": _number(look.pen)}
    return stroke | {"stroke-linecap": "round", "stroke-linejoin": "round"}


def legal(text: str) -> str:
    """Text without the characters that XML cannot hold."""
    return ILLEGAL.sub("", text)


def path_data(stroke: np.ndarray) -> str:
    """The d attribute of a stroke: its spline as cubic curves; a dot is a line to itself."""
    start = f"M{_pair(stroke[0])}"
    if len(stroke) == 1:
        return f"{start}l0 0"
    curves = (" ".join(_pair(point) for point in curve[1:]) for curve in bezier(stroke))
    return start + "".join(f"C{curve}" for curve in curves)


def _polygon(places: np.ndarray) -> str:
    return f"M{'L'.join(_pair(place) for place in places)}Z"


def _rules(root: ET.Element, sheet: Sheet) -> None:
    group = ET.SubElement(root, _tag("g"), _layer("paper") | {"stroke": RULE, "stroke-width": "0.15"})
    for y in sheet.baselines:
        ET.SubElement(group, _tag("path"), {"d": f"M0 {_number(y)}H{_number(sheet.width)}"})


def _tag(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"


def _pair(point: np.ndarray) -> str:
    return f"{_number(point[0])} {_number(point[1])}"


def _number(value: float) -> str:
    """At most three decimals, a thousandth of a millimetre, without idle zeros."""
    text = f"{value:.3f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
