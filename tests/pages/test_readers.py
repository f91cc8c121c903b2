"""Our files in the hands of other readers."""

import io
import json

import numpy as np
import pypdfium2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from nextstroke.formats.detect import read_ink
from nextstroke.ink import Ink
from nextstroke.pages.appearance import Look
from nextstroke.pages.background import Picture
from nextstroke.pages.layout import Sheet
from nextstroke.pages.nib import outline, ribbons
from nextstroke.pages.pdf import pdf
from nextstroke.pages.png import picture
from nextstroke.pages.save import render, save

WAVE = np.array([[5.0, 10], [8, 6], [11, 12], [14, 9]])
LOOP = np.array([[22.0, 12], [30, 4], [26, 2], [24, 12], [34, 14]])
LINES = [Ink.from_strokes([WAVE, LOOP, WAVE[:1] + 3]), Ink.from_strokes([WAVE + (10, 8)])]
SHEET = Sheet(40, 25, LINES, [13, 21], [0, 1])


def rendered(data, page=0, dpi=200):
    document = pypdfium2.PdfDocument(data)
    return document, np.asarray(document[page].render(scale=dpi / 72).to_pil().convert("RGB"), int)


@pytest.mark.parametrize("nib", [False, True])
def test_a_pdf_looks_like_the_picture(nib):
    look = Look(colour="navy,red", nib=nib, pen=0.8)
    document, shown = rendered(pdf([SHEET, SHEET], look, "a title"))
    assert len(document) == 2
    assert document[1].get_size() == pytest.approx((40 / 25.4 * 72, 25 / 25.4 * 72), abs=0.01)
    assert document.get_metadata_value("Title") == "a title"
    drawn = np.asarray(picture(SHEET, 200, pen=0.8, colours=look.colours, nib=nib), int)
    height, width = min(len(shown), len(drawn)), min(shown.shape[1], drawn.shape[1])
    differs = abs(shown[:height, :width] - drawn[:height, :width]).max(2) > 128
    inked = (drawn.min(2) < 128).sum()
    assert inked > 1000
    assert differs.sum() < 0.1 * inked


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK", "RGBA"])
def test_a_background_of_a_pdf_looks_like_that_of_the_picture(kind, mode):
    if (kind, mode) in (("JPEG", "RGBA"), ("PNG", "CMYK")):
        pytest.skip("there is no such file")
    stream = io.BytesIO()
    shades = Image.linear_gradient("L")
    Image.merge("RGB", [shades, shades.rotate(90), shades.rotate(180)]).convert(mode).save(stream, kind)
    background = Picture.of(stream.getvalue(), "a picture")
    _, shown = rendered(pdf([SHEET], Look(background=background)), dpi=100)
    drawn = np.asarray(picture(SHEET, 100, background=background), int)
    height, width = min(len(shown), len(drawn)), min(shown.shape[1], drawn.shape[1])
    assert abs(shown[:height, :width] - drawn[:height, :width]).mean() < 4


def test_a_title_of_any_text_is_read_back():
    title = "(1 \\ 2) “ﬁne” \U0001f600\n"
    document, _ = rendered(pdf([SHEET], title=title, about="seed 3"))
    assert document.get_metadata_value("Title") == title
    assert document.get_metadata_value("Subject") == "seed 3"


def test_the_same_sheets_give_the_same_pdf_and_one_file(tmp_path):
    assert pdf([SHEET], Look()) == pdf([SHEET], Look())
    assert save([SHEET, SHEET], str(tmp_path / "a.pdf"), None, Look(), {}) == [str(tmp_path / "a.pdf")]


@pytest.mark.parametrize("kind", ["inkml", "json"])
def test_ink_files_are_read_back(tmp_path, kind):
    path = tmp_path / f"a.{kind}"
    path.write_bytes(render(SHEET, kind, Look(), {"text": "two < lines\x00 & more", "seed": 3}))
    ink, text = read_ink(path)
    strokes = [stroke for line in LINES for stroke in line.strokes()]
    for found, stroke in zip(ink.strokes(), strokes, strict=True):
        np.testing.assert_allclose(found, stroke, atol=5e-4)
    assert text.replace("\x00", "") == "two < lines & more"


def test_json_carries_its_metadata():
    document = json.loads(render(SHEET, "json", Look(), {"text": "a", "seed": 3}))
    assert {name: document[name] for name in ("text", "seed", "unit", "width")} == {
        "text": "a",
        "seed": 3,
        "unit": "mm",
        "width": 40,
    }


points = st.lists(st.tuples(st.floats(-100, 100), st.floats(-100, 100)), min_size=1, max_size=8)


@given(points, st.floats(0.05, 2))
def test_a_ribbon_is_finite_and_its_width_stays_near_the_pens(stroke, pen):
    ((curve, width),) = ribbons(Ink.from_strokes([np.array(stroke)]), pen)
    border = outline(curve, width)
    assert np.isfinite(border).all()
    assert (width > 0.29 * pen).all()
    assert (width < 1.51 * pen).all()
    far = np.hypot(*(border[:, None] - curve[None]).transpose(2, 0, 1)).min(1)
    assert (far <= width.max() / 2 + 1e-6).all()


def test_a_slow_pen_leaves_a_broader_line():
    slow, fast = np.linspace(0, 1, 12)[:, None] * (2, 0), np.linspace(0, 1, 12)[:, None] * (40, 0) + (0, 5)
    (_, broad), (_, thin) = ribbons(Ink.from_strokes([slow, fast]), 1.0)
    assert np.median(broad) > 1.5 * np.median(thin)
