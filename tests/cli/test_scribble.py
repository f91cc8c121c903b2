"""`nextstroke scribble`, from a training to the picture."""

import json
import sys
from pathlib import Path

import pytest

from nextstroke.cli.main import main
from nextstroke.training.export.publish import publish_model
from tests.training.conftest import corpus_of, silent, tiny


@pytest.fixture
def pen(tmp_path, monkeypatch):
    from nextstroke.training.run import train

    monkeypatch.chdir(tmp_path)
    corpus_of().save("c.packed")
    train(tiny("pen", updates=4), Path("c.packed"), Path("run"), False, silent)
    publish_model(Path("run"), Path("pen.onnx"), "none")
    return "pen.onnx"


@pytest.mark.parametrize("kind", ["svg", "png", "json"])
def test_a_trained_pen_scribbles(pen, kind, capsys):
    assert main(f"scribble -o a.{kind} --model {pen} --lines 2 --points 50".split()) == 0
    assert capsys.readouterr().err == f"a.{kind}\n"
    if kind == "json":
        assert sum(map(len, json.loads(Path("a.json").read_text())["strokes"])) == 100


def test_the_seed_decides(pen, capsys):
    for name, seed in [("a", 1), ("b", 1), ("c", 2)]:
        main(f"scribble -o {name}.svg --model {pen} --points 50 --seed {seed}".split())
    first, again, other = (Path(f"{name}.svg").read_bytes() for name in "abc")
    assert first == again != other


@pytest.mark.parametrize(
    ("more", "code", "says"),
    [
        ("--model writer", 4, "a writer model, a pen model is needed"),
        ("--model nowhere", 3, "no such model file"),
        ("--model pen.onnx --bias -1", 2, "bias -1.0: give a number"),
        ("--model pen.onnx --lines 9 --points 900000", 5, "draw fewer"),
        ("--model pen.onnx -o a.bmp", 2, "format 'bmp'"),
    ],
)
def test_invalid_options_are_refused_in_one_line(pen, more, code, says, capsys):
    assert main(f"scribble -o a.svg {more}".split()) == code
    err = capsys.readouterr().err
    assert says in err
    assert err.count("\n") == 1
    assert not Path("a.svg").exists()


def test_scribbling_loads_no_torch(pen, shell):
    start = "import sys; from nextstroke.cli.main import main; main(); print('torch' in sys.modules)"
    told = shell("scribble", "-o", "a.svg", "--model", pen, "--points", "20", start=start, cwd=Path.cwd())
    assert told.stdout == "False\n", (told.stderr, sys.path)
