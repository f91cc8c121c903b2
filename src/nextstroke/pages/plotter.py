"""Write sheets for pen plotters: G-code in millimetres and HPGL."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from nextstroke.errors import LimitExceeded, UsageError
from nextstroke.pages.layout import Sheet
from nextstroke.pages.spline import polyline
from nextstroke.pages.travel import Check, arcs, thinned, tour

HPGL_UNITS = 40  # to the millimetre
PIECES = 16  # straight pieces of a curve between two points, before they are thinned
MAX_LINES = 1000  # of a header or footer
MAX_MOVE = 100_000.0  # mm

AXIDRAW = "axidraw"  # takes SVG, through Inkscape or its own programs
# What controllers understand. The pen of a servo needs time to move, which a G-code sender does not wait for.
GRBL = {"header": "G21\nG90\nG17", "arcs": True}
MACHINES: dict[str, dict[str, Any]] = {
    "grbl-servo": GRBL | {"pen_up": "M5", "pen_down": "M3 S1000", "dwell": 150.0, "footer": "M5\nG0 X0 Y0\nM2"},
    "grbl-z": GRBL | {"pen_up": "G0 Z5", "pen_down": "G1 Z0 F600"},
    "marlin-servo": {"pen_up": "M280 P0 S90", "pen_down": "M280 P0 S40", "dwell": 150.0, "arcs": True}
    | {"footer": "G0 X0 Y0\nM400", "milliseconds": True},
    AXIDRAW: {"shortest": True},
}


@dataclass(frozen=True)
class Plotter:
    """Settings of a pen plotter.

    Attributes:
        machine: One of MACHINES whose settings these are; empty for another one.
        pen_up, pen_down: Lines of G-code that lift and lower the pen.
        dwell: Time that the pen needs to move up or down, in ms, 0 to 60,000.
        milliseconds: Whether the controller takes the P of G4 in milliseconds, as Marlin does; else in seconds.
        feed: Drawing speed in mm per minute, 1 to 1,000,000.
        header, footer: Lines of G-code at the beginning and at the end.
        arcs: Whether curves are written as arcs, G2 and G3.
        tolerance: Largest distance of what is drawn from the curve, in mm, 0 to 1.
        shortest: Whether strokes are reordered and reversed to shorten the moves with the pen up.
        bed: Width and height of the machine's bed in mm, in whose middle the page is placed; None for its origin.
        offset: How far the page is moved to the right and up, in mm.

    Raises:
        UsageError: a value out of its range, or G-code that is not printable.
    """

    machine: str = ""
    pen_up: str = "G0 Z5"
    pen_down: str = "G1 Z0 F600"
    dwell: float = 0.0
    milliseconds: bool = False
    feed: float = 1500.0
    header: str = "G21\nG90"
    footer: str = "G0 X0 Y0\nM2"
    arcs: bool = False
    tolerance: float = 0.03
    shortest: bool = False
    bed: tuple[float, float] | None = None
    offset: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self) -> None:
        ranges = {"feed": (1, 1e6, "mm a minute"), "dwell": (0, 60_000, "ms"), "tolerance": (0, 1, "mm")}
        for name, (low, high, unit) in ranges.items():
            if not low <= getattr(self, name) <= high:
                raise UsageError(f"{name} {getattr(self, name)}: give {unit}, {low:g} to {high:g}")
        for name in ("pen_up", "pen_down", "header", "footer"):
            lines = getattr(self, name).splitlines()
            empty = name.startswith("pen") and not any(line.strip() for line in lines)
            if empty or len(lines) > MAX_LINES or not all(line.isprintable() for line in lines):
                told = f"{name.replace('_', ' ')} {getattr(self, name)!r:.60}"
                raise UsageError(f"{told}: give lines of printable G-code, such as G0 Z5")
        if self.bed is not None and not all(10 <= side <= MAX_MOVE for side in self.bed):
            raise UsageError(f"bed {self.bed}: give width and height in mm, at least 10")
        if not all(abs(move) <= MAX_MOVE for move in self.offset):
            raise UsageError(f"offset {self.offset}: give millimetres to the right and up, at most {MAX_MOVE:g}")

    @classmethod
    def of(cls, machine: str, **changes: Any) -> "Plotter":
        """Return the settings of a machine; `changes` are other attributes."""
        if machine and machine not in MACHINES:
            raise UsageError(f"machine {machine!r:.40}: give one of {', '.join(MACHINES)}")
        return cls(**{"machine": machine} | MACHINES.get(machine, {}) | changes)

    def changed(self, machine: str | None = None, **changes: Any) -> "Plotter":
        """Return other settings: those of a machine where one is given, and else these, with other attributes."""
        return replace(self, **changes) if machine is None else Plotter.of(machine, **changes)

    def origin(self, sheet: Sheet) -> np.ndarray:
        """Return where the lower left corner of a page is on the machine, (2,) in mm.

        Raises:
            LimitExceeded: The page is larger than the bed.
        """
        if self.bed is None:
            return np.array(self.offset)
        room = np.array(self.bed) - (sheet.width, sheet.height)
        if (room < -1e-6).any():
            page = f"{sheet.width:.1f} x {sheet.height:.1f}"
            raise LimitExceeded(f"a page of {page} mm is larger than the bed of {self.bed[0]:g} x {self.bed[1]:g} mm")
        return room / 2 + self.offset


def gcode(
    sheet: Sheet, colours: Sequence[str], plotter: Plotter, description: str = "", check: Check | None = None
) -> bytes:
    """Return one sheet as G-code: absolute mm, y upwards from the lower edge, a pause at each change of the pen.

    Args:
        sheet: Sheet in mm.
        colours: Colours of the paragraphs in turn.
        plotter: Commands and speed.
        description: Comment in the first line.
        check: Called before each stroke; what it raises ends the drawing.
    """
    wait = _wait(plotter)
    lift = [*_lines(plotter.pen_up), *wait]
    lower = [*_lines(plotter.pen_down), *wait]
    out = [f"; nextstroke {_plain(description)}".rstrip(), *_lines(plotter.header), *lift]
    for number, (colour, strokes) in enumerate(_pens(sheet, colours, plotter, check)):
        out += [f"; pen {_plain(colour)}"] if number == 0 else [f"M0 ; change the pen to {_plain(colour)}"]
        for stroke in strokes:
            if check:
                check()
            first, *moves = _moves(stroke, plotter)
            # The speed holds until another is given.
            out += [f"G0 {first}", *lower, f"{moves[0]} F{plotter.feed:g}", *moves[1:], *lift]
    return "\n".join([*out, *_lines(plotter.footer), ""]).encode("ascii", "replace")


def _moves(stroke: np.ndarray, plotter: Plotter) -> Iterator[str]:
    """Yield the place where a stroke begins, then the commands that draw it; a dot is a move to where it is."""
    pen = stroke[0].round(3)
    yield f"X{pen[0]:.3f} Y{pen[1]:.3f}"
    if len(stroke) == 1:
        yield f"G1 X{pen[0]:.3f} Y{pen[1]:.3f}"
    elif not plotter.arcs:
        yield from (f"G1 X{x:.3f} Y{y:.3f}" for x, y in thinned(stroke, plotter.tolerance)[1:])
    else:
        for end, centre in arcs(stroke, plotter.tolerance):
            to = f"X{end[0]:.3f} Y{end[1]:.3f}"
            if centre is None:
                yield f"G1 {to}"
            else:
                (right, up), (ahead, aside) = centre - pen, end - pen
                yield f"{'G3' if right * aside - up * ahead < 0 else 'G2'} {to} I{right:.3f} J{up:.3f}"
            pen = end.round(3)


def _wait(plotter: Plotter) -> list[str]:
    if not plotter.dwell:
        return []
    return [f"G4 P{plotter.dwell:g}" if plotter.milliseconds else f"G4 P{plotter.dwell / 1000:g}"]


def hpgl(sheet: Sheet, colours: Sequence[str], plotter: Plotter, check: Check | None = None) -> bytes:
    """One sheet as HPGL: 40 units to the millimetre, y upwards, one pen for each colour; `check` as for `gcode`."""
    out = ["IN;"]
    for number, (_, strokes) in enumerate(_pens(sheet, colours, plotter, check), 1):
        out.append(f"SP{number};")
        for stroke in strokes:
            if check:
                check()
            corners = np.rint(thinned(stroke, plotter.tolerance) * HPGL_UNITS).astype(int)
            first, *rest = (f"{x},{y}" for x, y in corners)
            out.append(f"PU{first};PD{','.join(rest or [first])};")
    return "\n".join([*out, "PU;SP0;", ""]).encode()


def _pens(
    sheet: Sheet, colours: Sequence[str], plotter: Plotter, check: Check | None
) -> Iterator[tuple[str, list[np.ndarray]]]:
    """Yield each colour with its strokes as straight pieces, in mm on the machine, y upwards."""
    origin = plotter.origin(sheet) + (0, sheet.height)
    pen: Sequence[float] = (0.0, 0.0)
    for colour, lines in sheet.layers(colours):
        curves = [polyline(stroke, PIECES) * (1, -1) + origin for line in lines for stroke in line.strokes()]
        if plotter.shortest:
            curves = tour(curves, pen, check)
        pen = curves[-1][-1].tolist()
        yield colour, curves


def _lines(commands: str) -> list[str]:
    return [line for line in commands.splitlines() if line.strip()]


def _plain(text: str) -> str:
    """Return a text that is safe in a comment of one line."""
    return " ".join(text.split()).replace(";", ",")
