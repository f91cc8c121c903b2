import numpy as np
import pytest

from nextstroke.errors import EmptyText, UnknownCharacters
from nextstroke.handwriting.compose import OVERHANG, TextRequest, compose, compose_rows, compose_sheets
from nextstroke.handwriting.hands import Hand, gallery_hand
from nextstroke.pages.layout import Page
from nextstroke.runtime.model_file import load_model

TEXT = "A letter of two paragraphs, which is long enough to be wrapped on a small page.\n\nYours"


@pytest.fixture(scope="module")
def writer():
    return load_model("writer", "writer")


def test_a_text_fills_pages_and_every_word_is_written_once(writer):
    page = Page.named("a5")
    letter = compose(writer, TEXT, page, [gallery_hand("narrow", "writer")], 1.0, seed=3)
    assert " ".join(line.text for line in letter.lines).split() == TEXT.split()
    assert len(letter.lines) > 2
    for ink in letter.sheets[0].lines:
        assert ink.bounds()[2] <= page.margin + OVERHANG * page.text_width + 1e-6


def test_the_same_seed_gives_the_same_page(writer):
    first, again = (compose(writer, "Hello there", Page(), [Hand.none()], 0.5, seed=2) for _ in range(2))
    np.testing.assert_array_equal(first.sheets[0].lines[0].points, again.sheets[0].lines[0].points)


@pytest.mark.parametrize("text", ["", " \n\n "])
def test_nothing_to_write_is_refused(writer, text):
    with pytest.raises(EmptyText):
        compose(writer, text, Page(), [Hand.none()], 0.5, 1)


def test_unknown_characters_are_named_before_anything_is_written(writer):
    with pytest.raises(UnknownCharacters, match="☃"):
        compose(writer, "snow ☃", Page(), [Hand.none()], 0.5, 1)


def test_a_word_longer_than_any_line_is_cut_into_pieces(writer):
    letter = compose(writer, "a" * 120, Page.named("a5"), [Hand.none()], 1.0, 1)
    assert "".join(line.text for line in letter.lines) == "a" * 120


def test_pages_come_as_they_fill(writer):
    reports = []
    page = Page.named("100x60", margin=5)
    request = TextRequest("word " * 150, page, [Hand.none()], [1.0], 1)
    sheets = compose_sheets(writer, request, report=lambda done, total: reports.append((done, total)))
    first, lines = next(sheets)
    assert len(first.lines) == len(lines) == page.rows
    assert reports[-1][0] < 300
    rest = [line.text for _, lines in sheets for line in lines]
    assert " ".join([line.text for line in lines] + rest).split() == ["word"] * 150
    assert reports[-1] == (749, 749)


def test_paragraphs_take_hands_biases_and_colours_in_turn(writer):
    styles = [gallery_hand("wide", "writer"), gallery_hand("neat", "writer")]
    turns = compose(writer, "Hello there\nHello there\nHello there", Page(), styles, [0.5, 3.0], 1)
    assert turns.sheets[0].colours(["a", "b"]) == ["a", "b", "a"]
    alone = compose(writer, "Hello there", Page(), styles[:1], 0.5, 1)
    np.testing.assert_array_equal(turns.lines[0].ink.points, alone.lines[0].ink.points)


def test_drift_moves_lines_and_only_where_it_is_asked_for(writer):
    text = "one line\nanother line\na third"
    level, drifting = (
        compose(writer, text, Page(drift=drift), [gallery_hand("wide", "writer")], 1.0, 1).sheets[0] for drift in (0, 1)
    )
    for still, moved in zip(level.lines, drifting.lines, strict=True):
        assert 0.8 < (moved.bounds()[2] - moved.bounds()[0]) / (still.bounds()[2] - still.bounds()[0]) < 1.25
        assert abs(moved.points - still.points).max() > 0.01


def test_a_line_as_wide_as_the_page_is_written_in_one(writer):
    text = " ".join(["the harbour lay still"] * 8)
    letter = compose(writer, text, Page(width=900, height=60), [gallery_hand("wide", "writer")], 1.0, 1)
    assert [line.text for line in letter.lines] == [text]
    assert not letter.incomplete


def rows(writer, text, **page):
    request = TextRequest(text, Page(**page), [gallery_hand("wide", "writer")], [1.0], 3)
    return list(compose_rows(writer, request))


def test_a_line_inserted_changes_no_other_line(writer):
    """Neither its ink nor its drift; the scale, which all lines of a hand share, is that of the first lines."""
    before = rows(writer, "one\ntwo\none", drift=1.0)
    after = rows(writer, "one\nbetween\ntwo\none", drift=1.0)
    assert [row.line.text for row in after] == ["one", "between", "two", "one"]
    for one, two in zip(before, [after[0], *after[2:]], strict=True):
        np.testing.assert_allclose(two.line.ink.points, one.line.ink.points, atol=0.5)  # of an x-height of 200
        scale = np.ptp(two.ink.points[:, 0]) / np.ptp(one.ink.points[:, 0])
        np.testing.assert_allclose(two.ink.points[:, 0], scale * one.ink.points[:, 0], atol=0.02)
        rest = two.ink.points[:, 1] - scale * one.ink.points[:, 1]
        assert np.ptp(rest) < 0.02  # the drift has the same slope
        assert abs(rest.mean()) < 0.05  # and rises as much
    assert len(before[0].line.ink) != len(before[2].line.ink)  # equal lines differ
    drifts = [row.ink.bounds()[3] for row in before]
    assert drifts[0] != drifts[2]


def test_lines_that_are_wrapped_again_do_not_count_as_lines_above(writer):
    """A narrow page makes the first lines of a hand too wide, so that they are written again."""
    text = "the harbour the harbour the harbour the harbour"
    found = rows(writer, text, width=32.0, height=200.0, margin=1.0)
    texts = [row.line.text for row in found]
    assert [row.line.request.occurrence for row in found] == [texts[:i].count(text) for i, text in enumerate(texts)]


def test_a_line_says_what_was_given_and_what_was_drawn(writer):
    letter = compose(writer, "Stra\u00dfe \u201ce\u0301\u201d", Page(), [Hand.none()], 1.0, 1)
    (line,) = letter.lines
    assert (line.text, line.written) == ("Straße “é”", 'Straße "é"')
    assert line.phi.shape[1] == len(line.written) + 1


def test_a_character_without_ink_is_no_line(writer):
    letter = compose(writer, "one \ufe0f two", Page(), [Hand.none()], 1.0, 1)
    assert [line.text for line in letter.lines] == ["one two"]
    with pytest.raises(EmptyText):
        compose(writer, "\ufe0f", Page(), [Hand.none()], 1.0, 1)
