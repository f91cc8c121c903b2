"""Lines of handwriting one under the other, as the paper shows its samples (Figures 9, 11 and 15 to 21)."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from nextstroke.ink import Ink
from nextstroke.pages.figures import new_figure, save_figure
from nextstroke.pages.spline import polyline

INCHES = 10.0  # width of the figure
REAL, DRAWN = "#8c1d18", "#1a1a2e"


class Row(NamedTuple):
    """One line of a figure.

    Attributes:
        ink: In the units of its corpus; all rows are drawn at one scale.
        label: Stands at the left.
        real: Whether a person wrote it.
        gap: Whether some space parts it from the row above.
    """

    ink: Ink
    label: str = ""
    real: bool = False
    gap: bool = False


def lines_figure(rows: Sequence[Row], path: Path) -> None:
    """Draw rows of ink at one scale, what people wrote in red."""
    boxes = [row.ink.bounds() for row in rows]
    widest = max(right - left for left, _, right, _ in boxes)
    between = 0.03 * widest
    margin = 0.12 * widest if any(row.label for row in rows) else 0.0
    tops = [0.0]
    for (_, top, _, bottom), row in zip(boxes, [*rows[1:], rows[-1]], strict=True):
        tops.append(tops[-1] + bottom - top + between * (3 if row.gap else 1))
    whole = widest + margin, tops[-1]
    figure = new_figure(INCHES, INCHES * whole[1] / whole[0])
    axes = figure.subplots()
    for row, (left, top, _, bottom), y in zip(rows, boxes, tops, strict=False):
        _draw(axes, row.ink.moved(-left, y - top), REAL if row.real else DRAWN)
        axes.text(-margin, y + (bottom - top) / 2, row.label, fontsize=8, va="center")
    axes.set_xlim(-margin - between, widest + between)
    axes.set_ylim(whole[1], -between)
    axes.set_aspect("equal")
    axes.axis("off")
    save_figure(figure, path)


def _draw(axes, ink: Ink, colour: str) -> None:
    for stroke in ink.strokes():
        dot = "." if len(stroke) == 1 else ""
        axes.plot(*polyline(stroke).T, color=colour, linewidth=0.9, marker=dot, markersize=1.5)
