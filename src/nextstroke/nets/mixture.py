"""The output layer of handwriting: bivariate Gaussian mixtures and an end-of-stroke bit (section 4.1)."""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

LOG_TWO_PI = math.log(2 * math.pi)


def mixture_outputs(components: int) -> int:
    """Return the width of y-hat for M components: 121 for 20 (equation 17)."""
    return 1 + 6 * components


class Mixture(NamedTuple):
    """Predictive distribution of a point (equations 18 to 22).

    Attributes:
        end_of_stroke: e-hat of shape (...); the probability is σ(−e-hat), the sign as in equation
            18.
        log_pi: Logarithms of the component weights, (..., M).
        mu: Means, (..., M, 2), in the units of the network's input.
        log_sigma: Logarithms of the standard deviations, (..., M, 2).
        rho_hat: Correlations before the tanh, (..., M).
    """

    end_of_stroke: Tensor
    log_pi: Tensor
    mu: Tensor
    log_sigma: Tensor
    rho_hat: Tensor

    @classmethod
    def of(cls, y_hat: Float[Tensor, "*batch outputs"]) -> "Mixture":
        """Split y-hat, (..., 1 + 6 M), into e, π, μ1, μ2, σ1, σ2 and ρ."""
        m = (y_hat.shape[-1] - 1) // 6
        e, pi, mu1, mu2, sigma1, sigma2, rho = y_hat.split([1] + [m] * 6, -1)
        mu = torch.stack([mu1, mu2], -1)
        log_sigma = torch.stack([sigma1, sigma2], -1)
        return cls(e.squeeze(-1), functional.log_softmax(pi, -1), mu, log_sigma, rho)

    def log_density(self, offset: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch"]:
        """Return log Σ π N(offset) in nats (equations 23 to 25); no lower bound is applied."""
        d1, d2 = ((offset.unsqueeze(-2) - self.mu) * torch.exp(-self.log_sigma)).unbind(-1)
        log_n = -LOG_TWO_PI - self.log_sigma.sum(-1) + self._log_cosh() - 0.5 * self._distance(d1, d2)
        return torch.logsumexp(self.log_pi + log_n, -1)

    def _log_cosh(self) -> Tensor:
        """Return −log √(1 − ρ²), exact also where the tanh rounds to 1."""
        size = self.rho_hat.abs()
        return size + functional.softplus(-2 * size) - math.log(2)

    def _distance(self, d1: Tensor, d2: Tensor) -> Tensor:
        """Return Z / (1 − ρ²) as a sum of two squares, across and along the ridge.

        Written as in equations 24 and 25 it would cancel where ρ is near ±1, and could be negative.
        """
        across = (d1 - d2) ** 2 * (1 + torch.exp(2 * self.rho_hat))
        along = (d1 + d2) ** 2 * (1 + torch.exp(-2 * self.rho_hat))
        return (across + along) / 4

    def log_end(self, end: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
        """Return log e where the stroke ends and log(1 − e) where it does not, in nats."""
        sign = 2 * end - 1
        return functional.logsigmoid(-sign * self.end_of_stroke)

    def log_loss(self, point: Float[Tensor, "*batch 3"]) -> Float[Tensor, "*batch"]:
        """Return −log Pr of the next point in nats (equation 26, one step of the sum)."""
        return -self.log_density(point[..., :2]) - self.log_end(point[..., 2])

    def mean(self) -> Float[Tensor, "*batch 2"]:
        """Return the mean offset of the mixture, the point prediction for the paper's sum of squares."""
        return (self.log_pi.exp().unsqueeze(-1) * self.mu).sum(-2)
