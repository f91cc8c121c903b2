import re
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextstroke.errors import LimitExceeded, UsageError
from nextstroke.ink import Ink
from nextstroke.pages.appearance import Look
from nextstroke.pages.layout import Sheet
from nextstroke.pages.plotter import HPGL_UNITS, Plotter, gcode, hpgl
from nextstroke.pages.save import render
from nextstroke.pages.spline import polyline
from nextstroke.pages.svg import NAMESPACE, svg
from nextstroke.pages.travel import arcs, thinned, tour

WAVE = np.array([[5.0, 10], [8, 6], [11, 12], [14, 9]])
LOOP = np.array([[20.0, 10], [23, 6], [26, 10], [23, 14], [20, 11], [22, 7]])
DOT = np.array([[20.0, 5]])
SHEET = Sheet(40, 25, [Ink.from_strokes([WAVE, DOT]), Ink.from_strokes([WAVE + (10, 8), LOOP])], paragraphs=[0, 1])
STROKES = [WAVE, DOT, WAVE + (10, 8), LOOP]
strokes = st.lists(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 100)), min_size=1, max_size=4), min_size=1)
NUMBER = r"([-0-9.]+)"


def drawn_by_gcode(data, plotter, origin=(0.0, 0.0)):
    """What a machine draws: the strokes between the commands that lower and lift, y downwards again, arcs as points."""
    down, place, found = False, None, []
    up_line, down_line = plotter.pen_up.splitlines()[0], plotter.pen_down.splitlines()[0]
    for line in data.decode("ascii").splitlines():
        command = line.split(";")[0].strip()
        if command == up_line:
            down = False
        elif command == down_line:
            down = True
            found.append([place])
        elif move := re.fullmatch(rf"G([0-3]) X{NUMBER} Y{NUMBER}(?: I{NUMBER} J{NUMBER})?(?: F1500)?", command):
            kind, to = int(move[1]), np.array([float(move[2]), float(move[3])])
            assert down == (kind > 0) or command == "G0 X0 Y0"
            if down and kind == 1:
                found[-1].append(to)
            elif down:
                found[-1] += on_arc(place, to, np.array([float(move[4]), float(move[5])]), 1 if kind == 3 else -1)
            place = to
    assert not down
    return [np.array([origin[0], origin[1] + SHEET.height]) * (-1, 1) + np.array(stroke) * (1, -1) for stroke in found]


def on_arc(start, end, to_centre, direction):
    """Points of an arc as a controller walks it; it refuses one whose ends have different radii (GRBL's error 33)."""
    centre = start + to_centre
    radius = np.hypot(*to_centre)
    assert abs(np.hypot(*(end - centre)) - radius) < 0.005
    first, last = (np.arctan2(*(point - centre)[::-1]) for point in (start, end))
    turn = (direction * (last - first)) % (2 * np.pi)
    angles = first + direction * turn * np.linspace(0, 1, 30)[1:]
    return list(centre + radius * np.column_stack([np.cos(angles), np.sin(angles)]))


def off(points, line):
    """The largest distance of points from a polyline."""
    line = np.repeat(line, 2, 0) if len(line) == 1 else line
    starts, moves = line[:-1], np.diff(line, axis=0)
    share = ((points[:, None] - starts) * moves).sum(2) / np.maximum((moves**2).sum(1), 1e-12)
    nearest = starts + np.clip(share, 0, 1)[..., None] * moves
    return np.hypot(*np.moveaxis(points[:, None] - nearest, -1, 0)).min(1).max()


@pytest.mark.parametrize(
    "made", [{}, {"tolerance": 0.0}, {"tolerance": 0.2}, {"machine": "grbl-z"}, {"machine": "marlin-servo"}]
)
def test_gcode_draws_the_sheet_within_its_tolerance(made):
    plotter = Plotter.of(**{"machine": ""} | made)
    found = drawn_by_gcode(gcode(SHEET, ["navy"], plotter), plotter)
    for stroke, points in zip(found, STROKES, strict=True):
        curve = polyline(points, 60)
        # The curve itself is made of straight pieces before it is thinned.
        allowed = plotter.tolerance + 0.012
        assert off(curve, stroke) < allowed
        assert off(stroke, curve) < allowed


def test_thinning_and_arcs_save_commands():
    lengths = [
        len(gcode(SHEET, ["navy"], Plotter(tolerance=t, arcs=a)).splitlines())
        for t, a in [(0, False), (0.03, False), (0.03, True)]
    ]
    assert lengths[1] < 0.8 * lengths[0]
    assert lengths[2] < lengths[1]


MICROMETRES = st.integers(0, 9000).map(lambda number: number / 1000)  # shorter pieces are below the helper's precision


@given(st.lists(st.tuples(MICROMETRES, MICROMETRES), min_size=1, max_size=30), st.floats(0, 1))
def test_a_thinned_line_stays_within_its_tolerance(points, tolerance):
    curve = np.array(points)
    kept = thinned(curve, tolerance)
    assert off(curve, kept) <= tolerance + 1e-9
    assert {tuple(point) for point in kept} <= {tuple(point) for point in curve}
    np.testing.assert_array_equal(kept[[0, -1]], curve[[0, -1]])


def test_a_circle_is_drawn_by_arcs():
    turns = np.linspace(0, 2 * np.pi, 200)
    circle = 5 * np.column_stack([np.cos(turns), np.sin(turns)])
    pieces = arcs(circle, 0.01)
    centres = [centre for _, centre in pieces if centre is not None]
    assert len(pieces) - 1 <= len(centres) <= 4
    np.testing.assert_allclose(centres, np.zeros((len(centres), 2)), atol=0.02)


def test_gcode_pauses_for_the_second_pen_and_holds_no_line_of_a_stranger():
    lines = gcode(SHEET, ["navy", "red"], Plotter(), "text a\nG0 Z-100; more").decode().splitlines()
    assert [line for line in lines if line.startswith("M0")] == ["M0 ; change the pen to red"]
    assert lines[0] == "; nextstroke text a G0 Z-100, more"
    assert lines[-2:] == ["G0 X0 Y0", "M2"]


def test_a_servo_is_waited_for_in_the_unit_of_its_controller():
    for machine, wait in [("grbl-servo", "G4 P0.15"), ("marlin-servo", "G4 P150")]:
        plotter = Plotter.of(machine)
        lines = gcode(SHEET, ["navy"], plotter).decode().splitlines()
        moves = [i for i, line in enumerate(lines) if line in (plotter.pen_up, plotter.pen_down)]
        assert len(moves) >= 2 * len(STROKES)
        waits = [lines[i + 1] for i in moves if i + 1 < len(lines)]
        assert waits[:-1] == [wait] * (len(waits) - 1)  # the footer's own line comes last
    assert b"G4" not in gcode(SHEET, ["navy"], Plotter())


def test_pen_commands_header_and_footer_are_lines():
    plotter = Plotter(pen_up="M280 P0 S90\nG4 P150", header="G28\nG21\n\nG90", footer="M84")
    lines = gcode(SHEET, ["navy"], plotter).decode().splitlines()
    assert lines[1:6] == ["G28", "G21", "G90", "M280 P0 S90", "G4 P150"]
    assert lines[-3:] == ["M280 P0 S90", "G4 P150", "M84"]


def test_hpgl_draws_the_sheet_with_a_pen_for_each_colour():
    text = hpgl(SHEET, ["navy", "red"], Plotter()).decode()
    assert re.findall(r"SP\d", text) == ["SP1", "SP2", "SP0"]
    found = []
    for up, down in re.findall(r"PU([-0-9,]+);PD([-0-9,]+);", text):
        found.append(np.array(f"{up},{down}".split(","), float).reshape(-1, 2) / HPGL_UNITS * (1, -1) + (0, 25))
    for stroke, points in zip(found, STROKES, strict=True):
        assert off(polyline(points, 60), stroke) < 0.03 + 0.75 / HPGL_UNITS + 0.012


@pytest.mark.parametrize("kind", [gcode, hpgl])
def test_a_page_is_placed_on_the_bed(kind):
    def left_and_low(plotter):
        data = kind(SHEET, ["navy"], plotter).decode()
        if kind is gcode:
            places = np.array(re.findall(rf"X{NUMBER} Y{NUMBER}", data.replace("G0 X0 Y0", "")), float)
        else:
            numbers = ",".join(re.findall(r"(?:PU|PD)([-0-9,]+)", data)).split(",")
            places = np.array(numbers, float).reshape(-1, 2) / HPGL_UNITS
        return places.min(0)

    here = left_and_low(Plotter())
    np.testing.assert_allclose(left_and_low(Plotter(offset=(7.0, -3.0))) - here, (7, -3), atol=0.03)
    middle = left_and_low(Plotter(bed=(100.0, 85.0), offset=(0.0, 1.0))) - here
    np.testing.assert_allclose(middle, ((100 - 40) / 2, (85 - 25) / 2 + 1), atol=0.03)
    with pytest.raises(LimitExceeded, match="larger than the bed"):
        kind(SHEET, ["navy"], Plotter(bed=(39.0, 100.0)))


def travel(strokes):
    """The way of the lifted pen from the origin."""
    pen, way = np.zeros(2), 0.0
    for stroke in strokes:
        way, pen = way + float(np.hypot(*(stroke[0] - pen))), stroke[-1]
    return way


@given(strokes)
def test_a_tour_draws_each_stroke_once_in_one_direction_or_the_other(points):
    drawn = [np.array(stroke) for stroke in points]
    toured = tour(drawn)
    assert sorted(min(s.tolist(), s[::-1].tolist()) for s in toured) == sorted(
        min(s.tolist(), s[::-1].tolist()) for s in drawn
    )


def test_a_tour_saves_travel():
    rng = np.random.default_rng(1)
    drawn = [start + rng.normal(0, 2, (5, 2)) for start in rng.uniform(0, 100, (60, 2))]
    assert travel(tour(drawn)) < 0.35 * travel(drawn)


def test_no_part_of_a_tour_can_be_turned_round_to_save_travel():
    rng = np.random.default_rng(2)
    toured = tour([start + rng.normal(0, 3, (3, 2)) for start in rng.uniform(0, 100, (40, 2))])
    way = travel(toured)
    for i in range(len(toured)):
        for j in range(i, len(toured)):
            turned = [stroke[::-1] for stroke in toured[i : j + 1][::-1]]
            assert travel([*toured[:i], *turned, *toured[j + 1 :]]) > way - 1e-5


def test_shortest_reorders_within_a_colour_only():
    far = Sheet(40, 25, [Ink.from_strokes([WAVE + 20, WAVE]), Ink.from_strokes([WAVE])], paragraphs=[0, 1])
    plain, short = (hpgl(far, ["a", "b"], Plotter(shortest=short)).decode() for short in (False, True))
    assert plain != short
    assert re.findall(r"SP\d", short) == ["SP1", "SP2", "SP0"]


def test_shortest_orders_the_strokes_of_an_svg():
    far = Sheet(40, 40, [Ink.from_strokes([WAVE + 20, WAVE]), Ink.from_strokes([DOT, WAVE + (0, 8)])])
    paths = [
        [path.get("d") for path in ET.fromstring(svg(far, look)).iter(f"{{{NAMESPACE}}}path")]
        for look in (Look(), Look(plotter=Plotter(shortest=True)))
    ]
    starts = [np.array(re.match(r"M(\S+) ([^Cl]+)", path).groups(), float) for path in paths[1]]
    assert len(paths[1]) == len(paths[0])
    np.testing.assert_allclose(starts[0], WAVE[0])
    np.testing.assert_allclose(starts[-1], (WAVE + 20)[0])


def test_an_axidraw_pauses_between_pens_and_leaves_out_the_paper():
    sheet = Sheet(40, 25, SHEET.lines, [10.0], [0, 1])
    root = ET.fromstring(svg(sheet, Look(colour="navy,red", plotter=Plotter.of("axidraw"))))
    labels = [group.get("{http://www.inkscape.org/namespaces/inkscape}label") for group in root]
    assert [label for label in labels if label] == ["%paper", "1 navy", "!2 red"]


@pytest.mark.parametrize(("machine", "format"), [("axidraw", "gcode"), ("grbl-z", "svg")])
def test_a_machine_takes_its_own_format(machine, format):
    with pytest.raises(UsageError, match=machine):
        render(SHEET, format, Look(plotter=Plotter.of(machine)), {})


@pytest.mark.parametrize(
    "wrong",
    [
        {"feed": 0},
        {"feed": float("nan")},
        {"pen_up": ""},
        {"pen_up": " \n"},
        {"pen_down": "G1 Z0\n\x07"},
        {"dwell": -1},
        {"tolerance": 2},
        {"bed": (0, 100)},
        {"offset": (float("inf"), 0)},
        {"header": "G21\n" * 2000},
    ],
)
def test_invalid_machines_are_refused(wrong):
    with pytest.raises(UsageError):
        Plotter(**wrong)


def test_an_unknown_machine_names_those_there_are():
    with pytest.raises(UsageError, match="grbl-servo, grbl-z"):
        Plotter.of("cricut")
