"""The layers along the diagonal against layer after layer."""

from functools import partial

import pytest
import torch

from nextstroke.nets import networks, wavefront
from nextstroke.nets.lstm import LSTM, LSTMState
from nextstroke.nets.networks import GradientClips, PredictionNetwork, SynthesisNetwork, TextNetwork
from tests.nets import naive

BATCH, CELLS, INPUTS = 3, 5, 4
CLIPS = GradientClips(0.3)


def case(layers, time, clip):
    stack = [naive.shaken(LSTM(INPUTS + (CELLS if n else 0), CELLS, clip)) for n in range(layers)]
    x = torch.randn(BATCH, time, INPUTS, dtype=torch.float64, requires_grad=True)
    state = [LSTMState(*torch.randn(2, BATCH, CELLS, dtype=torch.float64, requires_grad=True)) for _ in stack]
    return stack, x, state


def layer_after_layer(stack, x, state, kept=None):
    hidden, after = [], []
    for n, (layer, before) in enumerate(zip(stack, state, strict=True)):
        h, last = layer(torch.cat([x, *hidden[-1:]], 2), before)
        hidden.append(h if kept is None else h * kept[n, : h.shape[1]].transpose(0, 1))
        after.append(last)
    return hidden, after


def along_the_diagonal(stack, x, state, dropout=0.0):
    return wavefront.run_wavefront(stack, x, [layer.weight[:, :INPUTS] for layer in stack], None, state, dropout)


def outcome(run, stack, x, state):
    """Values and all derivatives, in two chunks with carried state."""
    first, between = run(stack, x[:, :1], state)
    second, last = run(stack, x[:, 1:], between)
    values = [*first, *second, *(part for layer in last for part in layer)]
    weights = [weight for layer in stack for weight in layer.parameters()]
    return *values, *naive.derivatives(values, (x, *(part for layer in state for part in layer), *weights))


def near(found, expected, atol):
    for ours, theirs in zip(found, expected, strict=True):
        scale = 1 + theirs.abs().max().item()
        torch.testing.assert_close(ours / scale, theirs / scale, rtol=0, atol=atol)


SIZES = pytest.mark.parametrize(("layers", "time"), [(2, 2), (2, 6), (3, 9), (7, 4)])  # also more layers than steps


@pytest.mark.parametrize("clip", [naive.INF, 0.2])
@SIZES
def test_is_layer_after_layer(layers, time, clip):
    given = case(layers, time, clip)
    near(outcome(along_the_diagonal, *given), outcome(layer_after_layer, *given), 1e-12)


@SIZES
def test_dropout_drops_what_goes_up_and_out_alone(layers, time, monkeypatch):
    kept = wavefront.dropout_masks(0.4, time, torch.zeros(layers, BATCH, CELLS, dtype=torch.float64))
    assert set(kept.flatten().tolist()) == {0.0, 1 / 0.6}
    monkeypatch.setattr(wavefront, "dropout_masks", lambda dropout, steps, h: kept[:, :steps])
    given = case(layers, time, 0.2)
    expected = outcome(partial(layer_after_layer, kept=kept), *given)
    near(outcome(partial(along_the_diagonal, dropout=0.4), *given), expected, 1e-12)


def test_finite_differences():
    stack, x, state = case(3, 3, naive.INF)

    def work(x, *weights):
        hidden, last = along_the_diagonal(stack, x, state)
        return *hidden, *(part for layer in last for part in layer)

    weights = [weight for layer in stack for weight in layer.parameters()]
    assert torch.autograd.gradcheck(work, (x, *weights), fast_mode=True)


def network_outcome(network, text):
    x = torch.randn(2, 6, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    y, state = network(x, *text, network.start(2))
    values = [y, *(part for layer in state for part in layer)]
    return *values, *naive.derivatives(values, list(network.parameters()))


@pytest.mark.parametrize(
    "make", [lambda: PredictionNetwork(3, 5, 2, CLIPS), lambda: SynthesisNetwork(4, 3, 5, 2, 2, CLIPS)]
)
def test_networks_are_the_same_either_way(make, monkeypatch):
    network = naive.shaken(make())
    text = [torch.tensor([[0, 1, 2], [3, -1, -1]])] if isinstance(network, SynthesisNetwork) else []
    expected = network_outcome(network, text)
    taken = []
    monkeypatch.setattr(wavefront, "can_run_wavefront", lambda layers, device: taken.append(len(layers)) or True)
    torch.testing.assert_close(network_outcome(network, text), expected, rtol=1e-12, atol=1e-12)
    assert taken == [2 if text else 3]


@pytest.mark.parametrize("most", [7, 6])
def test_a_text_network_is_the_same_either_way(most, monkeypatch):
    """As one-hot vectors or, of more symbols, as rows of tables; −1 is no symbol."""
    network = naive.shaken(TextNetwork(7, 3, 5, 0.3))
    x = torch.tensor([[-1, 0, 3, 6, 2], [4, 4, 1, 5, -1]])

    def work():
        y, state = network(x, network.start(2))
        values = [y, *(part for layer in state for part in layer)]
        return *values, *naive.derivatives(values, [weight for weight in network.parameters() if weight.numel()])

    expected, taken = work(), []
    monkeypatch.setattr(networks, "ONE_HOT", most)
    monkeypatch.setattr(wavefront, "can_run_wavefront", lambda layers, device: True)
    monkeypatch.setattr(
        wavefront, "run_wavefront", lambda *given, run=wavefront.run_wavefront: taken.append(given) or run(*given)
    )
    torch.testing.assert_close(work(), expected, rtol=1e-12, atol=1e-12)
    assert len(taken) == (most == 7)


def test_a_cpu_and_unlike_layers_go_layer_after_layer():
    like, unlike = [LSTM(4, 5), LSTM(9, 5)], [LSTM(4, 5), LSTM(9, 6)]

    cpu, gpu = torch.device("cpu"), torch.device("cuda")
    assert not wavefront.can_run_wavefront(like, cpu)
    assert wavefront.can_run_wavefront(like, gpu)
    assert not wavefront.can_run_wavefront(unlike, gpu)
    assert not wavefront.can_run_wavefront(like[:1], gpu)
