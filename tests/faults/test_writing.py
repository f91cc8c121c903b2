"""Group 27 of the faults: texts and settings that a writer must survive."""

import numpy as np
import pytest

from nextstroke.api import write_lines
from nextstroke.cli.main import main
from nextstroke.handwriting.hands import gallery_hand
from nextstroke.runtime.model_file import load_model


@pytest.fixture(scope="module")
def writer():
    return load_model("writer", "writer")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ([""], 2),
        (["   "], 2),
        (["\x00"], 2),
        (["a\tb\x1b[31m"], 2),
        (["snow \N{SNOWMAN}"], 2),
        (["hi", "--bias", "-1"], 2),
        (["hi", "--bias", "nan"], 2),
        (["hi", "--style", "nobody"], 2),
        (["hi", "--style", "none.json"], 3),
        (["hi", "-o", "missing/a.svg"], 2),
        (["hi", "-o", "a.exe"], 2),
        (["hi", "--bias", "1e9", "--best-of", "1", "-o", "a.svg"], 0),
        (["x", "--best-of", "1", "-o", "a.svg"], 0),
    ],
)
def test_one_line_and_the_right_code(arguments, code, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["write", *arguments]) == code
    told = capsys.readouterr().err
    assert len(told.splitlines()) == 1
    assert bool(list(tmp_path.iterdir())) == (code == 0)


def test_a_word_of_hundreds_of_letters(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments = ["write", "a" * 120 + "b" * 120, "--best-of", "1", "--page", "a4", "-o", "a.svg"]
    assert main(arguments) == 0


def test_a_text_shorter_than_its_prime_and_every_bias_stay_finite(writer):
    for bias in (0.0, 0.5, 10.0, 1e9):
        (line,) = write_lines(writer, ["I"], bias, 1, gallery_hand("wide", "writer"))
        assert np.isfinite(line.ink.points).all()
