import pytest

from nextstroke.alphabet import Alphabet
from nextstroke.api import write_lines
from nextstroke.handwriting.glyphs.diacritics import bases, normal, with_marks
from nextstroke.runtime.model_file import load_model
from tests.handwriting.glyphs.conftest import line_of

LATIN = Alphabet(" CI'-+.\"/SLabceos")


def test_what_a_pen_makes_alike_is_alike():
    assert normal("“so”…  e\u0301") == '"so"...  é'


def test_letters_with_accents_are_built_on_their_letters():
    assert bases("café – $þ", LATIN) == "cafe – Sþ"
    assert bases("é", Alphabet("é")) == "é", "known as it is"


def test_a_mark_stands_above_its_letter_and_comes_after_it():
    ink, phi = line_of("ace")
    marked, weights = with_marks(ink, phi, "acé", LATIN)
    assert len(marked.strokes()) == 4
    mark = marked.strokes()[3]
    assert 24 < mark[:, 0].mean() < 32
    assert mark[:, 1].max() < -10
    assert len(weights) == len(marked)
    middle, _ = with_marks(ink, phi, "ące", LATIN)
    assert middle.strokes()[1][:, 1].max() > 0, "below, and behind the first letter"


def test_a_line_without_marks_stays():
    ink, phi = line_of("ace")
    assert with_marks(ink, phi, "ace", LATIN)[0] is ink


@pytest.mark.parametrize("sign", "$€£øŁ")
def test_signs_add_strokes_to_what_they_are_built_on(sign):
    ink, phi = line_of("a")
    assert len(with_marks(ink, phi, sign, LATIN)[0].strokes()) > 1


def test_the_bundled_writer_writes_other_languages():
    model = load_model("writer", "writer")
    (plain,) = write_lines(model, ["uber"], 2.0)
    (marked,) = write_lines(model, ["über"], 2.0)
    assert marked.text == "über"
    assert len(marked.ink.strokes()) == len(plain.ink.strokes()) + 2
    assert marked.missed == plain.missed
