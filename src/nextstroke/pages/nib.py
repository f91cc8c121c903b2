"""The ink of a nib, whose width falls with the speed of the pen."""

import numpy as np

from nextstroke.ink import Ink
from nextstroke.pages.spline import polyline

THIN = 0.5  # width at infinite speed, in widths of the pen
BROAD = 1.5  # width at rest, in widths of the pen
ENDS = 0.6  # factor of the width at both ends of a stroke
CORNERS = 12  # corners of the disc that is a dot
SMOOTHING = 9  # points over which the width is averaged; odd


def ribbons(line: Ink, pen: float) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the strokes of a line as smooth centre lines with a width for each point.

    The points of the curve are equally spaced in time, so their distance is the speed.

    Args:
        line: Ink of one line.
        pen: Width at the line's median speed, in the unit of the ink.

    Returns: For each stroke its points (n, 2) and widths (n,).
    """
    curves = [polyline(stroke) for stroke in line.strokes()]
    speeds = [_speed(curve) for curve in curves]
    every = np.concatenate(speeds)
    moving = every[every > 0]
    usual = float(np.median(moving)) if len(moving) else 1.0
    widths = [pen * _width(speed / usual) for speed in speeds]
    return list(zip(curves, widths, strict=True))


def outline(curve: np.ndarray, width: np.ndarray) -> np.ndarray:
    """Return the outline of a ribbon, a polygon (n, 2) for the non-zero fill rule; a dot is a disc.

    Args:
        curve: Points of the centre line, (points, 2).
        width: Width at each point, (points,).
    """
    moves = np.diff(curve, axis=0)
    length = np.hypot(*moves.T)
    if not len(moves) or not length.any():
        turns = 2 * np.pi * np.arange(CORNERS) / CORNERS
        return curve[0] + width[0] / 2 * np.column_stack([np.cos(turns), np.sin(turns)])
    keep = np.append(True, length > 0)
    curve = curve[keep]
    half = width[keep, None] / 2
    ahead = moves[length > 0] / length[length > 0, None]
    across = np.column_stack([ahead[:, 1], -ahead[:, 0]])
    # Each point has the edges of both pieces that meet in it, which keeps the outside of turns
    # full.
    before = np.concatenate([across[:1], across])
    after = np.concatenate([across, across[-1:]])
    left = np.stack([curve + half * before, curve + half * after], 1).reshape(-1, 2)
    right = np.stack([curve - half * before, curve - half * after], 1).reshape(-1, 2)[::-1]
    end = curve[-1] + half[-1] * ahead[-1]
    start = curve[0] - half[0] * ahead[0]
    return np.concatenate([left, end[None], right, start[None]])


def _speed(curve: np.ndarray) -> np.ndarray:
    """Return the speed at each point, (points,), in lengths per point."""
    return np.hypot(*np.gradient(curve, axis=0).T) if len(curve) > 1 else np.zeros(1)


def _width(speed: np.ndarray) -> np.ndarray:
    """Return smoothed widths, in widths of the pen, at speeds in units of the median speed."""
    width = THIN + (BROAD - THIN) / (1 + speed)
    if len(width) > 2:
        width[[0, -1]] *= ENDS
        padded = np.pad(width, SMOOTHING // 2, "edge")
        width = np.convolve(padded, np.ones(SMOOTHING) / SMOOTHING, "valid")
    return width
