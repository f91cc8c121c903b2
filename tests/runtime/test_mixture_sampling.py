import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from nextstroke.nets.mixture import Mixture as Learned
from nextstroke.runtime.mixture_sampling import UNIFORMS, Mixture, uniforms

M = 3


def random_y(seed=0, lines=1):
    return np.random.default_rng(seed).normal(size=(lines, 1 + 6 * M)).astype(np.float32)


def test_without_bias_it_is_the_mixture_that_was_learned():
    y = random_y(lines=4)
    ours, theirs = Mixture(y, np.zeros(4)), Learned.of(torch.from_numpy(y).double())
    np.testing.assert_allclose(ours.pi, theirs.log_pi.exp(), atol=1e-7)
    np.testing.assert_allclose(ours.mu, theirs.mu, atol=1e-7)
    np.testing.assert_allclose(ours.sigma, theirs.log_sigma.exp(), atol=1e-6)
    np.testing.assert_allclose(ours.rho, torch.tanh(theirs.rho_hat), atol=1e-7)
    np.testing.assert_allclose(ours.end_of_stroke, torch.sigmoid(-theirs.end_of_stroke), atol=1e-7)


def test_bias_follows_equations_61_and_62():
    y, b = random_y(), 0.7
    plain, biased = Mixture(y, np.zeros(1)), Mixture(y, np.array([b]))
    np.testing.assert_allclose(biased.sigma, plain.sigma * np.exp(-b), rtol=1e-6)
    sharp = plain.pi ** (1 + b)
    np.testing.assert_allclose(biased.pi, sharp / sharp.sum(), rtol=1e-6)
    assert biased.end_of_stroke == plain.end_of_stroke


def test_a_huge_bias_draws_the_likeliest_mean():
    y = random_y()
    mixture = Mixture(y, np.array([1e9]))
    drawn = mixture.draw(np.random.default_rng(0).random((1, UNIFORMS)))
    np.testing.assert_allclose(drawn[0, :2], mixture.mu[0, mixture.pi[0].argmax()], atol=1e-9)


def test_drawn_points_have_the_moments_of_the_mixture():
    n = 200_000
    mixture = Mixture(np.repeat(random_y(1), n, 0), np.zeros(n))
    drawn = mixture.draw(np.random.default_rng(1).random((n, UNIFORMS)))
    pi, mu, sigma, rho = mixture.pi[0], mixture.mu[0], mixture.sigma[0], mixture.rho[0]
    mean = pi @ mu
    inner = np.array(
        [[[s[0] ** 2, r * s[0] * s[1]], [r * s[0] * s[1], s[1] ** 2]] for s, r in zip(sigma, rho, strict=True)]
    )
    spread = np.einsum("m,mij->ij", pi, inner + np.einsum("mi,mj->mij", mu - mean, mu - mean))
    scale = np.sqrt(np.diag(spread))
    np.testing.assert_allclose(drawn[:, :2].mean(0), mean, atol=4 * scale.max() / np.sqrt(n))
    np.testing.assert_allclose(np.cov(drawn[:, :2].T), spread, atol=0.03 * scale.max() ** 2)
    assert abs(drawn[:, 2].mean() - mixture.end_of_stroke[0]) < 4 * 0.5 / np.sqrt(n)


@given(st.lists(st.floats(-60, 60), min_size=1 + 6 * M, max_size=1 + 6 * M), st.sampled_from([0, 0.5, 10, 1e9]))
def test_draws_are_finite_at_every_extreme(y, bias):
    mixture = Mixture(np.array([y], np.float32), np.array([float(bias)]))
    for corner in (np.zeros((1, UNIFORMS)), np.full((1, UNIFORMS), np.nextafter(1, 0))):
        assert np.isfinite(mixture.draw(corner)).all()


def test_random_numbers_depend_on_each_number_of_the_entropy_alone():
    numbers = uniforms([7, 2, 0], 9)
    np.testing.assert_array_equal(uniforms([7, 2, 0], 5), numbers[:5])
    for other in [(8, 2, 0), (7, 3, 0), (7, 2, 1)]:
        assert (uniforms(other, 9) != numbers).all()
