import pytest
import torch
from torch import nn

from nextstroke.nets import matmul
from nextstroke.nets.lstm import LSTM, LSTMState
from tests.nets import naive

BATCH, TIME, INPUTS, CELLS = 3, 7, 5, 6


def inputs(dtype=torch.float64):
    x = torch.randn(BATCH, TIME, INPUTS, dtype=dtype, requires_grad=True)
    h, c = (torch.randn(BATCH, CELLS, dtype=dtype, requires_grad=True) for _ in range(2))
    return x, LSTMState(h, c)


def run(layer, x, state):
    hidden, last = layer(x, state)
    return hidden, *last


def test_is_torch_lstm_without_peepholes():
    layer, theirs = naive.shaken(LSTM(INPUTS, CELLS)), nn.LSTM(INPUTS, CELLS, batch_first=True).double()
    nn.init.zeros_(layer.peepholes)
    for mine, name in ((layer.weight, "weight_ih_l0"), (layer.recurrent, "weight_hh_l0"), (layer.bias, "bias_ih_l0")):
        getattr(theirs, name).data.copy_(mine)
    nn.init.zeros_(theirs.bias_hh_l0)
    x, (h, c) = inputs()
    hidden, (last_h, last_c) = theirs(x, (h[None], c[None]))
    expected = hidden, last_h[0], last_c[0]
    found = run(layer, x, LSTMState(h, c))
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)
    weights = theirs.weight_ih_l0, theirs.weight_hh_l0, theirs.bias_ih_l0
    by_theirs = naive.derivatives(expected, (x, h, c, *weights))
    by_ours = naive.derivatives(found, (x, h, c, layer.weight, layer.recurrent, layer.bias))
    torch.testing.assert_close(by_ours, by_theirs, rtol=0, atol=1e-12)


@pytest.mark.parametrize("clip", [naive.INF, 0.3, 0.01])
def test_is_the_equations_with_each_derivative_clipped(clip):
    layer = naive.shaken(LSTM(INPUTS, CELLS, clip))
    x, state = inputs()
    found, expected = run(layer, x, state), naive.lstm(layer, x, *state)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)
    by = (x, *state, *layer.parameters())
    torch.testing.assert_close(naive.derivatives(found, by), naive.derivatives(expected, by), rtol=0, atol=1e-12)


def test_finite_differences():
    layer = naive.shaken(LSTM(2, 3))
    x = torch.randn(2, 4, 2, dtype=torch.float64, requires_grad=True)

    def work(x, weight, recurrent, peepholes, bias):
        weights = {"weight": weight, "recurrent": recurrent, "peepholes": peepholes, "bias": bias}
        return run_functional(layer, weights, x)

    assert torch.autograd.gradcheck(work, (x, *layer.parameters()))


def run_functional(layer, weights, x):
    hidden, last = torch.func.functional_call(layer, weights, (x, layer.start(len(x))))
    return hidden, *last


def test_state_carries_over():
    layer = naive.shaken(LSTM(INPUTS, CELLS))
    x, state = inputs()
    whole, last = layer(x, state)
    first, between = layer(x[:, :3], state)
    second, end = layer(x[:, 3:], between)
    torch.testing.assert_close(torch.cat([first, second], 1), whole, rtol=0, atol=1e-14)
    torch.testing.assert_close(end, last, rtol=0, atol=1e-14)


def test_the_path_along_the_cells_is_not_clipped():
    """With forget gates wide open and no recurrence the derivative reaches the first cell whole, clip or not."""
    layer = LSTM(1, 1, clip=1e-9).double()
    with torch.no_grad():
        layer.bias.copy_(torch.tensor([-50.0, 50.0, 0.0, 50.0]))
    c = torch.zeros(1, 1, dtype=torch.float64, requires_grad=True)
    _, last = layer(torch.zeros(1, 20, 1, dtype=torch.float64), LSTMState(torch.zeros_like(c), c))
    (slope,) = torch.autograd.grad(last.c.sum(), c)
    assert slope.item() == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("onednn", [False, True])
def test_float32_is_near_float64(monkeypatch, onednn):
    monkeypatch.setattr(matmul, "ONEDNN", onednn and matmul.ONEDNN)
    layer = naive.shaken(LSTM(INPUTS, CELLS, 0.3))
    x, state = inputs()
    by = (x, *state, *layer.parameters())
    exact = naive.derivatives(run(layer, x, state), by)
    layer, (x, *state) = layer.float(), (part.detach().float().requires_grad_() for part in (x, *state))
    rounded = naive.derivatives(run(layer, x, LSTMState(*state)), (x, *state, *layer.parameters()))
    torch.testing.assert_close([d.double() for d in rounded], list(exact), rtol=2e-5, atol=2e-5)


def test_second_derivatives_are_refused():
    layer = naive.shaken(LSTM(INPUTS, CELLS))
    x, state = inputs()
    (first,) = torch.autograd.grad((layer(x, state)[0] ** 2).sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        first.sum().backward()


def test_detach_keeps_values():
    _, state = inputs()
    cut = state.detach()
    assert not cut.h.requires_grad
    assert torch.equal(cut.c, state.c)
