"""The loops in C++ against those in torch; `nextstroke kernel build` makes them."""

import os
import shutil
import signal
import subprocess
import sys
import time

import pytest
import torch

from nextstroke.cli.main import main
from nextstroke.errors import UsageError
from nextstroke.nets import kernel, product
from nextstroke.nets.lstm import LSTM, LSTMState
from nextstroke.nets.window import WindowedLSTM, WindowState
from nextstroke.training import kernel as building
from tests.nets import naive

LIBRARY = building.library()  # before conftest.py turns to an empty cache
COMPILER = any(map(shutil.which, building.COMPILERS))
BUILD = "from nextstroke.cli.main import main; raise SystemExit(main(['kernel', 'build']))"

# Widths that fill no lane, one lane and a rest, and several.
CELLS = [1, 19, 40]


@pytest.fixture
def built(monkeypatch):
    """The library, for this test alone."""
    if not LIBRARY.is_file():
        pytest.skip(f"NOT BUILT, NOT TESTED: the C++ loops; run `nextstroke kernel build` ({LIBRARY})")
    monkeypatch.setattr(kernel, "_libraries", [])
    kernel.load(LIBRARY)


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
    with kernel.paused():
        expected = outcome(*given)
    for ours, theirs in zip(found, expected, strict=True):
        scale = 1 + theirs.abs().max().item()
        torch.testing.assert_close(ours / scale, theirs / scale, rtol=0, atol=near)


@pytest.mark.usefixtures("built")
@pytest.mark.skipif(not product.ONEDNN, reason="only oneDNN's products take bfloat16")
@pytest.mark.parametrize("case", [lstm_case, window_case])
def test_is_the_torch_loop_in_bfloat16(case, monkeypatch):
    monkeypatch.setattr(product, "has_bfloat16", lambda: True)
    given = case(40, torch.float32, naive.INF)
    exact = outcome(*given)
    with product.bfloat16("cpu", True):
        found = outcome(*given)
        with kernel.paused():
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
    with kernel.paused():
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
    assert kernel.chosen("lstm_forward", outcome, x) is outcome
    assert kernel.chosen("lstm_forward", outcome, x.float()) is not outcome


def test_without_a_build_torch_works_and_nothing_is_compiled(monkeypatch, tmp_path):
    monkeypatch.setenv("NEXTSTROKE_CACHE", str(tmp_path))
    monkeypatch.setattr(kernel, "_libraries", [])
    assert not building.switch_on()
    assert kernel.chosen("lstm_forward", outcome, torch.zeros(1)) is outcome
    assert os.listdir(tmp_path) == []


@pytest.fixture
def cache(monkeypatch, tmp_path):
    monkeypatch.setenv("NEXTSTROKE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_no_compiler_is_told(monkeypatch, cache):
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(UsageError, match=r"no C\+\+ compiler found \(no-such-compiler\); install one"):
        building.build()
    assert not cache.exists()


@pytest.mark.parametrize(("compiler", "says"), [("false", r"false failed \(1\)"), ("true", r"failed \(1\): .*")])
@pytest.mark.skipif(not shutil.which("false"), reason="no such command")
def test_a_compiler_that_fails_or_makes_nothing_is_told_and_leaves_nothing(monkeypatch, cache, compiler, says):
    monkeypatch.setenv("CXX", compiler)
    with pytest.raises(UsageError, match=says):
        building.build()
    assert os.listdir(cache) == []


def test_a_cache_that_cannot_be_written_is_told(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("NEXTSTROKE_CACHE", str(tmp_path / "file"))
    monkeypatch.setenv("CXX", "true")
    with pytest.raises(UsageError, match=r"file: cannot be written .*NEXTSTROKE_CACHE"):
        building.build()


def test_a_broken_library_is_no_reason_to_stop(monkeypatch, cache):
    monkeypatch.setattr(kernel, "_libraries", [])
    cache.mkdir()
    building.library().write_bytes(b"no library")
    with pytest.warns(UserWarning, match="cannot be loaded, the torch loops are used"):
        assert not building.switch_on()


def test_what_killed_builds_left_is_swept_once_it_is_old(cache):
    for name, age in (("old", 2 * building.ABANDONED), ("new", 0)):
        folder = cache / f".build-{name}"
        folder.mkdir(parents=True)
        os.utime(folder, (time.time() - age,) * 2)
    building._sweep(cache)
    assert os.listdir(cache) == [".build-new"]


def test_status_names_what_is_used(cache, capsys, monkeypatch):
    monkeypatch.setattr(kernel, "_libraries", [])
    assert main(["kernel", "status"]) == 0
    assert "nextstroke kernel build" in capsys.readouterr().out
    assert main(["kernel", "status", "--json"]) == 0
    assert '"used": false' in capsys.readouterr().out


@pytest.mark.skipif(not COMPILER, reason="NOT TESTED: building, there is no C++ compiler here")
def test_a_killed_build_does_not_hinder_the_next(cache):
    with subprocess.Popen([sys.executable, "-c", BUILD], start_new_session=True) as process:
        while not list(cache.glob(".build-*")):
            assert process.poll() is None
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGKILL)
    assert not building.library().exists()
    subprocess.run([sys.executable, "-c", BUILD], check=True, capture_output=True, timeout=250)
    assert building.library().is_file()
    assert len(list(cache.glob(".build-*"))) == 1
