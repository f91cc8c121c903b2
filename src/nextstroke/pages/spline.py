"""Strokes as smooth curves: a Catmull-Rom spline through the points, as the recipe for simplified ink draws it."""

import numpy as np

TENSION = 6.0  # the uniform Catmull-Rom spline: tangents are half the chord of the neighbours, thirds of it the handles


def bezier(stroke: np.ndarray) -> np.ndarray:
    """Cubic Bézier segments that pass through all points.

    Args:
        stroke: (points, 2), at least two points.
    Returns: (points − 1, 4, 2): start, two handles, end of each segment.
    """
    around = np.concatenate([stroke[:1], stroke, stroke[-1:]])
    tangent = (around[2:] - around[:-2]) / TENSION
    start, end = stroke[:-1], stroke[1:]
    return np.stack([start, start + tangent[:-1], end - tangent[1:], end], 1)


def polyline(stroke: np.ndarray, pieces: int = 6) -> np.ndarray:
    """The curve as straight pieces, `pieces` for each segment; a single point stays as it is."""
    if len(stroke) < 2:
        return stroke
    t = np.linspace(0, 1, pieces + 1)[1:, None]
    weights = np.stack([(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3])
    curve = np.einsum("kpi,skx->spx", weights, bezier(stroke))
    return np.concatenate([stroke[:1], curve.reshape(-1, 2)])
