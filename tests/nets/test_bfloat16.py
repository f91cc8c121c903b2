"""Whether products of bfloat16 are taken, on processors that have them and on others."""

import os
import subprocess
import sys

import pytest
import torch

from nextstroke.nets import matmul


@pytest.mark.parametrize("instructions", [False, True])
@pytest.mark.parametrize("runs", [False, True])
def test_bfloat16_needs_instructions_and_a_product_that_runs(monkeypatch, instructions, runs):
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: instructions, raising=False)
    monkeypatch.setattr(matmul, "_bfloat16_product_runs", lambda: runs)
    expected = instructions and runs and matmul.ONEDNN
    with matmul.bfloat16("cpu", False):
        assert matmul.use_bfloat16("cpu", True) is expected
        x = torch.randn(2, 3)
        assert (matmul.operand(x).dtype == torch.bfloat16) is expected


WITHOUT = """
import torch
from nextstroke.nets import matmul as product
torch.cpu._is_avx512_bf16_supported = lambda: True  # of the processor, which oneDNN is told not to use
assert not product.can_multiply_bfloat16()
assert not product.use_bfloat16("cpu", True)
x, weight, bias = torch.randn(9, 40, requires_grad=True), torch.randn(24, 40), torch.randn(24)
y = product.linear(x, weight, bias, narrow=True)
torch.testing.assert_close(y, x @ weight.T + bias)
y.sum().backward()
print("float32")
"""


def test_a_processor_with_no_more_than_avx2_keeps_to_float32():
    limits = {"ONEDNN_MAX_CPU_ISA": "AVX2", "DNNL_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2"}
    command = [sys.executable, "-W", "error", "-c", WITHOUT]
    done = subprocess.run(command, env=os.environ | limits, capture_output=True, text=True)
    assert (done.stdout, done.returncode) == ("float32\n", 0), done.stderr
