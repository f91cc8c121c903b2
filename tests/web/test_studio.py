"""The studio in a real browser: chromium, driven by playwright."""

import json
import re
from io import BytesIO
from urllib.parse import quote_plus

import numpy as np
import pytest
from PIL import Image

from nextstroke.handwriting.best_of import line_writer
from nextstroke.handwriting.hands import gallery, gallery_hand
from nextstroke.handwriting.request import line_requests
from nextstroke.runtime.model_file import find_model, load_model
from tests.web.conftest import watched

PATHS = "paths => paths.map(path => path.getAttribute('d'))"


def written(page, fragment):
    """Wait for the ink of a state whose fragment holds `fragment`; return the strokes' paths."""
    page.wait_for_selector(f'#pages[data-ready*="{fragment}"]', state="attached")
    return strokes(page)


def strokes(page, line=".line"):
    # What is drawn "at once" is drawn in the next frame.
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return page.eval_on_selector_all(f"#pages {line} path", PATHS)


def state(page):
    return page.evaluate("Object.fromEntries(new URLSearchParams(location.hash.slice(1)))")


def saved(page, kind, folder):
    """Choose a format of the download menu; return the file."""
    page.locator("#download").click()
    with page.expect_download() as got:
        page.locator(f'[data-format="{kind}"]').click()
    path = folder / got.value.suggested_filename
    got.value.save_as(path)
    return path


def slide(page, name, value):
    """Set a slider of the rail, whatever tab is open, in one drag."""
    page.evaluate(
        """([name, value]) => {
        const input = document.getElementById(name);
        input.dispatchEvent(new Event("pointerdown"));
        input.value = value;
        input.dispatchEvent(new Event("input"));
        input.dispatchEvent(new Event("change"));
        }""",
        [name, value],
    )


def test_typing_writes_and_legibility_keeps_the_seed(studio):
    studio.open("#seed=5")
    studio.locator("#text").fill("good morning")
    first = written(studio, "good+morning")
    assert len(first) >= 5
    assert studio.inner_text("#status") == "1 line"
    slide(studio, "bias", 2)
    assert written(studio, "bias=2") != first
    assert state(studio)["seed"] == "5"
    studio.locator("#undo").click()
    studio.wait_for_selector('#pages[data-ready]:not([data-ready*="bias=2"])')
    assert strokes(studio) == first


def test_another_one_is_another_and_a_link_brings_the_very_same(studio):
    studio.open("#text=hello+again&style=neat&seed=3")
    first = written(studio, "seed=3")
    studio.locator("#another").click()
    studio.wait_for_selector('#pages[data-ready]:not([data-ready*="seed=3&"])')
    studio.locator("#copy").click()
    studio.locator('[data-copy="link"]').click()
    studio.wait_for_selector("#status:has-text('Link copied')")
    link = studio.evaluate("navigator.clipboard.readText()")
    other = written(studio, re.search(r"seed=\d+", link)[0])
    assert other != first
    studio.open(link[link.index("#") :])
    assert written(studio, "hello+again") == other


def test_the_browsers_ink_is_pythons(studio, tmp_path):
    studio.open("#text=hello+again&style=neat&seed=3&bias=1&candidates=4&format=a4")
    told = json.loads(saved(studio, "json", tmp_path).read_text("utf-8"))
    writer = load_model("writer", "writer")
    requests = line_requests(writer, ["hello again"], gallery_hand("neat", "writer"), 1.0, 3)
    (line,) = line_writer(4, writer).write(writer, requests)
    assert [len(stroke) for stroke in told["strokes"]] == [len(stroke) for stroke in line.ink.strokes()]
    assert (told["text"], told["seed"], told["style"]) == ("hello again", 3, "neat")


def test_a_file_has_the_text_whose_ink_it_has(studio, tmp_path):
    """With an unknown sign the text is that which is drawn; without text there is nothing to download."""
    studio.open("#text=hello&seed=5")
    studio.locator("#text").fill("hi ☃")
    written(studio, "hi+%E2%98%83")
    told = json.loads(saved(studio, "json", tmp_path).read_text("utf-8"))
    assert told["text"].strip() == "hi"
    studio.locator("#text").fill("")
    studio.wait_for_selector("#status:has-text('Type something')")
    assert studio.locator("#download").is_disabled()
    assert strokes(studio) == []


def test_nothing_half_written_is_downloaded(studio):
    studio.open("#text=hello&seed=5")
    studio.locator("#text").fill("one line\ntwo lines\nthree lines\nfour lines")
    studio.wait_for_selector("#download:disabled")
    written(studio, "four+lines")
    studio.wait_for_selector("#download:enabled")


def test_an_unknown_sign_stops_nothing(studio):
    studio.open("#text=hello&seed=5")
    studio.locator("#text").fill("hello \U0001f600 world\u200b")
    drawn = written(studio, "world")
    assert studio.inner_text("#strange-signs") == "\U0001f600"
    assert studio.inner_text("#strange-fate") == "left out"
    assert studio.eval_on_selector_all("#marks mark", "all => all.map(each => each.textContent)") == ["\U0001f600"]
    studio.locator("#replace").fill(":)")
    assert len(written(studio, "replace=%3A%29")) > len(drawn)
    studio.locator("#text").fill("hello world")
    written(studio, "hello+world")
    assert studio.locator("#strange").is_hidden()


def test_the_gallery_needs_no_network_of_handwriting(studio):
    """Its samples are files, so that nothing is in the way of the first text."""
    refused = []
    studio.route("**/models/**", lambda route: (refused.append(route.request.url), route.abort()))
    studio.goto("about:blank")
    studio.goto(f"{studio.address}/#text=hi")
    studio.wait_for_selector("#styles .hand-choice svg")
    names = studio.eval_on_selector_all("#styles input", "all => all.map(each => each.value)")
    assert names == [*gallery(find_model("writer")), "none"]
    studio.wait_for_selector("#status:has-text('could not be fetched')")
    assert studio.locator("#retry").is_visible()
    studio.unroute("**/models/**")
    studio.locator("#retry").click()
    written(studio, "text=hi")
    assert refused
    # Some versions of Chromium report in the console what a worker could not fetch.
    studio.told[:] = [line for line in studio.told if "ERR_FAILED" not in line]


def test_the_gallery_waits_for_the_constants_of_the_engine(studio):
    """Its samples are drawn with them, and may come sooner."""
    held = []
    studio.route("**/engine.json", lambda route: held.append(route))
    with studio.expect_response("**/samples.json") as samples:
        studio.goto(f"{studio.address}/#text=hi&candidates=1")
    samples.value.finished()
    studio.evaluate("new Promise((done) => setTimeout(done, 200))")
    assert studio.locator("#styles .hand-choice").count() == 0
    assert studio.told == []
    held[0].continue_()
    studio.unroute("**/engine.json")
    studio.wait_for_selector("#styles .hand-choice svg")
    written(studio, "text=hi")


def test_a_first_line_in_another_hand_is_shown_where_one_points(studio):
    studio.open("#text=hello&seed=5")
    studio.wait_for_selector("#preview path")
    first = studio.get_attribute("#preview path", "d")
    studio.locator('.hand-choice[data-style="cursive"]').hover()
    studio.wait_for_selector("#preview-name:has-text('cursive')")
    assert studio.get_attribute("#preview path", "d") != first
    assert state(studio).get("style", "wide") == "wide"


def test_pace_is_shown_in_words_also_after_typing(studio):
    studio.open("#text=hi")
    studio.evaluate("document.getElementById('rail-advanced').click()")
    assert studio.inner_text('output[for="pace"]') == "at once"
    slide(studio, "pace", 2)
    studio.locator("#text").fill("hello")
    written(studio, "text=hello")
    assert studio.inner_text('output[for="pace"]') == "2.0 ×"


def test_words_and_drags_are_steps_that_are_undone_and_redone(studio):
    studio.open("#text=hi&seed=5")
    area = studio.locator("#text")
    area.focus()
    studio.keyboard.press("End")
    for word in (" good", " mor", "ning"):
        studio.keyboard.insert_text(word)
    studio.keyboard.press("Control+z")
    assert area.input_value() == "hi good"
    studio.keyboard.press("Control+z")
    assert area.input_value() == "hi"
    studio.keyboard.press("Control+Shift+z")
    studio.keyboard.press("Control+y")
    assert area.input_value() == "hi good morning"
    studio.evaluate(
        """() => {
        const slider = document.getElementById("bias");
        slider.dispatchEvent(new Event("pointerdown"));
        for (let i = 0; i < 40; i++) {
          slider.value = 1 + i / 40;
          slider.dispatchEvent(new Event("input"));
        }
        slider.dispatchEvent(new Event("change"));
        }"""
    )
    studio.locator("#undo").click()
    assert studio.evaluate("document.getElementById('bias').value") == "0.75"
    studio.locator("#redo").click()
    assert studio.evaluate("Number(document.getElementById('bias').value)") > 1.9


def test_an_arrow_on_the_closed_menu_downloads_nothing(studio):
    studio.open("#text=hi")
    got = []
    studio.on("download", lambda download: got.append(download))
    studio.locator("#download").focus()
    for _ in range(3):
        studio.keyboard.press("ArrowDown")
    assert studio.evaluate("document.activeElement.dataset.format") == "pdf"
    studio.keyboard.press("Escape")
    assert studio.locator("#download-menu").is_hidden()
    assert studio.evaluate("document.activeElement.id") == "download"
    studio.wait_for_timeout(200)
    assert not got


def test_back_takes_one_step_back_and_a_reload_keeps_the_page(studio):
    studio.open("#text=hi&seed=5")
    studio.evaluate("document.getElementById('pace').value = 3")
    studio.evaluate("document.getElementById('pace').dispatchEvent(new Event('input'))")
    studio.locator("#another").click()
    # With what follows it: the other seed may begin with a 5.
    studio.wait_for_selector('#pages[data-ready]:not([data-ready*="seed=5&"])')
    studio.go_back()
    written(studio, "seed=5&")
    studio.locator("#tab-dream").click()
    studio.locator("#prime").fill("A text of mine")
    studio.reload()
    studio.wait_for_selector("#dream:visible")
    assert studio.input_value("#prime") == "A text of mine"
    assert studio.evaluate("JSON.parse(localStorage['nextstroke.preferences']).pace") == 3
    studio.go_back()
    studio.wait_for_selector("#write:visible")


# Of each line, the shares of its strokes in its length: they don't hang on the size, which the first line gives.
SHAPES = """() => [...document.querySelectorAll("#pages .line")].map((line) => {
  const lengths = [...line.querySelectorAll("path")].map((path) => path.getTotalLength());
  const whole = lengths.reduce((sum, length) => sum + length, 0);
  return lengths.map((length) => (length / whole).toFixed(2)).join();
})"""


def test_a_line_inserted_on_top_leaves_the_others_as_they_are(studio):
    studio.open("#text=first+line%0Asecond+line&seed=5&candidates=2")
    before = studio.evaluate(SHAPES)
    studio.locator("#text").fill("a new one\nfirst line\nsecond line")
    written(studio, "a+new+one")
    assert studio.evaluate(SHAPES)[1:] == before


def test_one_line_is_written_again_and_the_others_stay(studio):
    studio.open("#text=first+line%0Asecond+line&seed=5&candidates=2")
    before = studio.evaluate(SHAPES)
    studio.locator("#pages .target").nth(1).click()
    studio.locator("#line-menu button").click()
    written(studio, "again=")
    after = studio.evaluate(SHAPES)
    assert after[0] == before[0]
    assert after[1] != before[1]


def test_paragraphs_have_hands_and_inks_of_their_own(studio, tmp_path):
    studio.open("#text=first+line%0Asecond+line&seed=5&candidates=2")
    before = studio.evaluate(SHAPES)
    studio.locator("#pages .target").nth(1).click()
    studio.locator("#line-menu select").first.select_option("cursive")
    written(studio, "style=wide%2Ccursive")
    after = studio.evaluate(SHAPES)
    assert after[0] == before[0]
    assert after[1] != before[1]
    studio.locator("#line-menu input[type=color]").fill("#aa0000")
    studio.wait_for_selector('#pages .line[stroke="#aa0000"]')
    file = saved(studio, "svg", tmp_path).read_text("utf-8")
    assert file.index('stroke="#1a1a2e"') < file.index('stroke="#aa0000"')


def test_print_shows_the_pages_and_nothing_else(studio):
    studio.open("#text=hello&seed=5&format=a5")
    studio.emulate_media(media="print")
    for part in (".top", ".bar", "#text", ".rail", "footer"):
        assert studio.locator(part).is_hidden()
    width = studio.locator("#pages svg").bounding_box()["width"]
    assert abs(width - 148 / 25.4 * 96) < 1


def test_it_runs_without_a_connection_once_it_was_opened(chromium, served):
    context = chromium.new_context(reduced_motion="reduce")
    with watched(context, served) as page:
        page.open("#text=hello&seed=5")
        before = strokes(page)
        page.evaluate("navigator.serviceWorker.ready")
        page.wait_for_function(
            "caches.open('nextstroke-1').then((cache) => cache.keys()).then((keys) => keys.length > 40)"
        )
        context.set_offline(True)
        page.reload()
        page.wait_for_selector("#pages[data-ready]")
        assert strokes(page) == before
        page.locator("#tab-dream").click()
        page.wait_for_selector("#chances li")
        page.told[:] = [line for line in page.told if "ERR_INTERNET_DISCONNECTED" not in line]


OTHER_DOCUMENT = "dialog li:not([aria-current]) button.grow"


def add_document(page, text):
    """Open a document, change its text, and open a new one."""
    page.open(f"#text={quote_plus(text)}&seed=5")
    page.locator("#text").fill(f"{text}, changed")
    written(page, "changed")
    new_document(page)


def test_documents_are_kept_by_name(studio):
    add_document(studio, "first document")
    studio.locator("#text").fill("second")
    written(studio, "text=second")
    studio.locator("#documents").click()
    assert studio.locator("dialog li[aria-current]").count() == 1
    studio.locator(OTHER_DOCUMENT).first.click()
    written(studio, "changed")
    assert studio.input_value("#text") == "first document, changed"


def new_document(page):
    page.locator("#documents").click()
    page.locator("dialog button.primary").click()


def open_other_document(page):
    page.locator("#documents").click()
    page.locator(OTHER_DOCUMENT).first.click()


def saved_texts(page):
    """Return the text of each document, the last changed first."""
    return page.evaluate(
        """import("/documents.js").then(({ all }) => import("/state.js").then(({ read }) =>
        all().map(({ fragment }) => read(fragment).text)))"""
    )


def test_undo_stays_within_the_document(studio):
    add_document(studio, "first")
    assert studio.locator("#undo").is_disabled()
    studio.keyboard.press("Control+z")
    assert studio.input_value("#text") == ""
    studio.locator("#text").fill("second")
    written(studio, "text=second")
    open_other_document(studio)
    written(studio, "changed")
    assert sorted(saved_texts(studio)) == ["first, changed", "second"]
    studio.locator("#undo").click()  # what was done in this document before is still undone
    written(studio, "text=first&")
    assert studio.locator("#undo").is_disabled()
    assert sorted(saved_texts(studio)) == ["first", "second"]


def test_back_opens_the_document_that_was_left(studio):
    add_document(studio, "first")
    studio.locator("#text").fill("second")
    written(studio, "text=second")
    studio.go_back()
    studio.go_back()
    written(studio, "changed")
    assert studio.inner_text("#document-name") == "first, changed"
    assert sorted(saved_texts(studio)) == ["", "first, changed"]  # the first step back was one of the new document


def test_a_link_begins_a_document_of_its_own(studio):
    """Neither on an open page nor on a fresh one does it take the place of the open document's text."""
    studio.open("#text=mine&seed=5")
    studio.locator("#text").fill("mine, changed")
    written(studio, "mine%2C+changed")
    studio.evaluate("location.hash = '#text=a+link&candidates=1'")
    written(studio, "a+link")
    assert studio.locator("#undo").is_disabled()
    studio.open("#text=another+link")
    studio.locator("#text").fill("another link, changed")
    written(studio, "another+link%2C")
    assert sorted(saved_texts(studio)) == ["a link", "another link, changed", "mine, changed"]
    studio.reload()
    studio.wait_for_selector("#pages[data-ready]", state="attached")
    studio.locator("#text").fill("changed after a reload")
    written(studio, "reload")
    assert sorted(saved_texts(studio)) == ["a link", "changed after a reload", "mine, changed"]


def test_a_document_is_named_by_its_text_until_it_is_named(studio):
    studio.open("#text=first&seed=5")
    new_document(studio)
    studio.locator("#text").fill("A letter\nto Anna")
    written(studio, "to+Anna")
    assert studio.inner_text("#document-name") == "A letter"
    studio.locator("#documents").click()
    studio.locator("dialog button:has-text('Rename')").first.click()
    studio.locator("dialog input").fill("Mine")
    studio.locator("dialog form button").click()
    studio.keyboard.press("Escape")
    studio.locator("#text").fill("Something else")
    written(studio, "Something+else")
    assert studio.inner_text("#document-name") == "Mine"


def test_a_page_of_any_size_is_turned(studio):
    studio.open("#text=hello&seed=5&format=letter")
    studio.evaluate("document.getElementById('rail-paper').click()")
    studio.locator("#turn").click()
    written(studio, "format=279.4x215.9")
    assert studio.get_attribute("#pages svg", "viewBox") == "0 0 279.4 215.9"
    studio.locator("#page-width").fill("120.5")
    studio.locator("#page-width").press("Tab")
    written(studio, "format=120.5x215.9")
    assert studio.get_attribute("#pages svg", "viewBox") == "0 0 120.5 215.9"
    studio.locator('#formats input[value="fit"]').check()
    studio.wait_for_selector('#pages[data-ready]:not([data-ready*="format="])')
    assert studio.locator("#turn").is_disabled()


def test_on_a_phone_the_paper_stays_on_top(chromium, served):
    page = chromium.new_page(viewport={"width": 390, "height": 800})
    page.goto(f"{served.address}/#text=hi%0Athere&candidates=1")
    page.wait_for_selector("#pages[data-ready]", timeout=200_000)
    paper, text = (page.locator(name).bounding_box() for name in ("#pages svg", "#text"))
    assert paper["y"] + paper["height"] <= text["y"]
    page.evaluate("document.getElementById('rail-paper').click()")
    assert paper["y"] + paper["height"] < page.locator("#settings").bounding_box()["y"]
    page.close()


def test_the_page_speaks_german_and_can_be_dark(studio):
    studio.open("#text=hi")
    studio.locator("#language").click()
    studio.wait_for_selector("html[lang=de]")
    studio.wait_for_selector("#pages[data-ready]")
    assert studio.inner_text("#tab-hand") == "Eigene Hand"
    assert studio.inner_text("#status") == "1 Zeile"
    light = studio.evaluate("getComputedStyle(document.body).backgroundColor")
    studio.locator("#theme").click()
    studio.locator("#theme").click()
    assert studio.evaluate("getComputedStyle(document.body).backgroundColor") != light
    studio.reload()
    # The page loads its table of German first, for which the event "load" does not wait.
    studio.wait_for_selector("html[data-theme=dark]")


def colours_of(page, name):
    """Return the number of colours that a canvas shows now."""
    picture = np.asarray(Image.open(BytesIO(page.locator(f"#{name}").screenshot())).convert("RGB"))
    return len(np.unique(picture.reshape(-1, 3), axis=0))


def look_inside(page):
    page.evaluate("document.getElementById('rail-advanced').click()")
    page.locator("#inside").check()


def test_looking_inside_draws_window_and_density(studio):
    studio.open("#text=look+inside")
    look_inside(studio)
    for name in ("window", "density"):
        while colours_of(studio, name) <= 20:
            studio.wait_for_timeout(50)
    assert "The network now looks at" in studio.inner_text("#look-words")


def test_the_moment_that_is_looked_at_is_shown_on_the_paper(studio):
    studio.open("#text=look+inside&seed=5")
    whole = len([path for path in strokes(studio) if path])
    look_inside(studio)
    seen = []
    for share in (200, 900):
        slide(studio, "scrub", share)
        seen.append((studio.inner_text("#look-words"), len([path for path in strokes(studio) if path])))
    assert 0 < seen[0][1] < seen[1][1] <= whole
    assert seen[0][0] != seen[1][0]


ON_PAPER = """() => {
  const look = document.querySelector("#pages .look");
  const number = (each, name) => Number(each.getAttribute(name));
  const written = [...look.querySelectorAll(".letter")].map((each) => each.textContent).join("");
  const shades = [...look.querySelectorAll(".shade")];
  const weights = shades.map((each) => number(each, "opacity"));
  const most = weights.indexOf(Math.max(...weights));
  const best = shades[most];
  const pen = document.querySelector("#pages .tip") ?? look.querySelector(".handle");
  return {
    written, letter: written[most], ellipses: look.querySelectorAll(".density ellipse").length,
    edges: [number(best, "x"), number(best, "x") + number(best, "width")], pen: number(pen, "cx"),
    said: look.querySelector("[role=slider]").getAttribute("aria-valuetext"),
    now: number(look.querySelector("[role=slider]"), "aria-valuenow"),
    slider: number(look.querySelector(".handle"), "cx"),
    density: look.querySelector(".density").getAttribute("transform"),
  };
}"""


def test_one_looks_inside_along_the_line_on_the_paper(studio):
    """The letters under the pen are shaded, the density is drawn at the pen, and a slider on the line moves it."""
    studio.open("#text=look+inside%0Aand+again&seed=5&style=neat&bias=2&slant=10")
    look_inside(studio)
    seen = []
    studio.locator("#pages .look .area").scroll_into_view_if_needed()
    box = studio.locator("#pages .look .area").bounding_box()
    for share in (0.2, 0.8):
        studio.mouse.move(box["x"] + share * box["width"], box["y"] + box["height"] - 3)
        studio.mouse.down()
        studio.mouse.up()
        seen.append(studio.evaluate(ON_PAPER))
    for each in seen:
        assert each["written"] in ("look·inside", "and·again")
        left, right = each["edges"]
        assert left - 1.5 < each["pen"] < right + 1.5
        assert each["density"].startswith(f"translate({each['slider']} ")
        assert each["ellipses"] >= 2
        assert each["letter"] == "·" or f"looks at “{each['letter']}”" in each["said"]
        assert each["said"].startswith("The network now looks at ")
    assert seen[0]["pen"] < seen[1]["pen"]
    assert seen[1]["said"] == studio.inner_text("#look-words")
    studio.locator("#pages .look .handle").focus()
    studio.keyboard.press("ArrowLeft")
    assert studio.evaluate(ON_PAPER)["now"] == seen[1]["now"] - 1
    studio.keyboard.press("Home")
    assert studio.evaluate(ON_PAPER)["now"] == 0
    # The other line is looked at where it is clicked.
    other = studio.locator("#pages .target").nth(0 if seen[0]["written"] == "and·again" else 1)
    other.click()
    assert studio.evaluate(ON_PAPER)["written"] != seen[0]["written"]
    studio.locator("#inside").uncheck()
    assert studio.locator("#pages .look").count() == 0


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
    look_inside(studio)  # what is written already is looked at
    settings = [("warmth", 1), ("warmth", 3), ("warmth", 0.3), ("warmth", 1), ("bias", 1.5), ("bias", 0)]
    usual, hot, cold, again, sure, last = studio.evaluate(EXPECTED, settings)
    assert hot > 1.3 * usual > 1.3 * 1.3 * cold > 0  # pixels that the density colours
    assert usual > 1.3 * sure > 0
    assert usual == again == last
    assert studio.inner_text('output[for="warmth"]') == "1.00"


def test_a_point_of_the_window_is_looked_at_where_one_points(studio):
    studio.open("#text=look+inside&seed=5")
    look_inside(studio)
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
    studio.locator("#tab-dream").click()
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


def test_the_text_network_tells_what_comes_next_goes_on_and_takes_it_back(studio):
    studio.open("#text=hi")
    studio.locator("#tab-dream").click()
    studio.locator("#prime").fill("The United States of Americ")
    studio.wait_for_selector("#chances li")
    studio.wait_for_selector("#chances li:first-child:has-text('a')")
    assert studio.locator("#halt").is_disabled()
    studio.locator("#go").click()
    while len(studio.input_value("#prime")) <= 60:
        studio.wait_for_timeout(50)
    studio.locator("#tab-write").click()  # nobody sees it there: it stops
    studio.wait_for_selector("#typed:empty", state="attached")
    grown = studio.input_value("#prime")
    studio.wait_for_timeout(500)
    assert studio.input_value("#prime") == grown
    studio.locator("#tab-dream").click()
    studio.locator("#take-back").click()
    assert studio.input_value("#prime") == "The United States of Americ"


def test_the_page_is_used_with_the_keyboard_alone(studio):
    studio.open("#text=hi&style=wide")
    studio.locator("#tab-write").focus()
    studio.keyboard.press("ArrowRight")
    assert studio.locator("#hand").is_visible()
    studio.keyboard.press("ArrowLeft")
    studio.locator('#styles input[value="wide"]').focus()
    studio.keyboard.press("ArrowRight")
    written(studio, "style=plain")
    studio.locator("#another").focus()
    studio.keyboard.press("r")
    written(studio, "seed=")
    studio.keyboard.press("?")
    assert studio.locator("#help-dialog").is_visible()
    studio.keyboard.press("Escape")
    unnamed = studio.evaluate(
        """[...document.querySelectorAll("button, input, select, textarea")].filter((each) =>
        !(each.labels?.length || each.textContent.trim() || each.getAttribute("aria-label"))).length"""
    )
    assert unnamed == 0


SMALL_TARGETS = """() => [...document.querySelectorAll("button, select, textarea, input")].filter((each) => {
  if (!each.checkVisibility({ visibilityProperty: true })) return false;
  const { width, height } = (each.closest("label") ?? each).getBoundingClientRect();
  return each.type !== "range" ? height < 43.5 || width < 43.5 : height < 43.5;
}).map((each) => each.outerHTML.slice(0, 90))"""


# Panels and menus of the page that hold something wider than they are.
TOO_WIDE = """() => {
  document.getElementById("download").click();
  const boxes = [...document.querySelectorAll(".panel, .menu > div")];
  const found = boxes.filter((each) => each.scrollWidth > each.clientWidth);
  document.getElementById("download").click();
  return found.map(({ id }) => id);
}"""


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (768, "light"), (1024, "dark"), (1440, "light")])
def test_it_fits_phones_and_desks(chromium, served, width, scheme):
    page = chromium.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page.goto(f"{served.address}/#text=hi")
    page.wait_for_selector("#pages[data-ready]", timeout=200_000)
    for view in ("write", "hand", "dream"):
        page.locator(f"#tab-{view}").click()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.locator("#tab-write").click()
    assert page.evaluate(TOO_WIDE) == []
    if width == 390:
        for tab in ("style", "paper", "advanced"):
            page.evaluate(f"document.getElementById('rail-{tab}').click()")
            assert page.evaluate(SMALL_TARGETS) == []
    page.close()


def test_nothing_is_shown_twice_as_fast_by_default_and_a_click_finishes(chromium, served):
    context = chromium.new_context()
    with watched(context, served) as page:
        page.open("#text=one+line+that+takes+some+time&seed=5")
        drawn = len([path for path in strokes(page) if path])
        page.keyboard.press("Escape")
        done = strokes(page)
        assert drawn < len([path for path in done if path])
        assert all(done)
