"""The studio in a real browser: chromium, driven by playwright."""

import json
import re
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nextstroke.api import write_lines
from nextstroke.formats.detect import read_with_text
from nextstroke.handwriting.best_of import line_writer
from nextstroke.handwriting.hands import gallery_hand
from nextstroke.handwriting.request import line_requests
from nextstroke.runtime.model_file import load_model


def written(page, told):
    """Wait for the ink of a state whose fragment holds `told`; the strokes' paths."""
    page.wait_for_selector(f'#pages[data-ready*="{told}"]')
    # What the speed leaves to be drawn "at once" is drawn in the next frame.
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return page.eval_on_selector_all("#pages svg g path", "paths => paths.map(path => path.getAttribute('d'))")


def test_typing_writes_and_a_slider_changes_it(studio):
    studio.open()
    studio.locator("#locked").check()
    studio.locator("#text").fill("good morning")
    first = written(studio, "good+morning")
    assert len(first) >= 5
    assert studio.inner_text("#status").startswith("1 line in the hand")
    studio.locator("#bias").fill("2")
    assert written(studio, "bias=2") != first
    studio.locator("#undo").click()
    studio.wait_for_selector('#pages[data-ready]:not([data-ready*="bias=2"])')
    assert written(studio, "good+morning") == first


def test_another_one_is_another_and_a_link_brings_the_very_same(studio):
    studio.open("#text=hello+again&style=neat&seed=3")
    first = written(studio, "seed=3")
    studio.locator("#another").click()
    studio.wait_for_selector('#pages[data-ready]:not([data-ready*="seed=3&"])')
    studio.locator("#link").click()
    link = studio.evaluate("navigator.clipboard.readText()")
    other = written(studio, re.search(r"seed=\d+", link)[0])
    assert other != first
    studio.goto("about:blank")
    studio.open(link[link.index("#") :])
    assert written(studio, "hello+again") == other


def test_the_browsers_ink_is_pythons(studio):
    studio.open("#text=hello+again&style=neat&seed=3&bias=1&candidates=4&format=210x297")
    with studio.expect_download() as got:
        studio.locator("#download").select_option("json")
    told = json.loads(Path(got.value.path()).read_text("utf-8"))
    writer = load_model("writer", "writer")
    requests = line_requests(writer, ["hello again"], gallery_hand("neat", "writer"), 1.0, 3)
    (line,) = line_writer(4).write(writer, requests)
    assert [len(stroke) for stroke in told["strokes"]] == [len(stroke) for stroke in line.ink.strokes()]
    assert (told["text"], told["seed"], told["style"]) == ("hello again", 3, "neat")


def test_a_hand_drawn_with_the_mouse_is_learned_kept_and_taken_along(studio, tmp_path):
    studio.open("#text=hello")
    studio.locator("#tab-hand").click()
    draw_lines(studio)
    studio.locator("#learn").click()
    written(studio, "text=hello")
    mine = studio.locator('#styles button[data-style^="mine "]')
    mine.wait_for()
    studio.wait_for_selector('#styles button[data-style="mine 1"][aria-checked="true"] svg')
    studio.wait_for_selector("#status:has-text('“yours”')")
    studio.locator("#tab-hand").click()
    with studio.expect_download() as got:
        studio.locator("#keep").click()
    kept = tmp_path / "my-hand.inkml"
    got.value.save_as(kept)
    ink, _ = read_with_text(str(kept))
    assert len(ink.strokes()) > 20
    studio.reload()
    studio.wait_for_selector('#styles button[data-style="mine 1"] svg')  # the browser kept it
    studio.locator("#tab-hand").click()
    studio.locator("#bring").set_input_files(kept)
    studio.wait_for_selector('#styles button[data-style="mine 2"][aria-checked="true"]', state="attached")


def draw_lines(page):
    """Draw what is asked for with the mouse: a line that the network wrote, larger."""
    writer = load_model("writer", "writer")
    for number in range(2):
        pad = page.locator(".pad canvas").nth(number)
        text = page.locator(".pad p").nth(number).inner_text().strip("“”")
        ink = write_lines(writer, [text], 1.0, 7, gallery_hand("plain", "writer"))[0].ink
        box = pad.bounding_box()
        left, top, right, bottom = ink.bounds()
        scale = min((box["width"] - 40) / (right - left), (box["height"] - 20) / (bottom - top))
        for stroke in ink.strokes():
            places = (stroke - (left, top)) * scale + (box["x"] + 20, box["y"] + 10)
            page.mouse.move(*places[0])
            page.mouse.down()
            for place in [*places[1:-1:2], places[-1]]:
                page.mouse.move(*place)
            page.mouse.up()


def test_scribbles_are_not_taken_for_words(studio):
    studio.open("#text=hello")
    studio.locator("#tab-hand").click()
    studio.locator("#learn").click()
    studio.wait_for_selector("#learning:has-text('Please write')")


def colours_of(page, name):
    """How many colours a canvas shows now."""
    picture = np.asarray(Image.open(BytesIO(page.locator(f"#{name}").screenshot())).convert("RGB"))
    return len(np.unique(picture.reshape(-1, 3), axis=0))


def test_looking_inside_draws_window_and_density(studio):
    studio.open("#text=look+inside")
    studio.locator("#inside").check()
    studio.locator("#speed").fill("2")
    studio.locator("#replay").click()
    for name in ("window", "density"):
        while colours_of(studio, name) <= 20:
            studio.wait_for_timeout(50)


EXPECTED = """(settings) => settings.map(([slider, value]) => {
  const input = document.getElementById(slider), canvas = document.getElementById("density");
  input.value = value;
  input.dispatchEvent(new Event("input"));
  const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d");
  copy.drawImage(canvas, 0, 0);
  const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
  return data.filter((red, i) => i % 4 === 0 && red > data[i + 2] + 40 && data[i + 3] > 8).length;
})"""


def test_bias_and_temperature_are_felt_at_once(studio):
    """Within one task of the page: the ink, and the worker, have no time to follow."""
    studio.open("#text=look+inside&bias=0&seed=5")
    studio.locator("#inside").check()  # what is written already is looked at
    settings = [("warmth", 1), ("warmth", 3), ("warmth", 0.3), ("warmth", 1), ("bias", 1.5), ("bias", 0)]
    usual, hot, cold, again, sure, last = studio.evaluate(EXPECTED, settings)
    assert hot > 1.3 * usual > 1.3 * 1.3 * cold > 0  # pixels that the density colours
    assert usual > 1.3 * sure > 0
    assert usual == again == last
    assert studio.inner_text('output[for="warmth"]') == "1.00"


def test_a_point_of_the_window_is_looked_at_where_one_points(studio):
    studio.open("#text=look+inside&seed=5")
    studio.locator("#inside").check()
    wide, seen = studio.locator("#window").bounding_box()["width"], []
    for share in (0.1, 0.9, 0.1):
        studio.locator("#window").hover(position={"x": share * wide, "y": 20})
        looked_at = studio.eval_on_selector_all("#reading span", "all => all.map(each => each.style.cssText)")
        seen.append((looked_at, studio.locator("#density").screenshot()))
    assert seen[0] == seen[2]
    assert seen[0][0] != seen[1][0]
    assert seen[0][1] != seen[1][1]


def test_the_next_letters_follow_the_temperature_at_once(studio):
    studio.open("#text=hi")
    studio.locator("#tab-type").click()
    studio.wait_for_selector("#chances li")
    shares = studio.evaluate(
        """() => [0.2, 1, 1.5, 0].map((value) => {
        const slider = document.getElementById("temperature");
        slider.value = value;
        slider.dispatchEvent(new Event("input"));
        return [...document.querySelectorAll("#chances progress")].map((bar) => bar.value);
        })"""
    )
    cold, usual, hot, sure = (row[0] for row in shares)
    assert cold > usual > hot > 0
    assert sure == 1
    np.testing.assert_allclose(np.log(shares[0][1] / cold), 5 * np.log(shares[1][1] / usual), rtol=1e-3)


def test_the_text_network_tells_what_comes_next_and_goes_on(studio):
    studio.open("#text=hi")
    studio.locator("#tab-type").click()
    studio.locator("#prime").fill("The United States of Americ")
    studio.wait_for_selector("#chances li")
    studio.wait_for_selector("#chances li:first-child:has-text('a')")
    studio.locator("#go").click()
    while len(studio.input_value("#prime")) <= 60:
        studio.wait_for_timeout(50)
    studio.locator("#halt").click()
    studio.wait_for_selector("#typed:empty", state="attached")
    grown = studio.input_value("#prime")
    studio.wait_for_timeout(500)
    assert studio.input_value("#prime") == grown


def test_what_cannot_be_written_is_said(studio):
    studio.open("#text=hi")
    studio.locator("#text").fill("snow ☃")
    studio.wait_for_selector("#status:has-text('☃')")


def test_the_page_is_used_with_the_keyboard_alone(studio):
    studio.open("#text=hi&style=wide")
    studio.locator("#tab-write").focus()
    studio.keyboard.press("ArrowRight")
    assert studio.locator("#hand").is_visible()
    studio.keyboard.press("ArrowLeft")
    studio.locator('#styles button[data-style="wide"]').focus()
    studio.keyboard.press("ArrowRight")
    written(studio, "style=plain")
    unnamed = studio.evaluate(
        """[...document.querySelectorAll("button, input, select, textarea")].filter((each) =>
        !(each.labels?.length || each.textContent.trim() || each.getAttribute("aria-label"))).length"""
    )
    assert unnamed == 0


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1280, "light")])
def test_it_fits_phones_and_desks(chromium, served, width, scheme):
    page = chromium.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page.goto(f"{served.address}/#text=hi")
    page.wait_for_selector("#pages[data-ready]", timeout=200_000)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()
