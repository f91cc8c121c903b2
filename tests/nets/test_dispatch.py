"""The loops in C++ against those in torch; `nextstroke kernel build` makes them."""

import os

import pytest
import torch

from nextstroke.native import lstm_loops as building
from nextstroke.native.switch import paused
from nextstroke.nets import dispatch, matmul
from nextstroke.nets.lstm import LSTM, LSTMState
from nextstroke.nets.window import WindowedLSTM, WindowState
from tests.nets import naive

LIBRARY = building.library()  # before conftest.py turns to an empty cache

# Widths that fill no lane, one lane and a rest, and several.
CELLS = [1, 19, 40]


@pytest.fixture
def built(monkeypatch):
    """The library, for this test alone."""
    if not LIBRARY.is_file():
        pytest.skip(f"NOT BUILT, NOT TESTED: the C++ loops; run `nextstroke kernel build` ({LIBRARY})")
    monkeypatch.setattr(building, "_loaded", [])
    building.load(LIBRARY)


def lstm_case(cells, dtype, clip):
    layer = naive.shaken(LSTM(5, cells, clip), dtype=dtype)
    state = LSTMState(*(torch.randn(3, cells, dtype=dtype, requires_grad=True) for _ in range(2)))
    x = torch.randn(3, 7, 5, dtype=dtype, requires_grad=True)
    return layer, x, (), state


def window_case(cells, dtype, clip):
    layer = naive.shaken(WindowedLSTM(5, 7, cells, 4, clip, clip / 2), dtype=dtype)
    state = WindowState(*(torch.rand(3, n, dtype=dtype, requires_grad=True) for n in (cells, cells, 7, 4)))
    # Ragged, longer than a lane, a letter twice in a row.
    text = torch.full((3, 21), -1)
    text[0], text[1, :1], text[2, :4] = torch.arange(21) % 7, 3, torch.tensor([4, 4, 0, 6])
    return layer, torch.randn(3, 7, 5, dtype=dtype, requires_grad=True), (text,), state


def outcome(layer, x, more, state):
    """Values and all derivatives, in two chunks with carried state."""
    *first, between = layer(x[:, :3], *more, state)
    *second, last = layer(x[:, 3:], *more, between)
    values = *first, *second, *last
    return *values, *naive.derivatives(values, (x, *state, *layer.parameters()))


@pytest.mark.usefixtures("built")
@pytest.mark.parametrize("clip", [naive.INF, 0.2])
@pytest.mark.parametrize("cells", CELLS)
@pytest.mark.parametrize("case", [lstm_case, window_case])
@pytest.mark.parametrize(("dtype", "near"), [(torch.float64, 1e-12), (torch.float32, 2e-5)])
def test_is_the_torch_loop(case, cells, clip, dtype, near):
    given = case(cells, dtype, clip)
    found = outcome(*given)
    with paused():
        expected = outcome(*given)
    for ours, theirs in zip(found, expected, strict=True):
        scale = 1 + theirs.abs().max().item()
        torch.testing.assert_close(ours / scale, theirs / scale, rtol=0, atol=near)


@pytest.mark.usefixtures("built")
@pytest.mark.parametrize("case", [lstm_case, window_case])
def test_is_the_torch_loop_in_bfloat16(case, monkeypatch):
    if not matmul.can_multiply_bfloat16():
        pytest.skip("NOT TESTED: the C++ loops with products of bfloat16, which oneDNN does not have here")
    monkeypatch.setattr(matmul, "has_bfloat16", lambda: True)
    given = case(40, torch.float32, naive.INF)
    exact = outcome(*given)
    with matmul.bfloat16("cpu", True):
        found = outcome(*given)
        with paused():
            expected = outcome(*given)
    assert not torch.equal(found[0], exact[0])
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.dtype == torch.float32
        assert (ours - theirs).norm() <= 0.01 * (1 + theirs.norm())


@pytest.mark.usefixtures("built")
@pytest.mark.parametrize("case", [lstm_case, window_case])
def test_finite_differences(case):
    layer, x, more, state = case(3, torch.float64, naive.INF)
    names = [name for name, _ in layer.named_parameters()]

    def work(x, *weights):
        *values, last = torch.func.functional_call(layer, dict(zip(names, weights, strict=True)), (x, *more, state))
        return *values, *last

    short = x[:2, :3].detach().requires_grad_()
    state, more = type(state)(*(part[:2].detach() for part in state)), tuple(text[:2] for text in more)
    assert torch.autograd.gradcheck(work, (short, *layer.parameters()))


def lines_with_nan(parts):
    return [part.flatten(1).isnan().any(1).tolist() for part in parts if part.dim() > 1]


@pytest.mark.usefixtures("built")
@pytest.mark.parametrize("case", [lstm_case, window_case])
@pytest.mark.parametrize("clip", [naive.INF, 0.2])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_nan_comes_out_of_the_lines_it_does_in_torch(case, clip, dtype):
    layer, x, more, state = case(40, dtype, clip)
    with torch.no_grad():
        x[1, 4, 2] = naive.INF - naive.INF
    found = outcome(layer, x, more, state)
    with paused():
        expected = outcome(layer, x, more, state)
    # By line: torch's product with the one-hot text also spreads a NaN to letters that the text does not hold.
    lines = [
        [part.flatten(1).isnan().any(1).tolist() for part in parts if part.dim() > 1] for parts in (found, expected)
    ]
    assert lines[0] == lines[1]
    assert found[0].isfinite().all()
    assert not found[-1].isfinite().all()


@pytest.mark.usefixtures("built")
def test_other_number_types_stay_with_torch():
    x = torch.zeros(1, dtype=torch.bfloat16)
    assert dispatch.select_loop("lstm_forward", outcome, x) is outcome
    assert dispatch.select_loop("lstm_forward", outcome, x.float()) is not outcome


def test_without_a_build_torch_works_and_nothing_is_compiled(monkeypatch, tmp_path):
    monkeypatch.setenv("NEXTSTROKE_CACHE", str(tmp_path))
    monkeypatch.setattr(building, "_loaded", [])
    assert not building.switch_on()
    assert dispatch.select_loop("lstm_forward", outcome, torch.zeros(1)) is outcome
    assert os.listdir(tmp_path) == []


@pytest.fixture
def cache(monkeypatch, tmp_path):
    monkeypatch.setenv("NEXTSTROKE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_a_broken_library_is_no_reason_to_stop(monkeypatch, cache):
    monkeypatch.setattr(building, "_loaded", [])
    cache.mkdir()
    building.library().write_bytes(b"no library")
    with pytest.warns(UserWarning, match="cannot be loaded, the torch loops are used"):
        assert not building.switch_on()
