"""The gates in Triton, run by its interpreter on the CPU, against those in torch."""

import importlib
import importlib.util
from functools import partial
from pathlib import Path

import pytest
import torch

from nextstroke.nets import dispatch, lstm, wavefront
from tests.nets import naive, test_dispatch, test_wavefront
from tests.nets.test_wavefront import near

triton = pytest.importorskip("triton", reason="NOT TESTED: the gates in Triton, which is not installed")
CLIP = 2.0**-3  # the same number in float32


@pytest.fixture
def fused(monkeypatch):
    """A copy of the module for Triton's interpreter; it decides so when a kernel is declared."""
    monkeypatch.setenv("TRITON_INTERPRET", "1")
    spec = importlib.util.spec_from_file_location("interpreted", Path(dispatch.__file__).with_name("triton_kernels.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    # More than one block for each row, the last not full.
    monkeypatch.setattr(module, "BLOCK", 4)
    return module


@pytest.fixture
def interpreted(fused, monkeypatch):
    """Switches the gates in Triton on and off for tensors of the CPU."""
    used = []

    def choose(x):
        used.append(x)
        return fused

    return lambda: monkeypatch.setattr(dispatch, "fused", choose) or used


@pytest.mark.parametrize("case", [test_dispatch.lstm_case, test_dispatch.window_case])
@pytest.mark.parametrize(
    ("dtype", "clip", "atol"),
    [(torch.float64, naive.INF, 1e-12), (torch.float64, CLIP, 1e-12), (torch.float32, CLIP, 2e-5)],
)
def test_layers_are_the_same(interpreted, case, clip, dtype, atol):
    given = case(5, dtype, clip)
    expected = test_dispatch.outcome(*given)
    used = interpreted()
    near(test_dispatch.outcome(*given), expected, atol)
    assert used


@pytest.mark.parametrize("clip", [naive.INF, CLIP])
def test_the_diagonal_is_the_same(interpreted, clip):
    given = test_wavefront.case(3, 4, clip)
    expected = test_wavefront.outcome(test_wavefront.layer_after_layer, *given)
    assert interpreted() == []
    near(test_wavefront.outcome(test_wavefront.along_the_diagonal, *given), expected, 1e-12)


def test_the_diagonal_is_the_same_with_dropout(interpreted, monkeypatch):
    given = test_wavefront.case(3, 4, CLIP)
    kept = wavefront.dropout_masks(
        0.4, 4, torch.zeros(3, test_wavefront.BATCH, test_wavefront.CELLS, dtype=torch.float64)
    )
    monkeypatch.setattr(wavefront, "dropout_masks", lambda dropout, steps, h: kept[:, :steps])
    expected = test_wavefront.outcome(partial(test_wavefront.layer_after_layer, kept=kept), *given)
    assert interpreted() == []
    near(test_wavefront.outcome(partial(test_wavefront.along_the_diagonal, dropout=0.4), *given), expected, 1e-12)


def rounded_products(onto, x, weight, beta=1.0):
    """What a GPU's product of bfloat16 operands with a float32 sum gives, but for the order of the sum."""
    kept = onto if beta else 0
    onto.copy_(kept + x.to(onto.dtype) @ weight.to(onto.dtype))


def test_products_of_bfloat16_keep_a_state_of_float32(interpreted, monkeypatch):
    stack, x, state = test_wavefront.case(2, 6, naive.INF)
    stack = [layer.float() for layer in stack]
    x, state = x.detach().float(), [lstm.LSTMState(*(part.detach().float() for part in layer)) for layer in state]
    expected, exact = test_wavefront.layer_after_layer(stack, x, state)
    interpreted()
    monkeypatch.setattr(wavefront, "product_type", lambda x: torch.bfloat16)
    monkeypatch.setattr(wavefront, "add_products", rounded_products)
    monkeypatch.setattr(wavefront, "weight_gradient", lambda dy, x: dy.float().t() @ x.float())
    hidden, after = test_wavefront.along_the_diagonal(stack, x, state)
    assert {part.dtype for part in (*hidden, *after[0])} == {torch.float32}
    # Hidden vectors have 8 bits, cells all of theirs.
    near(hidden, expected, 2e-2)
    assert not torch.equal(after[0].c, after[0].c.bfloat16().float())
    near([part.c for part in after], [part.c for part in exact], 2e-2)
    ours = naive.derivatives(hidden, stack[0].recurrent)
    near(ours, naive.derivatives(expected, stack[0].recurrent), 3e-2)


def test_what_is_no_number_stays_none(fused):
    gates, cells, h = torch.rand(1, 8), torch.rand(1, 2), torch.tensor([[float("nan"), 1.0]])
    dz, dc = torch.empty(1, 8), torch.zeros(1, 2)
    fused.step_backward(dz, h, dc, (gates, cells, cells, cells), torch.ones(3, 2), CLIP)
    assert dz.isnan().tolist() == [[True, False] * 4]
    assert dz[:, 1::2].abs().max() <= CLIP


@pytest.mark.parametrize("products", ["fp32", "bf16"])
@pytest.mark.parametrize("dropout", [False, True])
@pytest.mark.parametrize("name", ["_forward", "_backward"])
def test_compiles_for_a_gpu_that_is_not_there(monkeypatch, tmp_path, name, dropout, products):
    """To machine code of an H200: what the interpreter lets through, the compiler may not."""
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("TRITON_DEFAULT_FP_FUSION", "1")
    gates = getattr(importlib.import_module("nextstroke.nets.triton_kernels"), name)
    constants = {"BLOCK": 256, "OUT": dropout, "DROPS": dropout}
    kinds = dict.fromkeys(("z", "dh", "dc", "gates", "before", "after", "peepholes", "d_out", "kept"), "*fp32")
    kinds |= (
        dict.fromkeys(("h", "dz", "out"), f"*{products}") | {"clip": "fp32"} | dict.fromkeys(constants, "constexpr")
    )
    signature = {argument: kinds.get(argument, "i32") for argument in gates.arg_names}
    source = triton.compiler.ASTSource(fn=gates, signature=signature, constexprs=constants)
    target = triton.backends.compiler.GPUTarget("cuda", 90, 32)
    assert triton.compile(source, target=target).asm["cubin"]


def test_a_cpu_does_without():
    assert dispatch.fused(torch.zeros(1)) is None
