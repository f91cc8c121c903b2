"""Write sheets for pen plotters: G-code in millimetres and HPGL."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from nextstroke.errors import UsageError
from nextstroke.pages.layout import Sheet
from nextstroke.pages.spline import polyline

HPGL_UNITS = 40  # to the millimetre


@dataclass(frozen=True)
class Plotter:
    """Settings of a pen plotter.

    Attributes:
        pen_up, pen_down: Lines of G-code that lift and lower the pen.
        feed: Drawing speed in mm per minute, 1 to 1,000,000.
        shortest: Whether strokes are reordered and reversed to shorten the moves with the pen up.

    Raises:
        UsageError: a feed out of its range, or a pen command that is not one line.
    """

    pen_up: str = "G0 Z5"
    pen_down: str = "G1 Z0 F600"
    feed: float = 1500.0
    shortest: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.feed <= 1e6:
            raise UsageError(f"feed {self.feed}: give mm a minute, 1 to 1000000")
        for line in (self.pen_up, self.pen_down):
            if not line.strip() or not line.isprintable():
                raise UsageError(f"pen command {line!r}: give one line of G-code, such as G0 Z5")


def gcode(sheet: Sheet, colours: Sequence[str], plotter: Plotter, description: str = "") -> bytes:
    """Return one sheet as G-code: absolute mm, y upwards from the lower edge, a pause at each change of the pen.

    Args:
        sheet: Sheet in mm.
        colours: Colours of the paragraphs in turn.
        plotter: Commands and speed.
        description: Comment in the first line.
    """
    out = [f"; nextstroke {_plain(description)}".rstrip(), "G21", "G90", plotter.pen_up]
    for number, (colour, strokes) in enumerate(_pens(sheet, colours, plotter)):
        out += [f"; pen {_plain(colour)}"] if number == 0 else [f"M0 ; change the pen to {_plain(colour)}"]
        for stroke in strokes:
            first, *rest = (f"X{x:.3f} Y{y:.3f}" for x, y in stroke)
            out += [f"G0 {first}", plotter.pen_down, f"G1 {rest[0] if rest else first} F{plotter.feed:g}"]
            out += [*(f"G1 {place}" for place in rest[1:]), plotter.pen_up]
    return "\n".join([*out, "G0 X0 Y0", "M2", ""]).encode("ascii", "replace")


def hpgl(sheet: Sheet, colours: Sequence[str], plotter: Plotter) -> bytes:
    """One sheet as HPGL: 40 units to the millimetre, y upwards, one pen for each colour."""
    out = ["IN;"]
    for number, (_, strokes) in enumerate(_pens(sheet, colours, plotter), 1):
        out.append(f"SP{number};")
        for stroke in strokes:
            first, *rest = (f"{x},{y}" for x, y in np.rint(stroke * HPGL_UNITS).astype(int))
            out.append(f"PU{first};PD{','.join(rest or [first])};")
    return "\n".join([*out, "PU;SP0;", ""]).encode()


def tour(strokes: Sequence[np.ndarray]) -> Iterator[np.ndarray]:
    """Yield the strokes in nearest-neighbour order; a stroke is reversed where its end is nearer than its start.

    Args:
        strokes: Arrays (points, 2); the pen begins at (0, 0).
    """
    ends = np.array([[stroke[0], stroke[-1]] for stroke in strokes])
    pen = np.zeros(2)
    left = np.ones(len(strokes), bool)
    for _ in strokes:
        far = np.where(left[:, None], ((ends - pen) ** 2).sum(2), np.inf)
        nearest, end = divmod(int(far.argmin()), 2)
        left[nearest] = False
        yield strokes[nearest][::-1] if end == 1 else strokes[nearest]
        pen = ends[nearest, 1 - end]


def _pens(sheet: Sheet, colours: Sequence[str], plotter: Plotter) -> Iterator[tuple[str, list[np.ndarray]]]:
    """Yield each colour with its strokes as straight pieces, y upwards."""
    for colour, lines in sheet.layers(colours):
        curves = [polyline(stroke, 4) * (1, -1) + (0, sheet.height) for line in lines for stroke in line.strokes()]
        yield colour, list(tour(curves)) if plotter.shortest else curves


def _plain(text: str) -> str:
    """Return a text that is safe in a comment of one line."""
    return " ".join(text.split()).replace(";", ",")
