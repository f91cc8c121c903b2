import pytest
import torch

from nextstroke.errors import UsageError
from nextstroke.nets import matmul


@pytest.fixture(params=[False, True], ids=["plain", "onednn"], autouse=True)
def _library(request, monkeypatch):
    if request.param and not matmul.ONEDNN:
        pytest.skip("this torch has no oneDNN")
    monkeypatch.setattr(matmul, "ONEDNN", request.param)


def near(found, expected):
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("rows", "inputs", "outputs"), [(1, 1, 1), (0, 4, 3), (5, 403, 121), (16, 64, 32)])
def test_products(rows, inputs, outputs, dtype):
    x, weight = torch.randn(rows, inputs, dtype=dtype), torch.randn(outputs, inputs, dtype=dtype)
    onto, dy = torch.randn(rows, outputs, dtype=dtype), torch.randn(rows, outputs, dtype=dtype)
    small = weight / inputs
    near(matmul.product(x, small), x @ small.T)
    near(matmul.product_onto(onto, x, matmul.packed(small, rows)), onto + x @ small.T)
    if rows:
        near(matmul.weight_gradient(dy, x), dy.T @ x)


def test_views_are_read_as_they_stand():
    x, weight = torch.randn(8, 20)[:, 3:11], torch.randn(8, 16)
    near(matmul.product(x, weight.T), x @ weight)
    near(matmul.product_onto(torch.randn(16, 8).T.mul(0), x, matmul.packed(weight.T, 8)), x @ weight)


def test_linear_has_derivatives():
    x, weight, bias = torch.randn(2, 3, 5, requires_grad=True), torch.randn(4, 5, requires_grad=True), torch.randn(4)
    bias.requires_grad_()
    dy = torch.randn(2, 3, 4)
    ours, theirs = matmul.linear(x, weight, bias), torch.nn.functional.linear(x, weight, bias)
    near(ours, theirs)
    by = (x, weight, bias)
    near(torch.autograd.grad(ours, by, dy), torch.autograd.grad(theirs, by, dy))


def test_doubles_and_packing_go_together():
    weight = torch.randn(4, 3, dtype=torch.float64)
    assert matmul.packed(weight, 2) is weight


def test_products_of_bfloat16_are_for_gates_that_can_read_them(monkeypatch):
    x = torch.zeros(1)
    with matmul.bfloat16("cuda", True):
        assert matmul.product_type(x) == torch.float32
        monkeypatch.setattr(matmul.dispatch, "fused", lambda x: matmul)
        assert matmul.product_type(x) == torch.bfloat16
        assert matmul.product_type(x.double()) == torch.float64
    assert matmul.product_type(x) == torch.float32
    monkeypatch.setattr(torch.ops.aten, "baddbmm", None)
    with pytest.raises(UsageError, match=r"2\.8"):
        matmul.use_bfloat16("cuda", True)


def roughly(found, expected):
    """Equal but for operands and results of 8 binary places."""
    assert (found - expected).norm() <= 0.01 * expected.norm()
    assert not torch.equal(found, expected)


@pytest.fixture
def narrow(monkeypatch):
    if not matmul.ONEDNN:
        pytest.skip("only oneDNN's products take bfloat16")
    if not matmul.can_multiply_bfloat16():
        pytest.skip("NOT TESTED: products of bfloat16, which oneDNN does not have on this processor")
    monkeypatch.setattr(matmul, "has_bfloat16", lambda: True)
    with matmul.bfloat16("cpu", True):
        yield


def test_products_between_layers_are_of_bfloat16_where_asked(narrow):
    x, weight, bias = torch.randn(9, 40, requires_grad=True), torch.randn(24, 40, requires_grad=True), torch.randn(24)
    exact, rounded = matmul.linear(x, weight, bias), matmul.linear(x, weight, bias, narrow=True)
    torch.testing.assert_close(exact, x @ weight.T + bias)
    roughly(rounded, exact)
    dy = torch.randn(9, 24)
    for found, expected in zip(*(torch.autograd.grad(y, (x, weight), dy) for y in (rounded, exact)), strict=True):
        assert found.dtype == torch.float32
        roughly(found, expected)
    onto = torch.randn(9, 24)
    roughly(matmul.product_onto(onto, x.detach(), matmul.packed(weight.detach(), 9)), onto + (x @ weight.T).detach())
    with matmul.bfloat16("cpu", False):
        torch.testing.assert_close(matmul.linear(x, weight, bias, narrow=True), exact)


def test_float64_stays_float64_with_bfloat16_on(narrow):
    x, weight, bias = (torch.randn(*shape, dtype=torch.float64) for shape in ((5, 4), (3, 4), (3,)))
    torch.testing.assert_close(matmul.linear(x, weight, bias, narrow=True), x @ weight.T + bias)


def test_a_processor_without_bfloat16_stays_with_float32(monkeypatch):
    monkeypatch.setattr(matmul, "has_bfloat16", lambda: False)
    with matmul.bfloat16("cpu", True):
        x = torch.randn(2, 3)
        assert matmul.operand(x) is x
