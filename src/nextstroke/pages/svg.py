"""Sheets as SVG: single centre lines in millimetres, one group a line, as plotters and editors want them."""

import re
from xml.etree import ElementTree as ET

import numpy as np

from nextstroke.pages.layout import Sheet
from nextstroke.pages.spline import bezier

NAMESPACE = "http://www.w3.org/2000/svg"
# What XML 1.0 cannot hold, escaped or not.
ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def svg(sheet: Sheet, pen: float = 0.35, colour: str = "#1a1a2e", title: str = "", about: str = "") -> bytes:
    """One sheet as an SVG document.

    Args:
        pen: Width of the stroke in mm.
        title, about: Shown by viewers as title and description.
    """
    ET.register_namespace("", NAMESPACE)
    width, height = _number(sheet.width), _number(sheet.height)
    size = {"width": f"{width}mm", "height": f"{height}mm", "viewBox": f"0 0 {width} {height}"}
    root = ET.Element(f"{{{NAMESPACE}}}svg", size)
    for tag, text in (("title", title), ("desc", about)):
        if text:
            ET.SubElement(root, tag).text = ILLEGAL.sub("", text)
    if sheet.baselines:
        _rules(root, sheet)
    style = {"fill": "none", "stroke": colour, "stroke-width": _number(pen)}
    ink = ET.SubElement(root, "g", style | {"stroke-linecap": "round", "stroke-linejoin": "round"})
    for line in sheet.lines:
        group = ET.SubElement(ink, "g")
        for stroke in line.strokes():
            ET.SubElement(group, "path", {"d": path_data(stroke)})
    return ET.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n"


def path_data(stroke: np.ndarray) -> str:
    """The d attribute of a stroke: its spline as cubic curves; a dot is a line to itself."""
    start = f"M{_pair(stroke[0])}"
    if len(stroke) == 1:
        return f"{start}l0 0"
    curves = (" ".join(_pair(point) for point in curve[1:]) for curve in bezier(stroke))
    return start + "".join(f"C{curve}" for curve in curves)


def _rules(root: ET.Element, sheet: Sheet) -> None:
    group = ET.SubElement(root, "g", {"stroke": "#c8d3e0", "stroke-width": "0.15"})
    for y in sheet.baselines:
        ET.SubElement(group, "path", {"d": f"M0 {_number(y)}H{_number(sheet.width)}"})


def _pair(point: np.ndarray) -> str:
    return f"{_number(point[0])} {_number(point[1])}"


def _number(value: float) -> str:
    """At most three decimals, a thousandth of a millimetre, without idle zeros."""
    text = f"{value:.3f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
