"""Predictive densities of a network along an existing line (Figures 10, 13 and 14)."""

from typing import NamedTuple

import numpy as np

from nextstroke.ink import Ink
from nextstroke.runtime.mixture_sampling import Mixture
from nextstroke.runtime.model_file import Model
from nextstroke.runtime.predictor import PointPredictor, WriterPredictor

REACH = 5.0  # standard deviations of a component that are drawn; e⁻¹² of its height is left out


class Followed(NamedTuple):
    """The predictions of a network along a line of n points.

    Attributes:
        mixture: The distribution of each point but the first, n − 1 rows, before it was seen.
        phi: The window's weights at each of these steps, (n − 1, characters + 1); no columns for a pen.
        mean, std: Mean and standard deviation of the offsets, which the mixture's units are normalised by.
    """

    mixture: Mixture
    phi: np.ndarray
    mean: np.ndarray
    std: np.ndarray


def follow(model: Model, ink: Ink, text: str = "") -> Followed:
    """Return the predictions of a model that reads a line point by point.

    Args:
        ink: In the representation and the units of the model's corpus, two points at least.
        text: What it says; a prediction network ignores it.
    """
    writes = model.kind == "writer"
    predictor = WriterPredictor(model, [model.alphabet.encode(text)]) if writes else PointPredictor(model, 1)
    ys, phis = [], []
    for point in [np.zeros(3), *model.normalised(ink)[:-1]]:
        predictor.observe(point[None])
        ys.append(predictor.y[0])
        phis.append(predictor.phi[0] if isinstance(predictor, WriterPredictor) else np.zeros(0))
    return Followed(Mixture(np.array(ys), np.zeros(len(ys))), np.array(phis), model.mean, model.std)


def summed_density(
    followed: Followed, ink: Ink, points: range, pixel: float, margin: float
) -> tuple[np.ndarray, tuple[float, float, float, float]]:
    """Sum the densities of some points' positions on a grid over the ink.

    Args:
        points: Indices of the points, >= 1: the first one is not predicted.
        pixel: Size of a cell, in the ink's units.
        margin: How far the grid goes beyond these points.
    Returns: (rows, columns) for each square unit, and left, right, bottom, top, y growing downwards.
    """
    own = ink.points[points.start : points.stop]
    low, high = own.min(0) - margin, own.max(0) + margin
    columns, rows = np.ceil((high - low) / pixel).astype(int)
    grid = np.zeros((rows, columns))
    x, y = low[0] + pixel * (np.arange(columns) + 0.5), low[1] + pixel * (np.arange(rows) + 0.5)
    mixture, pi = followed.mixture, followed.mixture.pi
    mu, sigma, rho = mixture.mu * followed.std + followed.mean, mixture.sigma * followed.std, mixture.rho
    for t in points:
        for j in range(pi.shape[1]):
            place = ink.points[t - 1] + mu[t - 1, j]
            # A cell takes its mean: as if the component were wider by the variance of a cell.
            wide = np.sqrt(sigma[t - 1, j] ** 2 + pixel**2 / 12)
            _add_gaussian(grid, x, y, pi[t - 1, j], place, wide, rho[t - 1, j])
    return grid, (float(low[0]), float(low[0] + columns * pixel), float(low[1] + rows * pixel), float(low[1]))


def _add_gaussian(
    grid: np.ndarray, x: np.ndarray, y: np.ndarray, weight: float, place: np.ndarray, sigma: np.ndarray, rho: float
) -> None:
    """Add one component of a mixture to the part of the grid within REACH of it."""
    near_x, near_y = (
        slice(*np.searchsorted(axis, (at - REACH * size, at + REACH * size)))
        for axis, at, size in zip((x, y), place, sigma, strict=True)
    )
    d1 = ((x[near_x] - place[0]) / sigma[0])[None]
    d2 = ((y[near_y] - place[1]) / sigma[1])[:, None]
    rest = max(1 - rho * rho, 1e-12)
    height = weight / (2 * np.pi * sigma[0] * sigma[1] * np.sqrt(rest))
    grid[near_y, near_x] += height * np.exp(-(d1 * d1 + d2 * d2 - 2 * rho * d1 * d2) / (2 * rest))


def points_of(phi: np.ndarray, first: int, last: int) -> range:
    """Return the indices of the points at which the window is on the characters `first` to `last` inclusive."""
    peaks = phi.argmax(1)
    inside = np.flatnonzero((peaks >= first) & (peaks <= last))
    return range(int(inside[0]) + 1, int(inside[-1]) + 2) if len(inside) else range(0)
