import io
import json
import os
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from nextstroke.errors import LimitExceeded, UsageError
from nextstroke.ink import Ink
from nextstroke.pages.appearance import Look
from nextstroke.pages.layout import Sheet
from nextstroke.pages.png import picture
from nextstroke.pages.save import pick_format, render, save
from nextstroke.pages.spline import bezier, polyline
from nextstroke.pages.svg import NAMESPACE, svg

GOLDEN = Path(__file__).parent / "golden" / "two-lines.svg"
WAVE = np.array([[5, 10], [8, 6], [11, 12], [14.12345, 9]])
SHEET = Sheet(40, 25, [Ink.from_strokes([WAVE, WAVE[:1] + 3]), Ink.from_strokes([WAVE + (10, 8)])], [10, 18])
points = st.lists(st.tuples(st.floats(-100, 100), st.floats(-100, 100)), min_size=2, max_size=12)


@given(points)
def test_the_spline_passes_through_every_point(stroke):
    stroke = np.array(stroke)
    curves = bezier(stroke)
    np.testing.assert_array_equal(curves[:, 0], stroke[:-1])
    np.testing.assert_array_equal(curves[:, 3], stroke[1:])
    np.testing.assert_allclose(polyline(stroke, 4)[::4], stroke, atol=1e-9)


def test_the_spline_is_smooth_at_its_joints():
    curves = bezier(WAVE)
    np.testing.assert_allclose(curves[:-1, 3] - curves[:-1, 2], curves[1:, 1] - curves[1:, 0])


def test_the_golden_svg():
    assert svg(SHEET, title="two lines", about="seed 1") == GOLDEN.read_bytes()


def test_svg_is_in_millimetres_with_one_group_a_line():
    root = ET.fromstring(svg(SHEET))
    assert root.attrib["width"] == "40mm"
    assert root.attrib["viewBox"] == "0 0 40 25"
    groups = root.findall(f"{{{NAMESPACE}}}g/{{{NAMESPACE}}}g")
    assert [len(group) for group in groups] == [2, 1]


@given(st.text())
def test_any_title_gives_a_well_formed_svg_that_runs_nothing(title):
    data = svg(SHEET, title=title + "</title><script>alert(1)</script>", about=title)
    root = ET.fromstring(data)
    assert root.find(f".//{{{NAMESPACE}}}script") is None
    assert root.find(".//script") is None


def test_json_holds_every_stroke_in_millimetres():
    told = json.loads(render(SHEET, "json", Look(), {"text": "two lines", "seed": 1}))
    assert (told["text"], told["seed"], told["unit"]) == ("two lines", 1, "mm")
    np.testing.assert_allclose(told["strokes"][0], WAVE.round(3))
    assert len(told["strokes"]) == 3


def test_png_has_its_size_and_ink_where_the_stroke_is():
    image = Image.open(io.BytesIO(render(SHEET, "png", Look(pen=0.5, colour="black", dpi=254), {})))
    assert image.size == (400, 250)
    assert image.info["dpi"] == pytest.approx((254, 254), abs=0.1)
    grey = np.asarray(image.convert("L"))
    assert grey[100, 50] < 60
    assert grey[130, 80] < 60
    assert grey[30, 350] == 255


def test_a_picture_too_large_is_refused_before_it_is_made():
    with pytest.raises(LimitExceeded, match="lower the dpi"):
        picture(Sheet(5000, 5000, SHEET.lines), dpi=600)


@pytest.mark.parametrize(
    "look", [{"pen": 0}, {"pen": float("nan")}, {"colour": "no such"}, {"dpi": 1}, {"dpi": float("inf")}]
)
def test_invalid_looks_are_refused(look):
    with pytest.raises(UsageError):
        render(SHEET, "png", Look(**look), {})


@pytest.mark.parametrize(("output", "name"), [("a.xyz", None), ("a", None), ("a.svg", "bmp")])
def test_unknown_formats_name_those_there_are(output, name):
    with pytest.raises(UsageError, match="svg, png, jpg, gif"):
        pick_format(output, name)


def test_several_sheets_are_numbered(tmp_path):
    names = save([SHEET, SHEET], str(tmp_path / "a.svg"), None, Look(), {})
    assert names == [str(tmp_path / "a-1.svg"), str(tmp_path / "a-2.svg")]
    assert sorted(os.listdir(tmp_path)) == ["a-1.svg", "a-2.svg"]


def test_a_place_that_cannot_be_written_leaves_nothing(tmp_path):
    with pytest.raises(UsageError, match="cannot be written"):
        save([SHEET], str(tmp_path / "no" / "a.svg"), None, Look(), {})
    assert os.listdir(tmp_path) == []
