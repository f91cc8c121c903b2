"""Sample the next point from a mixture, with the paper's bias (sections 5.3, 5.4, equations 18 to 23, 61, 62)."""

from collections.abc import Sequence

import numpy as np

UNIFORMS = 4  # random numbers a point uses: component, two for the Gaussian, end of stroke
ENOUGH = 100.0  # a bias beyond this changes nothing any more but would overflow


class Mixture:
    """The distribution of the next point for several lines, biased towards likely points.

    The bias narrows the components (61) and prefers likely ones (62); the end of stroke stays as it is.

    Args:
        y: y-hat of the network, (lines, 1 + 6 M), in the order e, π, μ1, μ2, σ1, σ2, ρ.
        bias: One for each line, >= 0: 0 is unbiased, a large one draws the mean of the likeliest component.
    """

    def __init__(self, y: np.ndarray, bias: np.ndarray):
        self.y = y.astype(np.float64)
        self.bias = np.minimum(bias, ENOUGH)
        self.components = (y.shape[1] - 1) // 6

    def _part(self, number: int) -> np.ndarray:
        first = 1 + number * self.components
        return self.y[:, first : first + self.components]

    def _lift(self, lifts: np.ndarray | float = 0.0) -> np.ndarray:
        return 1 / (1 + np.exp(np.clip(self.y[:, 0] - lifts, -700, 700)))

    @property
    def end_of_stroke(self) -> np.ndarray:
        """Probability that the pen is lifted after the point, (lines,); the sign is that of equation 18."""
        return self._lift()

    @property
    def pi(self) -> np.ndarray:
        """Component weights, (lines, M)."""
        sharp = self._part(0) * (1 + self.bias)[:, None]
        weights = np.exp(sharp - sharp.max(1, keepdims=True))
        return weights / weights.sum(1, keepdims=True)

    @property
    def mu(self) -> np.ndarray:
        """Means, (lines, M, 2), normalised units."""
        return np.stack([self._part(1), self._part(2)], 2)

    @property
    def sigma(self) -> np.ndarray:
        """Standard deviations, (lines, M, 2), normalised units."""
        return np.exp(np.stack([self._part(3), self._part(4)], 2) - self.bias[:, None, None])

    @property
    def rho(self) -> np.ndarray:
        """Correlations, (lines, M)."""
        return np.tanh(self._part(5))

    def spread(self) -> np.ndarray:
        """Return the standard deviation of the mixture, (lines,): the root of the mean variance of x and y."""
        pi, mu = self.pi[:, :, None], self.mu
        mean = (pi * mu).sum(1, keepdims=True)
        variances = (pi * (self.sigma**2 + (mu - mean) ** 2)).sum(1)
        return np.sqrt(variances.mean(1))

    def log_density(self, offsets: np.ndarray) -> np.ndarray:
        """Return log Σ π N of an offset of each line, (lines, 2), in nats (equations 23 to 25); nothing is clipped."""
        d1, d2 = np.moveaxis((offsets[:, None] - self.mu) / self.sigma, 2, 0)
        rho_hat = self._part(5)
        # As nets/mixture.py: a sum of two squares, which does not cancel where ρ nears ±1.
        across, along = (d1 - d2) ** 2 * (1 + np.exp(2 * rho_hat)), (d1 + d2) ** 2 * (1 + np.exp(-2 * rho_hat))
        log_n = np.logaddexp(rho_hat, -rho_hat) - np.log(4 * np.pi * self.sigma.prod(2)) - (across + along) / 8
        sharp = self._part(0) * (1 + self.bias)[:, None]
        return np.logaddexp.reduce(sharp + log_n, 1) - np.logaddexp.reduce(sharp, 1)

    def draw(self, uniforms: np.ndarray, lifts: np.ndarray | float = 0.0) -> np.ndarray:
        """Draw a point of each line, (lines, 3): dx, dy normalised, end of stroke 0 or 1.

        Args:
            uniforms: (lines, UNIFORMS) in [0, 1); the same numbers give the same points.
            lifts: Added to the logit of lifting the pen, one for each line, (lines,).
        """
        pick, radius, angle, lift = uniforms.T
        chosen = np.minimum((self.pi.cumsum(1) < pick[:, None]).sum(1), self.components - 1)
        # Only the chosen component is worked out: at batch 1 the rest would cost more than the choice.
        columns = 1 + chosen + self.components * np.arange(1, 6)[:, None]
        mu1, mu2, sigma1, sigma2, rho = self.y[np.arange(len(pick)), columns]
        rho, narrow = np.tanh(rho), -self.bias
        # Box and Muller; one minus the uniform, so that the logarithm never meets zero.
        length, turn = np.sqrt(-2 * np.log1p(-radius)), 2 * np.pi * angle
        first, second = length * np.cos(turn), length * np.sin(turn)
        across = rho * first + np.sqrt(1 - rho * rho) * second
        dx, dy = mu1 + np.exp(sigma1 + narrow) * first, mu2 + np.exp(sigma2 + narrow) * across
        return np.stack([dx, dy, lift < self._lift(lifts)], 1)


def uniforms(entropy: Sequence[int], points: int) -> np.ndarray:
    """Return the random numbers of some points, (points, UNIFORMS) in [0, 1): a function of the entropy alone.

    Args:
        entropy: Whole numbers >= 0 that seed the generator.
        points: Number of points; fewer points get the first of the same numbers.
    """
    return np.random.default_rng(entropy).random((points, UNIFORMS))
