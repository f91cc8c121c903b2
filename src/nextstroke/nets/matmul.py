"""Matrix products by the fastest library at hand; `weight` is always (outputs, inputs), as in nn.Linear.

torch multiplies float32 with MKL, which keeps to AVX2 on processors that are not Intel's. oneDNN, which torch carries
as well, uses AVX-512 on all of them: measured twice as fast on an AMD core, and nowhere slower. Its operator has no
derivative of its own, so the functions here but `linear` are for use inside an autograd.Function.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from nextstroke.errors import UsageError
from nextstroke.nets import dispatch

ONEDNN = (
    torch.backends.mkldnn.is_available()
    and torch.backends.cpu.get_cpu_capability().startswith("AVX")
    and hasattr(torch.ops.mkldnn, "_linear_pointwise")
    and hasattr(torch.ops.mkldnn, "_reorder_linear_weight")
)

_bfloat16: set[str] = set()  # the kinds of devices whose products between layers take bfloat16


def suits_onednn(x: Tensor) -> bool:
    """Whether products with `x` go to oneDNN."""
    return ONEDNN and x.dtype == torch.float32 and x.device.type == "cpu"


def operand(x: Tensor) -> Tensor:
    """`x` as a CPU's products between layers take it: in bfloat16 where `use_bfloat16` asked for it."""
    return x.bfloat16() if "cpu" in _bfloat16 and suits_onednn(x) else x


def packed(weight: Tensor, rows: int) -> Tensor:
    """`weight` in the layout that suits many products with `rows` rows each; only for `product_onto`."""
    if not suits_onednn(weight):
        return weight
    return torch.ops.mkldnn._reorder_linear_weight(operand(weight).contiguous(), rows)


def product(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """`x @ weight.T + bias`; float32 also where the operands are bfloat16."""
    if x.dtype == torch.bfloat16:
        y = torch.ops.mkldnn._linear_pointwise(x, weight, None, "none", [], "").float()
        return y if bias is None else y.add_(bias)
    if suits_onednn(x):
        return torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
    return functional.linear(x, weight, bias)


def product_onto(onto: Tensor, x: Tensor, weight: Tensor) -> Tensor:
    """`onto + x @ weight.T` as a new tensor."""
    if weight.dtype == torch.bfloat16:
        return product(x.bfloat16(), weight).add_(onto)
    if suits_onednn(x):
        return torch.ops.mkldnn._linear_pointwise.binary(x, onto, weight, None, "add")
    return torch.addmm(onto, x, weight.t())


def product_type(x: Tensor) -> torch.dtype:
    """What the operands of a GPU's products are stored as: bfloat16 where `use_bfloat16` asked for it, else as `x`.

    Only gates in Triton read and write both types.
    """
    return torch.bfloat16 if "cuda" in _bfloat16 and x.dtype == torch.float32 and dispatch.fused(x) else x.dtype


def use_bfloat16(device: str, on: bool) -> bool:
    """Let the products between layers take bfloat16, and return whether they do now.

    Sums are float32; what a CPU's products give is rounded once more.

    Args:
        device: Of what kind, "cuda" (instead of TF32, along the diagonal) or "cpu". A CPU for which `has_bfloat16` is
            false stays with float32.
    Raises:
        UsageError: this torch has no such products for a GPU.
    """
    able = device == "cpu" or hasattr(torch.ops.aten.baddbmm, "dtype_out")
    if on and not able:
        raise UsageError(f"torch {torch.__version__} has no bfloat16 products with float32 sums; install 2.8 or newer")
    wanted = on and (device != "cpu" or has_bfloat16())
    (_bfloat16.add if wanted else _bfloat16.discard)(device)
    return wanted


@contextmanager
def bfloat16(device: str, on: bool) -> Iterator[None]:
    """A block in which the products between layers take bfloat16, or do not; see `use_bfloat16`."""
    before = device in _bfloat16
    use_bfloat16(device, on)
    try:
        yield
    finally:
        use_bfloat16(device, before)


def has_bfloat16() -> bool:
    """Return whether this processor multiplies bfloat16 operands, and has instructions that make it worth while."""
    return getattr(torch.cpu, "_is_avx512_bf16_supported", bool)() and can_multiply_bfloat16()


def can_multiply_bfloat16() -> bool:
    """Return whether oneDNN multiplies bfloat16 operands here, fast or not: some processors cannot."""
    return ONEDNN and _bfloat16_product_runs()


@cache
def _bfloat16_product_runs() -> bool:
    """Return whether a small product of bfloat16 operands runs in oneDNN.

    It is tried because no flag tells: oneDNN needs instructions newer than AVX2 and heeds ONEDNN_MAX_CPU_ISA as well.
    """
    x = torch.ones(16, 16, dtype=torch.bfloat16)
    try:
        weight = torch.ops.mkldnn._reorder_linear_weight(x, 16)
        torch.ops.mkldnn._linear_pointwise(x, weight, None, "none", [], "")
    except RuntimeError:
        return False
    return True


def add_products(onto: Float[Tensor, "many rows outputs"], x: Tensor, weight: Tensor, beta: float = 1.0) -> None:
    """Add `x @ weight` to `beta` times `onto`, as many products as there are in front; of 0 what it holds is not read.

    `onto` may be of a wider type than the operands.
    """
    if x.dtype == onto.dtype:
        onto.baddbmm_(x, weight, beta=beta)
    else:
        torch.baddbmm(onto, x, weight, out_dtype=onto.dtype, beta=beta, out=onto)


def weight_gradient(dy: Float[Tensor, "rows outputs"], x: Float[Tensor, "rows inputs"]) -> Tensor:
    """Derivative by the weight of `x @ weight.T`, from that by the product."""
    if dy.is_cuda and dy.dtype == torch.bfloat16:
        return torch.mm(dy.t(), x, out_dtype=torch.float32)
    # This way round oneDNN reads the larger matrix as its weight, which it rearranges anyway.
    return product(x.t(), dy.t()).t()


class _Linear(torch.autograd.Function):
    """`product` with its derivatives."""

    @staticmethod
    def forward(ctx, x, weight, bias, narrow):
        x, weight = (operand(x), operand(weight)) if narrow else (x, weight)
        ctx.save_for_backward(x, weight)
        return product(x, weight, bias)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, dy):
        x, weight = ctx.saved_tensors
        by_bias, dy = dy.flatten(0, -2).sum(0), dy.to(x.dtype)
        dx = product(dy, weight.t()) if ctx.needs_input_grad[0] else None
        return dx, weight_gradient(dy.flatten(0, -2), x.flatten(0, -2)), by_bias, None


def linear(
    x: Float[Tensor, "*batch inputs"],
    weight: Float[Tensor, "outputs inputs"],
    bias: Float[Tensor, " outputs"],
    narrow: bool = False,
) -> Float[Tensor, "*batch outputs"]:
    """`x @ weight.T + bias` with derivatives.

    Args:
        narrow: The operands may be rounded as `use_bfloat16` says: between layers, not on the way out.
    """
    return _Linear.apply(x, weight, bias, narrow)
