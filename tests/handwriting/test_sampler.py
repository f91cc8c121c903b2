import numpy as np
import pytest

from nextstroke.errors import CorruptFile, EmptyText, UnknownCharacters, UsageError, WrongModel
from nextstroke.handwriting import sampler
from nextstroke.handwriting.hands import Style, learn_style, load_styles, save_styles
from nextstroke.handwriting.sampler import Pen, write_lines, write_soundly
from nextstroke.ink import Ink
from nextstroke.runtime.predictor import WriterPredictor


def test_the_same_seed_gives_the_same_ink_and_another_seed_another(model):
    first, again = (write_lines(model, ["abc", "bad"], 0.5, seed=4) for _ in range(2))
    other = write_lines(model, ["abc", "bad"], 0.5, seed=5)
    for one, two in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.ink.points, two.ink.points)
    assert len(other[0].ink) != len(first[0].ink) or (other[0].ink.points != first[0].ink.points).any()


def test_a_line_is_the_same_whatever_is_written_beside_it(model):
    alone = write_lines(model, ["cab"], 0.5, seed=4, places=[(1, 0)])[0]
    beside = write_lines(model, ["abcdefgh abc", "cab"], 0.5, seed=4)[1]
    np.testing.assert_allclose(alone.ink.points, beside.ink.points, atol=1e-3)


def test_phi_has_a_column_for_each_character_and_one_behind(model):
    written = write_lines(model, ["abc ab"], 0.5)[0]
    assert written.phi.shape == (len(written.ink), len("abc ab") + 1)


def test_the_papers_rule_stops_as_soon_as_the_window_is_behind_the_text(model):
    for seed in range(6):
        paper = write_lines(model, ["abcd"], 0.0, seed, paper_stop=True)[0]
        assert paper.stopped
        assert (paper.phi[:-1].argmax(1) < 4).all()
        assert paper.phi[-1].argmax() == 4


def drawn(strokes, behind):
    """A line of two characters given its strokes (x positions) and whether the window is behind the text in each."""
    line, before = sampler._Line(2), 0.0
    for xs, late in zip(strokes, behind, strict=True):
        for place, x in enumerate(xs):
            assert not line.ended
            phi = np.array([0.1, 0.2, 0.9 if late else 0.0])
            line.add(np.array([x - before, 0, place == len(xs) - 1]), phi, 0, False)
            before = x
            if line.ended:
                return line
    return line


@pytest.mark.parametrize(
    ("strokes", "behind", "ended", "cut"),
    [
        ([[0, 1, 2], [3, 4]], [False, False], False, None),
        ([[0, 1, 2], [3, 4]], [False, True], True, 3),  # right of the ink: an afterthought
        ([[0, 1, 2], [1, 3]], [False, True], False, None),  # the bar of a t: kept, another may come
        ([[0, 1, 2], [1, 3], [4, 5]], [False, True, True], True, 5),
        ([[0, 1, 2], [1, 3], [0, 1]], [False, True, True], True, None),  # two late strokes are enough
        ([[0, 1, 2], [1.5] * 20], [False, True], True, 3),  # a late stroke that does not end
    ],
)
def test_ours_finishes_the_last_letter_and_nothing_more(strokes, behind, ended, cut):
    line = drawn(strokes, behind)
    assert (line.ended, line.cut) == (ended, cut)


def test_a_stroke_that_ends_on_the_prime_is_left_out():
    line = sampler._Line(2)
    for place, lift in [(0, 1), (1, 0), (2, 1), (3, 1)]:
        line.add(np.array([1, 0, lift]), np.eye(5)[place], 2, False)
    assert line.begins() == 1


def test_a_line_that_never_ends_is_cut_and_says_so(model):
    stuck = write_lines(model, ["a" * 40], 0.0, seed=1)[0]
    slow = 2.5 * 4 * 40 + 60
    assert stuck.stopped or len(stuck.ink) == slow


def test_lines_that_failed_are_tried_again_with_other_numbers(model, monkeypatch):
    monkeypatch.setattr(sampler, "SPARE_POINTS", 0)
    monkeypatch.setattr(sampler, "PATIENCE", 1.3)
    texts = ["abc abc abc abc", "cab", "abcdefgh ab"]
    first = write_lines(model, texts, 0.0, seed=2)
    again = write_soundly(model, texts, 0.0, seed=2, attempts=5)
    assert not all(line.sound for line in first)
    for one, two in zip(first, again, strict=True):
        assert two.sound >= one.sound
        assert one.sound == (len(one.ink) == len(two.ink) and bool((one.ink.points == two.ink.points).all()))


def test_missed_names_characters_that_never_held_the_peak(model):
    written = write_lines(model, ["abcdefgh"], 0.5)[0]
    peaks = set(written.phi.argmax(1))
    assert written.missed == [u for u in range(8) if u not in peaks]


def test_a_style_is_the_state_before_the_last_point_of_its_line(model, line):
    ink = Ink.from_offsets(np.concatenate([np.zeros((1, 3)), line]))
    style = learn_style(model, "mine", ink, "abc")
    predictor = WriterPredictor(model, [model.alphabet.encode("abc ")])
    normal = line.copy()
    normal[:, :2] = (line[:, :2] - [8.0, 0.5]) / [40.0, 30.0]
    normal[-1, 2] = 1
    for point in [np.zeros(3), *normal[:-1]]:
        predictor.observe(point[None])
    np.testing.assert_allclose(style.last, normal[-1:], atol=1e-6)
    np.testing.assert_allclose(style.state["kappa"], predictor.kappa, atol=1e-6)
    assert style.state["h1"].any()


def test_the_first_point_after_a_prime_is_drawn_with_the_whole_text_in_view(model, line):
    style = learn_style(model, "mine", Ink.from_offsets(line), "abc")
    pen = Pen(model, [style] * 2, [model.alphabet.encode(text) for text in ("bad", "dab")], np.zeros(2), False)
    for row, text in enumerate(("bad", "dab")):
        predictor = WriterPredictor(model, [model.alphabet.encode(f"abc {text} ")], style.start(model))
        predictor.observe(style.last)
        np.testing.assert_allclose(pen.predictor.y[row : row + 1], predictor.y, atol=1e-5)


def test_lines_of_several_hands_and_seeds_are_written_side_by_side_as_each_alone(model, line):
    hands = [learn_style(model, "mine", Ink.from_offsets(line), "abc"), Style.none()]
    together = write_lines(model, ["bad", "dab"], [0.5, 1.0], [3, 4], hands, places=[(0, 0), (7, 1)])
    alone = [
        write_lines(model, ["bad"], 0.5, 3, hands[0], places=[(0, 0)])[0],
        write_lines(model, ["dab"], 1.0, 4, hands[1], places=[(7, 1)])[0],
    ]
    for both, one in zip(together, alone, strict=True):
        np.testing.assert_allclose(both.ink.points, one.ink.points, atol=1e-3)


def test_styles_survive_being_stored(model, line, tmp_path):
    style = learn_style(model, "mine", Ink.from_offsets(line), "abc")
    save_styles(tmp_path / "s.styles", [style])
    read = load_styles(tmp_path / "s.styles")["mine"]
    first, second = (write_lines(model, ["bad"], 0.5, style=s)[0] for s in (style, read))
    np.testing.assert_array_equal(first.ink.points, second.ink.points)
    (tmp_path / "s.styles").write_bytes((tmp_path / "s.styles").read_bytes()[:100])
    with pytest.raises(CorruptFile):
        load_styles(tmp_path / "s.styles")


def test_a_style_of_another_model_is_refused(model, line):
    style = Style("x", "abc ", {"h1": np.zeros((1, 3), np.float32)})
    with pytest.raises(WrongModel, match="'x'"):
        write_lines(model, ["a"], style=style)


@pytest.mark.parametrize(
    ("text", "bias", "error", "says"),
    [
        ("", 0.5, EmptyText, "empty"),
        ("   ", 0.5, EmptyText, "empty"),
        ("a€b☃", 0.5, UnknownCharacters, "'€' .U.20AC., '☃'"),
        ("a", -1, UsageError, "bias -1"),
        ("a", float("nan"), UsageError, "bias nan"),
    ],
)
def test_what_cannot_be_written_is_refused(model, text, bias, error, says):
    with pytest.raises(error, match=says):
        write_lines(model, [text], bias)


def test_a_huge_bias_still_writes_finite_ink(model):
    assert np.isfinite(write_lines(model, ["abc"], 1e9)[0].ink.points).all()
