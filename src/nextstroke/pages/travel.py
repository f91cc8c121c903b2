"""The order of strokes on a plotter: little travel with the pen up, and few points."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

WINDOW = 2000  # strokes that 2-opt exchanges with each other; a longer tour is improved part by part
ROUNDS = 40  # times that 2-opt goes through a part at most
MAX_RADIUS = 500.0  # mm; a flatter arc is a straight piece
GAIN = 1e-6  # mm that an exchange has to save

Check = Callable[[], None]  # called now and then; what it raises ends the work


def tour(
    strokes: Sequence[np.ndarray], start: Sequence[float] = (0.0, 0.0), check: Check | None = None
) -> list[np.ndarray]:
    """Return strokes in an order, and each in a direction, that travels little between them.

    The tour goes to the nearest end of a stroke each time, and is then improved by 2-opt: a part of the tour is turned
    round as long as that saves travel (Croes 1958).

    Args:
        strokes: Arrays (points, 2).
        start: Where the pen is before the first stroke.
        check: Called for each stroke and exchange.
    """
    if not strokes:
        return []
    ends = np.array([[stroke[0], stroke[-1]] for stroke in strokes], float)
    order, turned = _nearest(ends, np.array(start, float), check)
    pen = np.array(start, float)
    for first in range(0, len(order), WINDOW):
        part = slice(first, first + WINDOW)
        order[part], turned[part] = _two_opt(ends, order[part], turned[part], pen, check)
        last = min(first + WINDOW, len(order)) - 1
        pen = ends[order[last], 0 if turned[last] else 1]
    return [strokes[i][::-1] if back else strokes[i] for i, back in zip(order, turned, strict=True)]


def _nearest(ends: np.ndarray, pen: np.ndarray, check: Check | None) -> tuple[np.ndarray, np.ndarray]:
    """Return the numbers of the strokes in nearest-neighbour order, and whether each is drawn from its end.

    Args:
        ends: First and last point of each stroke, (strokes, 2, 2).
    """
    order = np.zeros(len(ends), int)
    turned = np.zeros(len(ends), bool)
    left = ends.copy()
    for position in range(len(ends)):
        if check:
            check()
        distance = ((left - pen) ** 2).sum(2)
        nearest, end = divmod(int(distance.argmin()), 2)
        order[position] = nearest
        turned[position] = end == 1
        pen = ends[nearest, 1 - end]
        left[nearest] = np.inf
    return order, turned


def _two_opt(
    ends: np.ndarray, order: np.ndarray, turned: np.ndarray, pen: np.ndarray, check: Check | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the order and directions of a part of a tour, improved; arguments as the results of `_nearest`."""
    order = order.copy()
    turned = turned.copy()
    index = turned.astype(int)
    enter = ends[order, index]
    leave = ends[order, 1 - index]
    for _ in range(ROUNDS):
        saved = False
        for i in range(len(order)):
            if check:
                check()
            before = leave[i - 1] if i else pen
            # Turning strokes i to j round replaces the ways to i and from j.
            way = _distance(before, leave[i:]) - _distance(before, enter[i])
            way[:-1] += _distance(enter[i], enter[i + 1 :]) - _distance(leave[i:-1], enter[i + 1 :])
            j = i + int(way.argmin())
            if way[j - i] < -GAIN:
                part = slice(i, j + 1)
                order[part] = order[part][::-1]
                turned[part] = ~turned[part][::-1]
                enter[part], leave[part] = leave[part][::-1].copy(), enter[part][::-1].copy()
                saved = True
        if not saved:
            break
    return order, turned


def _distance(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.hypot(*np.moveaxis(a - b, -1, 0))


def thinned(curve: np.ndarray, tolerance: float) -> np.ndarray:
    """Return a polyline with the fewest of its points that stay within a distance of it (Ramer 1972).

    Args:
        curve: Points (points, 2).
        tolerance: Largest distance of a point that is left out, in the unit of the points.
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
    """Return the distance of points from a straight piece."""
    along = end - start
    length = float(along @ along)
    share = np.clip((points - start) @ along / length, 0, 1) if length else np.zeros(len(points))
    return _distance(points, start + share[:, None] * along)


def arcs(curve: np.ndarray, tolerance: float) -> list[tuple[np.ndarray, np.ndarray | None]]:
    """Return a polyline as straight pieces and arcs of circles, each as long as the tolerance lets it be.

    Args:
        curve: Points (points, 2), close to each other.
        tolerance: Largest distance of a point from its piece or arc.

    Returns:
        The end of each piece, and the centre of its circle; None for a straight one. Arcs turn by less than a half.
    """
    pieces: list[tuple[np.ndarray, np.ndarray | None]] = []
    first = 0
    while first < len(curve) - 1:
        straight = _reach(first, len(curve), partial(_is_straight, curve, tolerance))
        bent = _reach(first, len(curve), partial(_is_arc, curve, tolerance))
        if bent > straight:
            pieces.append((curve[bent], _centre(curve[first : bent + 1], tolerance)))
            first = bent
        else:
            pieces.append((curve[straight], None))
            first = straight
    return pieces


def _is_straight(curve: np.ndarray, tolerance: float, first: int, last: int) -> bool:
    return bool((_off_segment(curve[first:last], curve[first], curve[last]) <= tolerance).all())


def _is_arc(curve: np.ndarray, tolerance: float, first: int, last: int) -> bool:
    return last - first < 2 or _centre(curve[first : last + 1], tolerance) is not None


def _reach(first: int, points: int, fits: Callable[[int, int], bool]) -> int:
    """Return the last point up to which a piece from `first` fits, searched in steps that double."""
    last = first + 1
    step = 1
    while step:
        if last + step < points and fits(first, last + step):
            last += step
            step *= 2
        else:
            step //= 2
    return last


def _centre(points: np.ndarray, tolerance: float) -> np.ndarray | None:
    """Return the centre of the circle through the first, a middle and the last point; None where it does not fit."""
    start, middle, end = points[0], points[len(points) // 2], points[-1]
    a, b = middle - start, end - start
    twice = 2 * float(a[0] * b[1] - a[1] * b[0])
    if abs(twice) < 1e-9:
        return None
    square_a, square_b = float(a @ a), float(b @ b)
    centre = start + np.array([b[1] * square_a - a[1] * square_b, a[0] * square_b - b[0] * square_a]) / twice
    radius = float(np.hypot(*(start - centre)))
    if radius > MAX_RADIUS or (abs(_distance(points, centre) - radius) > tolerance).any():
        return None
    # All points have to follow each other in one direction around the centre, by less than half a turn together.
    angles = np.unwrap(np.arctan2(*(points - centre).T[::-1]))
    turns = np.diff(angles)
    if abs(angles[-1] - angles[0]) >= np.pi or not ((turns >= 0).all() or (turns <= 0).all()):
        return None
    return centre
