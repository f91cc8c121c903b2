"""Sheets as files of ink, for programs: InkML and JSON. `corpora` reads both."""

import json
from typing import Any
from xml.etree import ElementTree as ET

from nextstroke.pages.layout import Sheet
from nextstroke.pages.svg import legal

INKML = "http://www.w3.org/2003/InkML"


def inkml(sheet: Sheet, text: str) -> bytes:
    """One sheet as InkML: a trace for each stroke, in millimetres, with the text as its truth."""
    ET.register_namespace("", INKML)
    root = ET.Element(f"{{{INKML}}}ink")
    format = ET.SubElement(root, f"{{{INKML}}}traceFormat")
    for name in ("X", "Y"):
        ET.SubElement(format, f"{{{INKML}}}channel", {"name": name, "type": "decimal", "units": "mm"})
    ET.SubElement(root, f"{{{INKML}}}annotation", {"type": "truth"}).text = legal(text)
    for line in sheet.lines:
        for stroke in line.strokes():
            places = ", ".join(f"{x:.3f} {y:.3f}" for x, y in stroke)
            ET.SubElement(root, f"{{{INKML}}}trace").text = places
    return ET.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n"


def json_ink(sheet: Sheet, about: dict[str, Any]) -> bytes:
    """One sheet as JSON: what is known about it, and its strokes in millimetres, y downwards."""
    strokes = [stroke.round(3).tolist() for line in sheet.lines for stroke in line.strokes()]
    size = {"unit": "mm", "width": round(sheet.width, 3), "height": round(sheet.height, 3)}
    return json.dumps(about | size | {"strokes": strokes}, ensure_ascii=False, allow_nan=False).encode() + b"\n"
