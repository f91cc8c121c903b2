"""How a hand looks, in numbers: slant, size and spacing, and how steady they are."""

from collections.abc import Sequence

import numpy as np

from nextstroke.ink import Ink
from nextstroke.pages.layout import Measures

TRAITS = ("slant", "size", "spacing")


def hand_traits(ink: Ink) -> np.ndarray:
    """Slant, log of size and spacing of a line or a part of one.

    The size is the height of small letters; the
    spacing the width of the line for each unit of ink drawn, pen-up moves left out of the ink.
    """
    down = ~ink.end_of_stroke[:-1]
    dx, dy = np.diff(ink.points, axis=0)[down].T
    width = np.ptp(ink.points[:, 0])
    return np.array([ink.slant(), np.log(Measures.of(ink).x_height), width / max(np.hypot(dx, dy).sum(), 1e-9)])


def halves(ink: Ink) -> list[Ink]:
    """A line cut in two at the stroke end nearest its middle; raises ValueError for a line of one stroke."""
    ends = np.flatnonzero(ink.end_of_stroke)[:-1]
    if not len(ends):
        raise ValueError("one stroke cannot be cut")
    cut = int(ends[abs(ends - len(ink) / 2).argmin()]) + 1
    return [Ink(ink.points[:cut], ink.end_of_stroke[:cut]), Ink(ink.points[cut:], ink.end_of_stroke[cut:])]


def steadiness(lines: Sequence[Ink]) -> dict[str, float]:
    """Correlation of each trait between the two halves of a line, over the lines: 1 for hands that never change
    within a line and differ between lines, 0 where the halves know nothing of each other."""
    pairs = np.array([[hand_traits(half) for half in halves(line)] for line in lines if line.end_of_stroke.sum() > 3])
    return {name: float(np.corrcoef(pairs[:, 0, i], pairs[:, 1, i])[0, 1]) for i, name in enumerate(TRAITS)}


def diversity(lines: Sequence[Ink]) -> dict[str, float]:
    """Standard deviation of each trait between lines."""
    found = np.array([hand_traits(line) for line in lines])
    return dict(zip(TRAITS, found.std(0).tolist(), strict=True))


def roughness(ink: Ink) -> float:
    """Mean turn from one step to the next within strokes, in radians for each unit of the letters' height drawn."""
    turned = drawn = 0.0
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
    """Share of written lines whose traits are nearer to those of their own prime than to those of the mean other
    prime: 0.5 where the prime carries nothing.

    Args:
        written: For each prime, the lines written after it.
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
