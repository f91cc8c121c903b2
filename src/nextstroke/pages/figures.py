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
    from matplotlib.figure import Figure

    figure = Figure(figsize=(max(6.0, len(phi) / 40), 2 + 0.13 * len(text)), layout="constrained")
    trace, image = figure.subplots(2, 1, height_ratios=[1, max(1.0, len(text) / 14)])
    _draw_ink(trace, ink)
    image.imshow(phi.T, origin="lower", aspect="auto", cmap="gray_r", interpolation="nearest")
    image.set_yticks(range(len(text)), [character if character != " " else "␣" for character in text], fontsize=7)
    image.set_xlabel("points written")
    _save(figure, path)


def shares_figure(shares: dict[str, float], title: str, path: Path) -> None:
    """Shares of a whole as bars, the first on top; `path` as in `window_figure`."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.0, 0.8 + 0.32 * len(shares)), layout="constrained")
    axes = figure.subplots()
    bars = axes.barh(list(shares), [100 * share for share in shares.values()], color="0.35")
    axes.bar_label(bars, fmt="%.1f %%", padding=3)
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.spines[["top", "right", "bottom"]].set_visible(False)
    axes.xaxis.set_visible(False)
    axes.set_title(title, fontsize=11)
    _save(figure, path)


def figure_kind(path: Path) -> str:
    """One of KINDS by the suffix of `path`; raises UsageError for any other."""
    kind = path.suffix.removeprefix(".").lower()
    if kind not in KINDS:
        raise UsageError(f"{path}: give a figure one of the suffixes {', '.join(KINDS)}")
    return kind


def _save(figure, path: Path) -> None:
    stream = io.BytesIO()
    figure.savefig(stream, format=figure_kind(path), dpi=150)
    write_bytes(path, stream.getvalue())


def _draw_ink(axes, ink: Ink) -> None:
    for stroke in ink.strokes():
        axes.plot(*polyline(stroke).T, color="black", linewidth=1, marker="." if len(stroke) == 1 else "", markersize=2)
    axes.invert_yaxis()
    axes.set_aspect("equal")
    axes.axis("off")
