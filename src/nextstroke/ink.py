"""Ink, the one noun of handwriting: a trace of pen points grouped into strokes."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from nextstroke.errors import BadInk

POINT = 3  # numbers of one: dx, dy, end of stroke


@dataclass(frozen=True, eq=False)
class Ink:
    """Pen points in order of writing; x grows to the right, y downwards, the unit is the source's.

    Attributes:
        points: float64 of shape (points, 2), absolute positions.
        end_of_stroke: bool of shape (points,), true where the pen is lifted after the point. The last one is true.

    Raises:
        BadInk: no points, positions that are not finite, or a last point that ends no stroke.
    """

    points: np.ndarray
    end_of_stroke: np.ndarray

    def __post_init__(self) -> None:
        if len(self.points) == 0:
            raise BadInk("the ink has no points")
        if len(self.points) != len(self.end_of_stroke):
            raise BadInk(f"{len(self.points)} points but {len(self.end_of_stroke)} end-of-stroke marks")
        if not np.isfinite(self.points).all():
            raise BadInk("the ink has positions that are not finite numbers")
        if not self.end_of_stroke[-1]:
            raise BadInk("the last point of the ink does not end a stroke")

    @classmethod
    def from_strokes(cls, strokes: Iterable[np.ndarray]) -> "Ink":
        """Join strokes, each of shape (points, 2); empty ones are dropped."""
        kept = [np.asarray(stroke, float).reshape(-1, 2) for stroke in strokes if len(stroke)]
        if not kept:
            raise BadInk("the ink has no points")
        ends = np.zeros(sum(map(len, kept)), bool)
        ends[np.cumsum([len(stroke) for stroke in kept]) - 1] = True
        return cls(np.concatenate(kept), ends)

    @classmethod
    def from_offsets(cls, offsets: np.ndarray) -> "Ink":
        """Rebuild ink from `offsets()`: rows of dx, dy, end of stroke; the pen starts at (0, 0)."""
        offsets = np.asarray(offsets, float).reshape(-1, 3)
        ends = offsets[:, 2] > 0.5
        if len(ends):
            ends[-1] = True
        return cls(offsets[:, :2].cumsum(0), ends)

    def __len__(self) -> int:
        return len(self.points)

    def strokes(self) -> list[np.ndarray]:
        """The strokes, each of shape (points, 2)."""
        return [self.points[own] for own in self.stroke_slices()]

    def stroke_slices(self) -> list[slice]:
        """Return the points of each stroke as slices of `points`."""
        ends = (np.flatnonzero(self.end_of_stroke) + 1).tolist()
        return [slice(first, last) for first, last in pairwise([0, *ends])]

    def offsets(self) -> np.ndarray:
        """Rows of dx, dy, end of stroke, shape (points, 3): what the networks read; row 0 is the first position."""
        steps = np.diff(self.points, axis=0, prepend=np.zeros((1, 2)))
        return np.column_stack([steps, self.end_of_stroke])

    def bounds(self) -> tuple[float, float, float, float]:
        """Least x, least y, greatest x, greatest y."""
        low, high = self.points.min(0), self.points.max(0)
        return float(low[0]), float(low[1]), float(high[0]), float(high[1])

    def slant(self) -> float:
        """dx for each dy of what is drawn more up or down than along: 0 is upright, below 0 leans to the right."""
        dx, dy = np.diff(self.points, axis=0)[~self.end_of_stroke[:-1]].T
        steep = abs(dy) > abs(dx)
        return float((dx * dy)[steep].sum() / max((dy * dy)[steep].sum(), 1e-9))

    def moved(self, dx: float, dy: float) -> "Ink":
        """The ink shifted by (dx, dy)."""
        return Ink(self.points + (dx, dy), self.end_of_stroke)

    def scaled(self, factor: float) -> "Ink":
        """The ink scaled about the origin."""
        return Ink(self.points * factor, self.end_of_stroke)

    def simplified(self, every: int = 3, phase: int = 0) -> "Ink":
        """Fewer points, drawn again as a spline with no difference to be seen.

        Per stroke: repeated points dropped, smoothed once with [1 2 1]/4 (ends stay), every `every`-th point and both
        ends kept, but none that is the last but one, except when `every` is 1.

        Args:
            phase: Which of every `every` points stays, counted from the first of the stroke.
        """
        points, ends = self._without_repeats()
        first = np.concatenate([[True], ends[:-1]])
        inner = np.flatnonzero(~first & ~ends)
        smooth = points.copy()
        smooth[inner] = (points[inner - 1] + 2 * points[inner] + points[inner + 1]) / 4
        start = np.flatnonzero(first)
        place = np.arange(len(points)) - np.repeat(start, np.diff(np.append(start, len(points))))
        # A point one step before the end adds nothing to the end itself.
        near_end = np.append(ends[1:], False) & (every > 1)
        keep = first | ends | ((place % every == phase) & ~near_end)
        return Ink(smooth[keep], ends[keep])

    def _repr_svg_(self) -> str:
        """What a notebook shows: the bare strokes; pages are drawn by `pages`."""
        left, top, right, bottom = self.bounds()
        edge = 0.02 * max(right - left, bottom - top) or 1.0
        box = f"{left - edge:g} {top - edge:g} {right - left + 2 * edge:g} {bottom - top + 2 * edge:g}"
        strokes = ("M" + "L".join(f"{x:g} {y:g}" for x, y in [*stroke, stroke[-1]]) for stroke in self.strokes())
        look = f'fill="none" stroke="currentColor" stroke-linecap="round" stroke-width="{edge / 4:g}"'
        return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}"><path {look} d="{"".join(strokes)}"/></svg>'

    def _without_repeats(self) -> tuple[np.ndarray, np.ndarray]:
        """Points and ends with repeats inside a stroke dropped; a stroke keeps its end, a dot its one point."""
        first = np.concatenate([[True], self.end_of_stroke[:-1]])
        moved = np.concatenate([[True], (np.diff(self.points, axis=0) != 0).any(1)])
        keep = first | moved
        # The end mark of a dropped point passes to the point that stays before it.
        owner = np.cumsum(keep) - 1
        ends = np.zeros(keep.sum(), bool)
        np.logical_or.at(ends, owner, self.end_of_stroke)
        return self.points[keep], ends
