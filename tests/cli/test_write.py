"""`nextstroke write` as its users meet it."""

import json
import os
import re
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from nextstroke.cli.main import main
from nextstroke.cli.verbs import make_command
from nextstroke.formats.detect import read_with_text
from nextstroke.handwriting import sampler
from nextstroke.handwriting.hands import gallery_hand
from nextstroke.pages.layout import LONGEST
from nextstroke.runtime.model_file import find_model
from nextstroke.runtime.predictor import WriterPredictor


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


def test_a_word_longer_than_a_line_is_written_in_pieces(capsys):
    for name, letters in [("whole", LONGEST), ("broken", 3 * LONGEST)]:
        written(capsys, "a" * letters, "-o", f"{name}.json", "--style", "none", "--best-of", "1")
    whole, broken = (json.loads(Path(f"{name}.json").read_text("utf-8")) for name in ("whole", "broken"))
    assert broken["height"] > 2 * whole["height"]
    assert broken["width"] < 1.5 * whole["width"]


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
    assert written(capsys, "It", "-o", f"a.{kind}").err == f"a.{kind}\n"
    assert Path(f"a.{kind}").stat().st_size > 100


def test_strict_writes_nothing_where_a_line_breaks_off(capsys, monkeypatch):
    """The lines have too few points for their texts: every attempt is cut at the limit."""
    monkeypatch.setattr(sampler, "PATIENCE", 0.0)
    monkeypatch.setattr(sampler, "SPARE_POINTS", 20)
    assert main(["write", "Hello", "-o", "a.svg", "--strict", "--best-of", "1"]) == 5
    assert "no attempt at this line is complete" in capsys.readouterr().err
    assert os.listdir() == []
    told = written(capsys, "Hello", "-o", "a.svg", "--best-of", "1").err
    assert told.endswith("may not be right, try another --seed: Hello\n")
    assert os.listdir() == ["a.svg"]


@pytest.mark.parametrize("candidates", ["1", "2"])
def test_strict_writes_nothing_where_a_character_is_not_reached(capsys, monkeypatch, candidates):
    """The line ends by itself, but the window's weights say that it went past the last letter but one."""

    class Skips(WriterPredictor):
        def observe(self, points):
            super().observe(points)
            self.phi = self.phi.copy()
            self.phi[:, len(self.prime) + 3] = 0

    prime = gallery_hand("wide", "writer").text
    monkeypatch.setattr(Skips, "prime", prime, raising=False)
    monkeypatch.setattr(sampler, "WriterPredictor", Skips)
    assert main(["write", "Hello", "-o", "a.svg", "--strict", "--best-of", candidates, "--style", "wide"]) == 5
    assert os.listdir() == []


def test_strict_writes_no_page_where_a_later_one_breaks_off(capsys, monkeypatch):
    monkeypatch.setattr(sampler, "max_points", lambda model, characters: 20 if characters == 5 else 1000)
    line = ["write", "I am\nI am\nHello", "-o", "a.svg", "--best-of", "1", "--page", "80x32", "--margin", "8"]
    assert main([*line, "--strict"]) == 5
    assert os.listdir() == []
    assert main(line) == 0
    assert sorted(os.listdir()) == ["a-1.svg", "a-2.svg", "a-3.svg"]


def test_strict_writes_what_is_complete(capsys):
    assert written(capsys, "Hello", "-o", "a.svg", "--strict", "--best-of", "1").err == "a.svg\n"


def test_a_line_inserted_changes_no_other_line(capsys):
    """In the file too, up to the scale, which all lines of a hand share."""
    strokes = {}
    for name, text in [("a", "one\ntwo words\none"), ("b", "one\nbetween\ntwo words\none")]:
        written(capsys, text, "-o", f"{name}.inkml", "--best-of", "2")
        strokes[name], _ = read_with_text(f"{name}.inkml")
    before, after = (np.split(ink.points, _rows(ink, rows)) for ink, rows in zip(strokes.values(), (3, 4), strict=True))
    del after[1]
    for one, two in zip(before, after, strict=True):
        one, two = one - one[0], two - two[0]
        scale = np.ptp(two[:, 0]) / np.ptp(one[:, 0])
        np.testing.assert_allclose(two, scale * one, atol=0.02)


def _rows(ink, rows):
    """Where the rows of ink begin, by the pen's ways back to the left."""
    starts = np.flatnonzero(ink.end_of_stroke)[:-1] + 1
    back = ink.points[starts - 1, 0] - ink.points[starts, 0]
    return sorted(starts[np.argsort(-back)[: rows - 1]])


def test_files_say_what_was_given_and_what_was_drawn(capsys):
    written(capsys, "Stra\u00dfe \u2026", "-o", "a.json", "--best-of", "1")
    found = json.loads(Path("a.json").read_text("utf-8"))
    assert (found["text"], found["written"]) == ("Straße …", "Straße ...")
    written(capsys, "Stra\u00dfe \u2026", "-o", "a.inkml", "--best-of", "1")
    assert read_with_text("a.inkml")[1] == "Straße ..."


def test_help_has_panels_and_every_option_is_a_phrase_with_its_default(capsys):
    assert main(["write", "--help"]) == 0
    told = capsys.readouterr().out
    panels = ["Output:", "Handwriting:", "Page:", "Pen and colour:", "Animations:", "Plotters:"]
    assert [line for line in told.splitlines() if line in panels] == panels
    for param in make_command().get_command(None, "write").params:
        assert re.match(r"[A-Z].*\.$", param.help), param.name
        shown = param.default is not None and not isinstance(param.default, bool) and param.default != ""
        needs_none = param.name in ("text", "batch", "out")
        assert shown or needs_none or "by default" in param.help, param.name


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
def test_invalid_options_are_refused_in_one_line(capsys, wrong):
    assert main(["write", "Hello", "-o", "a.svg", *wrong]) == 2
    assert re.fullmatch(r"nextstroke: .*\n", capsys.readouterr().err)
    assert os.listdir() == []
