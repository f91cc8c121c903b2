"""Figures of the paper (extra: figures)."""

import io
from pathlib import Path

import numpy as np

from nextstroke.errors import UsageError
from nextstroke.files import write_bytes
from nextstroke.ink import Ink
from nextstroke.pages.spline import polyline

KINDS = ("png", "svg", "pdf")


def window_figure(phi: np.ndarray, text: str, ink: Ink, path: Path) -> None:
    """Figure 13: the window's weights as an image over time, the characters up the side, the ink above.

    Args:
        phi: Weights, (points, characters + 1); the last column is one behind the text.
        text: What was written.
        ink: The points, as many as `phi` has rows.
        path: png, svg or pdf.
    """
    figure = new_figure(max(6.0, len(phi) / 40), 2 + 0.13 * len(text))
    trace, image = figure.subplots(2, 1, height_ratios=[1, max(1.0, len(text) / 14)])
    draw_ink(trace, ink)
    image.imshow(phi.T, origin="lower", aspect="auto", cmap="gray_r", interpolation="nearest")
    image.set_yticks(range(len(text)), [character if character != " " else "␣" for character in text], fontsize=7)
    image.set_xlabel("points written")
    save_figure(figure, path)


def shares_figure(shares: dict[str, float], title: str, path: Path) -> None:
    """Shares of a whole as bars, the first on top; `path` as in `window_figure`."""
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


def density_figure(
    density: np.ndarray, extent: tuple[float, float, float, float], ink: Ink, weights: np.ndarray, path: Path
) -> None:
    """Figures 10 and 14: the densities of a word's points summed, over its ink; below, the components' weights.

    Args:
        density: (rows, columns) as an image with its first row on top.
        extent: Left, right, bottom and top of the image in the ink's units.
        ink: The word.
        weights: π of each point, (points, components).
    """
    from matplotlib.colors import PowerNorm

    aspect = abs((extent[2] - extent[3]) / (extent[1] - extent[0]))
    figure = new_figure(9.0, 9.0 * aspect + 2.6)
    heat, bars = figure.subplots(2, 1, height_ratios=[9.0 * aspect, 2.2])
    # Blobs along a stroke are thousands of times as high as those after its end; the root shows both.
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
    """Learning curves: name to the places on the axis and the values there."""
    figure = new_figure(8.0, 4.5)
    axes = figure.subplots()
    for name, (places, values) in curves.items():
        axes.plot(places, values, marker=".", linewidth=1, label=name)
    axes.set_xlabel(axis)
    axes.set_ylabel(value)
    axes.grid(alpha=0.3)
    axes.legend()
    save_figure(figure, path)


def new_figure(width: float, height: float):
    """An empty figure of so many inches."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def figure_kind(path: Path) -> str:
    """One of KINDS by the suffix of `path`; raises UsageError for any other."""
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
    """Ink on axes that show nothing else, y downwards."""
    for stroke in ink.strokes():
        axes.plot(*polyline(stroke).T, color="black", linewidth=1, marker="." if len(stroke) == 1 else "", markersize=2)
    axes.invert_yaxis()
    axes.set_aspect("equal")
    axes.axis("off")
