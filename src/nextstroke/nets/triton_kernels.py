"""The gates of an LSTM step in Triton: one kernel between two products, forward and backward.

The same as `step_forward` and `step_backward` in lstm.py, which document the arguments. Values are
read and written in the types of their tensors and computed in that of the cells, so that products
may be bfloat16 while the state is float32. tanh of the cell is not stored but recomputed. Only
features that Triton's interpreter has as well are used; see
https://triton-lang.org/main/python-api/triton.language.html.
"""

from typing import Any, no_type_check

import triton
import triton.language as tl
from torch import Tensor

from nextstroke.nets.dispatch import StepOutput
from nextstroke.nets.lstm import Step

BLOCK = 256  # cells of a row for each program; a multiple of a warp


@triton.jit
@no_type_check  # the compiler needs the plain function
def _sigmoid(x):
    return 1 / (1 + tl.exp(-x))


@triton.jit
@no_type_check
def _tanh(x):
    return 2 / (1 + tl.exp(-2 * x)) - 1


@triton.jit
@no_type_check
def _clipped(x, clip):
    # Not minimum and maximum: they would turn a NaN into a number.
    return tl.where(x > clip, clip, tl.where(x < -clip, -clip, x))


@triton.jit
@no_type_check
def _forward(
    z, gates, before, after, h, out, kept, peepholes,
    z_layer, z_row, gates_layer, gates_row, before_layer, before_row, after_layer, after_row, h_layer, h_row,
    out_layer, out_row, kept_layer, kept_row,
    peepholes_layer, cells, BLOCK: tl.constexpr, OUT: tl.constexpr, DROPS: tl.constexpr,
):  # fmt: skip
    row, layer = tl.program_id(0), tl.program_id(1)
    cell = tl.program_id(2) * BLOCK + tl.arange(0, BLOCK)
    real = cell < cells
    z += layer * z_layer + row * z_row + cell
    gates += layer * gates_layer + row * gates_row + cell
    peepholes += layer * peepholes_layer + cell
    old = tl.load(before + layer * before_layer + row * before_row + cell, mask=real, other=0.0)
    kind = old.dtype
    w_i = tl.load(peepholes, mask=real, other=0.0).to(kind)
    w_f = tl.load(peepholes + cells, mask=real, other=0.0).to(kind)
    w_o = tl.load(peepholes + 2 * cells, mask=real, other=0.0).to(kind)
    i = _sigmoid(tl.load(z, mask=real, other=0.0).to(kind) + w_i * old)
    f = _sigmoid(tl.load(z + cells, mask=real, other=0.0).to(kind) + w_f * old)
    g = _tanh(tl.load(z + 2 * cells, mask=real, other=0.0).to(kind))
    new = f * old + i * g
    o = _sigmoid(tl.load(z + 3 * cells, mask=real, other=0.0).to(kind) + w_o * new)
    tl.store(gates, i, mask=real)
    tl.store(gates + cells, f, mask=real)
    tl.store(gates + 2 * cells, g, mask=real)
    tl.store(gates + 3 * cells, o, mask=real)
    tl.store(after + layer * after_layer + row * after_row + cell, new, mask=real)
    output = o * _tanh(new)
    tl.store(h + layer * h_layer + row * h_row + cell, output, mask=real)
    if DROPS:
        output *= tl.load(kept + layer * kept_layer + row * kept_row + cell, mask=real, other=0.0)
    if OUT:
        tl.store(out + layer * out_layer + row * out_row + cell, output, mask=real)


@triton.jit
@no_type_check
def _backward(
    dz, dh, dc, gates, before, after, d_out, kept, peepholes,
    dz_layer, dz_row, dh_layer, dh_row, dc_layer, dc_row, gates_layer, gates_row, before_layer, before_row,
    after_layer, after_row, d_out_layer, d_out_row, kept_layer, kept_row,
    peepholes_layer, cells, clip, BLOCK: tl.constexpr, OUT: tl.constexpr, DROPS: tl.constexpr,
):  # fmt: skip
    row, layer = tl.program_id(0), tl.program_id(1)
    cell = tl.program_id(2) * BLOCK + tl.arange(0, BLOCK)
    real = cell < cells
    dz += layer * dz_layer + row * dz_row + cell
    dc += layer * dc_layer + row * dc_row + cell
    gates += layer * gates_layer + row * gates_row + cell
    peepholes += layer * peepholes_layer + cell
    old = tl.load(before + layer * before_layer + row * before_row + cell, mask=real, other=0.0)
    kind = old.dtype
    tanh_new = _tanh(tl.load(after + layer * after_layer + row * after_row + cell, mask=real, other=0.0))
    above = tl.load(dh + layer * dh_layer + row * dh_row + cell, mask=real, other=0.0).to(kind)
    if OUT:
        through_out = tl.load(d_out + layer * d_out_layer + row * d_out_row + cell, mask=real, other=0.0).to(kind)
        if DROPS:
            through_out *= tl.load(kept + layer * kept_layer + row * kept_row + cell, mask=real, other=0.0).to(kind)
        above += through_out
    w_i = tl.load(peepholes, mask=real, other=0.0).to(kind)
    w_f = tl.load(peepholes + cells, mask=real, other=0.0).to(kind)
    w_o = tl.load(peepholes + 2 * cells, mask=real, other=0.0).to(kind)
    i = tl.load(gates, mask=real, other=0.0).to(kind)
    f = tl.load(gates + cells, mask=real, other=0.0).to(kind)
    g = tl.load(gates + 2 * cells, mask=real, other=0.0).to(kind)
    o = tl.load(gates + 3 * cells, mask=real, other=0.0).to(kind)
    d_o = _clipped(above * tanh_new * o * (1 - o), clip)
    d_new = tl.load(dc, mask=real, other=0.0) + above * o * (1 - tanh_new * tanh_new) + d_o * w_o
    d_i = _clipped(d_new * g * i * (1 - i), clip)
    d_f = _clipped(d_new * old * f * (1 - f), clip)
    d_g = _clipped(d_new * i * (1 - g * g), clip)
    tl.store(dz, d_i, mask=real)
    tl.store(dz + cells, d_f, mask=real)
    tl.store(dz + 2 * cells, d_g, mask=real)
    tl.store(dz + 3 * cells, d_o, mask=real)
    tl.store(dc, d_new * f + d_i * w_i + d_f * w_f, mask=real)


def step_forward(
    z: Tensor,
    peepholes: Tensor,
    step: Step,
    h: Tensor,
    out: StepOutput | None = None,
) -> None:
    """`lstm.step_forward` as one kernel; leaves the step's tanh of the cell unfilled."""
    _run(_forward, (z, *step[:3], h), out, h, peepholes)


def step_backward(
    dz: Tensor,
    dh: Tensor,
    dc: Tensor,
    step: Step,
    peepholes: Tensor,
    clip: float,
    out: StepOutput | None = None,
) -> None:
    """`lstm.step_backward` as one kernel; does not need the step's tanh of the cell."""
    _run(_backward, (dz, dh, dc, *step[:3]), out, dh, peepholes, clip)


def _run(
    kernel: Any, parts: tuple[Tensor, ...], out: StepOutput | None, like: Tensor, peepholes: Tensor, *more: float
) -> None:
    """Launch a kernel with the strides of all tensors.

    Args:
        like: Tensor of (layers, batch, cells) or (batch, cells); also passed, unread, for an `out`
            or a mask that is None.
        more: Further scalars of the kernel.
    """
    output, mask = out or (None, None)
    tensors = [_layered(like if part is None else part) for part in (*parts, output, mask)]
    strides = [stride for part in tensors for stride in part.stride()[:2]]
    layers, rows, cells = _layered(like).shape
    # One program for each block of cells of each row of each layer.
    grid = (rows, layers, triton.cdiv(cells, BLOCK))
    flags = {"OUT": output is not None, "DROPS": mask is not None}
    kernel[grid](*tensors, peepholes, *strides, _layer_stride(peepholes), cells, *more, BLOCK=BLOCK, **flags)


def _layered(x: Tensor) -> Tensor:
    """Return a view of shape (layers, batch, width), whose last axis is contiguous."""
    layered = x.unsqueeze(0) if x.dim() == 2 else x
    assert layered.stride(2) == 1
    return layered


def _layer_stride(peepholes: Tensor) -> int:
    """Return the stride from layer to layer; 0 for one layer."""
    assert peepholes.stride(-1) == 1
    assert peepholes.stride(-2) == peepholes.shape[-1]
    return peepholes.stride(0) if peepholes.dim() > 2 else 0
