"""Whatever bytes a reader is given, it reads them or refuses them with an error of ours; it never breaks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nextstroke.bulk import read_orders
from nextstroke.codec.compress import compress, decompress
from nextstroke.config import load_recipe
from nextstroke.corpora.inkfile import read_with_text
from nextstroke.corpora.packed import InkCorpus, Line
from nextstroke.corpora.symbols import TextCorpus
from nextstroke.engine.styles import Style, pack_styles, unpack_styles
from nextstroke.engine.weights import read_weights
from nextstroke.errors import NextstrokeError
from nextstroke.ink import Ink
from nextstroke.letter import compose
from nextstroke.pages.layout import Page, level, place
from nextstroke.pages.look import LOOK
from nextstroke.pages.save import render

from .conftest import EXAMPLES

INK = Ink.from_strokes([np.array([[0.0, 0], [10, 5], [12, 9]]), np.array([[20.0, 3], [25, 8]])])
XML = b"""<?xml version="1.0"?><WhiteboardCaptureSession><StrokeSet><Stroke colour="black"><Point x="1" y="2" time="3"/>
<Point x="4" y="6" time="3.5"/></Stroke></StrokeSet></WhiteboardCaptureSession>"""
RECIPE = b"""kind = "writer"\nnote = "a note"\n[data]\nclip = 1000.0\n[training]\nbatch = 16\nupdates = 5\n"""
ORDERS = b'"a text"\n{"text": "another", "style": "neat", "bias": 0.5}\n'
STYLE = Style("mine", "abc ", {"h1": np.ones((1, 4), np.float32)}, np.zeros((1, 3), np.float32))


def page(format):
    return render(place(level([INK], Page()), Page())[0], format, LOOK, {"text": "a text", "seed": 1})


SAMPLES = {"official.xml": XML, "ink.inkml": page("inkml"), "ink.json": page("json"), "ink.svg": page("svg")}
BYTES = st.binary(max_size=12)


@st.composite
def altered(draw, whole):
    """A sound file with up to four pieces cut out, doubled or replaced; now and then cut short."""
    data = whole
    for _ in range(draw(st.integers(1, 4))):
        place, length = draw(st.integers(0, len(data))), draw(st.integers(0, 40))
        piece = data[place : place + length]
        data = data[:place] + draw(st.one_of(BYTES, st.just(piece * 3))) + data[place + length :]
    return data[: draw(st.integers(0, len(data)))] if draw(st.integers(0, 9)) == 0 else data


def read_or_refused(read, *arguments):
    try:
        return read(*arguments)
    except NextstrokeError as refusal:
        error = refusal
    assert str(error)
    assert error.exit_code in (2, 3, 4, 5)
    return None


@pytest.mark.parametrize("name", SAMPLES)
@settings(settings.get_profile("fuzz"))
@given(st.data())
def test_ink(tmp_path_factory, name, data):
    path = tmp_path_factory.getbasetemp() / name
    path.write_bytes(data.draw(st.one_of(altered(SAMPLES[name]), st.binary(max_size=300))))
    read = read_or_refused(read_with_text, str(path))
    if read:
        assert np.isfinite(read[0].points).all()


@settings(settings.get_profile("fuzz"))
@given(altered(RECIPE))
def test_recipes(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "recipe.toml"
    path.write_bytes(data)
    read_or_refused(load_recipe, path)


@settings(settings.get_profile("fuzz"))
@given(altered(ORDERS))
def test_orders_of_bulk_writing(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "orders.jsonl"
    path.write_bytes(data)
    read_or_refused(lambda: list(read_orders(path, ["none"], [0.5])))


@settings(settings.get_profile("fuzz"))
@given(altered(pack_styles([STYLE])))
def test_styles(data):
    read = read_or_refused(unpack_styles, data, "a.style")
    for style in (read or {}).values():
        assert all(np.isfinite(rows).all() for rows in style.state.values())


TEXT = b"some text that is compressed, some text that is compressed " * 8


@pytest.fixture(scope="module")
def archive():
    return compress(TEXT, "none")


@settings(settings.get_profile("fuzz"), max_examples=max(1, EXAMPLES // 6))  # decoding takes a third of a second
@given(st.data())
def test_archives(archive, data):
    read = read_or_refused(decompress, data.draw(altered(archive)), "none", 1 << 20)
    assert read is None or read == TEXT * (len(read) // len(TEXT))  # members may stand there twice


@pytest.fixture(scope="module")
def corpora(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpora")
    InkCorpus.of([Line("a", "text", "trainset")], [INK]).save(folder / "ink.packed")
    return (folder / "ink.packed").read_bytes()


@settings(settings.get_profile("fuzz"))
@given(st.data())
def test_packed_corpora(corpora, tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "changed.packed"
    path.write_bytes(data.draw(altered(corpora)))
    for kind in (InkCorpus, TextCorpus):
        read_or_refused(kind.open, path)


def test_checkpoints(tmp_path_factory):
    pytest.importorskip("torch")
    from nextstroke.training.checkpoint import load_checkpoint, write_checkpoint

    path = tmp_path_factory.mktemp("checkpoint") / "a.safetensors"
    import torch

    write_checkpoint(path, {"a": torch.ones(3)}, {"progress": {}, "alphabet": "ab"})
    whole = path.read_bytes()

    @settings(settings.get_profile("fuzz"))
    @given(altered(whole))
    def check(data):
        path.write_bytes(data)
        read_or_refused(load_checkpoint, path)

    check()


def test_model_files(tmp_path_factory):
    """Altered and sealed anew, so that more than the seal is tried; read as the compressor does."""
    onnx = pytest.importorskip("onnx")
    from nextstroke.engine.modelfile import sealed

    weight = onnx.numpy_helper.from_array(np.ones((4, 4), np.float16), "layers.0.hidden.half")
    graph = onnx.helper.make_graph([], "step", [], [], [weight])
    body = onnx.helper.make_model(graph).SerializeToString()
    path = tmp_path_factory.mktemp("model") / "a.onnx"

    @settings(settings.get_profile("fuzz"))
    @given(altered(body))
    def check(data):
        path.write_bytes(sealed(data))
        read_or_refused(read_weights, path)

    check()


@settings(settings.get_profile("fuzz"), max_examples=20)
@given(st.text(max_size=40))
def test_texts_to_be_written(writer, text):
    letter = read_or_refused(compose, writer, text, Page(), [Style.none()], 1.0, 1)
    if letter:
        assert all(np.isfinite(line.ink.points).all() for line in letter.lines)


@pytest.fixture(scope="module")
def writer():
    from nextstroke.engine.modelfile import load_model

    return load_model("writer", "writer")
