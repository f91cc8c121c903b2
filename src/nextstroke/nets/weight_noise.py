"""Noise on the weights in training: none, fixed, learned for each weight, or dropped weights.

Learned noise minimises a description length (Graves 2011, section 4.2 of the paper): the weights
are a diagonal Gaussian of means μ, which the network holds, and deviations σ. The cost is the
log-loss of the data under a sample of it, plus the divergence of the Gaussian from a prior, once
for the training set.

For each update a training calls, in this order, `perturb` before every chunk's forward pass, and
after backward `restore_weights`, `complete_gradients` and `step`.
"""

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import Tensor, nn

from nextstroke.nets.rmsprop import SLOTS, GravesRMSProp

SMALLEST = 1e-8  # least σ: noise below it does not change a float32 weight


class Prior(NamedTuple):
    """Gaussian prior shared by all weights."""

    mean: float
    variance: float

    @classmethod
    @torch.no_grad()
    def of(cls, mu: Sequence[Tensor], sigma: Sequence[Tensor]) -> "Prior":
        """Return the best prior in closed form, summed in float64.

        μ_p = mean of μ, σ_p² = mean of σ² + (μ − μ_p)².
        """
        count = sum(part.numel() for part in mu)
        mean = sum(float(part.double().sum()) for part in mu) / count
        spread = 0.0
        for m, s in zip(mu, sigma, strict=True):
            spread += float(((m.double() - mean) ** 2 + s.double() ** 2).sum())
        return cls(mean, spread / count)


@torch.no_grad()
def divergence(mu: Sequence[Tensor], sigma: Sequence[Tensor]) -> float:
    """Return Σ KL(N(μ, σ²) ‖ best prior) over all weights: their description length in nats.

    At the best prior the quadratic terms add to one half for each weight and cancel against the −½
    of each.
    """
    log_deviation = 0.5 * math.log(Prior.of(mu, sigma).variance)
    return sum(part.numel() * log_deviation - float(part.double().log().sum()) for part in sigma)


class WeightNoise:
    """Noise on the weights of a network, added in place; by default each method does nothing."""

    def perturb(self, seed: int) -> None:
        """Add noise to the weights; the same seed gives the same noise."""

    def restore_weights(self) -> None:
        """Give the weights the values they had before `perturb`."""

    def complete_gradients(self, lines: Tensor | float) -> None:
        """Turn the gradients at the sample into those of the loss that is minimised.

        Args:
            lines: Number of lines that the gradients are the mean over.
        """

    def step(self) -> None:
        """Move the parameters of the noise itself."""

    def state(self) -> dict[str, Tensor]:
        """Return all tensors that are learned here, by name."""
        return {}

    def load_state(self, tensors: dict[str, Tensor]) -> None:
        """Load what `state` returned; raise KeyError with the name of the first missing tensor."""

    def metrics(self) -> dict[str, float]:
        """Return the description length of the weights, where it is defined."""
        return {}


class NoNoise(WeightNoise):
    """Weights without noise."""


class _Sample:
    """Weights that are changed in place by random numbers and restored to the bit.

    Args:
        weights: Weights to change.
        draw: Fills a tensor like a weight with random numbers of a generator.
    """

    def __init__(self, weights: list[Tensor], draw: Callable[[Tensor, torch.Generator], Tensor]):
        self.weights = weights
        self.draw = draw
        self.seed: int | None = None
        self.numbers: list[Tensor] = []
        self.clean: list[Tensor] = []

    def begin(self, seed: int) -> list[Tensor]:
        """Keep the weights, and return the random numbers of the seed, one tensor for each weight.

        Every worker draws the same; GPUs of one kind draw the same too.
        """
        if self.seed != seed:
            generator = torch.Generator(self.weights[0].device).manual_seed(seed)
            self.numbers = [self.draw(torch.empty_like(weight), generator) for weight in self.weights]
            self.seed = seed
        # Kept, not subtracted again: a rounding at each update would be a random walk of its own.
        self.clean = [weight.detach().clone() for weight in self.weights]
        return self.numbers

    @torch.no_grad()
    def end(self) -> None:
        """Give the weights back as they were."""
        torch._foreach_copy_(self.weights, self.clean)
        self.clean = []


def _normal(like: Tensor, generator: torch.Generator) -> Tensor:
    return like.normal_(generator=generator)


class FixedNoise(WeightNoise):
    """Gaussian noise of one deviation, one sample for all chunks of a batch (section 3.1).

    Args:
        network: Network whose weights get the noise.
        sigma: Deviation.
    """

    def __init__(self, network: nn.Module, sigma: float):
        self.sigma = sigma
        self.sample = _Sample(list(network.parameters()), _normal)

    @torch.no_grad()
    def perturb(self, seed: int) -> None:
        """Add noise to the weights."""
        numbers = self.sample.begin(seed)
        torch._foreach_add_(self.sample.weights, torch._foreach_mul(numbers, self.sigma))

    def restore_weights(self) -> None:
        """Remove the noise; the gradients stay those at the sample."""
        self.sample.end()


class WeightDrop(WeightNoise):
    """Dropout of recurrent weights, one mask for all chunks of a batch.

    Weights that are kept are divided by 1 − share. Not the paper's: the weight drop of Merity et
    al. (2018, AWD-LSTM), which leaves the loops over time unchanged.

    Args:
        network: Network whose weights named `recurrent` are dropped from.
        share: Share of the weights between the cells of a layer that are dropped.
    """

    def __init__(self, network: nn.Module, share: float):
        self.share = share
        named = network.named_parameters()
        recurrent: list[Tensor] = [weight for name, weight in named if name.endswith("recurrent")]
        self.sample = _Sample(recurrent, self._mask)

    def _mask(self, like: Tensor, generator: torch.Generator) -> Tensor:
        kept = like.uniform_(generator=generator) >= self.share
        return kept.to(like.dtype) / (1 - self.share)

    @torch.no_grad()
    def perturb(self, seed: int) -> None:
        """Drop some of the weights."""
        torch._foreach_mul_(self.sample.weights, self.sample.begin(seed))

    def restore_weights(self) -> None:
        """Restore the weights."""
        self.sample.end()

    @torch.no_grad()
    def complete_gradients(self, lines: Tensor | float) -> None:
        """Turn the gradients w.r.t. the masked weights into those w.r.t. the weights."""
        for weight, mask in zip(self.sample.weights, self.sample.numbers, strict=True):
            if weight.grad is not None:
                weight.grad.mul_(mask)


class AdaptiveNoise(WeightNoise):
    """Gaussian noise with a deviation learned for each weight: adaptive weight noise.

    The gradients of the description length, with S training sequences:

        ∂/∂μ = ∂L/∂w + (μ − μ_p) / (σ_p² S)        ∂/∂σ = σ (∂L/∂w)² + (σ / σ_p² − 1 / σ) / S

    The square approximates the curvature (the Fisher information).

    Args:
        network: Network whose weights get the noise.
        sigma: Initial deviation of each weight.
        sequences: S.
        rate: Learning rate of the deviations.

    Differs from the paper: for the mean gradient over B lines under one sample the square is
    multiplied by B, which is the mean of the lines' squares where their gradients are independent;
    at B = 1 it is the paper's.
    """

    def __init__(self, network: nn.Module, sigma: float, sequences: int, rate: float = 1e-4):
        self.sequences = sequences
        self.sample = _Sample(list(network.parameters()), _normal)
        # A copy of the network whose weights are the deviations, so that they have its names.
        self.sigma = copy.deepcopy(network)
        for deviation in self.sigmas:
            deviation.fill_(sigma)
        self.optimiser = GravesRMSProp(self.sigma.parameters(), rate)

    @property
    def sigmas(self) -> list[Tensor]:
        """The deviations of all weights."""
        return [deviation.data for deviation in self.sigma.parameters()]

    @torch.no_grad()
    def perturb(self, seed: int) -> None:
        """Add noise to the weights."""
        numbers = self.sample.begin(seed)
        torch._foreach_add_(self.sample.weights, torch._foreach_mul(numbers, self.sigmas))

    def restore_weights(self) -> None:
        """Remove the noise."""
        self.sample.end()

    @torch.no_grad()
    def complete_gradients(self, lines: Tensor | float) -> None:
        """Set the gradients w.r.t. the deviations, and add the prior's part to those of the means."""
        prior = Prior.of(self.sample.weights, self.sigmas)
        for weight, deviation in zip(self.sample.weights, self.sigma.parameters(), strict=True):
            if weight.grad is not None:
                deviation.grad = sigma_gradient(weight.grad, deviation.data, prior, lines, self.sequences)
                weight.grad.add_(weight - prior.mean, alpha=1 / (prior.variance * self.sequences))

    @torch.no_grad()
    def step(self) -> None:
        """Move the deviations."""
        self.optimiser.step()
        for sigma in self.sigmas:
            # N(0, σ²) is the same for −σ: a step across zero is one to the other side.
            sigma.abs_().clamp_(min=SMALLEST)

    def state(self) -> dict[str, Tensor]:
        """Return the deviations and their optimiser's means, under the names of the weights."""
        tensors = {f"sigma.{name}": value for name, value in self.sigma.state_dict().items()}
        for name, deviation in self.sigma.named_parameters():
            held: dict[str, Tensor] = self.optimiser.state[deviation]
            tensors |= {f"{slot}.{name}": held[slot] for slot in SLOTS if held}
        return tensors

    @torch.no_grad()
    def load_state(self, tensors: dict[str, Tensor]) -> None:
        """Load what `state` returned; raise KeyError with the name of the first missing tensor."""
        for name, deviation in self.sigma.named_parameters():
            deviation.copy_(tensors[f"sigma.{name}"])
            if f"square.{name}" in tensors:
                slots = {slot: tensors[f"{slot}.{name}"].to(deviation) for slot in SLOTS}
                self.optimiser.state[deviation] = slots

    def metrics(self) -> dict[str, float]:
        """Return the description length of the weights in nats and bits a weight, and the median σ."""
        weights = self.sample.weights
        nats = divergence(weights, self.sigmas)
        count = sum(weight.numel() for weight in weights)
        return {
            "complexity_nats": nats,
            "complexity_bits_per_weight": nats / math.log(2) / count,
            "median_sigma": float(torch.cat([sigma.flatten() for sigma in self.sigmas]).median()),
        }

    @contextmanager
    def sampled(self, seed: int) -> Iterator[None]:
        """Run a block with sampled weights."""
        self.perturb(seed)
        try:
            yield
        finally:
            self.restore_weights()


def sigma_gradient(
    gradient: Tensor,
    sigma: Tensor,
    prior: Prior,
    lines: Tensor | float,
    sequences: int,
) -> Tensor:
    """Return the gradient w.r.t. σ; see AdaptiveNoise.

    Args:
        gradient: Gradient of the data's mean loss w.r.t. the sampled weights.
        sigma: Deviations of the weights.
        prior: Prior of all weights.
        lines: Number of lines that it is the mean over.
        sequences: S, number of training sequences.
    """
    cost = sigma / prior.variance - 1 / sigma
    return (lines * sigma * gradient**2).add_(cost, alpha=1 / sequences)
