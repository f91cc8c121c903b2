"""Networks and their memory cell as drawings (Figures 1, 2 and 12); what is connected is told by the caller."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from nextstroke.pages.figures import new_figure, save_figure

Edge = tuple[str, str, int, int]  # from, to, delay in steps, weights

STEPS = ("t − 1", "t", "t + 1")
APART = 3.0  # columns, in rows
TEXT_LEFT = 1.3  # of the window
NAMES = {"x": "input x", "text": "text c", "window": "window w", "y": "output ŷ"}
# Figure 2: the cell, what the input passes from left to right, and the gates above and below that way.
CELL = (4.5, 2.3)
WAY = {0.7: "tanh", 2.2: "×", CELL[0]: "cell c", 5.7: "tanh", 6.8: "×"}
GATES = {"input": (2.2, 3.6), "forget": (4.5, 1.0), "output": (6.8, 3.6)}
LABELS = {"input": (-0.1, 0.3), "forget": (0.45, 0.0), "output": (-0.5, 0.3)}  # from the middle of a peephole
ROUND = {"boxstyle": "circle,pad=0.5", "facecolor": "#f2e3d5", "edgecolor": "0.25"}


def architecture_figure(
    sizes: Mapping[str, int], edges: Sequence[Edge], own: Mapping[str, int], title: str, path: Path
) -> None:
    """Figures 1 and 12: three steps of a network side by side, solid lines its weights, dashed the predictions.

    Args:
        sizes: Width of each part, from x to y; those between are drawn in this order, the window above its layer.
        edges: Connections.
        own: Biases and peepholes of each part.
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
    """The height of each part: inputs at the bottom, each layer above the one before, the output on top."""
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
    # Past its neighbour a connection has to go round the parts between.
    bend = 0.0 if delay or distance <= 1 or source == "text" else 0.28 * (1 if source in ("x", "window") else -1)
    bend *= 1 + 0.15 * (distance - 2)
    _arrow(axes, start, end, bend, color="0.3" if not delay else "tab:red", linewidth=1.0)


def _arrow(axes, start: tuple[float, float], end: tuple[float, float], bend: float, **look) -> None:
    style = {"arrowstyle": "-|>", "connectionstyle": f"arc3,rad={bend}", "shrinkA": 20, "shrinkB": 25, **look}
    axes.annotate("", end, start, arrowprops=style, zorder=2)


def _table(axes, edges: Sequence[Edge], own: Mapping[str, int]) -> None:
    """Every connection with its number of weights, and their sum."""
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
    """Figure 2: the memory cell with its gates and peepholes.

    Args:
        looks: Which value of the cell the peephole of each gate sees, "before" or "after" the step.
        cells: Cells in the layer.
        clip: Bound of the derivatives by what the gates add up.
    """
    figure = new_figure(8.5, 5.6)
    axes = figure.subplots()
    _draw_way(axes)
    for gate, place in GATES.items():
        _draw_gate(axes, gate, place, looks[gate] == "after")
    told = f"{cells} such cells in a layer; dashed: peepholes, one weight each; derivatives clipped to ±{clip:g}"
    axes.text(3.8, -1.15, told, ha="center", fontsize=9)
    axes.set_xlim(-0.7, 8.4)
    axes.set_ylim(-1.4, 5.2)
    axes.axis("off")
    save_figure(figure, path)


def _draw_way(axes) -> None:
    """From x and h(t − 1) through the cell to h(t)."""
    y = CELL[1]
    for x, text in WAY.items():
        box = ROUND | {"facecolor": "#dce6f2" if text == "cell c" else "white"}
        axes.text(x, y, text, ha="center", va="center", fontsize=10, bbox=box, zorder=3)
    for left, right in pairwise([-0.4, *WAY, 8.2]):
        _arrow(axes, (left, y), (right, y), 0.0, color="0.3")
    axes.text(-0.5, y + 0.2, "x, h(t − 1)", fontsize=8)
    axes.text(7.5, y + 0.2, "h(t)", fontsize=9)


def _draw_gate(axes, gate: str, place: tuple[float, float], after: bool) -> None:
    """A gate with what comes to it and where it acts; its peephole sees the cell before or after the step."""
    x, y = place
    label = f"{gate}\ngate {gate[0]}"
    axes.text(x, y, label, ha="center", va="center", fontsize=9, bbox=ROUND, zorder=3)
    outward = 1 if y > CELL[1] else -1
    _arrow(axes, (x, y + 1.25 * outward), (x, y), 0.0, color="0.3")
    axes.text(x + 0.15, y + 0.95 * outward, "x, h(t − 1)", fontsize=8)
    _arrow(axes, (x, y), (x, CELL[1]), 0.0, color="0.3")
    _arrow(axes, CELL, (x, y), -0.35 if gate == "forget" else 0.0, color="tab:red", linestyle="--")
    middle = (CELL[0] + x) / 2 + LABELS[gate][0], (CELL[1] + y) / 2 + LABELS[gate][1]
    axes.text(*middle, "c(t)" if after else "c(t − 1)", fontsize=9, color="tab:red")
