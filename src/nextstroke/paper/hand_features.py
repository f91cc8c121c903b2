"""Numerical features of a hand: slant, size and spacing, their variation and the roughness of the ink."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass

import numpy as np

from nextstroke.ink import Ink
from nextstroke.pages.layout import Measures


@dataclass(frozen=True)
class TraitValues:
    """One number for each trait of a hand, such as a standard deviation or a correlation."""

    slant: float
    size: float
    spacing: float

    def __str__(self) -> str:
        return f"slant {self.slant:.3g}, size {self.size:.3g}, spacing {self.spacing:.3g}"

    def least(self) -> float:
        """Return the smallest of the three."""
        return min(astuple(self))

    def all_below(self, other: "TraitValues") -> bool:
        """Return whether each value is smaller than that of `other`."""
        return all(own < theirs for own, theirs in zip(astuple(self), astuple(other), strict=True))


def hand_traits(ink: Ink) -> np.ndarray:
    """Return slant, log of the size and spacing of a line or of a part of one, float64 of shape (3,).

    The size is the height of small letters. The spacing is the width of the line for each unit of ink drawn, pen-up
    moves excluded.
    """
    down = ~ink.end_of_stroke[:-1]
    dx, dy = np.diff(ink.points, axis=0)[down].T
    width = np.ptp(ink.points[:, 0])
    return np.array([ink.slant(), np.log(Measures.of(ink).x_height), width / max(np.hypot(dx, dy).sum(), 1e-9)])


def halves(ink: Ink) -> list[Ink]:
    """Cut a line in two at the stroke end nearest its middle; raise ValueError for a line of one stroke."""
    ends = np.flatnonzero(ink.end_of_stroke)[:-1]
    if not len(ends):
        raise ValueError("one stroke cannot be cut")
    cut = int(ends[abs(ends - len(ink) / 2).argmin()]) + 1
    return [Ink(ink.points[:cut], ink.end_of_stroke[:cut]), Ink(ink.points[cut:], ink.end_of_stroke[cut:])]


def steadiness(lines: Sequence[Ink]) -> TraitValues:
    """Return the correlation of each trait between the two halves of a line, over the lines.

    It is 1 for hands that never change within a line and differ between lines, and 0 where the halves are independent.
    """
    pairs = np.array([[hand_traits(half) for half in halves(line)] for line in lines if line.end_of_stroke.sum() > 3])
    return TraitValues(*(float(np.corrcoef(pairs[:, 0, trait], pairs[:, 1, trait])[0, 1]) for trait in range(3)))


def diversity(lines: Sequence[Ink]) -> TraitValues:
    """Return the standard deviation of each trait between lines."""
    return TraitValues(*np.array([hand_traits(line) for line in lines]).std(0).tolist())


def roughness(ink: Ink) -> float:
    """Return the mean change of the turning angle within strokes, in radians per x-height drawn."""
    turned = 0.0
    drawn = 0.0
    for stroke in ink.strokes():
        steps = np.diff(stroke, axis=0)
        steps = steps[np.hypot(*steps.T) > 0]
        if len(steps) > 1:
            angles = np.unwrap(np.arctan2(steps[:, 1], steps[:, 0]))
            # The turn's change, not the turn: round letters turn as well, but evenly.
            turned += float(abs(np.diff(angles, 2)).sum())
            drawn += float(np.hypot(*steps.T).sum())
    return turned * Measures.of(ink).x_height / max(drawn, 1e-9)


def own_prime_share(primes: Sequence[Ink], written: Sequence[Sequence[Ink]]) -> float:
    """Return the share of comparisons in which a line's traits are nearer to its own prime than to another one.

    Args:
        primes: One line for each prime.
        written: For each prime, the lines written after it.

    Returns: 0.5 where the prime has no influence, 1 where it decides.
    """
    known = np.array([hand_traits(prime) for prime in primes])
    scale = known.std(0) + 1e-9
    wins = []
    for own, lines in enumerate(written):
        for line in lines:
            distance = np.linalg.norm((known - hand_traits(line)) / scale, axis=1)
            others = np.delete(distance, own)
            wins.append(float((distance[own] < others).mean()))
    return float(np.mean(wins))
