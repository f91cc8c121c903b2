import copy
import math

import pytest
import torch

from nextstroke.nets.rmsprop import GravesRMSProp

GRADIENTS = [0.5, -2.0, 1e-3, 30.0, 0.0, -0.1]


def steps(optimiser, weight, gradients):
    for gradient in gradients:
        weight.grad = torch.full_like(weight, gradient)
        optimiser.step()
    return weight.item()


def by_hand(w, gradients):
    n = g = delta = 0.0
    for epsilon in gradients:
        n = 0.95 * n + 0.05 * epsilon**2  # (38)
        g = 0.95 * g + 0.05 * epsilon  # (39)
        delta = 0.9 * delta - 1e-4 * epsilon / math.sqrt(n - g**2 + 1e-4)  # (40)
        w += delta  # (41)
    return w


def test_is_equations_38_to_41():
    weight = torch.tensor(1.0, dtype=torch.float64)
    assert steps(GravesRMSProp([weight]), weight, GRADIENTS) == pytest.approx(by_hand(1.0, GRADIENTS), rel=1e-14)


def test_is_not_torchs():
    ours, theirs = torch.zeros(()), torch.zeros(())
    moved = steps(GravesRMSProp([ours]), ours, [1e-3] * 200)
    other = torch.optim.RMSprop([theirs], 1e-4, alpha=0.95, eps=1e-4, momentum=0.9, centered=True)
    assert steps(other, theirs, [1e-3] * 200) / moved > 10


@pytest.mark.parametrize("gradient", [1.0, 1e4, 1e8])
def test_rounding_makes_no_nan(gradient):
    weight = torch.zeros(())
    assert math.isfinite(steps(GravesRMSProp([weight]), weight, [gradient * 1.0001] * 500))


def test_state_is_found_by_name():
    first, second = torch.tensor(1.0), torch.tensor(1.0)
    one, other = GravesRMSProp([first]), GravesRMSProp([second])
    steps(one, first, GRADIENTS)
    saved = copy.deepcopy(one.state_dict())
    saved["state"] = {0: dict(sorted(saved["state"][0].items()))}
    other.load_state_dict(saved)
    second.copy_(first)
    assert steps(other, second, GRADIENTS) == steps(one, first, GRADIENTS)


def test_weights_without_a_gradient_stay():
    weight = torch.tensor(1.0)
    GravesRMSProp([weight]).step()
    assert weight.item() == 1
