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
        '<path d="M0 0A1 1 0 2 0 2 2"/>',
        '<path d="L1 1"/>',
        '<path d="M0 0L1"/>',
        '<path d="0 0L1 1"/>',
        '<path d="M0 0L1 nan"/>',
        '<path d="M0 0L1 1e308"/>',
        '<polyline points="1 2 3"/>',
        '<polyline points="M1 2"/>',
        '<g transform="scale(2,2,2)"><path d="M0 0L1 1"/></g>',
        '<g transform="scale(2"><path d="M0 0L1 1"/></g>',
        '<g transform="turn(2)"><path d="M0 0L1 1"/></g>',
        '<g transform="scale(1e9)"><path d="M0 0L1 1"/></g>',
        '<use href="#nowhere"/>',
        '<g display="none"><path d="M0 0L1 1"/></g>',
        '<line x1="1mm" x2="2"/>',
        '<line x1="a"/>',
    ],
)
def test_what_is_no_plain_line_is_refused(body):
    with pytest.raises(BadInk, match=r"a\.svg"):
        parse_svg(svg(body), "a.svg")


@pytest.mark.parametrize(
    ("transform", "wanted"),
    [
        ("translate(10)", [[11, 2], [13, 4]]),
        ("translate(10,-1)", [[11, 1], [13, 3]]),
        ("scale(2)", [[2, 4], [6, 8]]),
        ("scale(2 -1)", [[2, -2], [6, -4]]),
        ("rotate(90)", [[-2, 1], [-4, 3]]),
        ("rotate(90 1 2)", [[1, 2], [-1, 4]]),
        ("skewX(45)", [[3, 2], [7, 4]]),
        ("skewY(45)", [[1, 3], [3, 7]]),
        ("matrix(1 2 3 4 5 6)", [[12, 16], [20, 28]]),
        (" translate(10, 0) , scale(2)", [[12, 4], [16, 8]]),
    ],
)
def test_transforms_of_groups_and_lines_are_applied(transform, wanted):
    for body in (
        f'<g transform="{transform}"><path d="M1 2L3 4"/></g>',
        f'<polyline transform="{transform}" points="1,2 3,4"/>',
    ):
        assert np.array(strokes(body)[0]) == pytest.approx(np.array(wanted), abs=1e-9)


def test_nested_transforms_apply_from_the_inside_to_the_outside():
    body = '<g transform="translate(10)"><g transform="scale(2)"><line x1="1" y1="2" x2="3" y2="4"/></g></g>'
    assert strokes(body) == [[[12, 4], [16, 8]]]


def test_only_what_is_drawn_is_ink():
    shape = '<path d="M0 0L9 9"/>'
    hidden = "".join(
        f"<{tag} id='{tag}'>{shape}</{tag}>" for tag in ("defs", "clipPath", "mask", "marker", "symbol", "pattern")
    )
    hidden += f'<g style="fill:none; display: none">{shape}</g><g visibility="hidden">{shape}</g>'
    assert strokes(hidden + '<path d="M1 1L2 2"/>') == [[[1, 1], [2, 2]]]
    shown = '<g visibility="hidden"><path visibility="visible" d="M1 1L2 2"/></g>'
    assert strokes(shown) == [[[1, 1], [2, 2]]]


def test_uses_are_drawn_where_they_are():
    symbol = '<defs><path id="a" d="M0 0L1 1"/><symbol id="b"><path d="M0 0L2 0"/></symbol></defs>'
    uses = '<use href="#a" x="5" y="6"/><use href="#b" transform="scale(2)" x="5"/>'
    assert strokes(symbol + uses) == [[[5, 6], [6, 7]], [[10, 0], [14, 0]]]


def test_uses_that_repeat_each_other_are_refused():
    """Sixty times sixty times sixty ... groups without a line, and a group that uses itself."""
    groups = "".join(f'<g id="g{i}">' + f'<use href="#g{i + 1}"/>' * 60 + "</g>" for i in range(6))
    with pytest.raises(LimitExceeded, match="elements are drawn"):
        parse_svg(svg(f'{groups}<g id="g6"/>'), "a.svg")
    with pytest.raises(LimitExceeded, match="nested more than"):
        parse_svg(svg('<g id="g"><use href="#g"/></g>'), "a.svg")


def test_pieces_that_continue_each_other_are_one_stroke():
    pieces = '<polyline points="0,0 1,1"/><polyline points="1,1 2,1"/><polyline points="2,1 3,0"/>'
    assert strokes(pieces) == [[[0, 0], [1, 1], [2, 1], [3, 0]]]
    assert len(strokes(pieces + '<polyline points="3,0.01 4,0"/>')) == 2, "near is not the same"
    assert len(strokes('<g><polyline points="0,0 1,1"/></g><g><polyline points="1,1 2,1"/></g>')) == 2, "two groups"


def test_a_polygon_is_closed():
    assert strokes('<polygon points="0,0 1,0 1,1"/>') == [[[0, 0], [1, 0], [1, 1], [0, 0]]]


@pytest.mark.parametrize(
    ("path", "centre", "radius", "first"),
    [
        ("M0 0A5 5 0 0 1 10 0", (5, 0), 5, -1),
        ("M0 0A5 5 0 0 0 10 0", (5, 0), 5, 1),
        ("M0 0a5 5 0 0110 0", (5, 0), 5, -1),
        ("M0 0A1 1 0 0 1 10 0", (5, 0), 5, -1),
        ("M0 0A5 5 0 0 1 5 5", (0, 5), 5, 1),
        ("M0 0A5 5 0 1 1 5 5", (5, 0), 5, -1),
    ],
)
def test_arcs_lie_on_their_circle(path, centre, radius, first):
    (points,) = (np.array(stroke) for stroke in strokes(f'<path d="{path}"/>'))
    assert np.hypot(*(points - centre).T) == pytest.approx(radius)
    assert points[-1].tolist() in ([10, 0], [5, 5])
    assert np.sign(points[1, 1]) == first
    assert len(points) > 4


def test_an_ellipse_is_turned_and_stretched():
    (points,) = (np.array(stroke) for stroke in strokes('<path d="M-2 0A2 1 0 0 1 2 0"/>'))
    assert (points[:, 0] / 2) ** 2 + points[:, 1] ** 2 == pytest.approx(1)
    (turned,) = (np.array(stroke) for stroke in strokes('<path d="M0 -2A2 1 90 0 1 0 2"/>'))
    assert turned[:, 0] ** 2 + (turned[:, 1] / 2) ** 2 == pytest.approx(1)


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
