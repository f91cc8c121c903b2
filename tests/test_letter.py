import numpy as np
import pytest

from nextstroke.engine.modelfile import load_model
from nextstroke.engine.styles import Style, find_style
from nextstroke.errors import EmptyText, UnknownCharacters
from nextstroke.letter import OVERHANG, compose
from nextstroke.pages.layout import Page

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
