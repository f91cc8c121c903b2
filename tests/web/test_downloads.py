"""The files that the studio gives: read by what reads such files, and equal to those of the command."""

import base64
import json
import xml.etree.ElementTree as ET
import zipfile
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from nextstroke.api import write_lines
from nextstroke.formats.detect import read_with_text
from nextstroke.handwriting.hands import gallery_hand
from nextstroke.ink import Ink
from nextstroke.pages.appearance import Look
from nextstroke.pages.layout import Page, Sheet, place
from nextstroke.pages.save import render
from nextstroke.runtime.model_file import load_model
from tests.web.conftest import watched
from tests.web.test_studio import saved

SVG = "{http://www.w3.org/2000/svg}"
ABOUT = {"text": 'Tom & "Anna" <straße>', "written": 'Tom & "Anna" <strasse>', "seed": 3, "bias": 1.0, "style": "wide"}
ABOUT |= {"model": "writer"}


def test_files_are_what_their_readers_want(studio, tmp_path):
    studio.open("#text=one+two+three+four+five+six+seven&format=card&paper=ruled&seed=5")
    kinds = ("svg", "moving", "png", "apng", "gif", "pdf", "gcode", "hpgl", "inkml", "json")
    files = {kind: saved(studio, kind, tmp_path) for kind in kinds}
    assert files["svg"].name == "one-two-three-four-five.svg"
    assert len({path.name for path in files.values()}) == len(files)
    root = ET.parse(files["svg"]).getroot()
    assert (root.get("width"), root.get("height")) == ("148mm", "105mm")
    strokes = len(root.findall(f".//{SVG}g/{SVG}g/{SVG}path"))
    assert strokes > 10
    assert b"@keyframes" in files["moving"].read_bytes()
    with Image.open(files["png"]) as picture:
        assert picture.size == (round(148 / 25.4 * 200), round(105 / 25.4 * 200))
        assert np.asarray(picture.convert("L")).min() < 60
        assert round(picture.info["dpi"][0]) == 200
    pdfium = pytest.importorskip("pypdfium2")
    document = pdfium.PdfDocument(files["pdf"])
    assert np.asarray(document[0].render().to_pil().convert("L")).min() < 100
    document.close()
    assert files["gcode"].read_text().count("G1 Z0") == strokes
    assert files["hpgl"].read_text().count("PD") == strokes
    ink, text = read_with_text(str(files["inkml"]))
    assert len(ink.strokes()) == strokes
    assert text == "one two three four five six seven"
    assert len(json.loads(files["json"].read_text())["strokes"]) == strokes
    with Image.open(files["gif"]) as gif, Image.open(files["apng"]) as apng:
        assert (gif.format, gif.size, gif.n_frames, gif.info["loop"]) == ("GIF", apng.size, apng.n_frames, 0)
        for frame in (0, gif.n_frames // 2, gif.n_frames - 1):
            gif.seek(frame)
            apng.seek(frame)
            near, real = (np.asarray(film.convert("RGB")).astype(int) for film in (gif, apng))
            assert np.abs(near - real).max() == 0
    assert files["apng"].stat().st_size < 80_000


def test_several_pages_are_one_file(studio, tmp_path):
    studio.open("#text=one%0Atwo%0Athree%0Afour&format=90x50&seed=5")
    archive = zipfile.ZipFile(saved(studio, "svg", tmp_path))
    assert archive.testzip() is None
    assert archive.namelist() == [
        f"one-two-three-four-{number}.svg" for number in range(1, len(archive.namelist()) + 1)
    ]
    assert len(archive.namelist()) > 1
    assert all(ET.fromstring(archive.read(name)).tag == f"{SVG}svg" for name in archive.namelist())


def test_titles_say_what_is_drawn(studio, tmp_path):
    """As in the files of the command; JSON has the text that was given, too."""
    pdfium = pytest.importorskip("pypdfium2")
    studio.open("#text=“ﬁne”…+ß&seed=5")
    drawn = '"fine"... ß'
    assert ET.parse(saved(studio, "svg", tmp_path)).findtext(f"{SVG}title") == drawn
    document = pdfium.PdfDocument(saved(studio, "pdf", tmp_path))
    assert document.get_metadata_value("Title") == drawn
    document.close()
    found = json.loads(saved(studio, "json", tmp_path).read_text())
    assert (found["text"], found["written"]) == ("“ﬁne”… ß", drawn)


def test_a_transparent_picture_in_dots_per_inch_of_choice(studio, tmp_path):
    studio.open("#text=hello&seed=5")
    studio.locator("#download").click()
    studio.locator("#transparent").check()
    studio.locator("#dpi").fill("300")
    studio.locator("#dpi").press("Tab")
    studio.keyboard.press("Escape")
    with Image.open(saved(studio, "png", tmp_path)) as picture:
        assert round(picture.info["dpi"][0]) == 300
        alpha = np.asarray(picture.convert("RGBA"))[..., 3]
    assert alpha.min() == 0
    assert alpha.max() == 255


@pytest.fixture(scope="module", params=["ruled", "grid", "dots"])
def sheet(request):
    """Two lines in two colours, whose numbers are the same in Python and in the browser."""
    lines = write_lines(
        load_model("writer", "writer"), ["Tom & Anna", "straße"], 1.0, 3, gallery_hand("wide", "writer")
    )
    inks = [type(line.ink)(line.ink.points.round(3) * 3 + (4, 9), line.ink.end_of_stroke) for line in lines]
    (made,) = place(inks, Page(100.0, 40.0, margin=5, paper=request.param), [0, 1])
    return made


@pytest.mark.parametrize(
    "format", ["svg", "svg of a nib", "moving", "pdf", "pdf of a nib", "inkml", "json", "gcode", "hpgl"]
)
def test_a_file_is_the_commands_byte_for_byte(browser_engine, sheet, format):
    background = "" if sheet.paper == "ruled" else "#fbf5e6"
    nib = format.endswith("nib")
    format = format.removesuffix(" of a nib")
    look = Look(0.4, "#1a1a2e,#aa0000", nib=nib, animate=format == "moving", background=background)
    page = {
        "width": sheet.width,
        "height": sheet.height,
        "baselines": list(sheet.baselines),
        "squares": list(sheet.squares),
        "paragraphs": list(sheet.paragraphs),
        "lines": [{"points": ink.points.tolist(), "ends": ink.end_of_stroke.tolist()} for ink in sheet.lines],
    }
    dressed = {
        "colour": look.colour,
        "pen": look.pen,
        "nib": nib,
        "paper": sheet.paper,
        "sheet": background or "#ffffff",
    }
    (made,) = browser_engine({"job": "file", "format": format, "page": page, "look": dressed, "about": ABOUT})
    assert "error" not in made, made
    found = made.encode() if isinstance(made, str) else base64.b64decode(made["base64"])
    assert found == render(sheet, "svg" if format == "moving" else format, look, ABOUT)


INK = """() => import("/app.js").then(({ app }) => app.written.pages.map((page) => ({
  ...page, lines: page.lines.map(({ points, ends }) => ({ points, ends })) })))"""
# Fields of the state, and the same as arguments of Look.
LOOKS = {
    "pen": ("&pen=0.5&colour=%231f4fa3", {"pen": 0.5, "colour": "#1f4fa3"}),
    "nib": ("&pen=0.5&nib=true&sheet=%23fbf5e6", {"pen": 0.5, "nib": True, "background": "#fbf5e6"}),
}
SAME = [(name, "pen") for name in ("svg", "pdf", "inkml", "json", "gcode", "hpgl", "moving")] + [
    ("svg", "nib"),
    ("pdf", "nib"),
]


@pytest.fixture(scope="module")
def drawn_by_the_page(chromium, served, tmp_path_factory):
    """The files of the page, and the same ink in Python: by look, a sheet and the paths of files by format."""
    context = chromium.new_context(accept_downloads=True, reduced_motion="reduce", service_workers="block")
    found = {}
    with watched(context, served) as page:
        for name, (fields, look) in LOOKS.items():
            folder = tmp_path_factory.mktemp(name)
            page.open(f"#text=Tom+and+Anna%0Aof+Kent.&format=card&paper=grid&slant=8&seed=5{fields}")
            (told,) = page.evaluate(INK)
            lines = [Ink(np.array(line["points"]), np.array(line["ends"])) for line in told["lines"]]
            printed = tuple(told["baselines"]), tuple(told["paragraphs"]), "grid", tuple(told["squares"])
            sheet = Sheet(float(told["width"]), float(told["height"]), lines, *printed)
            kinds = [kind for kind, of in SAME if of == name] + ["png"]
            found[name] = sheet, look, {kind: saved(page, kind, folder) for kind in kinds}
    return found


@pytest.mark.parametrize(("format", "name"), SAME)
def test_a_file_of_the_page_is_the_commands(drawn_by_the_page, format, name):
    sheet, look, files = drawn_by_the_page[name]
    about = {"text": "Tom and Anna\nof Kent.", "written": "Tom and Anna\nof Kent.", "seed": 5, "bias": 0.75}
    about |= {"style": "wide", "model": "writer"}
    drawn = Look(**look, animate=format == "moving")
    assert files[format].read_bytes() == render(sheet, "svg" if format == "moving" else format, drawn, about)


@pytest.mark.parametrize("name", LOOKS)
def test_a_picture_of_the_page_differs_from_the_commands_at_edges_only(drawn_by_the_page, name):
    """The browser weighs edges by the covered area, pillow by sixteen samples of whole pixels.

    Bounds: a mean of 1 of 255, and more than a quarter of 255 in one pixel of a thousand.
    """
    sheet, look, files = drawn_by_the_page[name]
    ours, theirs = (
        np.asarray(Image.open(source).convert("RGB"), int)
        for source in (BytesIO(render(sheet, "png", Look(**look), {})), files["png"])
    )
    differs = abs(ours - theirs)
    assert ours.shape == theirs.shape
    assert differs.mean() < 1
    assert (differs.max(2) > 64).mean() < 1e-3


def test_a_film_has_the_commands_moments(browser_engine, sheet):
    """The frames of a film follow from the times at which pieces of ink are complete."""
    from nextstroke.pages.animation import moments

    page = {
        "lines": [{"points": ink.points.tolist(), "ends": ink.end_of_stroke.tolist()} for ink in sheet.lines],
        "paragraphs": list(sheet.paragraphs),
    }
    (made,) = browser_engine({"job": "moments", "page": page, "look": {"colour": "#1a1a2e"}})
    expected = [(piece.time, *piece.start, *piece.end) for piece in moments(sheet, ["#1a1a2e"])]
    np.testing.assert_allclose(made, expected, atol=1e-9)


NOISE = """async ([width, height, palette, frames]) => {
  const { Gif } = await import("/gif.js"), gif = new Gif(width, height, palette);
  for (const frame of frames) gif.add(Uint8Array.from(frame), [0, 0, width, height], 70);
  return [...new Uint8Array(await (await gif.blob()).arrayBuffer())];
}"""


@pytest.mark.parametrize("colours", [1, 2, 64])
def test_a_gif_is_read_back_as_it_was(studio, colours):
    """Noise fills the table of codes again and again; a frame that is like the one before is one all the same."""
    rng = np.random.default_rng(1)
    studio.open("#text=hi")
    palette = rng.permutation(256)[:64, None] * [1, 0, 0] + [0, 90, 200]
    frames = rng.integers(0, colours, (3, 120, 160))
    frames[1, 40:] = frames[0, 40:]
    frames[2] = frames[1]
    order = [160, 120, palette.tolist(), frames.reshape(3, -1).tolist()]
    with Image.open(BytesIO(bytes(studio.evaluate(NOISE, order)))) as film:
        assert film.n_frames == 3
        for number, frame in enumerate(frames):
            film.seek(number)
            np.testing.assert_array_equal(np.asarray(film.convert("RGB")), palette[frame])
            assert film.info["duration"] == 70
