"""Documents of Xournal++: what is written is read back, by our reader and by the program itself."""

import gzip
import shutil
import subprocess
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from PIL import Image

from nextstroke.errors import UsageError
from nextstroke.formats.detect import read_ink
from nextstroke.ink import Ink
from nextstroke.pages.appearance import Look
from nextstroke.pages.layout import Sheet
from nextstroke.pages.notes import notes
from nextstroke.pages.save import render, save

POINTS = 72 / 25.4
WAVE = np.array([[5.0, 10.0], [8, 6], [11, 12], [14, 9]])
SHEET = Sheet(40, 25, [Ink.from_strokes([WAVE, WAVE[:1] + 3]), Ink.from_strokes([WAVE + (10, 8)])], (), [0, 1])


def tree(data):
    return ET.fromstring(gzip.decompress(data))


def test_the_ink_is_read_back(tmp_path):
    path = tmp_path / "a.xopp"
    assert save([SHEET], str(path), None, Look(), {"text": "two waves"}) == [str(path)]
    strokes = [stroke / POINTS for stroke in read_ink(path)[0].strokes()]
    assert len(strokes) == 3
    for stroke, wave in ((strokes[0], WAVE), (strokes[2], WAVE + (10, 8))):
        np.testing.assert_allclose(stroke[::4], wave, atol=1e-3)  # the curve passes through the points
    np.testing.assert_allclose(strokes[1][0], WAVE[0] + 3, atol=1e-3)
    assert len(strokes[1]) == 2  # a dot; Xournal++ refuses strokes of one point


def test_all_pages_are_in_one_document_with_colours_widths_and_sizes(tmp_path):
    look = Look(pen=0.5, colour="navy,#ff8000")
    assert save([SHEET, SHEET], str(tmp_path / "a.xopp"), None, look, {"written": "it & is"}) == [
        str(tmp_path / "a.xopp")
    ]
    root = tree((tmp_path / "a.xopp").read_bytes())
    assert root.findtext("title") == "it & is"
    pages = root.findall("page")
    assert len(pages) == 2
    assert float(pages[1].get("width")) == pytest.approx(40 * POINTS, abs=1e-3)
    assert float(pages[1].get("height")) == pytest.approx(25 * POINTS, abs=1e-3)
    strokes = pages[1].findall("layer/stroke")
    assert [stroke.get("color") for stroke in strokes] == ["#000080ff", "#000080ff", "#ff8000ff"]
    assert [float(stroke.get("width")) for stroke in strokes] == pytest.approx([0.5 * POINTS] * 3, abs=1e-3)


def test_a_nib_gives_each_point_a_width():
    for stroke in tree(notes([SHEET], Look(nib=True))).iter("stroke"):
        widths = stroke.get("width").split()
        points = len(stroke.text.split()) // 2
        assert len(widths) == (1 if points == 2 else points)
        assert points == 2 or len(set(widths)) > 2


def test_the_same_ink_gives_the_same_file():
    assert render(SHEET, "xopp", Look(), {}) == render(SHEET, "xopp", Look(), {})


def test_rules_are_refused():
    with pytest.raises(UsageError, match="paper: Xournal"):
        notes([Sheet(40, 25, SHEET.lines, [10.0])])


def test_the_program_itself_draws_it(tmp_path):
    if not shutil.which("xournalpp"):
        pytest.skip("NOT TESTED with Xournal++; on Debian or Ubuntu: apt-get install xournalpp")
    save([SHEET], str(tmp_path / "a.xopp"), None, Look(pen=1, colour="black"), {})
    export = ["xournalpp", "--create-img=a.png", "--export-png-width=400", "a.xopp"]
    done = subprocess.run(export, cwd=tmp_path, capture_output=True, timeout=120)
    assert (tmp_path / "a.png").is_file(), done.stderr
    picture = np.asarray(Image.open(tmp_path / "a.png").convert("L"))
    ours = np.zeros(picture.shape, bool)
    scale = picture.shape[1] / 40
    assert picture.shape[0] == pytest.approx(25 * scale, abs=1)
    for x, y in np.concatenate([line.points for line in SHEET.lines]) * scale:
        ours[int(y) - 5 : int(y) + 5, int(x) - 5 : int(x) + 5] = True
        assert (picture[int(y) - 2 : int(y) + 2, int(x) - 2 : int(x) + 2] < 128).any()
    assert 0.01 < (picture < 128).mean() < 0.1
