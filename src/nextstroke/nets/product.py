"""Matrix products by the fastest library at hand; `weight` is always (outputs, inputs), as in nn.Linear.

torch multiplies float32 with MKL, which keeps to AVX2 on processors that are not Intel's. oneDNN, which torch carries
as well, uses AVX-512 on all of them: measured twice as fast on an AMD core, and nowhere slower. Its operator has no
derivative of its own, so the functions here but `linear` are for use inside an autograd.Function.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from nextstroke.errors import UsageError
from nextstroke.nets import kernel

ONEDNN = (
    torch.backends.mkldnn.is_available()
    and torch.backends.cpu.get_cpu_capability().startswith("AVX")
    and hasattr(torch.ops.mkldnn, "_linear_pointwise")
    and hasattr(torch.ops.mkldnn, "_reorder_linear_weight")
)

_bfloat16 = False


def suits_onednn(x: Tensor) -> bool:
    """Whether products with `x` go to oneDNN."""
    return ONEDNN and x.dtype == torch.float32 and x.device.type == "cpu"


def packed(weight: Tensor, rows: int) -> Tensor:
    """`weight` in the layout that suits many products with `rows` rows each; only for `product` and `product_onto`."""
    return torch.ops.mkldnn._reorder_linear_weight(weight.contiguous(), rows) if suits_onednn(weight) else weight


def product(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """`x @ weight.T + bias`."""
    if suits_onednn(x):
        return torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
    return functional.linear(x, weight, bias)


def product_onto(onto: Tensor, x: Tensor, weight: Tensor) -> Tensor:
    """`onto + x @ weight.T` as a new tensor."""
    if suits_onednn(x):
        return torch.ops.mkldnn._linear_pointwise.binary(x, onto, weight, None, "add")
    return torch.addmm(onto, x, weight.t())


def product_type(x: Tensor) -> torch.dtype:
    """What the operands of a GPU's products are stored as: bfloat16 where `use_bfloat16` asked for it, else as `x`.

    Only gates in Triton read and write both types.
    """
    return torch.bfloat16 if _bfloat16 and x.dtype == torch.float32 and kernel.fused(x) else x.dtype


def use_bfloat16(on: bool) -> None:
    """Let the products of GPUs along the diagonal be of bfloat16, with float32 sums and states, instead of TF32.

    Raises:
        UsageError: this torch has no such products.
    """
    global _bfloat16
    if on and not hasattr(torch.ops.aten.baddbmm, "dtype_out"):
        raise UsageError(f"torch {torch.__version__} has no bfloat16 products with float32 sums; install 2.8 or newer")
    _bfloat16 = on


def add_products(onto: Float[Tensor, "many rows outputs"], x: Tensor, weight: Tensor) -> None:
    """Add `x @ weight`, as many products as there are in front; `onto` may be of a wider type than the operands."""
    if x.dtype == onto.dtype:
        onto.baddbmm_(x, weight)
    else:
        torch.baddbmm(onto, x, weight, out_dtype=onto.dtype, out=onto)


def weight_gradient(dy: Float[Tensor, "rows outputs"], x: Float[Tensor, "rows inputs"]) -> Tensor:
    """Derivative by the weight of `x @ weight.T`, from that by the product."""
    if dy.dtype == torch.bfloat16:
        return torch.mm(dy.t(), x, out_dtype=torch.float32)
    # This way round oneDNN reads the larger matrix as its weight, which it rearranges anyway.
    return product(x.t(), dy.t()).t()


class _Linear(torch.autograd.Function):
    """`product` with its derivatives."""

    @staticmethod
    def forward(ctx, x, weight, bias):
        ctx.save_for_backward(x, weight)
        return product(x, weight, bias)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, dy):
        x, weight = ctx.saved_tensors
        dx = product(dy, weight.t()) if ctx.needs_input_grad[0] else None
        rows = dy.flatten(0, -2)
        return dx, weight_gradient(rows, x.flatten(0, -2)), rows.sum(0)


def linear(
    x: Float[Tensor, "*batch inputs"], weight: Float[Tensor, "outputs inputs"], bias: Float[Tensor, " outputs"]
) -> Float[Tensor, "*batch outputs"]:
    """`x @ weight.T + bias` with derivatives."""
    return _Linear.apply(x, weight, bias)
