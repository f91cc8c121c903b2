"""The files that the studio gives, read by what reads such files."""

import json
import xml.etree.ElementTree as ET
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from nextstroke.formats.detect import read_with_text

SVG = "{http://www.w3.org/2000/svg}"


def test_files_are_what_their_readers_want(studio, tmp_path):
    studio.open("#text=one+two+three+four+five+six+seven&format=148x105&ruled=true&seed=5")
    files = {}
    for kind in ("svg", "moving", "png", "apng", "pdf", "gcode", "inkml", "json"):
        with studio.expect_download() as got:
            studio.locator("#download").select_option(kind)
        suffix = got.value.suggested_filename.rpartition(".")[2]
        files[kind] = tmp_path / f"{kind}.{suffix}"
        got.value.save_as(files[kind])
    root = ET.parse(files["svg"]).getroot()
    assert (root.get("width"), root.get("height")) == ("148mm", "105mm")
    strokes = len(root.findall(f".//{SVG}g/{SVG}g/{SVG}path"))
    assert strokes > 10
    assert b"@keyframes" in files["moving"].read_bytes()
    with Image.open(files["png"]) as picture:
        assert picture.size == (round(148 / 25.4 * 200), round(105 / 25.4 * 200))
        assert np.asarray(picture.convert("L")).min() < 60
    with Image.open(files["apng"]) as film:
        assert film.n_frames > 10
    pdfium = pytest.importorskip("pypdfium2")
    document = pdfium.PdfDocument(files["pdf"])
    assert np.asarray(document[0].render().to_pil().convert("L")).min() < 100
    document.close()
    assert files["gcode"].read_text().count("G1 Z0") == strokes
    ink, text = read_with_text(str(files["inkml"]))
    assert len(ink.strokes()) == strokes
    assert text == "one two three four five six seven"
    assert len(json.loads(files["json"].read_text())["strokes"]) == strokes


def test_the_gif_is_the_same_film_as_the_apng(studio, tmp_path):
    studio.open("#text=one+two&format=105x74&ruled=true&seed=5&colour=%23b02010")
    studio.locator("#speed").fill("2")
    films = {}
    for kind in ("apng", "gif"):
        with studio.expect_download() as got:
            studio.locator("#download").select_option(kind)
        films[kind] = tmp_path / got.value.suggested_filename
        got.value.save_as(films[kind])
    with Image.open(films["gif"]) as gif, Image.open(films["apng"]) as apng:
        assert (gif.format, gif.size, gif.n_frames, gif.info["loop"]) == ("GIF", apng.size, apng.n_frames, 0)
        assert gif.n_frames > 5
        for frame in range(gif.n_frames):
            gif.seek(frame)
            apng.seek(frame)
            near, real = (np.asarray(film.convert("RGB")).astype(int) for film in (gif, apng))
            assert np.abs(near - real).max() <= 24  # 64 colours, of which none is far
            assert gif.info["duration"] == (2000 if frame == gif.n_frames - 1 else 80)
    assert films["gif"].stat().st_size < films["apng"].stat().st_size


NOISE = """async ([width, height, palette, frames]) => {
  const { Gif } = await import("/gif.js"), gif = new Gif(width, height, palette);
  const pixel = (id) => (palette[id][0] | (palette[id][1] << 8) | (palette[id][2] << 16) | 0xff000000) >>> 0;
  for (const frame of frames) gif.add(Uint32Array.from(frame, pixel), 7);
  return [...new Uint8Array(await gif.blob().arrayBuffer())];
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
