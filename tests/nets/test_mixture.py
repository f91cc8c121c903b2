import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.distributions import Bernoulli, Categorical, MixtureSameFamily, MultivariateNormal

from nextstroke.nets.mixture import Mixture, mixture_outputs

M = 4


def y_hat(*shape, size=1.0):
    return (size * torch.randn(*shape, mixture_outputs(M), dtype=torch.float64)).requires_grad_()


def points(*shape):
    ends = (torch.rand(*shape, 1, dtype=torch.float64) > 0.5).double()
    return torch.cat([torch.randn(*shape, 2, dtype=torch.float64), ends], -1)


def theirs(y):
    """The same distribution of the offset by torch."""
    _, pi, mu1, mu2, sigma1, sigma2, rho = y.split([1] + [M] * 6, -1)
    both = sigma1.exp() * sigma2.exp() * rho.tanh()
    covariance = torch.stack([(2 * sigma1).exp(), both, both, (2 * sigma2).exp()], -1).unflatten(-1, (2, 2))
    return MixtureSameFamily(Categorical(logits=pi), MultivariateNormal(torch.stack([mu1, mu2], -1), covariance))


def test_121_outputs():
    assert mixture_outputs(20) == 121


def test_is_torchs_mixture():
    y, point = y_hat(50), points(50)
    end = Bernoulli(1 / (1 + y[:, 0].exp()))
    expected = -theirs(y).log_prob(point[:, :2]) - end.log_prob(point[:, 2])
    torch.testing.assert_close(Mixture.of(y).log_loss(point), expected, rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(Mixture.of(y).mean(), theirs(y).mean)


def test_density_integrates_to_one():
    y = y_hat(1, size=0.5)
    axis = torch.arange(-12, 12, 0.1, dtype=torch.float64)
    grid = torch.stack(torch.meshgrid(axis, axis, indexing="ij"), -1).reshape(-1, 2)
    total = Mixture.of(y).log_density(grid).exp().sum() * 0.1**2
    assert total.item() == pytest.approx(1, abs=1e-6)
    both_ends = [Mixture.of(y).log_end(torch.tensor([end])).exp().item() for end in (0.0, 1.0)]
    assert sum(both_ends) == pytest.approx(1)


def test_derivatives_are_equations_27_to_37():
    y, point = y_hat(30), points(30)
    (found,) = torch.autograd.grad(Mixture.of(y).log_loss(point).sum(), y)
    torch.testing.assert_close(found, explicit(y.detach(), point), rtol=1e-10, atol=1e-10)


def explicit(y, point):
    e_hat, pi_hat, mu1, mu2, sigma1, sigma2, rho = y.split([1] + [M] * 6, -1)
    sigma1, sigma2, rho, pi = sigma1.exp(), sigma2.exp(), rho.tanh(), pi_hat.softmax(-1)
    d1, d2 = (point[:, :1] - mu1) / sigma1, (point[:, 1:2] - mu2) / sigma2
    z, c = d1**2 + d2**2 - 2 * rho * d1 * d2, 1 / (1 - rho**2)  # (25), (37)
    density = pi * torch.exp(-z * c / 2) / (2 * math.pi * sigma1 * sigma2 * torch.sqrt(1 - rho**2))  # (24), (28)
    gamma = density / density.sum(1, keepdim=True)  # (29)
    by_e, by_pi = point[:, 2:] - 1 / (1 + e_hat.exp()), pi - gamma  # (27), (30)
    by_mu = c / sigma1 * (d1 - rho * d2), c / sigma2 * (d2 - rho * d1)  # (32), (33)
    by_sigma = c * d1 * (d1 - rho * d2) - 1, c * d2 * (d2 - rho * d1) - 1  # (34), (35)
    by_rho = d1 * d2 + rho * (1 - c * z)  # (36)
    return torch.cat([by_e, by_pi, *(-gamma * by for by in (*by_mu, *by_sigma, by_rho))], 1)  # (31)


def single(rho_hat=0.0, log_sigma=0.0, e_hat=0.0):
    """One component at the origin, in float32."""
    return Mixture.of(torch.tensor([e_hat, 0.0, 0.0, 0.0, log_sigma, log_sigma, rho_hat]))


@pytest.mark.parametrize("rho_hat", [0.0, 3.0, 9.0, 20.0, -20.0, 40.0, -40.0])
def test_a_point_on_the_ridge_is_exact_however_narrow(rho_hat):
    d, sign = 1.5, math.copysign(1, rho_hat)
    found = single(rho_hat).log_density(torch.tensor([d, sign * d])).item()
    log_cosh = abs(rho_hat) + math.log1p(math.exp(-2 * abs(rho_hat))) - math.log(2)
    expected = -math.log(2 * math.pi) + log_cosh - d**2 / (1 + math.tanh(abs(rho_hat)))
    assert found == pytest.approx(expected, rel=1e-5)


@given(st.floats(-12, 12), st.floats(-5, 5), st.floats(-5, 5))
def test_float32_is_near_float64_for_any_correlation(rho_hat, d1, d2):
    y = torch.tensor([0, 0, 0, 0, 0, 0, rho_hat], dtype=torch.float64).float()
    offset = torch.tensor([d1, d2], dtype=torch.float64).float()
    exact = Mixture.of(y.double()).log_density(offset.double()).item()
    assert Mixture.of(y).log_density(offset).item() == pytest.approx(exact, rel=1e-5, abs=1e-5)


def test_nothing_is_floored():
    at_the_peak = single(log_sigma=-30.0).log_density(torch.zeros(2)).item()
    assert at_the_peak == pytest.approx(60 - math.log(2 * math.pi))
    far_away = single().log_density(torch.tensor([1e4, 0.0])).item()
    assert far_away == pytest.approx(-5e7)
    assert single(e_hat=500.0).log_end(torch.tensor(1.0)).item() == -500


def test_end_of_stroke_has_the_papers_sign():
    assert single(e_hat=2.0).log_end(torch.tensor(1.0)).exp().item() == pytest.approx(1 / (1 + math.exp(2)))
