"""The layers of a deep LSTM along the diagonal: layer n at step d − n, all layers at once, one product for all.

Layer after layer, a pass of T steps through L layers takes T · L products one after another, each too small for a GPU;
so it takes T + L − 1. All that a layer reads at a step stands side by side in a row of `read`: the network's input and
a one for the bias, the output of the layer below (of which dropout may have taken some) and its own of the step before.
One product takes all of it; backward one gives what a layer's gates hand to the layer below and to the layer itself.
Tensors are (layers, steps, batch, width); a diagonal of one is a view with strides of its own.
"""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

from nextstroke.nets.lstm import LSTM, LSTMState, peephole_gradient, step_backward, step_forward
from nextstroke.nets.matmul import add_products, product_type, weight_gradient


def can_run_wavefront(layers: Sequence[LSTM], device: torch.device) -> bool:
    """Whether the diagonal pays for these layers: on a GPU, where they are several of one size."""
    alike = len({(layer.cells, layer.clip) for layer in layers}) == 1
    return device.type == "cuda" and len(layers) > 1 and alike


def run_wavefront(
    layers: Sequence[LSTM],
    x: Tensor,
    direct: Sequence[Tensor],
    below: Tensor | None,
    state: Sequence[LSTMState],
    dropout: float = 0.0,
) -> tuple[list[Tensor], list[LSTMState]]:
    """Run all layers over all steps.

    Args:
        layers: All of one size; the last columns of `weight` read the layer below, of the lowest one `below`.
        x: What every layer reads, (batch, time, inputs).
        direct: The weights by which each layer reads it, (4 cells, inputs).
        below: What the lowest layer reads beside it, (batch, time, cells); None for nothing.
        state: Of each layer before the first step.
        dropout: Share of the outputs that is dropped on the way up and out.
    Returns: outputs (batch, time, cells), of which some are dropped, and the state after the last step, of each layer.
    """
    ups = [layer.weight[:, -layer.cells :] for layer in layers]
    if below is None:
        ups[0] = torch.zeros_like(layers[0].recurrent)
    parts = zip(direct, ups, layers, strict=True)
    joint = torch.stack([concat_padded(_with(w, layer.bias[:, None]), up, layer.recurrent) for w, up, layer in parts])
    peepholes = torch.stack([layer.peepholes for layer in layers])
    h, c = torch.stack([part.h for part in state]), torch.stack([part.c for part in state])
    x = concat_padded(_with(x, torch.ones_like(x[..., :1]))).transpose(0, 1)
    kept = dropout_masks(dropout, x.shape[0], h) if dropout else None
    below = None if below is None else below.transpose(0, 1)
    outputs, h, c = _Diagonal.apply(joint, peepholes, x, below, h, c, kept, layers[0].clip)
    return list(outputs.transpose(1, 2)), list(map(LSTMState, h, c))


def dropout_masks(dropout: float, time: int, h: Tensor) -> Tensor:
    """What each output is multiplied by, (layers, time, batch, cells): 0, or 1 / (1 − dropout) where it is kept."""
    return functional.dropout(h.new_ones(len(h), time, *h.shape[1:]), dropout)


def _with(x: Tensor, more: Tensor) -> Tensor:
    return torch.cat([x, more], -1)


def concat_padded(*parts: Tensor) -> Tensor:
    """Parts side by side, each padded: it begins at a multiple of 16 bytes, or a GPU would read it slowly."""
    return torch.cat([functional.pad(part, (0, padded(part.shape[-1]) - part.shape[-1])) for part in parts], -1)


def padded(width: int) -> int:
    """The width of a place, in bfloat16 as in float32 a multiple of 16 bytes."""
    return width + -width % 8


class _Diagonal(torch.autograd.Function):
    """The loop over the diagonals; `joint` (layers, 4 cells, read) and `x` (time, batch, inputs) are padded."""

    @staticmethod
    def forward(ctx, joint, peepholes, x, below, h0, c0, kept, clip):
        read, *trace = wavefront_forward(joint, peepholes, x, below, h0, c0, kept)
        ctx.save_for_backward(joint, peepholes, kept, read, *trace)
        ctx.clip, ctx.inputs, cells = clip, x.shape[2], trace[1]
        up, own = halves(read[..., ctx.inputs :], h0.shape[2])
        return up[1:, :-1].to(joint.dtype), own[:-1, -1].to(joint.dtype), cells[:, -1].clone()

    @staticmethod
    @once_differentiable
    def backward(ctx, d_outputs, d_last_h, d_last_c):
        joint, peepholes, kept, read, *trace = ctx.saved_tensors
        cells = trace[1]
        by_read = joint[..., ctx.inputs :]
        dz, given, d_c0 = wavefront_backward(by_read, peepholes, kept, trace, d_outputs, d_last_h, d_last_c, ctx.clip)
        up, own = halves(given, cells.shape[3])
        rows = [(own_dz.flatten(0, 1), seen[:-1].flatten(0, 1)) for own_dz, seen in zip(dz, read[:-1], strict=True)]
        d_joint = torch.stack([weight_gradient(*pair) for pair in rows])
        d_peepholes = torch.stack([peephole_gradient(*pair) for pair in zip(dz, cells, strict=True)])
        d_below = up[0, :-1] if ctx.needs_input_grad[3] else None
        d_x = _by_input(dz, joint[..., : ctx.inputs]) if ctx.needs_input_grad[2] else None
        return d_joint, d_peepholes, d_x, d_below, own[:-1, 0], d_c0, None, None


def _by_input(dz: Tensor, direct: Tensor) -> Tensor:
    """The derivative by what all layers read."""
    parts = [own.to(direct.dtype) @ weight for own, weight in zip(dz, direct, strict=True)]
    return torch.stack(parts).sum(0)


def halves(x: Tensor, width: int) -> tuple[Tensor, Tensor]:
    """Of what a layer reads, or hands back, the part of the layer below and its own, without their padding."""
    below, own = x.chunk(2, -1)
    return below[..., :width], own[..., :width]


def active(diagonal: int, time: int, layers: int) -> slice:
    """The layers that have a step on a diagonal."""
    return slice(max(0, diagonal - time + 1), min(layers, diagonal + 1))


def on_diagonal(x: Tensor, diagonal: int, layers: slice) -> Tensor:
    """A view of (layers, steps, batch, width): step `diagonal` − n of each layer n of `layers`."""
    by_layer, by_step, *others = x.stride()
    place = x.storage_offset() + layers.start * by_layer + (diagonal - layers.start) * by_step
    return x.as_strided((layers.stop - layers.start, *x.shape[2:]), (by_layer - by_step, *others), place)


def wavefront_forward(
    joint: Tensor, peepholes: Tensor, x: Tensor, below: Tensor | None, h0: Tensor, c0: Tensor, kept: Tensor | None
) -> list[Tensor]:
    """The loop: what was read, gates, cells and their tanh.

    What was read has a layer more, whose place for the layer below holds the highest one's output, and a step more,
    where each layer's last output stands.
    """
    (layers, batch, width), (time, _, inputs) = h0.shape, x.shape
    gates = c0.new_empty(layers, time, batch, 4 * width)
    cells = c0.new_empty(layers, time + 1, batch, width)
    tanh_cells = torch.empty_like(cells[:, 1:])
    read = h0.new_zeros(layers + 1, time + 1, batch, joint.shape[2], dtype=product_type(h0))
    up, own = halves(read[..., inputs:], width)
    read[:-1, :-1, :, :inputs], own[:-1, 0], cells[:, 0] = x, h0, c0
    if below is not None:
        up[0, :-1] = below
    weight, peepholes = joint.to(read.dtype).transpose(1, 2), peepholes.unsqueeze(1)
    for d in range(time + layers - 1):
        on = active(d, time, layers)
        z, h, before, after, tanh_after = (
            on_diagonal(part, d + later, on)
            for part, later in ((gates, 0), (own, 1), (cells, 0), (cells, 1), (tanh_cells, 0))
        )
        add_products(z, on_diagonal(read, d, on), weight[on], beta=0.0)
        out = on_diagonal(up[1:], d, on), None if kept is None else on_diagonal(kept, d, on)
        step_forward(z, peepholes[on], (z, before, after, tanh_after), h, out)
    return [read, gates, cells, tanh_cells]


def wavefront_backward(
    by_read: Tensor,
    peepholes: Tensor,
    kept: Tensor | None,
    trace: Iterable[Tensor],
    d_outputs: Tensor,
    d_last_h: Tensor,
    d_last_c: Tensor,
    clip: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """The loop backward.

    Args:
        by_read: The part of `joint` that reads outputs of layers.
        trace: Gates, cells and their tanh, of `wavefront_forward`.
    Returns: derivatives by the pre-activations; what they hand to the layer below at their step and to the layer itself
        a step before, with a layer and a step more; and derivatives by the first cells.
    """
    gates, cells, tanh_cells = trace
    layers, time, batch, width = tanh_cells.shape
    dz = torch.empty_like(gates, dtype=product_type(d_last_h))
    given = d_last_h.new_zeros(layers + 1, time + 1, batch, by_read.shape[2])
    up, own = halves(given, width)
    up[1:, :-1], own[:-1, time] = d_outputs, d_last_h
    # Rows of the long side lie dense.
    weight = by_read.to(dz.dtype).transpose(1, 2).contiguous().transpose(1, 2)
    dc, peepholes = d_last_c.clone(), peepholes.unsqueeze(1)
    for d in reversed(range(time + layers - 1)):
        on = active(d, time, layers)
        out = on_diagonal(up[1:], d, on), None if kept is None else on_diagonal(kept, d, on)
        step = tuple(on_diagonal(part, d + n, on) for part, n in ((gates, 0), (cells, 0), (cells, 1), (tanh_cells, 0)))
        by_gates = on_diagonal(dz, d, on)
        step_backward(by_gates, on_diagonal(own, d + 1, on), dc[on], step, peepholes[on], clip, out)
        add_products(on_diagonal(given, d, on), by_gates, weight[on])
    return dz, given, dc
