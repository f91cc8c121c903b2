import numpy as np
import pytest

from nextstroke.api import write_lines
from nextstroke.handwriting.hands import gallery_hand
from nextstroke.handwriting.page_lines import split_ink, split_text
from nextstroke.ink import Ink
from nextstroke.pages.layout import Page, level
from nextstroke.runtime.model_file import load_model

TEXTS = ["it is a long way", "from here to there", "in a small boat"]


@pytest.fixture(scope="module")
def lines():
    writer = load_model("writer", "writer")
    return level([line.ink for line in write_lines(writer, TEXTS, 0.75, 1, gallery_hand("plain", "writer"))], Page())


def page_of(lines, slope=0.0, distance=10.0):
    return [
        stroke @ np.array([[1, slope], [0, 1]]) + (0, distance * row)
        for row, line in enumerate(lines)
        for stroke in line.strokes()
    ]


@pytest.mark.parametrize("slope", [-0.06, 0.0, 0.06])
def test_lines_in_order_of_writing_are_found(lines, slope):
    found = split_ink(Ink.from_strokes(page_of(lines, slope)))
    assert [len(line.strokes()) for line in found] == [len(line.strokes()) for line in lines]


@pytest.mark.parametrize("slope", [-0.03, 0.0, 0.03])
def test_strokes_in_any_order_are_sorted_by_height_if_the_number_of_lines_is_known(lines, slope):
    strokes = page_of(lines, slope)
    order = np.random.default_rng(1).permutation(len(strokes))
    found = split_ink(Ink.from_strokes([strokes[i] for i in order]), 3)
    assert [len(line.strokes()) for line in found] == [len(line.strokes()) for line in lines]
    tops = [line.points[:, 1].mean() for line in found]
    assert tops == sorted(tops)


def test_a_bar_that_is_added_before_the_next_line_stays_in_its_line(lines):
    bar = np.array([[2.0, -4.0], [5.0, -4.0]])
    page = [*lines[0].strokes(), bar, *(stroke + (0, 10) for stroke in lines[1].strokes())]
    assert len(split_ink(Ink.from_strokes(page))[0].strokes()) == len(lines[0].strokes()) + 1


def test_one_line_stays_whole(lines):
    for line in lines:
        assert len(split_ink(line)) == 1
    assert len(split_ink(lines[0], 2)) == 1  # no two lines are found, so nothing is cut


@pytest.mark.parametrize("points", [[[(0, 0)]], [[(0, 0), (1, 0)], [(-9, 5)]], [[(0, 0)], [(0, 0)], [(0, 0)]]])
def test_ink_that_is_no_page_stays_whole(points):
    ink = Ink.from_strokes([np.array(stroke, float) for stroke in points])
    assert len(split_ink(ink)) == 1
    assert sum(len(part) for part in split_ink(ink, 3)) == len(ink)


@pytest.mark.parametrize(
    ("read", "parts"),
    [
        (["it is a long way", "from here to there", "in a small boat"], TEXTS),
        (["it iz a larg wuy", "fnom hene to thene", "in a smal baat"], TEXTS),
        (["it is a long way", "", "from here to there in a small boat"], None),
        (["it is a long way from here to there in a small boat"], [" ".join(TEXTS)]),
    ],
)
def test_a_text_is_cut_between_words_where_the_lines_end(read, parts):
    text = " ".join(TEXTS)
    found = split_text(text, read)
    assert len(found) == len(read)
    assert " ".join(part for part in found if part) == text
    if parts:
        assert found == parts
