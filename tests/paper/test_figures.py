import json

import numpy as np
import pytest
from PIL import Image, ImageSequence

from nextstroke.cli.main import main
from nextstroke.errors import BadInput
from nextstroke.paper.real_lines import find_line, find_word

pytest.importorskip("matplotlib", reason="figures need the extra `figures`")


def draw(line, tmp_path, corpus_path, name="f.png"):
    """Run a figure's command; the frames of its picture."""
    words = [str(corpus_path) if word == "CORPUS" else word for word in line]
    assert main(["figure", *words, "-o", str(tmp_path / name)]) == 0
    with Image.open(tmp_path / name) as image:
        return [frame.convert("RGB") for frame in ImageSequence.Iterator(image)]


@pytest.mark.parametrize(
    "line",
    [
        ["training", "--corpus", "CORPUS", "--lines", "3"],
        ["density", "--corpus", "CORPUS"],
        ["samples", "--corpus", "CORPUS", "--bias", "0.15"],
        ["bias"],
        ["primed", "--corpus", "CORPUS", "--bias", "1", "--prime", "he dismissed the IDEA"],
        ["architecture", "recipes/paper/synthesis.toml"],
    ],
    ids=lambda line: line[0],
)
def test_each_figure_is_a_picture_with_ink_on_it(line, tmp_path, corpus_path, monkeypatch, request):
    monkeypatch.chdir(request.config.rootpath)
    (picture,) = draw(line, tmp_path, corpus_path)
    grey = np.asarray(picture.convert("L"))
    assert 0.002 < (grey < 128).mean() < 0.9


def test_real_lines_are_red_and_written_ones_are_not(tmp_path, corpus_path):
    (real,) = draw(["training", "--corpus", "CORPUS", "--lines", "2"], tmp_path, corpus_path)
    (both,) = draw(["samples", "--corpus", "CORPUS"], tmp_path, corpus_path)
    (drawn,) = draw(["bias"], tmp_path, corpus_path)
    red = [(np.asarray(image, int) @ [1, -1, 0] > 60).mean() for image in (real, both, drawn)]
    assert red[0] > red[1] > red[2] == 0


def test_a_film_shows_the_bias_grow(tmp_path, corpus_path):
    frames = [np.asarray(frame) for frame in draw(["film", "to be"], tmp_path, corpus_path, "f.gif")]
    assert len(frames) == 31
    assert (frames[0] != frames[15]).any()
    assert (frames[15] != frames[30]).any()


def test_curves_of_runs(tmp_path, corpus_path):
    rows = [{"points": n * 1e6, "validation": -100.0 * n} for n in range(1, 5)]
    (tmp_path / "curve.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert draw(["curve", str(tmp_path)], tmp_path, corpus_path, "c.png")[0].width > 500


@pytest.mark.parametrize(
    ("line", "code", "says"),
    [
        ("training -o f.txt", 2, "give a figure one of the suffixes"),
        ("training -o f.png --corpus nowhere", 3, "nextstroke data"),
        ("samples -o no/f.png", 2, "cannot be written"),
        ("scribbles -o f.png --model writer", 4, "a writer model, a pen model is needed"),
        ("density -o f.png --corpus CORPUS --word xyzzy", 3, "has the word 'xyzzy'"),
        ("primed -o f.png --corpus CORPUS --prime nobody", 3, "no line of the corpus says 'nobody'"),
        ("curve nowhere -o f.png", 3, "not a learning curve"),
        ("film hi -o f.png", 2, "an animation is a gif"),
        ("architecture recipes/best/none.toml -o f.png", 2, "cannot be read"),
    ],
)
def test_what_cannot_be_drawn_is_reported_in_one_line(line, code, says, capsys, tmp_path, monkeypatch, corpus_path):
    monkeypatch.chdir(tmp_path)
    assert main(["figure", *line.replace("CORPUS", str(corpus_path)).split()]) == code
    err = capsys.readouterr().err
    assert says in err
    assert err.count("\n") == 1
    assert not list(tmp_path.glob("f.*"))


def test_lines_and_words_are_found_in_the_model_s_ink(written_corpus, writer):
    line = find_line(written_corpus, writer, "he DISMISSED the idea")
    assert (line.name, line.text) == ("l2", "He dismissed the idea")
    assert len(line.ink) == len(writer.represented(written_corpus.ink(2)))
    found, place = find_word(written_corpus, writer, "under", ["testset_v"])
    assert (found.text, place) == ("from under the", 5)
    with pytest.raises(BadInput):
        find_word(written_corpus, writer, "und", ["testset_v"])
