import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextstroke.errors import BadInk, LimitExceeded, NextstrokeError
from nextstroke.formats.detect import read_ink
from nextstroke.formats.svg_ink import PIECES, parse_svg


def svg(body, title="a word"):
    return f'<svg xmlns="http://www.w3.org/2000/svg"><title>{title}</title>{body}</svg>'.encode()


def strokes(body):
    return [stroke.tolist() for stroke in parse_svg(svg(body), "a.svg")[0].strokes()]


def test_lines_of_all_kinds_in_their_order():
    body = '<polyline points="0,1 2,3"/><g><line x1="4" y1="5" x2="6" y2="7"/></g><path d="M8 9L10,11"/>'
    assert strokes(body) == [[[0, 1], [2, 3]], [[4, 5], [6, 7]], [[8, 9], [10, 11]]]


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("M1 2 3 4 5 6", [[[1, 2], [3, 4], [5, 6]]]),
        ("m1 2 3 4l1-1", [[[1, 2], [4, 6], [5, 5]]]),
        ("M1 2H5V7h-1v-1", [[[1, 2], [5, 2], [5, 7], [4, 7], [4, 6]]]),
        ("M0 0L4 0L4 4Z", [[[0, 0], [4, 0], [4, 4], [0, 0]]]),
        ("M0 0L1 1M5 5L6 6", [[[0, 0], [1, 1]], [[5, 5], [6, 6]]]),
        ("M1e1-.5L+2 3", [[[10, -0.5], [2, 3]]]),
    ],
)
def test_paths(path, wanted):
    assert strokes(f'<path d="{path}"/>') == wanted


@pytest.mark.parametrize(
    "path", ["M0 0C1 2 3 2 4 0", "M0 0c1 2 3 2 4 0", "M0 0Q2 2.6667 4 0", "M-4 0C-3-2-1-2 0 0S3 2 4 0"]
)
def test_curves_pass_their_ends_and_bulge(path):
    curve = np.array(strokes(f'<path d="{path}"/>')[0])
    assert curve[-1].tolist() == [4, 0]
    assert curve[-1 - PIECES].tolist() == [0, 0]
    middle = curve[-1 - PIECES // 2]
    assert middle == pytest.approx([2, 1.5 if "C1" in path or "c1" in path or "S" in path else 4 / 3], abs=1e-3)


def test_the_title_of_the_document_is_its_text(tmp_path):
    (tmp_path / "a.svg").write_bytes(svg('<g><title>a layer</title><path d="M0 0L1 1"/></g>', "two  words"))
    assert read_ink(tmp_path / "a.svg")[1] == "two words"


@pytest.mark.parametrize(
    "body",
    [
        "",
        '<path d="M0 0A1 1 0 0 0 2 2"/>',
        '<path d="M0 0L1"/>',
        '<path d="0 0L1 1"/>',
        '<path d="M0 0L1 nan"/>',
        '<path d="M0 0L1 1e308"/>',
        '<polyline points="1 2 3"/>',
        '<polyline points="M1 2"/>',
        '<g transform="scale(2)"><path d="M0 0L1 1"/></g>',
        '<line x1="a"/>',
    ],
)
def test_what_is_no_plain_line_is_refused(body):
    with pytest.raises(BadInk, match=r"a\.svg"):
        parse_svg(svg(body), "a.svg")


def test_too_many_points_are_refused():
    with pytest.raises((LimitExceeded, BadInk)):
        parse_svg(svg('<path d="M0 0' + "c1 1 2 2 3 3" * 30_000 + '"/>'), "a.svg")


@given(st.text("MmLlHhVvCcSsQqTtZzA0123456789.-+eE, ", max_size=40))
def test_any_path_is_read_or_refused(path):
    try:
        ink, _ = parse_svg(svg(f'<path d="{path}"/>'), "a.svg")
    except NextstrokeError:
        return
    assert np.isfinite(ink.points).all()
