import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextstroke.errors import BadInk
from nextstroke.ink import Ink

coordinates = st.integers(-500, 500)
stroke = st.lists(st.tuples(coordinates, coordinates), min_size=1, max_size=30)
strokes = st.lists(stroke, min_size=1, max_size=6)


@given(strokes)
def test_strokes_and_offsets_come_back(parts):
    ink = Ink.from_strokes([np.array(part) for part in parts])
    for ours, theirs in zip(ink.strokes(), parts, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    again = Ink.from_offsets(ink.offsets())
    np.testing.assert_allclose(again.points, ink.points)
    np.testing.assert_array_equal(again.end_of_stroke, ink.end_of_stroke)


def simplify_stroke(points, every):
    """`Ink.simplified` for one stroke, word for word as it says."""
    points = [point for i, point in enumerate(points) if i == 0 or point != points[i - 1]]
    last = len(points) - 1
    smooth = [np.array(point, float) for point in points]
    for i in range(1, last):
        smooth[i] = (np.array(points[i - 1]) + 2 * np.array(points[i]) + points[i + 1]) / 4
    kept = [i for i in range(0, last, every) if i in (0, last) or i != last - 1 or every == 1]
    return np.array([smooth[i] for i in [*kept, last]] if last else [smooth[0]])


@given(strokes, st.integers(1, 5))
def test_simplified_ink_is_what_it_says_stroke_by_stroke(parts, every):
    simple = Ink.from_strokes([np.array(part) for part in parts]).simplified(every)
    for ours, theirs in zip(simple.strokes(), parts, strict=True):
        np.testing.assert_array_equal(ours, simplify_stroke(theirs, every))
        np.testing.assert_array_equal(ours[0], theirs[0])
        np.testing.assert_array_equal(ours[-1], theirs[-1])


def test_the_phase_chooses_which_points_stay():
    line = Ink.from_strokes([np.column_stack([np.arange(10.0), np.zeros(10)])])
    kept = [line.simplified(phase=phase).points[:, 0].tolist() for phase in range(3)]
    assert kept == [[0, 3, 6, 9], [0, 1, 4, 7, 9], [0, 2, 5, 9]]


def test_simplified_ink_is_smoothed_once_and_takes_every_third_point():
    zigzag = np.array([[i, 10.0 * (i % 2)] for i in range(10)])
    simple = Ink.from_strokes([zigzag]).simplified()
    np.testing.assert_array_equal(simple.points, [[0, 0], [3, 5], [6, 5], [9, 10]])


def test_a_repeated_last_point_leaves_its_mark_to_the_point_that_stays():
    ink = Ink.from_strokes([np.array([[0, 0], [4, 4], [4, 4]]), np.array([[4, 4], [4, 4]])])
    simple = ink.simplified()
    np.testing.assert_array_equal(simple.points, [[0, 0], [4, 4], [4, 4]])
    np.testing.assert_array_equal(simple.end_of_stroke, [False, True, True])


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_ink_that_is_not_finite_is_refused(value):
    with pytest.raises(BadInk, match="finite"):
        Ink.from_strokes([np.array([[0, value]])])


def test_ink_without_points_is_refused():
    with pytest.raises(BadInk, match="no points"):
        Ink.from_strokes([])


@pytest.mark.parametrize(
    ("ends", "says"), [([True], "2 points but 1"), ([True, False], "does not end a stroke"), ([], "2 points but 0")]
)
def test_ink_whose_marks_do_not_fit_is_refused(ends, says):
    with pytest.raises(BadInk, match=says):
        Ink(np.zeros((2, 2)), np.array(ends, bool))


def test_offsets_begin_at_the_origin_and_their_last_point_ends_a_stroke():
    ink = Ink.from_offsets(np.array([[3, 4, 0], [1, 1, 0]]))
    np.testing.assert_array_equal(ink.points, [[3, 4], [4, 5]])
    assert ink.end_of_stroke.tolist() == [False, True]
    with pytest.raises(BadInk, match="no points"):
        Ink.from_offsets(np.zeros((0, 3)))


def test_moving_and_scaling():
    ink = Ink.from_strokes([np.array([[1, 2], [3, 6]])])
    assert ink.moved(1, -2).bounds() == (2, 0, 4, 4)
    assert ink.scaled(2).bounds() == (2, 4, 6, 12)
