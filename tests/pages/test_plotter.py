import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextstroke.errors import UsageError
from nextstroke.ink import Ink
from nextstroke.pages.layout import Sheet
from nextstroke.pages.plotter import HPGL_UNITS, Plotter, gcode, hpgl, tour
from nextstroke.pages.spline import polyline

WAVE = np.array([[5.0, 10], [8, 6], [11, 12], [14, 9]])
DOT = np.array([[20.0, 5]])
SHEET = Sheet(40, 25, [Ink.from_strokes([WAVE, DOT]), Ink.from_strokes([WAVE + (10, 8)])], paragraphs=[0, 1])
strokes = st.lists(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 100)), min_size=1, max_size=4), min_size=1)


def drawn_by_gcode(data):
    """What a machine draws: the strokes between the commands that lower and lift, y downwards again."""
    down, place, found = False, None, []
    for line in data.decode("ascii").splitlines():
        command = line.split(";")[0].strip()
        if command == Plotter().pen_up:
            down = False
        elif command == Plotter().pen_down:
            down = True
            found.append([place])
        elif move := re.fullmatch(r"G[01] X([-0-9.]+) Y([-0-9.]+)( F1500)?", command):
            assert down == command.startswith("G1")
            place = (float(move[1]), SHEET.height - float(move[2]))
            if down:
                found[-1].append(place)
    assert not down
    return found


def test_gcode_draws_the_sheet():
    found = drawn_by_gcode(gcode(SHEET, ["navy"], Plotter()))
    wanted = [polyline(WAVE, 4), np.repeat(DOT, 2, 0), polyline(WAVE + (10, 8), 4)]
    for stroke, curve in zip(found, wanted, strict=True):
        np.testing.assert_allclose(stroke, curve, atol=6e-4)


def test_gcode_pauses_for_the_second_pen_and_holds_no_line_of_a_stranger():
    lines = gcode(SHEET, ["navy", "red"], Plotter(), "text a\nG0 Z-100; more").decode().splitlines()
    assert [line for line in lines if line.startswith("M0")] == ["M0 ; change the pen to red"]
    assert lines[0] == "; nextstroke text a G0 Z-100, more"
    assert lines[-2:] == ["G0 X0 Y0", "M2"]


def test_hpgl_draws_the_sheet_with_a_pen_for_each_colour():
    text = hpgl(SHEET, ["navy", "red"], Plotter()).decode()
    assert re.findall(r"SP\d", text) == ["SP1", "SP2", "SP0"]
    found = []
    for up, down in re.findall(r"PU([-0-9,]+);PD([-0-9,]+);", text):
        found.append(np.array(f"{up},{down}".split(","), float).reshape(-1, 2) / HPGL_UNITS * (1, -1) + (0, 25))
    wanted = [polyline(WAVE, 4), np.repeat(DOT, 2, 0), polyline(WAVE + (10, 8), 4)]
    for stroke, curve in zip(found, wanted, strict=True):
        np.testing.assert_allclose(stroke, curve, atol=0.5 / HPGL_UNITS + 1e-9)


def travel(strokes):
    """The way of the lifted pen from the origin."""
    pen, way = np.zeros(2), 0.0
    for stroke in strokes:
        way, pen = way + float(np.hypot(*(stroke[0] - pen))), stroke[-1]
    return way


@given(strokes)
def test_a_tour_draws_each_stroke_once_in_one_direction_or_the_other(points):
    drawn = [np.array(stroke) for stroke in points]
    toured = list(tour(drawn))
    assert sorted(min(s.tolist(), s[::-1].tolist()) for s in toured) == sorted(
        min(s.tolist(), s[::-1].tolist()) for s in drawn
    )


def test_a_tour_saves_travel():
    rng = np.random.default_rng(1)
    drawn = [start + rng.normal(0, 2, (5, 2)) for start in rng.uniform(0, 100, (60, 2))]
    assert travel(tour(drawn)) < 0.4 * travel(drawn)


def test_shortest_reorders_within_a_colour_only():
    far = Sheet(40, 25, [Ink.from_strokes([WAVE + 20, WAVE]), Ink.from_strokes([WAVE])], paragraphs=[0, 1])
    plain, short = (hpgl(far, ["a", "b"], Plotter(shortest=short)).decode() for short in (False, True))
    assert plain != short
    assert plain[plain.index("SP2") :] == short[short.index("SP2") :]


@pytest.mark.parametrize("wrong", [{"feed": 0}, {"feed": float("nan")}, {"pen_up": ""}, {"pen_down": "G1 Z0\nM2"}])
def test_senseless_machines_are_refused(wrong):
    with pytest.raises(UsageError):
        Plotter(**wrong)
