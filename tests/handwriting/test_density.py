import numpy as np
import pytest
import torch

from nextstroke.handwriting.density import follow, points_of, summed_density
from nextstroke.ink import Ink
from nextstroke.nets.mixture import Mixture as Reference
from nextstroke.runtime.mixture_sampling import Mixture


@pytest.fixture
def ink(line):
    return Ink.from_offsets(line)


def test_log_densities_are_those_of_training():
    y = 2 * np.random.default_rng(0).normal(size=(50, 25))
    offsets = np.random.default_rng(1).normal(size=(50, 2))
    expected = Reference.of(torch.from_numpy(y)).log_density(torch.from_numpy(offsets)).numpy()
    np.testing.assert_allclose(Mixture(y, np.zeros(50)).log_density(offsets), expected, rtol=1e-9)


def test_the_spread_is_that_of_samples():
    y = np.random.default_rng(0).normal(size=(1, 25))
    drawn = Mixture(np.repeat(y, 200_000, 0), np.zeros(200_000)).draw(np.random.default_rng(1).random((200_000, 4)))
    expected = np.sqrt(drawn[:, :2].var(0).mean())
    assert Mixture(y, np.zeros(1)).spread()[0] == pytest.approx(expected, rel=0.02)


def test_following_a_line_is_the_network_over_the_whole_line(network, model, ink):
    text = np.array([1, 2, 3, 0, 4])
    seen = follow(model, ink, model.alphabet.decode(text))
    offsets = model.normalised(ink)
    x = torch.from_numpy(np.concatenate([np.zeros((1, 3)), offsets[:-1]]).astype(np.float32))
    whole, _ = network(x[None], torch.from_numpy(text)[None], network.start(1))
    assert abs(seen.mixture.y - whole[0].detach().numpy()).max() < 1e-4
    assert seen.phi.shape == (len(ink) - 1, 6)


def test_each_place_adds_one_to_the_mass(model, ink):
    seen = follow(model, ink, "abc")
    points = range(5, 25)
    heat, (left, right, bottom, top) = summed_density(seen, ink, points, pixel=4.0, margin=800.0)
    assert heat.shape == (round((bottom - top) / 4), round((right - left) / 4))
    assert heat.sum() * 4.0**2 == pytest.approx(len(points), rel=0.01)


def test_a_component_finer_than_a_cell_keeps_its_mass(model, ink):
    seen = follow(model, ink, "abc")
    seen.mixture.y[:, 10:16] = -9.0  # the deviations, in the order e, π, μ1, μ2, σ1, σ2, ρ of three components
    heat, _ = summed_density(seen, ink, range(5, 25), pixel=6.0, margin=400.0)
    assert heat.sum() * 6.0**2 == pytest.approx(20, rel=0.03)


def test_the_window_tells_which_points_make_a_word():
    phi = np.eye(6)[[0, 0, 1, 2, 2, 3, 4, 5]]
    assert list(points_of(phi, 2, 3)) == [4, 5, 6]
    assert not len(points_of(phi[:2], 2, 3))
