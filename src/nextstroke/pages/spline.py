"""Smooth curves through the points of strokes: uniform Catmull-Rom splines."""

import numpy as np

# Catmull-Rom tangents are half the chord of the neighbours; Bézier handles are a third of the
# tangents.
TENSION = 6.0
SMOOTH = 6  # straight pieces of a curve between two points that look smooth


def bezier(stroke: np.ndarray) -> np.ndarray:
    """Return cubic Bézier segments that pass through all points.

    Args:
        stroke: Points (points, 2), at least two.

    Returns: Start, two handles and end of each segment, (points − 1, 4, 2).
    """
    around = np.concatenate([stroke[:1], stroke, stroke[-1:]])
    tangent = (around[2:] - around[:-2]) / TENSION
    start = stroke[:-1]
    end = stroke[1:]
    return np.stack([start, start + tangent[:-1], end - tangent[1:], end], 1)


def polyline(stroke: np.ndarray, pieces: int = SMOOTH) -> np.ndarray:
    """Return the curve as straight pieces, `pieces` for each segment; a single point is returned unchanged."""
    if len(stroke) < 2:
        return stroke
    t = np.linspace(0, 1, pieces + 1)[1:, None]
    weights = np.stack([(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3])
    curve = np.einsum("kpi,skx->spx", weights, bezier(stroke))
    return np.concatenate([stroke[:1], curve.reshape(-1, 2)])
