"""`nextstroke write` as its users meet it."""

import json
import os
import re
from importlib import resources
from pathlib import Path

import pytest

from nextstroke.cli.main import main
from nextstroke.runtime.model_file import find_model


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def written(capsys, *line):
    assert main(["write", *line]) == 0
    return capsys.readouterr()


def test_the_three_formats_hold_the_same_ink(capsys):
    told = [written(capsys, "Hello world", "-o", f"a.{kind}").err for kind in ("svg", "png", "json")]
    assert told == ["a.svg\n", "a.png\n", "a.json\n"]
    strokes = json.loads(Path("a.json").read_text("utf-8"))["strokes"]
    starts = re.findall(r"M([0-9.]+) ([0-9.]+)", Path("a.svg").read_text("utf-8"))
    assert [(float(x), float(y)) for x, y in starts] == [tuple(stroke[0]) for stroke in strokes]
    assert Path("a.png").read_bytes().startswith(b"\x89PNG")


def test_the_same_command_gives_the_same_bytes_and_another_seed_others(capsys):
    for name, seed in [("a.svg", "5"), ("b.svg", "5"), ("c.svg", "6")]:
        written(capsys, "Hello", "-o", name, "--seed", seed)
    first, again, other = (Path(name).read_bytes() for name in ("a.svg", "b.svg", "c.svg"))
    assert first == again != other


def test_long_texts_fill_numbered_pages(capsys):
    written(capsys, "one two three four five six seven " * 3, "-o", "a.svg", "--page", "80x60", "--margin", "8")
    pages = sorted(os.listdir())
    assert pages == [f"a-{number}.svg" for number in range(1, len(pages) + 1)]
    assert len(pages) > 1


def test_a_word_of_a_thousand_letters_is_written_in_pieces(capsys):
    written(capsys, "ab" * 500, "-o", "a.json", "--style", "none")
    assert json.loads(Path("a.json").read_text("utf-8"))["height"] > 100


def test_a_model_without_a_gallery_writes_in_a_hand_of_its_own(capsys):
    Path("mine.onnx").write_bytes(find_model("writer").read_bytes())
    written(capsys, "Hello", "-o", "a.json", "--model", "mine.onnx")
    assert json.loads(Path("a.json").read_text("utf-8"))["style"] == "none"
    assert main(["write", "Hello", "-o", "b.json", "--model", "mine.onnx", "--style", "print"]) == 2


@pytest.mark.parametrize("change", ["cut", "flip"])
def test_a_damaged_model_is_refused_in_one_line(capsys, change):
    data = bytearray(find_model("writer").read_bytes())
    if change == "cut":
        data = data[: len(data) // 2]
    else:
        data[len(data) // 2] ^= 1
    Path("bad.onnx").write_bytes(data)
    assert main(["write", "Hello", "-o", "a.svg", "--model", "bad.onnx"]) == 3
    assert re.fullmatch(r"nextstroke: bad\.onnx: .*\n", capsys.readouterr().err)
    assert os.listdir() == ["bad.onnx"]


def test_every_bundled_model_has_a_card():
    folder = Path(str(resources.files("nextstroke") / "models"))
    assert [path.stem for path in sorted(folder.glob("*.onnx"))] == [path.stem for path in sorted(folder.glob("*.md"))]


@pytest.mark.parametrize("kind", ["pdf", "gif", "apng", "inkml", "gcode", "hpgl"])
def test_other_formats_are_written_by_their_suffix(capsys, kind):
    assert written(capsys, "I", "-o", f"a.{kind}").err == f"a.{kind}\n"
    assert Path(f"a.{kind}").stat().st_size > 100


def test_strict_writes_nothing_where_a_line_may_not_be_right(capsys, monkeypatch):
    monkeypatch.setattr("nextstroke.handwriting.compose.doubtful", lambda lines: [line.text for line in lines])
    assert main(["write", "Hello", "-o", "a.svg", "--strict"]) == 5
    assert "no attempt at this line is sound" in capsys.readouterr().err
    assert os.listdir() == []
    assert written(capsys, "Hello", "-o", "a.svg").err.endswith("may not be right, try another seed: Hello\n")


@pytest.mark.parametrize(
    "wrong",
    [
        ["--bias", "0.5,"],
        ["--bias", "-1"],
        ["--speed", "0"],
        ["--drift", "9"],
        ["--nib", "--animate"],
        ["--feed", "0"],
        ["--colour", "navy,"],
    ],
)
def test_senseless_options_are_refused_in_one_line(capsys, wrong):
    assert main(["write", "Hello", "-o", "a.svg", *wrong]) == 2
    assert re.fullmatch(r"nextstroke: .*\n", capsys.readouterr().err)
    assert os.listdir() == []
