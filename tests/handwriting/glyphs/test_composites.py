import numpy as np
import pytest

from nextstroke.alphabet import Alphabet
from nextstroke.handwriting.best_of import line_writer
from nextstroke.handwriting.glyphs.composites import letters_of, with_composites
from nextstroke.handwriting.glyphs.symbols import is_drawn, plain
from nextstroke.handwriting.hands import gallery_hand
from nextstroke.handwriting.request import line_requests
from nextstroke.ink import Ink
from nextstroke.runtime.model_file import load_model
from tests.handwriting.glyphs.conftest import line_of

LATIN = Alphabet(" -acehinoux0123TM")


@pytest.mark.parametrize(
    ("text", "letters"),
    [
        ("ace", "ace"),
        ("æon", "aeon"),
        ("x²", "x 2"),
        ("x²a", "x 2 a"),
        ("x² a", "x 2 a"),
        ("10⁻³", "10 -3"),
        ("x₁²", "x 1  2"),
        ("ı", "i"),
        ("ac™", "ac TM"),
        ("x⁹", "x⁹"),
    ],
)
def test_the_model_writes_the_letters_of_composed_characters(text, letters):
    assert letters_of(text, LATIN) == letters


def test_a_raised_digit_is_small_and_above_the_line_and_what_follows_is_near():
    ink, phi = line_of("x 2 a")
    made, weights = with_composites(ink, phi, "x²a", LATIN)
    assert weights.shape == (12, 4)
    before, digit, after = made.strokes()
    np.testing.assert_array_equal(before, ink.strokes()[0])
    np.testing.assert_allclose(np.ptp(digit, axis=0), (0.6 * 8, 0.6 * 10))
    assert digit[:, 1].max() < -0.8 * 10
    assert before[:, 0].max() < digit[:, 0].min() < before[:, 0].max() + 4
    assert digit[:, 0].max() < after[:, 0].min() < digit[:, 0].max() + 4
    np.testing.assert_allclose(np.ptp(after, axis=0), (8, 10))
    assert (weights[4:7].argmax(1) == 1).all()


def test_a_lowered_digit_reaches_below_the_line():
    made, _ = with_composites(*line_of("x 2"), "x₂", LATIN)
    assert made.strokes()[1][:, 1].max() > 2


def test_the_letters_of_one_character_touch():
    ink, phi = line_of("aec")
    made, weights = with_composites(ink, phi, "æc", LATIN)
    first, second, third = made.strokes()
    assert second[:, 0].min() < first[:, 0].max()
    np.testing.assert_allclose(third[:, 0].min() - second[:, 0].max(), 4)
    assert weights.shape == (12, 3)


def test_a_dotless_i_has_no_dot_and_its_neighbour_keeps_its_own():
    strokes = []
    rows = []
    for u in range(2):
        strokes += [np.array([[0, -10], [0, 0]]) + (20 * u, 0), np.array([[0, -16], [1, -15]]) + (20 * u, 0)]
        rows += [u] * 4
    phi = np.roll(np.eye(3)[rows], -1, 0)
    made, _ = with_composites(Ink.from_strokes(strokes), phi, "ıi", LATIN)
    assert [stroke.tolist() for stroke in made.strokes()] == [strokes[i].tolist() for i in (0, 2, 3)]


def test_the_bundled_writer_writes_what_is_said():
    model = load_model("writer", "writer")
    texts = ["Straße, æon, cœur", "H₂O, 10⁻³ m²", "Łódź, ışık, đ, þ, ø", "5 µm, π, √2, ∞, Acme™", "a — b"]
    requests = line_requests(model, texts, gallery_hand("neat", "writer"), 1.0, 3)
    for line, text in zip(line_writer(1, model).write(model, requests), texts, strict=True):
        assert line.written == text
        assert line.complete
        assert line.phi.shape == (len(line.ink), len(text) + 1)


def test_signs_are_written_where_the_model_knows_them_and_else_drawn():
    model = load_model("writer", "writer")
    assert plain("a/b = c + d", model.alphabet) == "a/b = c + d"
    assert plain("50 % #3", model.alphabet) == "50 3"
    assert is_drawn("/", LATIN)
    assert plain("a/c", LATIN) == "a c"
    assert not is_drawn("²", LATIN)
    assert is_drawn("²", Alphabet("abc"))
