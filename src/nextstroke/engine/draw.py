"""Drawing the next point from a mixture, with the paper's bias (sections 5.3 and 5.4, equations 18 to 23, 61, 62)."""

from typing import NamedTuple

import numpy as np

UNIFORMS = 4  # random numbers a point uses: component, two for the Gaussian, end of stroke


class Mixture(NamedTuple):
    """The distribution of the next point for several lines, from y-hat; arrays begin with the lines' axis.

    Attributes:
        end_of_stroke: Probability that the pen is lifted after the point, (lines,).
        pi: Component weights, (lines, M).
        mu, sigma: Means and standard deviations, (lines, M, 2), normalised units.
        rho: Correlations, (lines, M).
    """

    end_of_stroke: np.ndarray
    pi: np.ndarray
    mu: np.ndarray
    sigma: np.ndarray
    rho: np.ndarray

    @classmethod
    def of(cls, y: np.ndarray, bias: np.ndarray) -> "Mixture":
        """Read y-hat (lines, 1 + 6 M) at a bias for each line, >= 0: 0 is unbiased, large is always the likeliest mean.

        The bias narrows components (61) and prefers likely ones (62); the end of stroke stays as it is.
        """
        m = (y.shape[1] - 1) // 6
        e, pi_hat, mu1, mu2, sigma1, sigma2, rho = np.split(y.astype(np.float64), np.cumsum([1] + [m] * 5), 1)
        # Beyond 100 nothing changes any more but overflow.
        bias = np.minimum(bias, 100.0)[:, None]
        sharp = pi_hat * (1 + bias)
        pi = np.exp(sharp - sharp.max(1, keepdims=True))
        sigma = np.exp(np.stack([sigma1, sigma2], 2) - bias[:, :, None])
        pi /= pi.sum(1, keepdims=True)
        return cls(1 / (1 + np.exp(np.clip(e[:, 0], -700, 700))), pi, np.stack([mu1, mu2], 2), sigma, np.tanh(rho))

    def draw(self, uniforms: np.ndarray) -> np.ndarray:
        """One point for each line, (lines, 3): dx, dy normalised, end of stroke 0 or 1.

        Args:
            uniforms: (lines, UNIFORMS) in [0, 1); the same numbers give the same points.
        """
        pick, radius, angle, lift = uniforms.T
        rows = np.arange(len(pick))
        chosen = np.minimum((self.pi.cumsum(1) < pick[:, None]).sum(1), self.pi.shape[1] - 1)
        # Box and Muller: one minus the uniform, so that the logarithm never meets zero.
        length = np.sqrt(-2 * np.log1p(-radius))
        first, second = length * np.cos(2 * np.pi * angle), length * np.sin(2 * np.pi * angle)
        rho = self.rho[rows, chosen]
        across = rho * first + np.sqrt(np.maximum(0.0, 1 - rho * rho)) * second
        offset = self.mu[rows, chosen] + self.sigma[rows, chosen] * np.stack([first, across], 1)
        return np.column_stack([offset, lift < self.end_of_stroke])


def uniforms(seed: int, line: int, points: int) -> np.ndarray:
    """The random numbers of one line, (points, UNIFORMS): a function of seed and line alone."""
    return np.random.default_rng([seed, line]).random((points, UNIFORMS))
