"""A hand of the user's own, drawn on the studio's pads."""

import pytest

from nextstroke.api import write_lines
from nextstroke.cli.main import main
from nextstroke.formats.detect import read_all_with_text
from nextstroke.handwriting.hands import gallery_hand
from nextstroke.runtime.model_file import load_model
from tests.web.conftest import watched
from tests.web.test_studio import state, strokes, written

SPECIMEN = "The quick brown fox jumps over a lazy dog at night"


def draw_lines(page):
    """Draw with the mouse what is asked for: words that the network wrote, larger."""
    writer = load_model("writer", "writer")
    for number in range(page.locator(".pad").count()):
        pad = page.locator(".pad canvas").nth(number)
        pad.scroll_into_view_if_needed()
        text = page.locator(".pad p").nth(number).inner_text()
        ink = write_lines(writer, [text], 1.0, 7, gallery_hand("plain", "writer"))[0].ink
        box = pad.bounding_box()
        left, top, right, bottom = ink.bounds()
        scale = min((box["width"] - 40) / (right - left), (box["height"] - 60) / (bottom - top))
        for stroke in ink.strokes():
            places = (stroke - (left, top)) * scale + (box["x"] + 20, box["y"] + 30)
            page.mouse.move(*places[0])
            page.mouse.down()
            for place in [*places[1:-1:2], places[-1]]:
                page.mouse.move(*place)
            page.mouse.up()


@pytest.fixture
def learned(studio):
    studio.open("#text=hello&seed=5")
    studio.locator("#tab-hand").click()
    draw_lines(studio)
    studio.locator("#learn").click()
    studio.wait_for_selector("#learning:has-text('Learned')")
    return studio


def test_a_drawn_hand_is_tried_used_kept_linked_and_taken_along(learned, chromium, served, tmp_path):
    page = learned
    assert page.locator("#beside svg path").count() == 2
    assert "slant" in page.inner_text("#nearness")
    page.locator("#beside .primary").click()
    first = written(page, "style=mine%3AMine")
    page.reload()
    assert written(page, "style=mine%3AMine") == first  # the browser kept it
    page.locator("#copy").click()
    page.locator('[data-copy="link"]').click()
    page.wait_for_selector("#status:has-text('own hand')")
    link = page.evaluate("navigator.clipboard.readText()")
    context = chromium.new_context(reduced_motion="reduce", service_workers="block")
    with watched(context, served) as other:  # another browser
        other.open(link[link.index("#") :])
        assert len(written(other, "style=mine%3AMine")) > 3
        assert other.locator('#styles input[value="mine:Mine"]').is_checked()
    page.locator("#tab-hand").click()
    with page.expect_download() as got:
        page.locator("#own-hands button:has-text('Export')").click()
    kept = tmp_path / got.value.suggested_filename
    got.value.save_as(kept)
    lines = read_all_with_text(kept)
    assert " ".join(text for _, text in lines) == SPECIMEN
    assert sum(len(ink.strokes()) for ink, _ in lines) > 20
    assert main(["style", "learn", str(kept), "-o", str(tmp_path / "mine.style")]) == 0
    page.locator("#own-hands input").fill("Anna")
    page.locator("#own-hands input").press("Tab")
    page.wait_for_selector('#styles input[value="mine:Anna"]', state="attached")
    assert state(page)["style"] == "mine:Anna"
    page.locator("#bring").set_input_files(kept)
    page.wait_for_selector('#styles input[value="mine:mine"]', state="attached")
    page.locator("#own-hands li:has(input) button:has-text('Delete')").first.click()
    page.wait_for_selector('#styles input[value="mine:Anna"]', state="detached")
    assert state(page).get("style", "wide") == "wide"
    page.locator("#tab-write").click()
    assert strokes(page)


def test_scribbles_are_not_taken_for_words(studio):
    studio.open("#text=hello")
    studio.locator("#tab-hand").click()
    studio.locator("#learn").click()
    studio.wait_for_selector("#learning:has-text('Please write')")


def test_pads_are_large_enough_for_a_finger(chromium, served):
    page = chromium.new_page(viewport={"width": 390, "height": 844})
    page.goto(f"{served.address}/#view=hand&candidates=1")
    page.wait_for_selector(".pad canvas")
    sizes = page.eval_on_selector_all(".pad canvas", "all => all.map(each => each.getBoundingClientRect().height)")
    words = page.eval_on_selector_all(".pad p", "all => all.map(each => each.textContent)")
    assert min(sizes) >= 240
    assert max(map(len, words)) <= 9
    assert " ".join(words) == SPECIMEN
    page.close()


INK = {
    "a.json": '{"text": "hi", "strokes": [[[0, 0], [1, 2]], [[3, 4]]]}',
    "b.inkml": '<ink xmlns="http://www.w3.org/2003/InkML"><annotation type="truth">hi</annotation>'
    "<trace>0 0, 1 2</trace><trace>3 4</trace></ink>",
    "c.csv": "x,y,stroke\n0,0,1\n1,2,1\n3,4,2\n",
    "d.xml": '<WhiteboardCaptureSession><StrokeSet><Stroke><Point x="0" y="0"/><Point x="1" y="2"/></Stroke>'
    '<Stroke><Point x="3" y="4"/></Stroke></StrokeSet></WhiteboardCaptureSession>',
    "e.xopp": '<xournal><page><stroke tool="pen">0 0 1 2</stroke><stroke tool="pen">3 4</stroke></page></xournal>',
    "f.dat": '.COORD X Y\n.SEGMENT TEXT 0-1 OK "hi"\n.PEN_DOWN\n0 0\n1 -2\n.PEN_UP\n.PEN_DOWN\n3 -4\n.PEN_UP\n',
    "g.ndjson": '{"word": "x", "drawing": [[[0, 1], [0, 2]], [[3], [4]]]}\n',
    "h.jiix": '{"type": "Text", "label": "hi", "words": [{"items": [{"type": "stroke", "id": "1", "X": [0, 1],'
    ' "Y": [0, 2]}, {"type": "stroke", "id": "2", "X": [3], "Y": [4]}]}]}',
    "i.excalidraw": '{"type": "excalidraw", "elements": [{"type": "freedraw", "x": 0, "y": 0, "points": [[0, 0],'
    ' [1, 2]]}, {"type": "freedraw", "x": 3, "y": 4, "points": [[0, 0]]}]}',
}
READ = """async ([name, text]) => {
  const { readInk } = await import("/importers.js");
  return readInk(new File([text], name));
}"""


def test_ink_of_every_format_is_read(studio):
    studio.open("#text=hi")
    for name, text in INK.items():
        (line,) = studio.evaluate(READ, [name, text])
        assert line["strokes"] == [[[0, 0], [1, 2]], [[3, 4]]], name
        assert line["text"] in ("hi", "")
    drawing = '<svg xmlns="http://www.w3.org/2000/svg"><title>hi</title><path d="M0 0L10 20"/></svg>'
    (line,) = studio.evaluate(READ, ["j.svg", drawing])
    assert line["text"] == "hi"
    assert [line["strokes"][0][0], line["strokes"][0][-1]] == [[0, 0], [10, 20]]
    for broken in ("", "hello", "{}", "<a/>", "<ink", '{"strokes": [[[1e9, 0]]]}'):
        with pytest.raises(Exception, match="Error"):
            studio.evaluate(READ, ["x", broken])
    # Chromium's own report of broken XML has a style, which the page's policy refuses.
    studio.told[:] = [line for line in studio.told if "inline style" not in line]
