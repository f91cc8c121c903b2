from dataclasses import replace

import numpy as np
import pytest

from nextstroke.alphabet import Alphabet
from nextstroke.api import write_lines
from nextstroke.cli.main import main
from nextstroke.handwriting.glyphs.diacritics import normal
from nextstroke.handwriting.glyphs.symbols import SIGNS, plain, replaced, with_signs
from nextstroke.handwriting.request import LineRequest, prepare
from nextstroke.handwriting.sampler import write
from nextstroke.ink import Ink
from nextstroke.runtime.model_file import load_model
from tests.handwriting.glyphs.conftest import line_of

LATIN = Alphabet(" acefnoé")


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a/c", "a c"),
        ("a #c", "a c"),
        ("a / c", "a c"),
        ("a //* c", "a c"),
        ("# a", "a"),
        ("a *", "a"),
        ("* #", "n"),
        ("ace", "ace"),
    ],
)
def test_the_model_writes_a_blank_for_signs(text, written):
    assert plain(text, LATIN) == written


@pytest.mark.parametrize("text", ["a/c", "a / c", "a /c", "a/ c"])
def test_a_sign_stands_between_its_neighbours_and_touches_neither(text):
    ink, phi = line_of("a c")
    drawn, weights = with_signs(ink, phi, text, LATIN)
    assert weights.shape == (len(drawn), len(text) + 1)
    left, sign, right = drawn.strokes()
    assert left[:, 0].max() < sign[:, 0].min()
    assert sign[:, 0].max() < right[:, 0].min()
    np.testing.assert_allclose(np.diff(right, axis=0), np.diff(ink.strokes()[1], axis=0))
    assert (weights[4 : 4 + len(sign)].argmax(1) == text.index("/")).all()


def test_a_line_that_was_broken_off_before_the_text_after_a_sign_still_gets_the_sign():
    ink, phi = line_of("a c")
    drawn, weights = with_signs(Ink(ink.points[:4], ink.end_of_stroke[:4]), phi[:4], "a/c", LATIN)
    letter, sign = drawn.strokes()
    assert letter[:, 0].max() < sign[:, 0].min()
    assert weights.shape == (len(drawn), 4)


def test_blanks_of_the_text_part_a_sign_further():
    ink, phi = line_of("a c")
    near, far = (with_signs(ink, phi, text, LATIN)[0].bounds()[2] for text in ("a/c", "a / c"))
    assert far > near + 5


def test_signs_at_the_ends_of_a_line():
    first, _ = with_signs(*line_of("ac"), "#ac", LATIN)
    last, _ = with_signs(*line_of("ac"), "ac#", LATIN)
    assert first.strokes()[-1][:, 0].min() > first.strokes()[0][:, 0].max()
    assert last.strokes()[-1][:, 0].max() > last.strokes()[1][:, 0].max()
    assert len(first.strokes()) == len(last.strokes()) == 6


def test_a_sign_is_as_large_and_as_slanted_as_the_hand():
    def slash(ink, phi):
        return np.ptp(with_signs(ink, phi, "a/c", LATIN)[0].strokes()[1], axis=0)

    ink, phi = line_of("a c")
    small, large = slash(ink, phi), slash(ink.scaled(2), phi)
    np.testing.assert_allclose(large, 2 * small, rtol=0.2)
    lean = Ink(ink.points - np.column_stack([0.5 * ink.points[:, 1], np.zeros(len(ink))]), ink.end_of_stroke)
    assert slash(lean, phi)[0] > 1.5 * small[0]


def test_ink_that_goes_on_across_a_gap_is_cut_there():
    points = np.array([[0, 0], [4, -8], [8, 0], [20, 0], [24, -8], [28, 0]], float)
    phi = np.eye(4)[[0, 0, 0, 2, 2, 2]]
    drawn, _ = with_signs(Ink.from_strokes([points]), np.roll(phi, -1, 0), "a/c", LATIN)
    assert [len(stroke) for stroke in drawn.strokes()] == [3, 3, 3]


@pytest.mark.parametrize("text", ["a^c", "{a} _ <c>", "☺★", "5 % ≥ 3²"])
def test_the_bundled_writer_writes_signs(text):
    model = load_model("writer", "writer")
    (line,) = write_lines(model, [text], 2.0)
    assert line.text == text
    assert line.phi.shape == (len(line.ink), len(text) + 1)
    assert not set(SIGNS) & {text[u] for u in line.missed}


def test_the_rest_of_a_line_is_as_without_the_sign():
    model = load_model("writer", "writer")
    texts = [prepare(text, model.alphabet) for text in ("so be", "so#be")]
    # The shown text seeds the random numbers, so both lines are given the same one.
    requests = [LineRequest(replace(text, shown="so be"), bias=1.0) for text in texts]
    bare, signed = write(model, requests, attempts=1)
    assert len(signed.ink.strokes()) == len(bare.ink.strokes()) + len(SIGNS["#"])
    np.testing.assert_allclose(signed.ink.points[:10], bare.ink.points[:10])


def test_replacing_what_cannot_be_written():
    assert replaced("a日f é/\n", LATIN, "?") == "a?f é/\n"
    assert normal("№ ❤\ufe0f") == "No ♥"


def test_replacing_on_the_command_line(tmp_path, capsys):
    output = str(tmp_path / "a.svg")
    assert main(["write", "日本 go", "-o", output, "--best-of", "1"]) == 2
    assert "日" in capsys.readouterr().err
    assert main(["write", "日本 go", "-o", output, "--best-of", "1", "--replace", "-"]) == 0
