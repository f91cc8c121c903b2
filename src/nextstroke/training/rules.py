"""How weights are moved while they are scored: two rules, what they need to know, and their step size.

The paper states neither rule nor step size; ours are plain SGD and that of Krause et al. 2018 (arXiv:1709.07432).
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from nextstroke.errors import BadInput, UsageError
from nextstroke.nets.networks import TextNetwork
from nextstroke.nets.softmax import log_loss
from nextstroke.training.text import SymbolBatch

Move = Callable[[list[Tensor], list[Tensor], float], None]

TRIALS = 8  # rates tried at most


@dataclass(frozen=True)
class Dynamics:
    """How weights are moved while they are scored.

    Attributes:
        rule: "sgd", plain, or "rms": each step divided by the root of the gradient's mean square on training text, and
            a decay back to the trained weights.
        rate: Step size, for the gradient of the sum over a segment; None: chosen on the validation split.
        decay: "rms": the mean share of the way back to the trained weights at each step.
        epsilon: "rms": added to each root, in units of their mean, so that it does not depend on the loss's scale.
        segment: Symbols paid at once, then learned from; None: the recipe's chunk, or a whole sentence.
        statistics: Segments of training text whose gradients are collected.
        choose: So many symbols at the end of the validation split a rate is chosen on; they are then not scored.
    Raises:
        UsageError: a senseless value.
    """

    rule: Literal["sgd", "rms"] = "rms"
    rate: float | None = None
    decay: float = 0.002
    epsilon: float = 0.1
    segment: int | None = None
    statistics: int = 500
    choose: int = 20_000

    def __post_init__(self) -> None:
        if self.rule not in FIRST_RATES:
            raise UsageError(f"rule {self.rule!r}: give {' or '.join(FIRST_RATES)}")
        if self.rate is not None and not (math.isfinite(self.rate) and self.rate >= 0):
            raise UsageError(f"rate {self.rate}: give a number, 0 or above")
        if not 0 <= self.decay <= 1:
            raise UsageError(f"decay {self.decay}: give a number from 0 to 1")
        if not (math.isfinite(self.epsilon) and self.epsilon > 0):
            raise UsageError(f"epsilon {self.epsilon}: give a number above 0")
        if self.segment is not None and self.segment < 1:
            raise UsageError(f"segment {self.segment}: give 1 or more")
        if self.choose < 1:
            raise UsageError(f"choose {self.choose}: give 1 or more")


FIRST_RATES = {"sgd": 3e-3, "rms": 2e-4}  # where the search begins


def plain_rule(weights: list[Tensor], gradients: list[Tensor], rate: float) -> None:
    """θ ← θ − rate · g."""
    torch._foreach_add_(weights, gradients, alpha=-rate)


class NormalisedRule:
    """θ ← θ − rate · g / (r + ε) + min(decay · r / r̄, 1) · (θ_trained − θ); Krause et al. 2018, equations 6 to 8.

    r are the roots of the mean squares of each weight's gradient over segments of training text, r̄ is their mean.

    Args:
        trained: The weights to decay to.
        squares: Mean squares of their gradients.
        decay, epsilon: As in Dynamics; the paper's ε is not relative.
    """

    def __init__(self, trained: Sequence[Tensor], squares: Sequence[Tensor], decay: float, epsilon: float):
        roots = [square.sqrt() for square in squares]
        mean = float(sum(root.double().sum().item() for root in roots) / sum(root.numel() for root in roots))
        if mean == 0:
            raise BadInput("no weight has a gradient on the training text; there is nothing to divide a step by")
        self.trained = [weight.detach().clone() for weight in trained]
        self.divisors = [root + epsilon * mean for root in roots]
        self.pulls = [(decay / mean * root).clamp(max=1) for root in roots]

    def __call__(self, weights: list[Tensor], gradients: list[Tensor], rate: float) -> None:
        """Move the weights."""
        torch._foreach_lerp_(weights, self.trained, self.pulls)
        torch._foreach_addcdiv_(weights, gradients, self.divisors, value=-rate)


def learned_weights(network: TextNetwork) -> list[Tensor]:
    """The weights that there are; a lowest layer has none from below."""
    return [weight for weight in network.parameters() if weight.numel()]


def mean_squares(network: TextNetwork, sequences: Sequence[np.ndarray], segment: int | None) -> list[Tensor]:
    """Mean over all segments of the squares of each weight's gradient of a segment's summed loss."""
    weights = learned_weights(network)
    squares, count = [torch.zeros_like(weight) for weight in weights], 0
    for sequence in sequences:
        state = network.start(1)
        for x, target in segments(network, sequence, segment):
            y, state = network(x, state)
            gradients = torch.autograd.grad(log_loss(y, target).sum(), weights)
            state = tuple(part.detach() for part in state)
            torch._foreach_addcmul_(squares, gradients, gradients)
            count += 1
    return [square / max(1, count) for square in squares]


def segments(network: TextNetwork, sequence: np.ndarray, segment: int | None) -> Iterator[tuple[Tensor, ...]]:
    """The symbols before and those to predict, a segment at a time (None: all at once), where the network is."""
    device = network.output.bias.device
    for chunk in SymbolBatch.of([sequence]).chunks(segment):
        yield tuple(torch.from_numpy(np.ascontiguousarray(part)).to(device) for part in chunk)


def choose_rate(bits: Callable[[float], float], first: float) -> float:
    """Climb by factors of 3 from `first` to where both neighbours are worse; a few rates are tried, TRIALS at most."""
    found = {first: bits(first)}
    for factor in (3.0, 1 / 3):
        while len(found) < TRIALS:
            best = min(found, key=found.__getitem__)
            rate = best * factor
            if any(math.isclose(rate, tried) for tried in found):
                break
            found[rate] = bits(rate)
            if not found[rate] < found[best]:
                break
    return min(found, key=found.__getitem__)
