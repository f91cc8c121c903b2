import numpy as np
import pytest

from nextstroke.alphabet import Alphabet
from nextstroke.api import write_lines
from nextstroke.errors import CorruptFile, EmptyText, UnknownCharacters, UsageError, WrongModel
from nextstroke.handwriting import sampler
from nextstroke.handwriting.hands import Hand, hands_by_group, load_hands, prime_hand, save_hands
from nextstroke.handwriting.request import LineRequest, line_requests, prepare
from nextstroke.handwriting.sampler import Line, LineSampler, write
from nextstroke.ink import Ink
from nextstroke.runtime.predictor import WriterPredictor


def test_the_same_seed_gives_the_same_ink_and_another_seed_another(model):
    first, again = (write_lines(model, ["abc", "bad"], 0.5, seed=4) for _ in range(2))
    other = write_lines(model, ["abc", "bad"], 0.5, seed=5)
    for one, two in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.ink.points, two.ink.points)
    assert len(other[0].ink) != len(first[0].ink) or (other[0].ink.points != first[0].ink.points).any()


def test_a_line_is_the_same_whatever_else_is_written(model):
    alone = write_lines(model, ["cab"], 0.5, seed=4)[0]
    together = write_lines(model, ["abcdefgh abc", "cab"], 0.5, seed=4)[1]
    np.testing.assert_allclose(alone.ink.points, together.ink.points, atol=1e-3)


def test_equal_lines_differ_and_one_inserted_above_changes_only_its_equals(model):
    lines = write_lines(model, ["cab", "bad", "cab"], 0.5, seed=4)
    more = write_lines(model, ["dab", "cab", "bad", "cab"], 0.5, seed=4)
    assert len(lines[0].ink) != len(lines[2].ink) or (lines[0].ink.points != lines[2].ink.points).any()
    for before, after in zip(lines, more[1:], strict=True):
        np.testing.assert_allclose(before.ink.points, after.ink.points, atol=1e-3)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        # The entropy is [seed, CRC-32 of the text as shown, occurrence, attempt] = [3, …, 2, 1].
        ("Straße — 12", [3, 0x962A1434, 2, 1]),
        (" two  words ", [3, 0x20DECE55, 2, 1]),
    ],
)
def test_a_lines_random_numbers_are_those_of_seed_text_occurrence_and_attempt(text, numbers):
    alphabet = Alphabet(" -12Swadeorst")
    request = LineRequest(prepare(text, alphabet), seed=3, occurrence=2, attempt=1)
    np.testing.assert_array_equal(request.uniforms(5), np.random.default_rng(numbers).random((5, 4)))


def test_what_a_text_becomes_is_said():
    prepared = prepare("  Stra\u00dfe \u2026  a/e\u0301\ufe0f ", Alphabet(" .Sadeorst"))
    assert prepared.shown == "Straße … a/é"
    assert prepared.written == "Straße ... a/é"
    assert prepared.plain == "Stra e ... a e"
    assert len(prepared.ids) == len(prepared.plain)


def test_phi_has_a_column_for_each_character_and_one_after_the_text(model):
    written = write_lines(model, ["abc ab"], 0.5)[0]
    assert written.phi.shape == (len(written.ink), len("abc ab") + 1)


def test_the_papers_rule_stops_as_soon_as_the_window_is_after_the_text(model):
    for seed in range(6):
        paper = write_lines(model, ["abcd"], 0.0, seed, paper_stop=True)[0]
        assert paper.stopped
        assert (paper.phi[:-1].argmax(1) < 4).all()
        assert paper.phi[-1].argmax() == 4


def drawn(strokes, after_text):
    """A line of two characters given its strokes (x positions) and whether the window is after the text in each."""
    line, before = sampler._Trace(2, 0), 0.0
    for xs, late in zip(strokes, after_text, strict=True):
        for i, x in enumerate(xs):
            assert not line.ended
            phi = np.array([0.1, 0.2, 0.9 if late else 0.0])
            line.add(np.array([x - before, 0, i == len(xs) - 1]), phi, False)
            before = x
            if line.ended:
                return line
    return line


@pytest.mark.parametrize(
    ("strokes", "after_text", "ended", "cut"),
    [
        ([[0, 1, 2], [3, 4]], [False, False], False, None),
        ([[0, 1, 2], [3, 4]], [False, True], True, 3),  # right of the ink: an afterthought
        ([[0, 1, 2], [1, 3]], [False, True], False, None),  # the bar of a t: kept, another may come
        ([[0, 1, 2], [1, 3], [4, 5]], [False, True, True], True, 5),
        ([[0, 1, 2], [1, 3], [0, 1]], [False, True, True], True, None),  # two late strokes are enough
        ([[0, 1, 2], [1.5] * 20], [False, True], True, 3),  # a late stroke that does not end
    ],
)
def test_ours_finishes_the_last_letter_and_nothing_more(strokes, after_text, ended, cut):
    line = drawn(strokes, after_text)
    assert (line.ended, line.cut) == (ended, cut)


def test_a_stroke_that_ends_on_the_prime_is_left_out():
    line = sampler._Trace(2, 2)
    for position, lift in [(0, 1), (1, 0), (2, 1), (3, 1)]:
        line.add(np.array([1, 0, lift]), np.eye(5)[position], False)
    assert line.own_points(paper_stop=False) == slice(1, 4)
    assert line.own_points(paper_stop=True) == slice(0, 4)


def test_a_line_that_never_ends_is_cut_and_says_so(model, monkeypatch):
    """The window never leaves the first character: the line takes all points that its text is allowed."""
    taken = WriterPredictor.observe

    def observe(self, points):
        taken(self, points)
        self.phi = np.zeros_like(self.phi)
        self.phi[:, 0] = 1

    monkeypatch.setattr(WriterPredictor, "observe", observe)
    (stuck,) = write_lines(model, ["ab" * 5], 0.0)
    assert not stuck.stopped
    assert not stuck.complete
    assert len(stuck.ink) == 160  # 2.5 times the 4 points of each of 10 characters, and 60


def test_lines_that_failed_are_tried_again_with_other_numbers(model, monkeypatch):
    monkeypatch.setattr(sampler, "SPARE_POINTS", 0)
    monkeypatch.setattr(sampler, "PATIENCE", 1.3)
    texts = ["abc abc abc abc", "cab", "abcdefgh ab"]
    first = write_lines(model, texts, 0.0, seed=3)
    again = write_lines(model, texts, 0.0, seed=3, attempts=5)
    assert [line.complete for line in first] == [True, False, False]
    assert [line.request.attempt for line in again] == [0, 4, 1]
    for one, two in zip(first, again, strict=True):
        assert two.complete >= one.complete
        assert one.complete == (two.request.attempt == 0)
        assert one.complete == (len(one.ink) == len(two.ink) and bool((one.ink.points == two.ink.points).all()))


@pytest.mark.parametrize(
    ("peaks", "missed"),
    [
        ([0, 1, 1, 3, 4, 5], []),  # a blank need not be reached
        ([0, 1, 3, 5], [4]),
        ([1, 2, 4, 5], [0, 3]),
        ([0, 0, 0], [1, 3, 4]),
    ],
)
def test_missed_names_characters_that_never_held_the_peak(peaks, missed):
    ink = Ink.from_strokes([np.zeros((len(peaks), 2))])
    phi = np.eye(6, dtype=np.float32)[peaks] + 0.2
    request = LineRequest(prepare("ab cd", Alphabet(" abcd")))
    line = Line(request, ink, ink, phi, stopped=True)
    assert line.missed == missed
    assert line.complete == (not missed)
    assert not Line(request, ink, ink, phi, stopped=False).complete


def test_a_style_is_the_state_before_the_last_point_of_its_line(model, line):
    ink = Ink.from_offsets(np.concatenate([np.zeros((1, 3)), line]))
    style = prime_hand(model, "mine", ink, "abc")
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
    style = prime_hand(model, "mine", Ink.from_offsets(line), "abc")
    both = LineSampler(model, line_requests(model, ["bad", "dab"], style, 0.0))
    for row, text in enumerate(("bad", "dab")):
        predictor = WriterPredictor(model, [model.alphabet.encode(f"abc {text} ")], style.start(model))
        predictor.observe(style.last)
        np.testing.assert_allclose(both.predictor.y[row : row + 1], predictor.y, atol=1e-5)


def test_lines_of_several_hands_and_seeds_are_written_side_by_side_as_each_alone(model, line):
    hands = [prime_hand(model, "mine", Ink.from_offsets(line), "abc"), Hand.none()]
    bad, dab = (prepare(text, model.alphabet) for text in ("bad", "dab"))
    requests = [LineRequest(bad, hands[0], 0.5, 3), LineRequest(dab, hands[1], 1.0, 4, 7, 1)]
    together = write(model, requests, attempts=1)
    alone = [write(model, [request], attempts=1)[0] for request in requests]
    for both, one in zip(together, alone, strict=True):
        np.testing.assert_allclose(both.ink.points, one.ink.points, atol=1e-3)


def test_styles_survive_being_stored(model, line, tmp_path):
    style = prime_hand(model, "mine", Ink.from_offsets(line), "abc")
    save_hands(tmp_path / "s.styles", [style])
    read = load_hands(tmp_path / "s.styles")["mine"]
    first, second = (write_lines(model, ["bad"], 0.5, style=s)[0] for s in (style, read))
    np.testing.assert_array_equal(first.ink.points, second.ink.points)
    (tmp_path / "s.styles").write_bytes((tmp_path / "s.styles").read_bytes()[:100])
    with pytest.raises(CorruptFile):
        load_hands(tmp_path / "s.styles")


def test_styles_stored_in_half_the_bytes_keep_their_groups_and_places(model, line, tmp_path):
    hands = [Hand(name, "abc ", group=group) for name, group in (("a", "print"), ("b", "joined"), ("c", "print"))]
    learned = prime_hand(model, "mine", Ink.from_offsets(line), "abc")
    far = learned.state | {"kappa": learned.state["kappa"] + np.float32(60.01)}
    hands.append(Hand("mine", "abc ", far, learned.last, "joined"))
    save_hands(tmp_path / "whole.styles", hands)
    save_hands(tmp_path / "half.styles", hands, half=True)
    read = load_hands(tmp_path / "half.styles")
    assert {group: [hand.name for hand in some] for group, some in hands_by_group(read.values()).items()} == {
        "print": ["a", "c"],
        "joined": ["b", "mine"],
    }
    mine = read["mine"]
    assert {rows.dtype for rows in mine.state.values()} == {np.dtype(np.float32)}
    np.testing.assert_array_equal(mine.state["kappa"], far["kappa"])
    np.testing.assert_array_equal(mine.last, learned.last)
    for name, rows in far.items():
        np.testing.assert_allclose(mine.state[name], rows, rtol=2**-10, atol=2**-9)
    whole, half = ((tmp_path / f"{name}.styles").stat().st_size for name in ("whole", "half"))
    numbers = sum(rows.size for name, rows in far.items() if name != "kappa")
    assert whole - half == 2 * numbers
    (written,) = write_lines(model, ["bad"], style=mine)
    assert np.isfinite(written.ink.points).all()


def test_a_style_of_another_model_is_refused(model, line):
    style = Hand("x", "abc ", {"h1": np.zeros((1, 3), np.float32)})
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
        ("a", 10**400, UsageError, "too many digits"),
        ("a", True, UsageError, "bias True"),
        ("a", "0.5", UsageError, "bias '0.5'"),
    ],
)
def test_what_cannot_be_written_is_refused(model, text, bias, error, says):
    with pytest.raises(error, match=says):
        write_lines(model, [text], bias)


def test_a_huge_bias_still_writes_finite_ink(model):
    assert np.isfinite(write_lines(model, ["abc"], 1e9)[0].ink.points).all()
