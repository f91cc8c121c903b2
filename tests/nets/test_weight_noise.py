"""Weight noise against torch.distributions, finite differences and a posterior that is known."""

import math

import pytest
import torch
from torch import nn
from torch.distributions import Normal, kl_divergence

from nextstroke.nets.weight_noise import (
    SMALLEST,
    AdaptiveNoise,
    FixedNoise,
    NoNoise,
    Prior,
    WeightDrop,
    divergence,
    sigma_gradient,
)


def weights(seed=0):
    """A network's means and deviations, float64, none alike."""
    torch.manual_seed(seed)
    mu = [torch.randn(3, 4, dtype=torch.float64), torch.randn(5, dtype=torch.float64) + 1]
    sigma = [torch.rand_like(part) + 0.1 for part in mu]
    return mu, sigma


def prior_cost(mu, sigma, prior):
    """The divergence by torch.distributions from a given prior."""
    other = Normal(torch.tensor(prior.mean, dtype=torch.float64), math.sqrt(prior.variance))
    return sum(float(kl_divergence(Normal(m, s), other).sum()) for m, s in zip(mu, sigma, strict=True))


def noisy(size=0.5, sequences=7, seed=0):
    """Adaptive noise on a small layer of float64 with deviations that are not alike."""
    torch.manual_seed(seed)
    network = nn.Linear(3, 2, dtype=torch.float64)
    noise = AdaptiveNoise(network, size, sequences)
    for deviation in noise.sigmas:
        deviation.mul_(torch.rand_like(deviation) + 0.5)
    return network, noise


def finish(noise, lines=1.0):
    """Do after backward what a training does."""
    noise.restore_weights()
    noise.complete_gradients(lines)
    noise.step()


def test_the_cost_is_that_of_two_gaussians():
    mu, sigma = weights()
    assert divergence(mu, sigma) == pytest.approx(prior_cost(mu, sigma, Prior.of(mu, sigma)), rel=1e-12)


def test_the_cost_is_the_mean_of_what_samples_pay():
    mu, sigma = weights()
    prior = Prior.of(mu, sigma)
    other = Normal(torch.tensor(prior.mean, dtype=torch.float64), math.sqrt(prior.variance))
    samples = []
    for m, s in zip(mu, sigma, strict=True):
        own = Normal(m, s)
        drawn = own.sample((200_000,))
        samples.append((own.log_prob(drawn) - other.log_prob(drawn)).flatten(1).sum(1))
    paid = torch.stack(samples).sum(0)
    assert abs(float(paid.mean()) - divergence(mu, sigma)) < 5 * float(paid.std()) / math.sqrt(len(paid))


@pytest.mark.parametrize("change", [{"mean": 1e-3}, {"mean": -1e-3}, {"variance": 1e-3}, {"variance": -1e-3}])
def test_no_prior_is_cheaper_than_the_closed_one(change):
    mu, sigma = weights()
    best = Prior.of(mu, sigma)
    other = best._replace(**{name: getattr(best, name) + by for name, by in change.items()})
    assert prior_cost(mu, sigma, other) > prior_cost(mu, sigma, best)


def by_difference(noise, tensor, place, step=1e-6):
    """Slope of the divergence by one number, the prior found anew on both sides."""
    costs = []
    for sign in (1, -1):
        tensor.data[place] += sign * step
        costs.append(divergence(noise.sample.weights, noise.sigmas))
        tensor.data[place] -= sign * step
    return (costs[0] - costs[1]) / (2 * step)


def test_derivatives_of_the_cost_are_its_differences():
    network, noise = noisy()
    network.weight.grad, network.bias.grad = torch.zeros_like(network.weight), torch.zeros_like(network.bias)
    places = [(0, 0), (1, 2)]
    slopes = [by_difference(noise, network.weight, place) for place in places]
    sigma_slopes = [by_difference(noise, noise.sigma.weight, place) for place in places]
    noise.perturb(1)
    finish(noise)
    for place, slope, sigma_slope in zip(places, slopes, sigma_slopes, strict=True):
        assert 7 * network.weight.grad[place].item() == pytest.approx(slope, rel=1e-7)
        assert 7 * noise.sigma.weight.grad[place].item() == pytest.approx(sigma_slope, rel=1e-7)


def test_the_data_part_by_sigma_is_the_slope_of_the_mean_loss():
    """Data from the model itself, where the squared derivative is the curvature: L = (y − w)² / 2, y of N(μ, 1)."""
    network = nn.Linear(1, 1, bias=False, dtype=torch.float64)
    noise = AdaptiveNoise(network, 0.3, 1)
    sigma, prior = noise.sigmas[0], Prior.of(noise.sample.weights, noise.sigmas)
    cost = sigma / prior.variance - 1 / sigma
    torch.manual_seed(0)
    gradients = torch.randn(400_000, 1, 1, dtype=torch.float64)  # w − y at the mean
    data = sigma_gradient(gradients, sigma, prior, 1.0, 1) - cost
    # E over w of the loss is (σ² + …) / 2, its slope σ.
    assert data.mean().item() == pytest.approx(0.3, rel=0.01)


def test_of_lines_together_the_square_is_that_of_one():
    torch.manual_seed(0)
    _, noise = noisy()
    sigma, prior = noise.sigmas[0], Prior.of(noise.sample.weights, noise.sigmas)
    alone = torch.randn(50_000, 16, *sigma.shape, dtype=torch.float64)
    each = sigma_gradient(alone, sigma, prior, 1.0, noise.sequences).mean((0, 1))
    together = sigma_gradient(alone.mean(1), sigma, prior, 16.0, noise.sequences).mean(0)
    torch.testing.assert_close(together, each, rtol=0.03, atol=0)


def test_learning_finds_the_posterior_of_a_known_model():
    """One weight for each of 40 numbers told four times with deviation 1: σ → 1/√(4 + 1/σ_p²)."""
    torch.manual_seed(3)
    truth = 0.5 * torch.randn(40, dtype=torch.float64)
    told = truth + torch.randn(4, 40, dtype=torch.float64)
    network = nn.Linear(1, 40, bias=False, dtype=torch.float64)
    network.weight.data.zero_()
    noise = AdaptiveNoise(network, 0.3, 4, rate=2e-3)
    for update in range(4000):
        noise.perturb(update)
        network.weight.grad = network.weight.detach() - told[update % 4, :, None]
        finish(noise)
        network.weight.data -= 0.01 * network.weight.grad
    prior = Prior.of(noise.sample.weights, noise.sigmas)
    # The gradient at a sample has its own variance beside the noise of the data.
    expected = 1 / math.sqrt(4 + 1 / prior.variance)
    assert torch.stack(noise.sigmas).mean().item() == pytest.approx(expected, rel=0.15)


def test_noise_has_its_deviation_and_is_taken_off_to_the_bit():
    network = nn.Linear(300, 300)
    before = network.weight.detach().clone()
    noise = FixedNoise(network, 0.075)
    noise.perturb(1)
    added = network.weight.detach() - before
    assert added.std().item() == pytest.approx(0.075, rel=0.02)
    assert abs(added.mean().item()) < 0.001
    finish(noise)
    assert torch.equal(network.weight, before)


def test_the_seed_decides_the_noise():
    one, other = nn.Linear(4, 4), nn.Linear(4, 4)
    other.load_state_dict(one.state_dict())
    noises = FixedNoise(one, 0.1), FixedNoise(other, 0.1)
    for noise in noises:
        noise.perturb(1)
    assert torch.equal(one.weight, other.weight)
    first = one.weight.detach().clone()
    noises[0].restore_weights()
    noises[0].perturb(2)
    assert not torch.equal(one.weight, first)


def test_every_weight_has_noise_of_its_own_deviation():
    network, noise = noisy()
    before = network.weight.detach().clone()
    drawn = []
    for place in range(4000):
        noise.perturb(place)
        drawn.append(network.weight.detach() - before)
        noise.restore_weights()
    torch.testing.assert_close(torch.stack(drawn).std(0), noise.sigma.weight.data, rtol=0.06, atol=0)


def test_a_deviation_that_a_step_made_negative_changes_its_sign_and_zero_becomes_the_smallest():
    _, noise = noisy()
    noise.sigma.weight.data.fill_(-0.3)
    noise.sigma.bias.data.zero_()
    noise.step()
    assert torch.equal(noise.sigma.weight.data, torch.full((2, 3), 0.3, dtype=torch.float64))
    assert noise.sigma.bias.tolist() == [SMALLEST] * 2


def test_deviations_stay_positive_under_a_large_gradient():
    network, noise = noisy()
    noise.sigma.weight.data.fill_(1e-7)
    network.weight.grad, network.bias.grad = torch.full_like(network.weight, 1e9), torch.zeros_like(network.bias)
    noise.optimiser.param_groups[0]["lr"] = 1.0
    noise.perturb(1)
    finish(noise)
    assert all((deviation > 0).all() for deviation in noise.sigmas)


def test_deviations_wait_for_their_own_step():
    """Completing the gradients moves nothing: neither weights nor deviations."""
    network, noise = noisy()
    before = [part.clone() for part in (*noise.sigmas, network.weight.detach())]
    network.weight.grad, network.bias.grad = torch.ones_like(network.weight), torch.ones_like(network.bias)
    noise.perturb(1)
    noise.restore_weights()
    noise.complete_gradients(1.0)
    after = [*noise.sigmas, network.weight.detach()]
    assert all(torch.equal(one, other) for one, other in zip(before, after, strict=True))
    noise.step()
    assert not torch.equal(noise.sigmas[0], before[0])


class Layer(nn.Module):
    """A weight between cells and one from outside, as the layers name them."""

    def __init__(self):
        super().__init__()
        self.recurrent = nn.Parameter(torch.randn(200, 200, dtype=torch.float64))
        self.weight = nn.Parameter(torch.randn(200, 3, dtype=torch.float64))


def test_dropped_weights_are_zero_the_others_grow_and_the_mean_stays():
    layer = Layer()
    before, outside, noise = layer.recurrent.detach().clone(), layer.weight.detach().clone(), WeightDrop(layer, 0.25)
    noise.perturb(1)
    mask = layer.recurrent.detach() / before
    assert set(mask.flatten().round(decimals=9).tolist()) == {0.0, round(4 / 3, 9)}
    assert mask.mean().item() == pytest.approx(1, abs=0.01)
    assert torch.equal(layer.weight, outside)
    finish(noise)
    assert torch.equal(layer.recurrent, before)


def test_derivatives_of_dropped_weights_are_those_by_the_whole_ones():
    layer, x = Layer(), torch.randn(200, dtype=torch.float64)
    noise = WeightDrop(layer, 0.5)
    noise.perturb(1)
    (layer.recurrent @ x).square().sum().backward()
    finish(noise)
    whole = layer.recurrent.detach().clone().requires_grad_()
    ((whole * noise.sample.numbers[0]) @ x).square().sum().backward()
    torch.testing.assert_close(layer.recurrent.grad, whole.grad)


def test_no_noise_leaves_all_as_it_is():
    network = nn.Linear(2, 2)
    before, noise = network.weight.detach().clone(), NoNoise()
    noise.perturb(1)
    assert torch.equal(network.weight, before)
    assert noise.state() == noise.metrics() == {}
