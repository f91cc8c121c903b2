"""Fit a hand to the lines it is learned from: choose the prime and the adaptation by what is written with them."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from nextstroke.handwriting.adaptation import BOUNDS, Adaptation
from nextstroke.handwriting.hands import Hand
from nextstroke.handwriting.request import LineRequest, line_requests
from nextstroke.handwriting.sampler import Cancelled, write
from nextstroke.handwriting.traits import Traits, mean_traits
from nextstroke.ink import Ink
from nextstroke.runtime.model_file import Model

# Standard deviations of the traits over lines of all writers, without outliers: what a difference is measured in.
SPREADS = Traits(slant=0.20, width=0.36, strokes=0.35, gap=0.79, tallness=0.58)
TRIALS = 5  # lines that are written to measure a hand
TRIAL_BIAS = 0.75
TRIAL_SEED = 11
JOINING = -1.0  # the lift at which a hand is measured again, to see how it changes the number of strokes


def fitted_hand(
    model: Model, primes: Sequence[Hand], inks: Sequence[Ink], texts: Sequence[str], cancelled: Cancelled | None = None
) -> Hand:
    """Return the prime that writes most like the given lines, adapted to them.

    Each prime writes the words of the lines in reverse order, so that the traits of what it writes and of the lines
    do not differ because of the letters. The fewer lines there are, the less they say of a writer, and the smaller
    is the part of a difference that is corrected: n / (n + 1) for n lines.

    Args:
        model: A writer.
        primes: Hands primed with the lines, without adaptation.
        inks: The lines.
        texts: What they say.
        cancelled: Called before each step; raises to cancel the fitting.
    """
    target = mean_traits(inks, texts)
    measured = _traits(model, primes, texts, cancelled)
    distances = np.nanmean(abs(measured - target) / SPREADS, axis=1)
    best = int(distances.argmin())
    share = len(inks) / (len(inks) + 1)
    joining = replace(primes[best], adaptation=Adaptation(lift=JOINING))
    (joined,) = _traits(model, [joining], texts, cancelled)
    lift = _lift(measured[best], joined, share * (target - measured[best])[2])
    # What is written at the lift, by its share of the way to what was measured.
    written = measured[best] + lift / JOINING * (joined - measured[best])
    blanks = sum(text.count(" ") for text in texts) / sum(map(len, texts))
    return replace(primes[best], adaptation=_adaptation(lift, written, written + share * (target - written), blanks))


def _lift(measured: np.ndarray, joined: np.ndarray, missing: float) -> float:
    """Return the lift at which the strokes of a character change by `missing`, 0 where joining changes nothing."""
    change = (joined - measured)[2]
    return float(np.clip(JOINING * missing / change, *BOUNDS["lift"])) if change < 0 else 0.0


def _adaptation(lift: float, written: np.ndarray, wanted: np.ndarray, blanks: float) -> Adaptation:
    """Return what makes the wanted traits of the written ones.

    Args:
        lift: Lift at which the lines were written.
        written: Traits of the lines, (5,).
        wanted: Traits they should have, (5,).
        blanks: Share of blanks among the characters.
    """
    slant, width, _, gap, tallness = written
    target = Traits(*wanted)
    if np.isfinite(gap):
        stretch = float(np.clip((target.width - blanks * target.gap) / (width - blanks * gap), *BOUNDS["stretch"]))
        wider = target.gap - stretch * gap
    else:
        stretch = target.width / width
        wider = 0.0
    return Adaptation.bounded(
        lift=lift,
        shear=target.slant / stretch - slant,
        stretch=stretch,
        gap=wider,
        tall=(target.tallness - 1) / (tallness - 1),
    )


def _traits(model: Model, hands: Sequence[Hand], texts: Sequence[str], cancelled: Cancelled | None) -> np.ndarray:
    """Return the mean traits of TRIALS lines that each hand writes, (hands, 5)."""
    reversed_texts = [" ".join(reversed(text.split())) for text in texts]
    trials = (reversed_texts * TRIALS)[:TRIALS]
    requests: list[LineRequest] = []
    for hand in hands:
        requests += line_requests(model, trials, hand, TRIAL_BIAS, TRIAL_SEED)
    lines = write(model, requests, attempts=1, cancelled=cancelled)
    groups = [lines[first : first + TRIALS] for first in range(0, len(lines), TRIALS)]
    return np.array([mean_traits([line.ink for line in group], [line.written for line in group]) for group in groups])
