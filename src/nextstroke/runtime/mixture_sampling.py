"""Sample the next point from a mixture density, with the paper's bias (sections 5.3 and 5.4)."""

from collections.abc import Sequence

import numpy as np

UNIFORMS = 4  # random numbers per point: component, two for the Gaussian, end of stroke
ENOUGH = 100.0  # a larger bias changes nothing more, but would overflow


class Mixture:
    """The mixture density of the next point of several lines, biased towards likely points.

    Equations 18 to 23. The bias narrows the components (61) and raises the weights of likely ones
    (62); it leaves the end of stroke as it is.

    Args:
        y: y-hat of the network, (lines, 1 + 6 M), in the order e, π, μ1, μ2, σ1, σ2, ρ.
        bias: Bias of each line, (lines,), >= 0; 0 is unbiased, and a large one draws the mean of
            the component of largest weight.
    """

    def __init__(self, y: np.ndarray, bias: np.ndarray):
        self.y = y.astype(np.float64)
        self.bias = np.minimum(bias, ENOUGH)
        self.components = (y.shape[1] - 1) // 6

    def _part(self, number: int) -> np.ndarray:
        """Return the columns of one quantity of all components, (lines, M); 0 is π, 5 is ρ."""
        first = 1 + number * self.components
        return self.y[:, first : first + self.components]

    def _lift(self, lifts: np.ndarray | float = 0.0) -> np.ndarray:
        """Return the probability of the end of stroke, (lines,), with an offset of its logit."""
        return 1 / (1 + np.exp(np.clip(self.y[:, 0] - lifts, -700, 700)))

    @property
    def end_of_stroke(self) -> np.ndarray:
        """Probability that the pen is lifted after the point, (lines,), with equation 18's sign."""
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
        """Return the standard deviation of the mixture, (lines,): √ of the mean variance of x and y."""
        pi = self.pi[:, :, None]
        mu = self.mu
        mean = (pi * mu).sum(1, keepdims=True)
        variances = (pi * (self.sigma**2 + (mu - mean) ** 2)).sum(1)
        return np.sqrt(variances.mean(1))

    def log_density(self, offsets: np.ndarray) -> np.ndarray:
        """Return log Σ π N of an offset of each line, (lines,), in nats (equations 23 to 25).

        Args:
            offsets: (lines, 2), normalised; nothing is clipped.
        """
        d1, d2 = np.moveaxis((offsets[:, None] - self.mu) / self.sigma, 2, 0)
        rho_hat = self._part(5)
        # As nets/mixture.py: a sum of two squares, which does not cancel where ρ nears ±1.
        across = (d1 - d2) ** 2 * (1 + np.exp(2 * rho_hat))
        along = (d1 + d2) ** 2 * (1 + np.exp(-2 * rho_hat))
        log_scale = np.logaddexp(rho_hat, -rho_hat) - np.log(4 * np.pi * self.sigma.prod(2))
        log_n = log_scale - (across + along) / 8
        sharp = self._part(0) * (1 + self.bias)[:, None]
        return np.logaddexp.reduce(sharp + log_n, 1) - np.logaddexp.reduce(sharp, 1)

    def draw(self, uniforms: np.ndarray, lifts: np.ndarray | float = 0.0) -> np.ndarray:
        """Draw a point of each line, (lines, 3): dx, dy normalised, end of stroke 0 or 1.

        Args:
            uniforms: Random numbers in [0, 1), (lines, UNIFORMS); they determine the points.
            lifts: Offset of the logit of lifting the pen, (lines,).
        """
        pick, radius, angle, lift = uniforms.T
        chosen = np.minimum((self.pi.cumsum(1) < pick[:, None]).sum(1), self.components - 1)
        # Compute only the chosen component: at batch 1 the others would cost more than the choice.
        columns = 1 + chosen + self.components * np.arange(1, 6)[:, None]
        mu1, mu2, sigma1, sigma2, rho = self.y[np.arange(len(pick)), columns]
        rho = np.tanh(rho)
        # Box and Muller; one minus the uniform number, because the logarithm of zero is infinite.
        length = np.sqrt(-2 * np.log1p(-radius))
        turn = 2 * np.pi * angle
        first = length * np.cos(turn)
        second = length * np.sin(turn)
        across = rho * first + np.sqrt(1 - rho * rho) * second
        dx = mu1 + np.exp(sigma1 - self.bias) * first
        dy = mu2 + np.exp(sigma2 - self.bias) * across
        return np.stack([dx, dy, lift < self._lift(lifts)], 1)


def uniforms(entropy: Sequence[int], points: int) -> np.ndarray:
    """Return the random numbers of some points, (points, UNIFORMS), in [0, 1).

    They depend on the entropy only: fewer points get the first of the same numbers.

    Args:
        entropy: Integers >= 0 that seed the generator.
        points: Number of points.
    """
    return np.random.default_rng(entropy).random((points, UNIFORMS))
