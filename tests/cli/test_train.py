"""`nextstroke train`, `evaluate`, `export` and `write` with what comes out, on a made-up corpus."""

import json
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from nextstroke.cli.main import main
from nextstroke.cli.train import Reporter
from nextstroke.datasets.packed_ink import InkCorpus
from nextstroke.handwriting.hands import load_hands
from nextstroke.training.loop import Progress
from tests.training.conftest import corpus_of

SIZES = ["network.cells=8", "network.layers=2", "network.components=2", "network.window_components=2"]
SHORT = ["training.chunk=20", "training.batch=4", "training.evaluate_every=3", "training.evaluate_lines_every=1"]


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    corpus_of().save(tmp_path / "c.packed")
    Path("r.toml").write_text('kind = "writer"\n', "utf-8")


def train(*settings, more=()):
    sets = [part for setting in (*SIZES, *SHORT, *settings) for part in ("--set", setting)]
    return ["train", "r.toml", "--corpus", "c.packed", "--run", "run", *sets, *more]


def test_from_a_corpus_to_ink(capsys):
    assert main(train("training.updates=6")) == 0
    told = capsys.readouterr()
    assert "nextstroke export run -o run.onnx" in told.out
    assert "update 6 of 6, 0 min left" in told.err
    assert "nats a line" in told.err
    assert main(["evaluate", "run", "--corpus", "c.packed", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["lines"] == 8
    assert main(["export", "run", "-o", "m.onnx"]) == 0
    assert main(["evaluate", "m.onnx", "--corpus", "c.packed", "--json"]) == 0
    capsys.readouterr()
    assert main(["write", "abc", "-o", "a.svg", "--model", "m.onnx"]) == 0
    assert Path("a.svg").read_bytes().startswith(b"<?xml")


def test_a_bundled_model_is_evaluated_by_its_name(capsys):
    assert main(["evaluate", "reader", "--corpus", "c.packed", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["lines"] == 8
    assert main(["evaluate", "nowhere", "--corpus", "c.packed"]) == 3
    assert "nowhere: no such model file, and no bundled model of that name" in capsys.readouterr().err


def test_primes_that_cannot_be_are_refused_in_a_line(capsys):
    assert main(train("training.updates=2")) == 0
    export = ["export", "run", "-o", "m.onnx", "--corpus", "c.packed", "--styles"]
    (line, *_) = corpus_of().lines
    bad = {
        "nobody": 'a = "nobody"',
        "['b']": 'a = ["b"]',
        "not TOML": "=",
        "cannot be read": None,
        "two styles are called 'a'": f'[print]\na = "{line.name}"\n[joined]\na = "{line.name}"',
        "names line {'b': 'c'}": '[print.a]\nb = "c"',
    }
    for told, text in bad.items():
        name = "bad.toml" if text else "nowhere.toml"
        Path("bad.toml").write_text(text or "", "utf-8")
        capsys.readouterr()
        assert main([*export, name]) == 2
        assert told in capsys.readouterr().err


def test_primes_at_the_top_and_in_groups_make_a_gallery():
    made = corpus_of()
    # A prime is followed by a blank, which a writer must therefore know.
    lines = [replace(line, text=" ".join(line.text)) for line in made.lines]
    corpus = InkCorpus(lines, made.points, made.end_of_stroke, made.starts)
    corpus.save("c.packed")
    assert main(train("training.updates=2")) == 0
    first, second, third, *_ = (line.name for line in corpus.lines)
    primes = f'plain = "{first}"\n[joined]\nlong = "{second}"\n["in capitals"]\nhigh = "{third}"\n'
    Path("primes.toml").write_text(primes, "utf-8")
    assert main(["export", "run", "-o", "m.onnx", "--corpus", "c.packed", "--styles", "primes.toml"]) == 0
    hands = load_hands(Path("m.styles"))
    assert {name: hand.group for name, hand in hands.items()} == {"plain": "", "long": "joined", "high": "in capitals"}
    assert [hand.text for hand in hands.values()] == ["a b c ", "c a b ", "b c a "]


def test_the_last_batch_may_go_beyond_the_last_update(capsys):
    Reporter(50)(Progress(update=52, points=1000, seconds=100.0), "evaluated")
    assert capsys.readouterr().err.startswith("update 52 of 50, 0 min left, ")


def test_a_folder_with_a_training_wants_resume(capsys):
    assert main(train("training.updates=2")) == 0
    assert main(train("training.updates=4")) == 2
    assert "add --resume" in capsys.readouterr().err
    assert main(train("training.updates=4", more=["--resume"])) == 0
    assert "update 4 of 4" in capsys.readouterr().err


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_saves_and_tells_how_to_go_on(number, code):
    line = [sys.executable, "-c", "import sys; from nextstroke.cli.main import main; sys.exit(main(sys.argv[1:]))"]
    process = subprocess.Popen([*line, *train("training.updates=100000")], stderr=subprocess.PIPE, text=True)
    limit = time.monotonic() + 120
    while not Path("run/curve.jsonl").exists() and time.monotonic() < limit:
        time.sleep(0.1)
    process.send_signal(number)
    _, told = process.communicate(timeout=240)
    assert process.returncode == code
    assert "go on with --resume" in told.splitlines()[-1]
    assert Path("run/checkpoint.safetensors").exists()
