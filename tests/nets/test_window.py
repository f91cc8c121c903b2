import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.functional import pad

from nextstroke.nets.window import WindowedLSTM, WindowState, one_hot
from tests.nets import naive

INPUTS, SYMBOLS, CELLS, COMPONENTS, TIME = 3, 7, 5, 4, 6
TEXTS = [[1, 0, 6, 2], [3], [4, 4, 5, 1, 0, 2]]


def padded(texts):
    longest = max(map(len, texts))
    return torch.tensor([text + [-1] * (longest - len(text)) for text in texts])


def setting(clip=naive.INF, window_clip=naive.INF):
    layer = naive.shaken(WindowedLSTM(INPUTS, SYMBOLS, CELLS, COMPONENTS, clip, window_clip))
    widths = CELLS, CELLS, SYMBOLS, COMPONENTS
    state = WindowState(*(torch.rand(3, n, dtype=torch.float64, requires_grad=True) for n in widths))
    x = torch.randn(3, TIME, INPUTS, dtype=torch.float64, requires_grad=True)
    return layer, x, state


def run(layer, x, text, state):
    hidden, reading, last = layer(x, text, state)
    return hidden, reading, *last


def line_by_line(layer, x, state):
    lines = [
        naive.windowed(layer, x[i], torch.tensor(text), *(part[i] for part in state)) for i, text in enumerate(TEXTS)
    ]
    return tuple(torch.stack(parts) for parts in zip(*lines, strict=True))


@pytest.mark.parametrize(
    ("clip", "window_clip"), [(naive.INF, naive.INF), (0.2, naive.INF), (naive.INF, 0.1), (0.2, 0.1)]
)
def test_is_the_equations_and_padding_does_not_count(clip, window_clip):
    layer, x, state = setting(clip, window_clip)
    found, expected = run(layer, x, padded(TEXTS), state), line_by_line(layer, x, state)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)
    by = (x, *state, *layer.parameters())
    torch.testing.assert_close(naive.derivatives(found, by), naive.derivatives(expected, by), rtol=0, atol=1e-12)


def test_a_longer_neighbour_changes_nothing():
    layer, x, state = setting()
    text = padded(TEXTS)
    near = {"rtol": 0, "atol": 1e-14}
    torch.testing.assert_close(run(layer, x, pad(text, (0, 9), value=-1), state), run(layer, x, text, state), **near)


def test_finite_differences():
    layer = naive.shaken(WindowedLSTM(2, 3, 2, 2))
    x = torch.randn(2, 3, 2, dtype=torch.float64, requires_grad=True)
    names = [name for name, _ in layer.named_parameters()]

    def work(x, *weights):
        given = x, torch.tensor([[0, 2, 1], [1, -1, -1]]), layer.start(2)
        hidden, reading, last = torch.func.functional_call(layer, dict(zip(names, weights, strict=True)), given)
        return hidden, reading, *last

    assert torch.autograd.gradcheck(work, (x, *layer.parameters()))


def test_state_carries_over():
    layer, x, state = setting()
    text = padded(TEXTS)
    whole = run(layer, x, text, state)
    hidden, reading, between = layer(x[:, :2], text, state)
    later = run(layer, x[:, 2:], text, between)
    joined = torch.cat([hidden, later[0]], 1), torch.cat([reading, later[1]], 1), *later[2:]
    torch.testing.assert_close(joined, whole, rtol=0, atol=1e-14)


@given(st.lists(st.floats(-50, 3, width=32), min_size=COMPONENTS, max_size=COMPONENTS), st.integers(1, 9))
def test_kappa_never_falls(kappa_hat, steps):
    layer = naive.shaken(WindowedLSTM(INPUTS, SYMBOLS, CELLS, COMPONENTS), dtype=torch.float32)
    layer.glance.bias.data[-COMPONENTS:] = torch.tensor(kappa_hat)
    state = layer.start(1)
    for _ in range(steps):
        _, _, after = layer(torch.randn(1, 1, INPUTS), torch.tensor([[0, 1]]), state)
        assert (after.kappa >= state.kappa).all()
        state = after


def test_derivatives_by_the_glance_are_equations_56_to_60():
    """With nothing but biases the window's parameters are the same at every step and all sums are plain."""
    layer, x, _ = setting()
    for weight in (layer.glance.weight, layer.reading):
        torch.nn.init.zeros_(weight)
    _, reading, _ = layer(x[:1], torch.tensor([TEXTS[0]]), layer.start(1))
    dw = torch.randn_like(reading)
    (found,) = torch.autograd.grad(reading, layer.glance.bias, dw)
    torch.testing.assert_close(found, explicit(layer, dw[0]), rtol=0, atol=1e-12)


def explicit(layer, dw):
    alpha, beta, step = layer.glance.bias.detach().exp().chunk(3)
    u = torch.arange(1, len(TEXTS[0]) + 1, dtype=dw.dtype)
    d_alpha, d_beta, d_kappa, d_step = (torch.zeros_like(alpha) for _ in range(4))
    for t in reversed(range(TIME)):
        away = ((t + 1) * step)[:, None] - u
        epsilon = alpha[:, None] * torch.exp(-beta[:, None] * away**2) * dw[t][TEXTS[0]]  # (56)
        d_alpha += epsilon.sum(1)  # (57)
        d_beta -= beta * (epsilon * away**2).sum(1)  # (58)
        d_kappa = d_kappa - 2 * beta * (epsilon * away).sum(1)  # (59)
        d_step += step * d_kappa  # (60)
    return torch.cat([d_alpha, d_beta, d_step])


def test_one_hot_rows_of_padding_are_zero():
    assert one_hot(torch.tensor([[1, -1]]), 3, torch.float32).tolist() == [[[0, 1, 0], [0, 0, 0]]]


def test_detach_cuts_all_parts():
    _, _, state = setting()
    assert not any(part.requires_grad for part in state.detach())
