"""Scribble: sample the prediction network, which is given no text (section 4.3)."""

import numpy as np

from nextstroke.errors import LimitExceeded, UsageError
from nextstroke.handwriting.request import checked_bias, checked_seed
from nextstroke.ink import Ink
from nextstroke.runtime.mixture_sampling import uniforms
from nextstroke.runtime.model_file import Model
from nextstroke.runtime.predictor import PointPredictor

MAX_POINTS = 1_000_000  # of all lines together


def scribble(model: Model, lines: int, points: int = 700, bias: float = 0.0, seed: int = 1) -> list[Ink]:
    """Draw lines side by side, each a sample of the network with a fixed number of points.

    Args:
        model: A prediction network, of the kind "pen".
        points: Number of points of each line; the paper's samples have 700.
        bias: Sampling bias, >= 0; 0 is unbiased.
        seed: Random seed, >= 0; with the index of a line it decides its ink.

    Returns:
        Lines that begin at the origin, in the units of the model's corpus.

    Raises:
        UsageError: There are no lines or no points, or bias or seed is not a number in its range.
        LimitExceeded: There are more than a million points.
    """
    if lines < 1 or points < 1:
        raise UsageError(f"{lines} lines of {points} points: give at least one of both")
    if lines * points > MAX_POINTS:
        raise LimitExceeded(f"{lines} lines of {points} points are more than {MAX_POINTS:,}; draw fewer")
    predictor = PointPredictor(model, lines)
    biases = np.full(lines, checked_bias(bias))
    seed = checked_seed(seed)
    numbers = np.stack([uniforms([seed, line, 0], points) for line in range(lines)], 1)
    drawn = [np.zeros((lines, 3))]
    for row in numbers:
        predictor.observe(drawn[-1])
        drawn.append(predictor.predict(biases).draw(row))
    offsets = np.stack(drawn[1:], 1)
    offsets[:, :, :2] = offsets[:, :, :2] * model.std + model.mean
    # The first offset leads from nowhere to the first point.
    offsets[:, 0, :2] = 0
    return [Ink.from_offsets(line) for line in offsets]
