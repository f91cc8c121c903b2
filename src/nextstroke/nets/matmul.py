"""Matrix products by the fastest available library; `weight` is always (outputs, inputs), as in nn.Linear.

torch multiplies float32 with MKL, which is limited to AVX2 on processors that are not Intel's.
oneDNN, which torch contains as well, uses AVX-512 on all of them: measured twice as fast on an AMD
core, and nowhere slower. Its operator has no gradient of its own, so that all functions here but
`linear` are for use inside an autograd.Function.
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

_bfloat16: set[str] = set()  # types of devices whose products between layers take bfloat16


def suits_onednn(x: Tensor) -> bool:
    """Return whether products with `x` are computed by oneDNN."""
    return ONEDNN and x.dtype == torch.float32 and x.device.type == "cpu"


def operand(x: Tensor) -> Tensor:
    """Return `x` as an operand of a CPU's products between layers: bfloat16 if `use_bfloat16` set it."""
    return x.bfloat16() if "cpu" in _bfloat16 and suits_onednn(x) else x


def packed(weight: Tensor, rows: int) -> Tensor:
    """Return `weight` in the layout for many products with `rows` rows each; only for `product_onto`."""
    if not suits_onednn(weight):
        return weight
    return torch.ops.mkldnn._reorder_linear_weight(operand(weight).contiguous(), rows)


def product(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return `x @ weight.T + bias`, in float32 also where the operands are bfloat16."""
    if x.dtype == torch.bfloat16:
        y = torch.ops.mkldnn._linear_pointwise(x, weight, None, "none", [], "").float()
        return y if bias is None else y.add_(bias)
    if suits_onednn(x):
        return torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
    return functional.linear(x, weight, bias)


def product_onto(onto: Tensor, x: Tensor, weight: Tensor) -> Tensor:
    """Return `onto + x @ weight.T` as a new tensor."""
    if weight.dtype == torch.bfloat16:
        return product(x.bfloat16(), weight).add_(onto)
    if suits_onednn(x):
        return torch.ops.mkldnn._linear_pointwise.binary(x, onto, weight, None, "add")
    return torch.addmm(onto, x, weight.t())


def product_type(x: Tensor) -> torch.dtype:
    """Return the type of the operands of a GPU's products: that of `x`, or bfloat16 if it is set.

    Only the gates in Triton read and write both types.
    """
    narrow = "cuda" in _bfloat16 and x.dtype == torch.float32 and dispatch.fused(x)
    return torch.bfloat16 if narrow else x.dtype


def use_bfloat16(device: str, on: bool) -> bool:
    """Let the products between layers take bfloat16 operands, and return whether they do now.

    Sums are float32; the results of a CPU's products are rounded once more.

    Args:
        device: Type of the device, "cuda" (instead of TF32, in the wavefront) or "cpu". A CPU for
            which `has_bfloat16` is false stays with float32.
        on: Whether to take bfloat16, or float32.

    Raises:
        UsageError: this torch has no such products for a GPU.
    """
    if on and device != "cpu" and not hasattr(torch.ops.aten.baddbmm, "dtype_out"):
        missing = f"torch {torch.__version__} has no bfloat16 products with float32 sums"
        raise UsageError(f"{missing}; install 2.8 or newer")
    wanted = on and (device != "cpu" or has_bfloat16())
    if wanted:
        _bfloat16.add(device)
    else:
        _bfloat16.discard(device)
    return wanted


@contextmanager
def bfloat16(device: str, on: bool) -> Iterator[None]:
    """Run a block with or without bfloat16 products between layers; see `use_bfloat16`."""
    before = device in _bfloat16
    use_bfloat16(device, on)
    try:
        yield
    finally:
        use_bfloat16(device, before)


def has_bfloat16() -> bool:
    """Return whether this processor has fast products of bfloat16 operands."""
    return getattr(torch.cpu, "_is_avx512_bf16_supported", bool)() and can_multiply_bfloat16()


def can_multiply_bfloat16() -> bool:
    """Return whether oneDNN multiplies bfloat16 operands here, fast or not: some processors cannot."""
    return ONEDNN and _bfloat16_product_runs()


@cache
def _bfloat16_product_runs() -> bool:
    """Return whether a small product of bfloat16 operands runs in oneDNN.

    It is tried because there is no flag for it: oneDNN needs instructions newer than AVX2, and
    obeys ONEDNN_MAX_CPU_ISA as well.
    """
    x = torch.ones(16, 16, dtype=torch.bfloat16)
    try:
        weight = torch.ops.mkldnn._reorder_linear_weight(x, 16)
        torch.ops.mkldnn._linear_pointwise(x, weight, None, "none", [], "")
    except RuntimeError:
        return False
    return True


def add_products(
    onto: Float[Tensor, "products rows outputs"],
    x: Tensor,
    weight: Tensor,
    beta: float = 1.0,
) -> None:
    """Set `onto` to `beta * onto + x @ weight`, a batch of products; with `beta` 0 `onto` is not read.

    `onto` may have a wider type than the operands.
    """
    if x.dtype == onto.dtype:
        onto.baddbmm_(x, weight, beta=beta)
    else:
        torch.baddbmm(onto, x, weight, out_dtype=onto.dtype, beta=beta, out=onto)


def weight_gradient(dy: Float[Tensor, "rows outputs"], x: Float[Tensor, "rows inputs"]) -> Tensor:
    """Return the gradient w.r.t. the weight of `x @ weight.T`, from that w.r.t. the product `dy`."""
    if dy.is_cuda and dy.dtype == torch.bfloat16:
        return torch.mm(dy.t(), x, out_dtype=torch.float32)
    # In this order oneDNN reads the larger matrix as its weight, which it rearranges anyway.
    return product(x.t(), dy.t()).t()


class _Linear(torch.autograd.Function):
    """`product` with its gradients."""

    @staticmethod
    def forward(ctx, x, weight, bias, narrow):
        """Return the product, of rounded operands if `narrow`."""
        if narrow:
            x = operand(x)
            weight = operand(weight)
        ctx.save_for_backward(x, weight)
        return product(x, weight, bias)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, dy):
        """Return the gradients w.r.t. the arguments of `forward`."""
        x, weight = ctx.saved_tensors
        d_bias = dy.flatten(0, -2).sum(0)
        dy = dy.to(x.dtype)
        dx = product(dy, weight.t()) if ctx.needs_input_grad[0] else None
        return dx, weight_gradient(dy.flatten(0, -2), x.flatten(0, -2)), d_bias, None


def linear(
    x: Float[Tensor, "*batch inputs"],
    weight: Float[Tensor, "outputs inputs"],
    bias: Float[Tensor, " outputs"],
    narrow: bool = False,
) -> Float[Tensor, "*batch outputs"]:
    """Return `x @ weight.T + bias`, with gradients.

    Args:
        narrow: Whether the operands may be rounded as `use_bfloat16` says: between layers, not in
            the output layer.
    """
    return _Linear.apply(x, weight, bias, narrow)
