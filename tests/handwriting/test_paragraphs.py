from types import SimpleNamespace

import numpy as np
import pytest

from nextstroke.handwriting.paragraphs import STRUCK, UNDERLINED, Mark, gap_after, indent_of, paragraphs_of
from nextstroke.handwriting.spacing import BLANK_SHRINK, LineSpacing, fitted, marked
from nextstroke.ink import Ink
from nextstroke.pages.layout import Page

PAGE = Page(tab=10.0)


def test_indents_tabs_and_runs_of_blanks_are_kept():
    first, empty, last = paragraphs_of("\n  two\u00a0eggs\t 200 g  \r\n\n\tmilk\n")
    assert (first.indent, first.text, first.gaps()) == ("  ", "two eggs\t 200 g", [" ", "\t ", " "])
    assert first.shown == "two eggs 200 g"
    assert (empty.text, last.indent, last.text) == ("", "\t", "milk")


def test_an_indent_goes_to_the_tab_stop():
    assert indent_of("  ", PAGE) == pytest.approx(2 * PAGE.column)
    assert indent_of("\t", PAGE) == indent_of(" \t", PAGE) == 10
    assert indent_of("\t\t ", PAGE) == pytest.approx(20 + PAGE.column)


def test_what_follows_a_tab_begins_at_the_stop():
    for x in (3.0, 8.0, 11.0):
        assert x + 2.5 + gap_after(x, 2.5, "\t", PAGE) == pytest.approx(10.0 if x < 9 else 20.0)
    assert gap_after(9.5, 2.5, "\t", PAGE) == pytest.approx(20 - 9.5 - 2.5)  # a stop that is too near is left out
    assert gap_after(3.0, 2.5, "   ", PAGE) == pytest.approx(2 * PAGE.column)
    assert gap_after(3.0, 2.5, " ", PAGE) == 0


@pytest.mark.parametrize(
    ("line", "text", "marks"),
    [
        ("a ~~b c~~ d", "a b c d", [(STRUCK, 2, 5)]),
        ("__a__ ~~b~~", "a b", [(UNDERLINED, 0, 1), (STRUCK, 2, 3)]),
        ("__a ~~b~~__", "a b", [(UNDERLINED, 0, 3), (STRUCK, 2, 3)]),
        ("a ~~b", "a ~~b", []),
        (r"\~~a~~ b\\c", r"~~a~~ b\c", []),
        ("a~~~~b", "ab", []),
        ("C:\\dir", "C:\\dir", []),
    ],
)
def test_marks_are_read(line, text, marks):
    (paragraph,) = paragraphs_of(line, markup=True)
    assert paragraph.text == text
    assert [(mark.kind, mark.first, mark.last) for mark in paragraph.marks] == marks
    assert paragraphs_of(line)[0].text == line


def test_arrows_align_a_paragraph():
    paragraphs = paragraphs_of("->14 March->\n-> A title <-\nx -> y", markup=True)
    assert [(each.align, each.text) for each in paragraphs] == [
        ("right", "14 March"),
        ("center", "A title"),
        ("", "x -> y"),
    ]


def test_a_part_keeps_its_share_of_a_mark():
    (paragraph,) = paragraphs_of("one ~~two three~~ four", markup=True)
    assert paragraph.part(0, 7).marks == (Mark(STRUCK, 4, 7),)
    assert paragraph.part(8, 18).marks == (Mark(STRUCK, 0, 5),)
    assert paragraph.part(14, 18).marks == ()


def test_marks_are_on_what_is_drawn():
    (paragraph,) = paragraphs_of("so…  ~~and~~", markup=True)
    assert [(mark.first, mark.last) for mark in paragraph.marked_characters()] == [(6, 9)]  # of "so... and"


def line_of(text, width=4.0, step=6.0):
    """A line with a box for each letter, `step` apart."""
    letters = [(u, c) for u, c in enumerate(text) if c != " "]
    boxes = [np.array([[0, 0], [width, 0], [width, -5], [0, -5]]) + (step * u, 0) for u, _ in letters]
    phi = np.roll(np.eye(len(text) + 1)[np.repeat([u for u, _ in letters], 4)], -1, 0)
    return SimpleNamespace(written=text, phi=phi), Ink.from_strokes(boxes)


def lefts(ink):
    return [stroke[:, 0].min() for stroke in ink.strokes()]


def test_letters_and_words_move_apart_and_keep_their_form():
    line, ink = line_of("ab cd")
    moved = LineSpacing(line, ink).spaced(1.0, lambda number, x, natural: 3.0)
    np.testing.assert_allclose(lefts(moved), [0, 7, 18 + 1 + 4, 24 + 2 + 4])
    for stroke, before in zip(moved.strokes(), ink.strokes(), strict=True):
        np.testing.assert_allclose(np.ptp(stroke, axis=0), np.ptp(before, axis=0))


def test_letters_are_not_folded_over():
    line, ink = line_of("ab cd")
    moved = LineSpacing(line, ink).spaced(-50.0, lambda number, x, natural: 0.0)
    assert (np.diff(lefts(moved)) > 0).all()


def test_a_wide_line_loses_part_of_its_blanks_and_then_becomes_narrower():
    line, ink = line_of("ab cd")
    width = ink.bounds()[2]
    assert fitted(ink, width, line) is ink
    little = fitted(ink, width - 1.0, line)
    assert little.bounds()[2] == pytest.approx(width - 1.0)
    np.testing.assert_allclose(np.ptp(little.strokes()[3], axis=0), np.ptp(ink.strokes()[3], axis=0))
    much = fitted(ink, width - 8 * BLANK_SHRINK - 2.0, line)
    assert much.bounds()[2] == pytest.approx(width - 8 * BLANK_SHRINK - 2.0)
    assert np.ptp(much.strokes()[3][:, 0]) < 4.0


def test_what_is_before_a_tab_stays():
    line, ink = line_of("ab cd ef")
    made = fitted(ink, ink.bounds()[2] - 2.0, line, tabs=1)
    np.testing.assert_allclose(lefts(made)[:3], lefts(ink)[:3])
    assert made.bounds()[2] == pytest.approx(ink.bounds()[2] - 2.0)


def test_words_are_struck_out_and_underlined():
    line, ink = line_of("ab cd")
    made = marked(ink, line, [Mark(STRUCK, 3, 5), Mark(UNDERLINED, 0, 2)], 3.0)
    *letters, struck, underlined = made.strokes()
    assert len(letters) == 4
    assert struck[0, 0] < 18 < 28 < struck[-1, 0]
    assert (struck[:, 1] < 0).all()
    assert (struck[:, 1] > -3).all()
    assert underlined[0, 0] < 0 < 10 < underlined[-1, 0] < 18
    assert (underlined[:, 1] > 0).all()
