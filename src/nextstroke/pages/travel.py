"""Plan the path of a plotter: order strokes for short pen-up travel, thin curves and fit arcs to them."""

from collections.abc import Callable, Sequence

import numpy as np

WINDOW = 2000  # strokes of a part of a tour; 2-opt improves a longer tour part by part
ROUNDS = 40  # greatest number of passes of 2-opt over a part
MAX_RADIUS = 500.0  # mm; a flatter arc is written as a straight piece
GAIN = 1e-6  # mm that a reversal must save, so that rounding cannot make 2-opt run for ever


def tour(strokes: Sequence[np.ndarray], start: Sequence[float] = (0.0, 0.0)) -> list[np.ndarray]:
    """Return strokes reordered and partly reversed, so that the pen-up travel between them is short.

    The tour goes to the nearest end of a stroke each time. 2-opt then improves it: a run of strokes
    is reversed as long as that shortens the travel (Croes 1958).

    Args:
        strokes: Arrays (points, 2).
        start: Position of the pen before the first stroke, (2,).
    """
    if not strokes:
        return []
    ends = np.array([[stroke[0], stroke[-1]] for stroke in strokes], float)
    order, turned = _nearest(ends, np.array(start, float))
    pen = np.array(start, float)
    for first in range(0, len(order), WINDOW):
        part = slice(first, first + WINDOW)
        order[part], turned[part] = _two_opt(ends, order[part], turned[part], pen)
        last = min(first + WINDOW, len(order)) - 1
        pen = ends[order[last], 0 if turned[last] else 1]
    return [strokes[i][::-1] if back else strokes[i] for i, back in zip(order, turned, strict=True)]


def _nearest(ends: np.ndarray, pen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the indices of strokes in nearest-neighbour order, and whether each is reversed.

    Args:
        ends: First and last point of each stroke, (strokes, 2, 2).
        pen: Position of the pen before the first stroke, (2,).
    """
    order = np.zeros(len(ends), int)
    turned = np.zeros(len(ends), bool)
    left = ends.copy()
    for position in range(len(ends)):
        distance = ((left - pen) ** 2).sum(2)
        nearest, end = divmod(int(distance.argmin()), 2)
        order[position] = nearest
        turned[position] = end == 1
        pen = ends[nearest, 1 - end]
        left[nearest] = np.inf
    return order, turned


def _two_opt(
    ends: np.ndarray,
    order: np.ndarray,
    turned: np.ndarray,
    pen: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Improve a part of a tour by 2-opt and return its order and directions.

    Args:
        ends: First and last point of each stroke, (strokes, 2, 2).
        order: Indices of the strokes of the part, in order.
        turned: Whether each stroke of the part is reversed.
        pen: Position of the pen before the part, (2,).
    """
    order = order.copy()
    turned = turned.copy()
    index = turned.astype(int)
    enter = ends[order, index]
    leave = ends[order, 1 - index]
    for _ in range(ROUNDS):
        saved = False
        for i in range(len(order)):
            before = leave[i - 1] if i else pen
            # Reversing strokes i to j replaces the moves to i and from j.
            change = _distance(before, leave[i:]) - _distance(before, enter[i])
            after = enter[i + 1 :]
            change[:-1] += _distance(enter[i], after) - _distance(leave[i:-1], after)
            j = i + int(change.argmin())
            if change[j - i] < -GAIN:
                part = slice(i, j + 1)
                order[part] = order[part][::-1]
                turned[part] = ~turned[part][::-1]
                entered = enter[part].copy()
                enter[part] = leave[part][::-1]
                leave[part] = entered[::-1]
                saved = True
        if not saved:
            break
    return order, turned


def _distance(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the Euclidean distances of points, (..., 2)."""
    return np.hypot(*np.moveaxis(a - b, -1, 0))


def thinned(curve: np.ndarray, tolerance: float) -> np.ndarray:
    """Return the points of a polyline that remain after line simplification (Ramer 1972).

    Args:
        curve: Points (points, 2).
        tolerance: Greatest distance of a removed point from the result, in the unit of the points.
    """
    keep = np.zeros(len(curve), bool)
    keep[[0, -1]] = True
    parts = [(0, len(curve) - 1)]
    while parts:
        first, last = parts.pop()
        if last - first < 2:
            continue
        off = _off_segment(curve[first + 1 : last], curve[first], curve[last])
        worst = first + 1 + int(off.argmax())
        if off[worst - first - 1] > tolerance:
            keep[worst] = True
            parts += [(first, worst), (worst, last)]
    return curve[keep]


def _off_segment(points: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Return the distances of points from a line segment, (points,)."""
    along = end - start
    square = float(along @ along)
    if not square:
        return _distance(points, start)
    share = np.clip((points - start) @ along / square, 0, 1)
    return _distance(points, start + share[:, None] * along)


def arcs(curve: np.ndarray, tolerance: float) -> list[tuple[np.ndarray, np.ndarray | None]]:
    """Return a polyline as straight pieces and circular arcs, each as long as the tolerance allows.

    Args:
        curve: Points (points, 2), close to each other, in mm.
        tolerance: Greatest distance of a point from its piece or arc, in mm.

    Returns:
        The end of each piece and the centre of its circle, None for a straight one. Arcs are
        shorter than a semicircle.
    """

    def is_straight(points: np.ndarray) -> bool:
        """Return whether points fit the segment from the first to the last."""
        return bool((_off_segment(points[:-1], points[0], points[-1]) <= tolerance).all())

    def is_arc(points: np.ndarray) -> bool:
        """Return whether points fit an arc."""
        return _centre(points, tolerance) is not None

    pieces: list[tuple[np.ndarray, np.ndarray | None]] = []
    first = 0
    while first < len(curve) - 1:
        straight = _reach(curve, first, is_straight)
        bent = _reach(curve, first, is_arc)
        if bent > straight:
            pieces.append((curve[bent], _centre(curve[first : bent + 1], tolerance)))
            first = bent
        else:
            pieces.append((curve[straight], None))
            first = straight
    return pieces


def _reach(curve: np.ndarray, first: int, fits: Callable[[np.ndarray], bool]) -> int:
    """Return the index of the last point up to which a piece from `first` fits, by exponential search.

    Args:
        curve: Points (points, 2).
        first: Index of the first point of the piece.
        fits: Function from three or more points to whether one piece fits them.
    """
    last = first + 1
    step = 1
    while step:
        if last + step < len(curve) and fits(curve[first : last + step + 1]):
            last += step
            step *= 2
        else:
            step //= 2
    return last


def _centre(points: np.ndarray, tolerance: float) -> np.ndarray | None:
    """Return the centre of the circle through the first, middle and last point; None if it does not fit.

    Args:
        points: Three or more points, (points, 2), in mm.
        tolerance: Greatest distance of a point from the circle, in mm.
    """
    start = points[0]
    a = points[len(points) // 2] - start
    b = points[-1] - start
    # The circumcentre of a triangle with a corner at the origin.
    twice = 2 * float(a[0] * b[1] - a[1] * b[0])
    if abs(twice) < 1e-9:
        return None
    square_a = float(a @ a)
    square_b = float(b @ b)
    x = b[1] * square_a - a[1] * square_b
    y = a[0] * square_b - b[0] * square_a
    centre = start + np.array([x, y]) / twice
    radius = float(np.hypot(*(start - centre)))
    if radius > MAX_RADIUS or (abs(_distance(points, centre) - radius) > tolerance).any():
        return None
    # The points must go round the centre in one direction, by less than half a turn.
    angles = np.unwrap(np.arctan2(*(points - centre).T[::-1]))
    turns = np.diff(angles)
    if abs(angles[-1] - angles[0]) >= np.pi or not ((turns >= 0).all() or (turns <= 0).all()):
        return None
    return centre
