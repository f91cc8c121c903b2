"""Noise on the weights while a network learns: fixed, with a deviation learned for each weight, or by dropping some.

The learned one minimises a description length (Graves 2011, section 4.2 of the paper): the weights are a diagonal
Gaussian of means μ, which the network holds, and deviations σ; what is paid is the data's log-loss under a sample of
it, and the divergence of the Gaussian from a prior, once for the whole training set.
"""

import copy
import math
from collections.abc import Iterable, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import Tensor, nn

from nextstroke.nets.rmsprop import GravesRMSProp

SMALLEST = 1e-8  # of the σ: below it, a weight of float32 would not change any more
SLOTS = ("square", "mean", "delta")


class Prior(NamedTuple):
    """The Gaussian that all weights are measured against."""

    mean: float
    variance: float

    @classmethod
    @torch.no_grad()
    def of(cls, mu: Sequence[Tensor], sigma: Sequence[Tensor]) -> "Prior":
        """The best one in closed form: μ_p = mean of μ, σ_p² = mean of σ² + (μ − μ_p)²; summed in float64."""
        count = sum(part.numel() for part in mu)
        mean = _total(mu) / count
        spread = sum(float(((m.double() - mean) ** 2 + s.double() ** 2).sum()) for m, s in zip(mu, sigma, strict=True))
        return cls(mean, spread / count)


@torch.no_grad()
def divergence(mu: Sequence[Tensor], sigma: Sequence[Tensor]) -> float:
    """Σ KL(N(μ, σ²) ‖ best prior) over all weights, in nats: what they cost to tell.

    At the best prior the quadratic terms add to one half for each weight and cancel against the −½ of each.
    """
    deviation = 0.5 * math.log(Prior.of(mu, sigma).variance)
    return sum(part.numel() * deviation - float(part.double().log().sum()) for part in sigma)


def _total(tensors: Iterable[Tensor]) -> float:
    return sum(float(tensor.double().sum()) for tensor in tensors)


class NoNoise:
    """Weights as they are; what the noises share.

    Args:
        network: Whose weights are meant; noise is added to them in place.
    """

    def __init__(self, network: nn.Module):
        self.weights: list[Tensor] = list(network.parameters())

    def add(self, place: tuple[int, ...]) -> None:
        """Put noise on the weights; the same `place`, numbers that say where in a training, gives the same noise."""

    def remove(self, lines: Tensor | int | float) -> None:
        """Take the noise off again, and complete the derivatives, which are those of the mean over `lines` lines."""

    def state(self) -> dict[str, Tensor]:
        """All tensors that are learned here, by name."""
        return {}

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Take back what `state` gave."""

    def metrics(self) -> dict[str, float]:
        """What the weights cost to tell, where that is known."""
        return {}


class FixedNoise(NoNoise):
    """Gaussian noise of one deviation, one sample for all chunks of a batch (section 3.1).

    Args:
        sigma: The deviation.
    """

    def __init__(self, network: nn.Module, sigma: float):
        super().__init__(network)
        self.deviation = sigma
        self.drawn: tuple[tuple[int, ...], list[Tensor]] | None = None
        self.clean: list[Tensor] = []

    @torch.no_grad()
    def add(self, place: tuple[int, ...]) -> None:
        """Put noise on the weights."""
        drawn = self._draw(place)
        # Kept, not subtracted again: a rounding at each update would be a random walk of its own.
        self.clean = [weight.detach().clone() for weight in self.weights]
        torch._foreach_add_(self.weights, self._scaled(drawn))

    def _draw(self, place: tuple[int, ...]) -> list[Tensor]:
        """Random numbers for each weight, the same for every worker: GPUs of one kind draw the same too."""
        if self.drawn is None or self.drawn[0] != place:
            generator = torch.Generator(self.weights[0].device).manual_seed(hash(place))
            self.drawn = place, [self._numbers(weight, generator) for weight in self.weights]
        return self.drawn[1]

    def _numbers(self, weight: Tensor, generator: torch.Generator) -> Tensor:
        return torch.empty_like(weight).normal_(generator=generator)

    def _scaled(self, drawn: list[Tensor]) -> list[Tensor]:
        return list(torch._foreach_mul(drawn, self.deviation))

    @torch.no_grad()
    def remove(self, lines: Tensor | int | float) -> None:
        """Give the weights back as they were; their derivatives stay those at the sample."""
        torch._foreach_copy_(self.weights, self.clean)
        self.clean = []


class WeightDrop(FixedNoise):
    """Dropout of recurrent weights, one mask for all chunks of a batch; those that stay grow by 1 / (1 − share).

    Not the paper's: the weight drop of Merity et al. (2018, AWD-LSTM), which leaves the loops over time as they are.

    Args:
        share: Of the weights between the cells of a layer that are dropped.
    """

    def __init__(self, network: nn.Module, share: float):
        super().__init__(network, 0.0)
        self.share = share
        self.weights = [weight for name, weight in network.named_parameters() if name.endswith("recurrent")]

    def _numbers(self, weight: Tensor, generator: torch.Generator) -> Tensor:
        kept = torch.empty_like(weight).uniform_(generator=generator) >= self.share
        return kept.to(weight.dtype) / (1 - self.share)

    @torch.no_grad()
    def add(self, place: tuple[int, ...]) -> None:
        """Drop some of the weights."""
        masks = self._draw(place)
        self.clean = [weight.detach().clone() for weight in self.weights]
        torch._foreach_mul_(self.weights, masks)

    @torch.no_grad()
    def remove(self, lines: Tensor | int | float) -> None:
        """Give the weights back; their derivatives become those by the whole weights."""
        super().remove(lines)
        assert self.drawn
        for weight, mask in zip(self.weights, self.drawn[1], strict=True):
            if weight.grad is not None:
                weight.grad.mul_(mask)


class AdaptiveNoise(FixedNoise):
    """Gaussian noise whose deviations are learned with the weights: adaptive weight noise.

    `remove` adds the prior's part to the weights' derivatives and moves the deviations by a step of their own:

        ∂/∂μ = ∂L/∂w + (μ − μ_p) / (σ_p² S)        ∂/∂σ = σ (∂L/∂w)² + (σ / σ_p² − 1 / σ) / S

    with S training sequences; the square stands for the curvature (the Fisher information).

    Args:
        sigma: The first deviation of each weight.
        sequences: S.
        rate: Learning rate of the deviations.

    Differs from the paper: of the mean derivative of B lines under one sample the square is multiplied by B, which is
    the mean of the lines' squares where their derivatives are independent; at B = 1 it is the paper's.
    """

    def __init__(self, network: nn.Module, sigma: float, sequences: int, rate: float = 1e-4):
        super().__init__(network, sigma)
        self.sequences = sequences
        self.sigma = copy.deepcopy(network)  # a network whose weights are the deviations: they have its names
        for deviation in self.sigmas:
            deviation.fill_(sigma)
        self.optimiser = GravesRMSProp(self.sigma.parameters(), rate)

    @property
    def sigmas(self) -> list[Tensor]:
        """The deviations of all weights."""
        return [deviation.data for deviation in self.sigma.parameters()]

    def _scaled(self, drawn: list[Tensor]) -> list[Tensor]:
        return list(torch._foreach_mul(drawn, self.sigmas))

    @torch.no_grad()
    def remove(self, lines: Tensor | int | float) -> None:
        """Give the weights back, complete their derivatives and move the deviations."""
        super().remove(lines)
        prior = Prior.of(self.weights, self.sigmas)
        for weight, deviation in zip(self.weights, self.sigma.parameters(), strict=True):
            if weight.grad is not None:
                deviation.grad = self._slope(weight.grad, deviation.data, prior, lines)
                weight.grad.add_(weight - prior.mean, alpha=1 / (prior.variance * self.sequences))
        self.optimiser.step()
        for sigma in self.sigmas:
            # The noise is the same with −σ; a step across zero is one to the other side.
            sigma.abs_().clamp_(min=SMALLEST)

    def _slope(self, gradient: Tensor, sigma: Tensor, prior: Prior, lines: Tensor | int | float) -> Tensor:
        """The derivative by σ, from that of the data's mean loss by the sample."""
        cost = sigma / prior.variance - 1 / sigma
        return (lines * sigma * gradient**2).add_(cost, alpha=1 / self.sequences)

    def state(self) -> dict[str, Tensor]:
        """The deviations and their optimiser's means, under the names of the weights."""
        tensors = {f"sigma.{name}": value for name, value in self.sigma.state_dict().items()}
        for name, deviation in self.sigma.named_parameters():
            held: dict[str, Tensor] = self.optimiser.state[deviation]
            tensors |= {f"{slot}.{name}": held[slot] for slot in SLOTS if held}
        return tensors

    @torch.no_grad()
    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Take back what `state` gave; raises KeyError where it is another network's, or that of no such noise."""
        for name, deviation in self.sigma.named_parameters():
            deviation.copy_(tensors[f"sigma.{name}"])
            if f"square.{name}" in tensors:
                self.optimiser.state[deviation] = {slot: tensors[f"{slot}.{name}"].to(deviation) for slot in SLOTS}

    def metrics(self) -> dict[str, float]:
        """The weights' cost in nats and in bits a weight, and the middle deviation."""
        nats = divergence(self.weights, self.sigmas)
        count = sum(weight.numel() for weight in self.weights)
        middle = torch.cat([sigma.flatten() for sigma in self.sigmas]).median()
        return {
            "complexity_nats": nats,
            "complexity_bits_per_weight": nats / math.log(2) / count,
            "median_sigma": float(middle),
        }

    @contextmanager
    def sampled(self, seed: int):
        """A block in which the network has sampled weights."""
        self.add((seed,))
        try:
            yield
        finally:
            FixedNoise.remove(self, 1)
