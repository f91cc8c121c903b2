"""Plots of the paper's figures with matplotlib (extra: figures)."""

import io
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np

from nextstroke.errors import UsageError
from nextstroke.files import write_bytes
from nextstroke.ink import Ink
from nextstroke.pages.spline import polyline

KINDS = ("png", "svg", "pdf")


def window_figure(phi: np.ndarray, text: str, ink: Ink, path: Path) -> None:
    """Plot Figure 13: the window's weights over time and characters, with the ink above.

    Args:
        phi: Weights, (points, characters + 1); the last column is the position after the text.
        text: Text that was written.
        ink: One point for each row of `phi`.
        path: Picture to write, .png, .svg or .pdf.
    """
    figure = new_figure(max(6.0, len(phi) / 40), 2 + 0.13 * len(text))
    trace, image = figure.subplots(2, 1, height_ratios=[1, max(1.0, len(text) / 14)])
    draw_ink(trace, ink)
    image.imshow(phi.T, origin="lower", aspect="auto", cmap="gray_r", interpolation="nearest")
    image.set_yticks(range(len(text)), [character if character != " " else "␣" for character in text], fontsize=7)
    image.set_xlabel("points written")
    save_figure(figure, path)


def bars_figure(shares: dict[str, float], title: str, path: Path) -> None:
    """Plot shares of a whole, 0 to 1, as bars, the first on top."""
    figure = new_figure(7.0, 0.8 + 0.32 * len(shares))
    axes = figure.subplots()
    bars = axes.barh(list(shares), [100 * share for share in shares.values()], color="0.35")
    axes.bar_label(bars, fmt="%.1f %%", padding=3)
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.spines[["top", "right", "bottom"]].set_visible(False)
    axes.xaxis.set_visible(False)
    axes.set_title(title, fontsize=11)
    save_figure(figure, path)


def charts_figure(charts: Sequence[tuple[str, Mapping[str, float]]], path: Path) -> None:
    """Plot numbers to compare as bars, one chart beside the other.

    Args:
        charts: Title, and each number by its name, of each chart.
        path: Picture to write, .png, .svg or .pdf.
    """
    figure = new_figure(3.2 * len(charts), 2.2)
    for axes, (title, values) in zip(figure.subplots(1, len(charts), squeeze=False)[0], charts, strict=True):
        bars = axes.bar(list(values), list(values.values()), color="0.35", width=0.6)
        axes.bar_label(bars, fmt="%.3g", fontsize=8)
        axes.margins(y=0.15)
        axes.tick_params(labelsize=8)
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_title(title, fontsize=9)
    save_figure(figure, path)


def density_figure(
    density: np.ndarray, extent: tuple[float, float, float, float], ink: Ink, weights: np.ndarray, path: Path
) -> None:
    """Plot Figures 10 and 14: the summed densities of a word's points over its ink, and the mixture weights below.

    Args:
        density: Image (rows, columns), the first row on top.
        extent: Left, right, bottom and top of the image in units of the ink.
        ink: Ink of the word.
        weights: π of each point, (points, components).
        path: Picture to write.
    """
    from matplotlib.colors import PowerNorm

    aspect = abs((extent[2] - extent[3]) / (extent[1] - extent[0]))
    figure = new_figure(9.0, 9.0 * aspect + 2.6)
    heat, bars = figure.subplots(2, 1, height_ratios=[9.0 * aspect, 2.2])
    # Densities within a stroke are thousands of times as high as those after its end; the root shows both.
    heat.imshow(density, extent=extent, cmap="magma", norm=PowerNorm(0.25, 0), interpolation="bilinear")
    for stroke in ink.strokes():
        heat.plot(*stroke.T, color="white", linewidth=0.5, alpha=0.6)
    heat.axis("off")
    bars.imshow(weights.T, aspect="auto", cmap="gray_r", interpolation="nearest", vmin=0, vmax=1)
    for end in np.flatnonzero(ink.end_of_stroke[:-1]):
        bars.axvline(end + 0.5, color="tab:red", linewidth=0.6)
    bars.set_xlabel("points (red: a stroke ends)")
    bars.set_ylabel("component")
    save_figure(figure, path)


def curves_figure(curves: dict[str, tuple[np.ndarray, np.ndarray]], axis: str, value: str, path: Path) -> None:
    """Plot learning curves.

    Args:
        curves: Positions on the axis and values there, by name.
        axis, value: Labels of the axes.
        path: Picture to write.
    """
    figure = new_figure(8.0, 4.5)
    axes = figure.subplots()
    for name, (positions, values) in curves.items():
        axes.plot(positions, values, marker=".", linewidth=1, label=name)
    axes.set_xlabel(axis)
    axes.set_ylabel(value)
    axes.grid(alpha=0.3)
    axes.legend()
    save_figure(figure, path)


def new_figure(width: float, height: float):
    """Return an empty figure; width and height in inches."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def figure_kind(path: Path) -> str:
    """Return the one of KINDS that is the suffix of `path`; raise UsageError for any other."""
    kind = path.suffix.removeprefix(".").lower()
    if kind not in KINDS:
        raise UsageError(f"{path}: give a figure one of the suffixes {', '.join(KINDS)}")
    return kind


def save_figure(figure, path: Path) -> None:
    """Write a matplotlib figure in the format of the suffix of `path`."""
    stream = io.BytesIO()
    figure.savefig(stream, format=figure_kind(path), dpi=150)
    write_bytes(path, stream.getvalue())


def draw_ink(axes, ink: Ink) -> None:
    """Draw ink on axes without frame, y downwards."""
    for stroke in ink.strokes():
        axes.plot(*polyline(stroke).T, color="black", linewidth=1, marker="." if len(stroke) == 1 else "", markersize=2)
    axes.invert_yaxis()
    axes.set_aspect("equal")
    axes.axis("off")


# Drawings of networks and of their memory cell (Figures 1, 2 and 12).

Edge = tuple[str, str, int, int]  # from, to, delay in steps, weights

STEPS = ("t − 1", "t", "t + 1")
APART = 3.0  # distance of columns, in rows
TEXT_LEFT = 1.3  # distance of the text from the window, to the left
NAMES = {"x": "input x", "text": "text c", "window": "window w", "y": "output ŷ"}
# Figure 2: the cell, the operations on the input from left to right, and the gates above and below.
CELL = (4.5, 2.3)
WAY = {0.7: "tanh", 2.2: "×", CELL[0]: "cell c", 5.7: "tanh", 6.8: "×"}
GATES = {"input": (2.2, 3.6), "forget": (4.5, 1.0), "output": (6.8, 3.6)}
LABELS = {"input": (-0.1, 0.3), "forget": (0.45, 0.0), "output": (-0.5, 0.3)}  # relative to the middle of a peephole
ROUND = {"boxstyle": "circle,pad=0.5", "facecolor": "#f2e3d5", "edgecolor": "0.25"}


def architecture_figure(
    sizes: Mapping[str, int], edges: Sequence[Edge], own: Mapping[str, int], title: str, path: Path
) -> None:
    """Draw Figures 1 and 12: three time steps of a network, with weights as solid and predictions as dashed lines.

    Args:
        sizes: Width of each part, from x to y, in the order from bottom to top.
        edges: Connections.
        own: Number of biases and peepholes of each part.
        title: Title of the figure.
        path: Picture to write.
    """
    rows = _rows(sizes)
    figure = new_figure(13.0, 1.1 * len(rows) + 1.6)
    drawing, table = figure.subplots(1, 2, width_ratios=[1.75, 1])
    for column, step in enumerate(STEPS):
        for edge in edges:
            _draw_edge(drawing, edge, rows, column)
        if column < 2:
            start, end = (APART * column, rows["y"]), (APART * (column + 1), rows["x"])
            _arrow(drawing, start, end, 0.0, linestyle=(0, (5, 4)), color="tab:blue", alpha=0.6)
        _draw_parts(drawing, sizes, rows, column)
        drawing.text(APART * column, -0.85, step, ha="center", fontsize=11)
    drawing.set_xlim(-1.7, 2 * APART + 1.5)
    drawing.set_ylim(-1.1, max(rows.values()) + 0.6)
    drawing.axis("off")
    drawing.set_title(title, fontsize=12)
    _table(table, edges, own)
    save_figure(figure, path)


def _rows(sizes: Mapping[str, int]) -> dict[str, float]:
    """Return the height of each part: inputs at the bottom, then the layers in order, the output on top."""
    order = [name for name in sizes if name not in ("x", "text", "window", "y")]
    if "window" in sizes:
        order.insert(1, "window")
    rows = {name: float(row) for row, name in enumerate(["x", *order, "y"])}
    return rows | {"text": rows.get("window", 0.0) + 0.5}


def _draw_parts(axes, sizes: Mapping[str, int], rows: Mapping[str, float], column: int) -> None:
    for name, size in sizes.items():
        x = APART * column - (TEXT_LEFT if name == "text" else 0)
        look = {"boxstyle": "round,pad=0.35" if name.startswith("h") else "square,pad=0.35"}
        fill = {"h": "#dce6f2", "x": "#f2f2f2", "y": "#f2e3d5"}.get(name[0], "#e5f0dc")
        unit = " Gaussians" if name == "window" else ""
        label = f"{NAMES.get(name, f'hidden {name[1:]}')}\n{size}{unit}"
        box = look | {"facecolor": fill, "edgecolor": "0.25"}
        axes.text(x, rows[name], label, ha="center", va="center", fontsize=8, bbox=box, zorder=3)


def _draw_edge(axes, edge: Edge, rows: Mapping[str, float], column: int) -> None:
    source, target, delay, _ = edge
    if column + delay > 2:
        return
    x = APART * column - (TEXT_LEFT if source == "text" else 0)
    start, end = (x, rows[source]), (APART * (column + delay), rows[target])
    distance = end[1] - start[1]
    # A connection past its neighbour is bent around the parts between.
    bend = 0.0 if delay or distance <= 1 or source == "text" else 0.28 * (1 if source in ("x", "window") else -1)
    bend *= 1 + 0.15 * (distance - 2)
    _arrow(axes, start, end, bend, color="0.3" if not delay else "tab:red", linewidth=1.0)


def _arrow(axes, start: tuple[float, float], end: tuple[float, float], bend: float, **look) -> None:
    style = {"arrowstyle": "-|>", "connectionstyle": f"arc3,rad={bend}", "shrinkA": 20, "shrinkB": 25, **look}
    axes.annotate("", end, start, arrowprops=style, zorder=2)


def _table(axes, edges: Sequence[Edge], own: Mapping[str, int]) -> None:
    """Write every connection with its number of weights, and their sum."""
    lines = [
        f"{_short(source):>6} → {_short(target):<6} {_late(delay)} {weights:>11,}"
        for source, target, delay, weights in edges
    ]
    lines += [f"{'own of':>6}   {_short(name):<6}       {count:>11,}" for name, count in own.items()]
    total = sum(edge[3] for edge in edges) + sum(own.values())
    lines += ["", f"{'weights in all':>21} {total:>11,}"]
    axes.text(0, 0.98, "\n".join(lines), family="monospace", fontsize=8, va="top", transform=axes.transAxes)
    axes.text(0, 0.0, "red: a step later; own: biases and peepholes", fontsize=8, transform=axes.transAxes)
    axes.axis("off")


def _late(delay: int) -> str:
    return f"t + {delay}" if delay else "     "


def _short(name: str) -> str:
    return {"text": "c", "window": "w", "y": "ŷ"}.get(name, name)


def cell_figure(looks: Mapping[str, str], cells: int, clip: float, path: Path) -> None:
    """Draw Figure 2: the memory cell with its gates and peepholes.

    Args:
        looks: Value of the cell that each gate's peephole sees: "before" or "after" the step.
        cells: Number of cells in the layer.
        clip: Bound of the derivatives with respect to the gates' inputs.
        path: Picture to write.
    """
    figure = new_figure(8.5, 5.6)
    axes = figure.subplots()
    _draw_way(axes)
    for gate, position in GATES.items():
        _draw_gate(axes, gate, position, looks[gate] == "after")
    caption = f"{cells} such cells in a layer; dashed: peepholes, one weight each; derivatives clipped to ±{clip:g}"
    axes.text(3.8, -1.15, caption, ha="center", fontsize=9)
    axes.set_xlim(-0.7, 8.4)
    axes.set_ylim(-1.4, 5.2)
    axes.axis("off")
    save_figure(figure, path)


def _draw_way(axes) -> None:
    """Draw the path from x and h(t − 1) through the cell to h(t)."""
    y = CELL[1]
    for x, text in WAY.items():
        box = ROUND | {"facecolor": "#dce6f2" if text == "cell c" else "white"}
        axes.text(x, y, text, ha="center", va="center", fontsize=10, bbox=box, zorder=3)
    for left, right in pairwise([-0.4, *WAY, 8.2]):
        _arrow(axes, (left, y), (right, y), 0.0, color="0.3")
    axes.text(-0.5, y + 0.2, "x, h(t − 1)", fontsize=8)
    axes.text(7.5, y + 0.2, "h(t)", fontsize=9)


def _draw_gate(axes, gate: str, position: tuple[float, float], after: bool) -> None:
    """Draw a gate with its inputs, its effect and its peephole, which sees the cell before or after the step."""
    x, y = position
    label = f"{gate}\ngate {gate[0]}"
    axes.text(x, y, label, ha="center", va="center", fontsize=9, bbox=ROUND, zorder=3)
    outward = 1 if y > CELL[1] else -1
    _arrow(axes, (x, y + 1.25 * outward), (x, y), 0.0, color="0.3")
    axes.text(x + 0.15, y + 0.95 * outward, "x, h(t − 1)", fontsize=8)
    _arrow(axes, (x, y), (x, CELL[1]), 0.0, color="0.3")
    _arrow(axes, CELL, (x, y), -0.35 if gate == "forget" else 0.0, color="tab:red", linestyle="--")
    middle = (CELL[0] + x) / 2 + LABELS[gate][0], (CELL[1] + y) / 2 + LABELS[gate][1]
    axes.text(*middle, "c(t)" if after else "c(t − 1)", fontsize=9, color="tab:red")


# Lines of handwriting as the paper shows its samples (Figures 9, 11 and 15 to 21).

INCHES = 10.0  # width of the figure
REAL, DRAWN = "#8c1d18", "#1a1a2e"


class InkRow(NamedTuple):
    """One line of a figure.

    Attributes:
        ink: Ink in the units of its corpus; all rows are drawn at one scale.
        label: Text at the left.
        real: Whether a person wrote it.
        gap: Whether there is additional space above it.
    """

    ink: Ink
    label: str = ""
    real: bool = False
    gap: bool = False


def lines_figure(rows: Sequence[InkRow], path: Path) -> None:
    """Draw rows of ink at one scale, real ones in red."""
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
