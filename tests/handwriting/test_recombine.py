import numpy as np
import pytest

from nextstroke.api import write_lines
from nextstroke.cli.main import main
from nextstroke.datasets.augment.compose_lines import Composer, PageSegments, collect_pages
from nextstroke.datasets.augment.segments import LineGeometry, Segment, cut_line, measure_line, without_outliers
from nextstroke.datasets.augment.vocabulary import RARE, WordSampler
from nextstroke.datasets.packed_ink import InkCorpus, Line
from nextstroke.errors import BadInput
from nextstroke.handwriting.align import align_lines, owners
from nextstroke.handwriting.hands import gallery_hand
from nextstroke.ink import Ink
from nextstroke.runtime.model_file import load_model

LEVEL = LineGeometry((0.0, 0.0), 1.0, 0.0, 0.2)


def box(left, top=-1.0, bottom=0.0, width=1.0):
    return np.array([[left, top], [left + width, top], [left + width, bottom], [left, bottom]])


def cut_boxes(strokes, owned, text):
    ink = Ink.from_strokes(strokes)
    return cut_line(ink, [np.full(4, u) for u in owned], text, LEVEL, "form")


def test_points_go_to_the_character_the_window_is_on():
    phi = np.array([[0.9, 0, 0], [0.8, 0.1, 0], [0.1, 0.9, 0], [0, 0.8, 0.2], [0, 0, 0.9]])
    lifted = np.array([False, True, False, True, True])
    assert owners(phi, "abc", lifted).tolist() == [0, 0, 1, 1, 2]


def test_as_many_points_as_letters_are_one_for_each():
    phi = np.full((3, 3), 0.3)
    phi[:, 2] = 0.9
    assert owners(phi, "abc", np.zeros(3, bool)).tolist() == [0, 1, 2]


def test_a_blank_owns_no_point_and_every_letter_owns_one():
    phi = np.full((6, 4), 0.01)
    phi[:, 1] = 0.9
    assert set(owners(phi, "a bc", np.ones(6, bool)).tolist()) == {0, 2, 3}


def test_words_and_characters_are_cut_where_the_pen_was_lifted():
    words, glyphs, gap = cut_boxes([box(0), box(1.2), box(4), box(5.1)], [0, 1, 3, 4], "ab cd")
    assert [word.text for word in words] == ["ab", "cd"]
    assert [glyph.text for glyph in glyphs] == ["a", "b", "c", "d"]
    assert gap == pytest.approx(1.8)
    assert glyphs[1].gap == pytest.approx(0.2)
    assert np.isnan(glyphs[2].gap)
    assert glyphs[3].strokes[0].min(0).tolist() == [0, -1]


def test_a_late_dot_joins_what_it_stands_above():
    late_dot = box(0.2, -2, -1.8, 0.1)
    _, glyphs, _ = cut_boxes([box(0), box(1.2), late_dot, box(2.4)], [0, 1, 1, 2], "ini")
    assert [glyph.text for glyph in glyphs] == ["i"], "the first i and the n could not be parted any more"
    assert glyphs[0].strokes[0].shape == (4, 2)


def test_a_stroke_over_two_characters_is_no_character():
    ink = Ink.from_strokes([box(0), box(2)])
    _, glyphs, _ = cut_line(ink, [np.array([0, 0, 1, 1]), np.array([2, 2, 2, 2])], "abc", LEVEL, "form")
    assert [glyph.text for glyph in glyphs] == ["c"]


def test_measures_of_a_sloping_line_of_small_letters():
    text = "onceonceonce"
    strokes = [box(2 * k) * (10, 30) + (0, 2 * k * 0.5) for k in range(len(text))]
    ink = Ink.from_strokes(strokes)
    found = measure_line(ink, np.repeat(np.arange(len(text)), 4), text)
    assert found.baseline[0] == pytest.approx(0.05, abs=0.005)
    assert found.x_height == pytest.approx(30, abs=1)
    assert found.slant == 0
    assert measure_line(ink, np.repeat(np.arange(12), 4), "o" + " " * 11) is None


def segment(text, strokes):
    return Segment(text, strokes, np.nan, "form", 0.0, 0.2)


def test_misfits_are_found_by_their_size_and_by_their_looks():
    random = np.random.default_rng(1)
    bar = np.column_stack([np.zeros(20), np.linspace(-2, 0, 20)])
    flat = np.column_stack([np.linspace(0, 1.5, 20), np.full(20, -0.5)])
    bars = [segment("7", [bar + random.normal(0, 0.02, 2)]) for _ in range(30)]
    flats = [segment("4", [flat + random.normal(0, 0.02, 2)]) for _ in range(30)]
    wrong = [segment("7", [flat]), segment("7", [bar * 3])]
    kept = without_outliers(bars + flats + wrong)
    assert not any(one is other for one in kept for other in wrong)
    assert len(kept) > 55


def test_a_piece_that_is_only_the_beginning_of_its_character_is_a_misfit():
    random = np.random.default_rng(2)
    angle = np.array([[0, -1.5], [0, -0.5], [0.6, -0.5], [1, -0.5]])
    bar = np.array([[0.7, -1.5], [0.7, -0.7], [0.7, 0]])

    def four(*strokes):
        return segment("4", [stroke + random.normal(0, 0.02, 2) for stroke in strokes])

    whole = [four(angle, bar) for _ in range(20)]
    at_once = [four(np.concatenate([bar[::-1], angle])) for _ in range(5)]
    partial = [four(angle) for _ in range(4)]
    kept = without_outliers(whole + partial + at_once)
    assert not any(one is other for one in kept for other in partial)
    assert len(kept) >= 23


def as_recorded(ink):
    """With the points in between, which the model's own ink has not."""
    places = [np.linspace(0, len(stroke) - 1, 3 * len(stroke) - 2) for stroke in ink.strokes()]
    return Ink.from_strokes(
        np.column_stack([np.interp(place, range(len(stroke)), stroke[:, k]) for k in (0, 1)])
        for place, stroke in zip(places, ink.strokes(), strict=True)
    )


@pytest.fixture(scope="module")
def written():
    """A corpus that the model wrote itself, so that every label is right."""
    model = load_model("writer", "writer")
    texts = ["the year 1984 was no common one", "Some letters are written alone", "and a number: 25, or so"]
    style = gallery_hand("round", "writer")
    inks = [as_recorded(line.ink) for seed in (1, 2) for line in write_lines(model, texts, 2.0, seed, style)]
    lines = [Line(f"f{i // 3}-{i}", text, "trainset") for i, text in enumerate(texts * 2)]
    return InkCorpus.of(lines, inks)


def test_alignment_of_ink_that_the_model_wrote(written):
    model = load_model("writer", "writer")
    text = written.lines[1].text
    (aligned,) = align_lines(model, [written.ink(1)], [text])
    middles = [aligned.ink.points[aligned.owner == u, 0].mean() for u, letter in enumerate(text) if letter != " "]
    assert np.mean(np.diff(middles) > 0) > 0.95
    assert np.isfinite(aligned.nats)


def test_recombined_lines_are_added_and_depend_on_the_seed(written, tmp_path, capsys):
    written.save(tmp_path / "a.packed")
    command = ["data", "recombine", str(tmp_path / "a.packed"), "--splits", "trainset", "--lines", "5", "-o"]
    for name, seed in (("b", "1"), ("c", "1"), ("d", "2")):
        assert main([*command, str(tmp_path / name), "--seed", seed]) == 0
    assert (tmp_path / "b").read_bytes() == (tmp_path / "c").read_bytes() != (tmp_path / "d").read_bytes()
    more = InkCorpus.open(tmp_path / "b")
    new = more.select("recombined")
    assert len(more) == len(written) + 5
    assert len(new) == 5
    np.testing.assert_array_equal(more.points[: len(written.points)], written.points)
    for i in new:
        assert 20 < len(more.lines[i].text) < 80
        assert len(more.ink(i)) > 5 * len(more.lines[i].text.replace(" ", ""))


def test_nothing_to_cut_is_said(written, tmp_path, capsys):
    written.save(tmp_path / "a.packed")
    assert main(["data", "recombine", str(tmp_path / "a.packed"), "--splits", "none", "-o", str(tmp_path / "b")]) == 3
    assert "no line of none could be cut" in capsys.readouterr().err


def test_a_page_lends_and_borrows_characters():
    one = PageSegments(LEVEL, [segment("word", [box(0)])], {"a": [segment("a", [box(0)])]}, 0.2, 1.0)
    other = PageSegments(LEVEL, [segment("else", [box(0)])], {"7": [segment("7", [box(0)])]}, 0.2, 1.0)
    composer = Composer([one, other], WordSampler(["some words of ours", "quiz"]))
    texts = " ".join(composer.compose(np.random.default_rng(k))[0] for k in range(20))
    assert "7" in texts
    assert not set("0123456") & set(texts), "no ink for these"
    assert collect_pages([]) == []


def test_texts_without_rare_letters_or_words():
    sampler = WordSampler(["some of the words"])
    words = {sampler.word(np.random.default_rng(seed), small=True) for seed in range(200)}
    assert any(set(word) & set(RARE) for word in words)
    with pytest.raises(BadInput, match="no word"):
        WordSampler(["1 2 3", "a"])
