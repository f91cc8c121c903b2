from itertools import product

import numpy as np
import pytest

from nextstroke.api import write_lines
from nextstroke.errors import BadInk, UsageError
from nextstroke.handwriting.hands import gallery_hand
from nextstroke.handwriting.ink_check import OUTLINES, WRONG, CheckedLine, InkChecker, Placement
from nextstroke.handwriting.learn_hand import learn_hand
from nextstroke.ink import Ink
from nextstroke.pages.layout import Page, level
from nextstroke.runtime.model_file import load_model

TEXTS = ["the weather was fine all week", "and we went down to the sea", "before the summer came"]


@pytest.fixture(scope="module")
def writer():
    return load_model("writer", "writer")


@pytest.fixture(scope="module")
def inks(writer):
    lines = write_lines(writer, TEXTS, 1.0, 1, gallery_hand("plain", "writer"))
    return level([line.ink for line in lines], Page())


@pytest.fixture(scope="module")
def page(inks):
    return Ink.from_strokes([stroke + (3, 11 * row) for row, ink in enumerate(inks) for stroke in ink.strokes()])


@pytest.fixture(scope="module")
def checker():
    return InkChecker.bundled()


def fault(checker, ink, text):
    return next((line.fault for line in checker.lines(ink, text) if line.fault), "")


def test_ink_that_says_its_text_has_no_fault(checker, inks):
    for ink, text in zip(inks, TEXTS, strict=True):
        assert fault(checker, ink, text) == ""
        assert fault(checker, ink.scaled(0.01), text) == ""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("the weather was fine", "says more than 'the weather was fine'"),
        ("was fine all week", "says more than"),
        ("the weather was fine all week and so it went on", "says only a part of"),
        ("in the end the weather was fine all week", "says only a part of"),
        ("week all fine was weather the", "words in another order"),
        ("weather the was fine all week", "words in another order"),
        ("something else entirely, friends", "does not seem to say 'something else entirely, friends'"),
    ],
)
def test_what_a_text_lacks_is_named(checker, inks, text, words):
    assert words in fault(checker, inks[0], text)


@pytest.mark.parametrize("placement", WRONG, ids=str)
def test_turned_and_mirrored_ink_is_named_with_the_option_that_helps(checker, inks, page, placement):
    undone = next(
        back
        for back in (Placement(*each) for each in product((False, True), (False, True), (0, 90, 180, 270)))
        if np.allclose(back.apply(placement.apply(page)).points, page.points)
    )
    for ink, text in ((inks[0], TEXTS[0]), (page, "\n".join(TEXTS))):
        wrong = undone.apply(ink)
        assert f"the ink is {WRONG[placement]}; give {placement} to" in fault(checker, wrong, text)
        assert fault(checker, placement.apply(wrong), text) == ""


def test_a_turn_is_clockwise():
    ink = Ink(np.array([[0.0, 0.0], [2.0, 1.0]]), np.array([False, True]))
    assert Placement(turn=90).apply(ink).points.tolist() == [[0, 0], [-1, 2]]
    with pytest.raises(UsageError, match="give 90, 180 or 270"):
        Placement(turn=45)


@pytest.mark.parametrize("text", ["\n".join(TEXTS), " ".join(TEXTS)])
def test_a_page_is_split_and_each_line_has_its_text(checker, page, inks, text):
    lines = checker.lines(page, text)
    assert [line.text for line in lines] == TEXTS
    assert [line.fault for line in lines] == ["", "", ""]
    assert [len(line.ink) for line in lines] == [len(ink) for ink in inks]


def test_rows_that_are_not_lines_are_named(checker, page):
    assert "4 rows of text for ink on 3 lines" in fault(checker, page, "\n".join([*TEXTS, "and more"]))


def test_a_wrong_line_of_a_page_is_named_and_the_others_are_kept(checker, page):
    lines = checker.lines(page, "\n".join([TEXTS[0], "something else", TEXTS[2]]))
    assert [bool(line.fault) for line in lines] == [False, True, False]


def test_a_line_for_which_no_text_is_left_is_named(checker, inks):
    assert checker._text_fault(CheckedLine(inks[0], "")).startswith("no text is left for a line that reads 'the")


def test_drawings_and_outlines_are_named(checker):
    turn = np.linspace(0, 2 * np.pi, 40)
    rings = [np.column_stack([9 * i + 4 * np.cos(turn), 4 * np.sin(turn)]) for i in range(6)]
    assert fault(checker, Ink.from_strokes(rings), "outline") == OUTLINES
    spiral = np.column_stack([turn * np.cos(5 * turn), turn * np.sin(5 * turn)])
    assert "drawing" in fault(checker, Ink.from_strokes([spiral]), "the words of a letter")


def test_ink_without_a_text_and_with_letters_that_are_not_known_is_not_judged(checker, inks):
    assert fault(checker, inks[0], "") == ""
    assert fault(checker, inks[0], "погода была хорошая") == ""


@pytest.mark.parametrize("height", [0.0, 1e-12, 1e6])
def test_flat_and_huge_ink_takes_little_memory(checker, height):
    ink = Ink.from_strokes([np.array([[0, 0], [1e6, height]]), np.array([[5, 0], [7, 1]])])
    assert fault(checker, ink, "a text of some words")


def test_a_hand_is_learned_from_a_page_and_refused_with_the_line(writer, page, inks):
    assert learn_hand(writer, "me", [(page, "\n".join(TEXTS))]).text == " ".join(TEXTS) + " "
    with pytest.raises(BadInk, match="me: line 2: the ink says more than 'and we went down'"):
        learn_hand(writer, "me", [(page, "\n".join([TEXTS[0], "and we went down", TEXTS[2]]))])
    with pytest.raises(BadInk, match=r"^me: the ink is upside down; give --turn 180"):
        learn_hand(writer, "me", [(Placement(turn=180).apply(inks[0]), TEXTS[0])])


def test_accents_that_write_composes_are_taken(writer):
    text = "café à la crème, naïve"
    (line,) = write_lines(writer, [text], 1.0, 3, gallery_hand("plain", "writer"))
    assert learn_hand(writer, "me", [(line.ink, text)]).text == "cafe a la creme, naive "
