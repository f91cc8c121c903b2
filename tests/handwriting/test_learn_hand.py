import json
import os
import re
from pathlib import Path

import numpy as np
import pytest

from nextstroke.api import write_lines
from nextstroke.cli.main import main
from nextstroke.datasets.packed_ink import InkCorpus, Line
from nextstroke.errors import BadInk
from nextstroke.handwriting.hands import gallery_hand
from nextstroke.handwriting.learn_hand import _joined, fit_corpus, known_size, learn_hand
from nextstroke.handwriting.resample import thinned
from nextstroke.ink import Ink
from nextstroke.pages.layout import Measures
from nextstroke.runtime.model_file import load_model

TEXT = "the weather was fine all week"
RECIPES = Path(__file__).parents[2] / "recipes"


@pytest.fixture(scope="module")
def writer():
    return load_model("writer", "writer")


@pytest.fixture(scope="module")
def line(writer):
    return write_lines(writer, [TEXT], 1.0, 1, gallery_hand("plain", "writer"))[0].ink


@pytest.fixture
def own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_any_unit_place_and_slope_gives_the_same_hand(writer, line):
    turned = line.points @ np.array([[0.999, 0.04], [-0.04, 0.999]])
    strange = Ink(0.013 * turned + (5, -8), line.end_of_stroke)
    hands = [learn_hand(writer, "me", [(ink, TEXT)]) for ink in (line, strange)]
    wide = [write_lines(writer, ["and so it goes"], 3.0, 1, hand)[0].ink.bounds()[2] for hand in hands]
    assert wide[0] == pytest.approx(wide[1], rel=0.1)


def test_a_wrong_text_is_refused(writer, line):
    with pytest.raises(BadInk, match="does not seem to say"):
        learn_hand(writer, "me", [(line, "something else entirely, friends")])
    with pytest.raises(BadInk, match="not known"):
        learn_hand(writer, "me", [(line, " ")])


def test_lines_are_joined(writer, line):
    hand = learn_hand(writer, "me", [(line, TEXT), (line, TEXT)])
    assert hand.text == f"{TEXT} {TEXT} "


def test_joined_lines_stand_one_after_the_other_on_one_baseline():
    """With gaps of 1.2 heights of small letters, behind the right edge of the line before."""
    first = Ink.from_strokes([np.array([[0.0, -10], [8, 2]])])
    second = Ink.from_strokes([np.array([[1.0, -5], [30, 0]]), np.array([[2.0, 0], [3, -1]])])
    joined = _joined([first, second, first], x_height=10.0)
    assert [stroke.tolist() for stroke in joined.strokes()] == [
        [[0, -10], [8, 2]],
        [[21, -5], [50, 0]],
        [[22, 0], [23, -1]],
        [[62, -10], [70, 2]],
    ]


def test_thinned_ink_keeps_its_shape(line):
    for wanted in (len(line) / 2, 3 * len(line)):
        ink = thinned(line, wanted)
        assert len(ink) == pytest.approx(wanted, rel=0.2)
        far = np.hypot(*(ink.points[:, None] - line.points[None]).transpose(2, 0, 1)).min(1)
        assert np.quantile(far, 0.95) < 0.35 * Measures.of(line).x_height


def test_a_hand_from_a_file_and_a_stored_one_write_the_same(own_folder, capsys):
    assert main(["write", TEXT, "-o", "me.svg", "--style", "plain"]) == 0
    assert main(["style", "learn", "me.svg", "-o", "me.style"]) == 0
    for name in ("svg", "style"):
        assert main(["write", "and so it goes", "-o", f"{name}.json", "--style", f"me.{name}"]) == 0
    drawn = [json.loads(Path(f"{name}.json").read_text("utf-8"))["strokes"] for name in ("svg", "style")]
    assert drawn[0] == drawn[1]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("write a -o a.svg --style no.inkml", 3),
        ("write a -o a.svg --style bad.json", 3),
        ("write a -o a.svg --style bad.style", 3),
        ("style learn bad.json -o me.style", 3),
        ("style learn one.json -o me.txt", 2),
        ("style learn one.json one.json -o me.style --text word", 2),
        ("style learn one.json -o no/me.style", 2),
        ("style learn one.json -o me.style", 3),
        ("models styles -o a.svg --model bad.style", 3),
    ],
)
def test_what_is_no_hand_is_refused_in_one_line(own_folder, capsys, line, code):
    Path("bad.json").write_text('{"strokes": [[[0, 1e308], [1, NaN]]]}')
    Path("bad.style").write_bytes(b"not a style")
    Path("one.json").write_text('{"strokes": [[[0, 0], [1, 1], [2, 0]]]}')
    before = sorted(os.listdir())
    assert main(line.split()) == code
    assert re.fullmatch(r"nextstroke: .*\n", capsys.readouterr().err)
    assert sorted(os.listdir()) == before


def test_the_gallery_is_drawn(own_folder, capsys, monkeypatch):
    monkeypatch.setattr("nextstroke.handwriting.best_of.CANDIDATES", 1)  # which is chosen is not the point here
    assert main(["models", "styles", "-o", "a.json", "--text", "ink"]) == 0
    assert json.loads(Path("a.json").read_text("utf-8"))["text"].startswith("Print:\nwide: ink\nplain: ink\n")


def test_a_corpus_in_another_unit_is_brought_to_the_models_size(writer):
    ink = write_lines(writer, [TEXT], 1.0, 1, gallery_hand("plain", "writer"))[0].ink
    corpus = InkCorpus.of([Line("a", TEXT), Line("b", "")], [ink.scaled(0.01), ink])
    fitted = fit_corpus(writer, corpus)
    height = Measures.of(fitted.ink(0)).x_height
    assert height == pytest.approx(known_size(writer), rel=0.1)
    wanted = 3 * writer.metadata["points_per_character"] * len(TEXT.replace(" ", ""))
    assert len(fitted.ink(0)) == pytest.approx(wanted, rel=0.2)
    np.testing.assert_allclose(fitted.ink(1).points, ink.points, rtol=1e-6)  # what is without words stays


def test_the_writer_is_trained_on_in_a_hand(writer, tmp_path):
    pytest.importorskip("torch")
    from nextstroke.config import load_recipe
    from nextstroke.training.evaluation.runs import open_run
    from nextstroke.training.run import train

    texts = ["a first line", "another one", "and the third", "held out"]
    inks = [line.ink for line in write_lines(writer, texts, 1.0, 3, gallery_hand("wide", "writer"))]
    for number, (ink, text) in enumerate(zip(inks, texts, strict=True)):
        strokes = [stroke.tolist() for stroke in ink.strokes()]
        (tmp_path / f"{number}.json").write_text(json.dumps({"text": text, "strokes": strokes}))
    files = [str(tmp_path / f"{number}.json") for number in range(4)]
    packed = tmp_path / "mine.packed"
    assert main(["data", "ink", *files, "-o", str(packed), "--like", "writer", "--hold-out", "1"]) == 0
    assert [line.split for line in InkCorpus.open(packed).lines] == ["trainset"] * 3 + ["testset_v"]
    recipe = load_recipe(RECIPES / "best" / "hand.toml", ["training.updates=1", "training.warm_up=0"])
    train(recipe, packed, tmp_path / "run", False, lambda progress, remark: None)
    about = open_run(tmp_path / "run").metadata
    assert about["alphabet"] == writer.metadata["alphabet"]
    assert about["normalisation"]["std"] == pytest.approx(writer.metadata["normalisation"]["std"])
