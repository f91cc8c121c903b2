import numpy as np
import pytest

from nextstroke.errors import EmptyText, UnknownCharacters
from nextstroke.handwriting.compose import OVERHANG, compose, compose_sheets
from nextstroke.handwriting.hands import Style, find_style
from nextstroke.pages.layout import Page
from nextstroke.runtime.model_file import load_model

TEXT = "A letter of two paragraphs, which is long enough to be wrapped on a small page.\n\nYours"


@pytest.fixture(scope="module")
def writer():
    return load_model("writer", "writer")


def test_a_text_fills_pages_and_every_word_is_written_once(writer):
    page = Page.named("a5")
    letter = compose(writer, TEXT, page, [find_style("narrow", "writer")], 1.0, seed=3)
    assert " ".join(line.text for line in letter.lines).split() == TEXT.split()
    assert len(letter.lines) > 2
    for ink in letter.sheets[0].lines:
        assert ink.bounds()[2] <= page.margin + OVERHANG * page.text_width + 1e-6


def test_the_same_seed_gives_the_same_page(writer):
    first, again = (compose(writer, "Hello there", Page(), [Style.none()], 0.5, seed=2) for _ in range(2))
    np.testing.assert_array_equal(first.sheets[0].lines[0].points, again.sheets[0].lines[0].points)


@pytest.mark.parametrize("text", ["", " \n\n "])
def test_nothing_to_write_is_refused(writer, text):
    with pytest.raises(EmptyText):
        compose(writer, text, Page(), [Style.none()], 0.5, 1)


def test_unknown_characters_are_named_before_anything_is_written(writer):
    with pytest.raises(UnknownCharacters, match="☃"):
        compose(writer, "snow ☃", Page(), [Style.none()], 0.5, 1)


def test_a_word_longer_than_any_line_is_cut_into_pieces(writer):
    letter = compose(writer, "a" * 120, Page.named("a5"), [Style.none()], 1.0, 1)
    assert "".join(line.text for line in letter.lines) == "a" * 120


def test_pages_come_as_they_fill(writer):
    told = []
    page = Page.named("100x60", margin=5)
    sheets = compose_sheets(
        writer, "word " * 150, page, [Style.none()], 1.0, 1, lambda done, total: told.append((done, total))
    )
    first, lines = next(sheets)
    assert len(first.lines) == len(lines) == page.rows
    assert len(told) < 2
    rest = [line.text for _, lines in sheets for line in lines]
    assert " ".join([line.text for line in lines] + rest).split() == ["word"] * 150
    assert told[-1] == (749, 749)


def test_paragraphs_take_hands_biases_and_colours_in_turn(writer):
    styles = [find_style("wide", "writer"), find_style("neat", "writer")]
    turns = compose(writer, "Hello there\nHello there\nHello there", Page(), styles, [0.5, 3.0], 1)
    assert turns.sheets[0].colours(["a", "b"]) == ["a", "b", "a"]
    alone = compose(writer, "Hello there", Page(), styles[:1], 0.5, 1)
    np.testing.assert_array_equal(turns.lines[0].ink.points, alone.lines[0].ink.points)


def test_drift_moves_lines_and_only_where_it_is_asked_for(writer):
    text = "one line\nanother line\na third"
    level, drifting = (
        compose(writer, text, Page(drift=drift), [find_style("wide", "writer")], 1.0, 1).sheets[0] for drift in (0, 1)
    )
    for still, moved in zip(level.lines, drifting.lines, strict=True):
        assert 0.8 < (moved.bounds()[2] - moved.bounds()[0]) / (still.bounds()[2] - still.bounds()[0]) < 1.25
        assert abs(moved.points - still.points).max() > 0.01


def test_a_line_as_wide_as_the_page_is_written_in_one(writer):
    text = " ".join(["the harbour lay still"] * 8)
    letter = compose(writer, text, Page(width=900, height=60), [find_style("wide", "writer")], 1.0, 1)
    assert [line.text for line in letter.lines] == [text]
    assert not letter.doubtful
