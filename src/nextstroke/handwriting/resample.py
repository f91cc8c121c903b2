"""Bring ink of any point rate to that of a model: smoothed and thinned, or interpolated on a spline."""

import numpy as np

from nextstroke.ink import Ink
from nextstroke.pages.spline import polyline

PIECES = 8  # of each segment of the spline on which points are interpolated


def thinned(ink: Ink, points: float) -> Ink:
    """Return a line with about `points` points: smoothed and taken at equal steps, or interpolated on a spline."""
    share = points / len(ink)
    return Ink.from_strokes([_resampled(stroke, share) for stroke in ink.strokes()])


def _resampled(stroke: np.ndarray, share: float) -> np.ndarray:
    if len(stroke) < 3:
        return stroke
    smooth = stroke.copy()
    smooth[1:-1] = (stroke[:-2] + 2 * stroke[1:-1] + stroke[2:]) / 4
    curve = smooth if share <= 1 else polyline(stroke, PIECES)
    steps = np.linspace(0, len(curve) - 1, max(2, round(len(stroke) * share)))
    positions = np.arange(len(curve))
    return np.column_stack([np.interp(steps, positions, axis) for axis in curve.T])
