import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextstroke.errors import UsageError
from nextstroke.ink import Ink
from nextstroke.pages.layout import Page, level, place, wrap


def line(slope=0.0, size=1.0, letters=30):
    """A made-up line: arches of one height with a tall one now and then, and a descender."""
    strokes = []
    for i in range(letters):
        height = 200 if i % 5 == 0 else 100
        arch = np.array([[0, 0], [10, -height], [30, -height], [40, 0], [45, 60 if i % 7 == 3 else 0]], float)
        strokes.append(np.array([i * 60, 0]) + np.repeat(arch, 3, 0)[:13])
    ink = Ink.from_strokes(strokes)
    return Ink(size * (ink.points + np.outer(ink.points[:, 0] * slope, [0, 1])), ink.end_of_stroke)


@given(st.text("abc \n", max_size=80), st.integers(1, 12))
def test_wrapping_loses_nothing_but_blanks_and_never_overflows(text, width):
    lines = list(wrap(text, width, len))
    assert "".join(lines).replace(" ", "") == "".join(text.split())
    assert max(map(len, lines)) <= width
    assert all(piece == piece.strip() for piece in lines)


def test_wrapping_keeps_paragraphs_and_fills_lines():
    assert list(wrap("one two three\n\nfour", 7, len)) == ["one two", "three", "", "four"]
    assert list(wrap("abcdefghij", 4, len)) == ["abcd", "efgh", "ij"]


def test_a_hand_gets_the_wished_size_whatever_its_units():
    page = Page(x_height=3)
    for size in (0.01, 1, 50):
        (ink,) = level([line(size=size)], page)
        left, top, _, bottom = ink.bounds()
        assert left == 0
        assert bottom - top == pytest.approx(
            level([line()], page)[0].bounds()[3] - level([line()], page)[0].bounds()[1]
        )


@pytest.mark.parametrize("slope", [-0.15, -0.05, 0.08])
def test_a_drifting_line_is_levelled(slope):
    straight, drifting = level([line()], Page())[0], level([line(slope)], Page())[0]
    middle = len(straight) // 2
    for half in (slice(0, middle), slice(middle, None)):
        assert abs(np.median(drifting.points[half, 1]) - np.median(straight.points[half, 1])) < 0.35


@pytest.mark.parametrize("align", ["left", "center", "right"])
def test_ink_stays_between_the_margins(align):
    page = Page.named("a5", align=align)
    sheets = place([*level([line(), line(letters=10)], page), None, level([line()], page)[0]], page)
    assert len(sheets) == 1
    for ink in sheets[0].lines:
        left, top, right, bottom = ink.bounds()
        assert page.margin - 1e-9 <= left
        assert right <= page.width - page.margin + 1e-9
        assert 0 < top < bottom < page.height
    edges = {"left": sheets[0].lines[1].bounds()[0] == page.margin, "right": None, "center": None}
    assert edges[align] in (True, None)


def test_a_full_page_goes_on_on_the_next():
    page = Page.named("148x60")
    assert page.rows == 3
    sheets = place(level([line()] * 7, page), page)
    assert [len(sheet.lines) for sheet in sheets] == [3, 3, 1]


def test_without_a_page_the_sheet_is_cut_to_the_ink():
    page = Page(margin=5, paper="ruled")
    (sheet,) = place(level([line(), line()], page), page)
    boxes = np.array([ink.bounds() for ink in sheet.lines])
    np.testing.assert_allclose([boxes[:, 0].min(), boxes[:, 1].min()], 5)
    np.testing.assert_allclose([sheet.width - boxes[:, 2].max(), sheet.height - boxes[:, 3].max()], 5)
    assert np.diff(sheet.baselines) == pytest.approx([page.line_height])


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("a9000", {}),
        ("x", {}),
        ("1.2.3x4", {}),
        ("10x10", {}),
        ("a5", {"margin": 80}),
        ("a5", {"align": "middle"}),
        ("a5", {"x_height": 0}),
        ("a5", {"line_height": float("nan")}),
    ],
)
def test_invalid_pages_are_refused(name, changes):
    with pytest.raises(UsageError):
        Page.named(name, **changes)


def test_an_empty_page_is_refused():
    with pytest.raises(UsageError, match="nothing to put"):
        place([None], Page())


def test_dots_and_short_marks_can_be_levelled():
    for points in ([[5, 5]], [[5, 5], [6, 5]]):
        (ink,) = level([Ink.from_strokes([np.array(points)])], Page())
        assert np.isfinite(ink.points).all()
