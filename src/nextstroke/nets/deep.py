"""The layers of a deep LSTM along the diagonal: layer n at step d − n, all layers at once, one product for all.

Layer after layer, a pass of T steps through L layers takes T · L products one after another, each too small for a GPU;
so it takes T + L − 1. Everything is stored by diagonals: row d of `hidden` holds layer n's output of step d − n − 1 in
place n + 1, so what a layer reads, the output of the layer below at the same step and its own at the step before, stand
side by side there and one product takes both; place 0 is the empty one below the lowest layer. Backward it is the same,
with the derivatives of a layer's gates beside those of the layer above.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

from nextstroke.nets.lstm import LSTM, LSTMState, advance, peephole_gradient, retreat
from nextstroke.nets.product import add_products, product_type, weight_gradient


def suits(layers: Sequence[LSTM], device: torch.device) -> bool:
    """Whether the diagonal pays for these layers: on a GPU, where they are several of one size."""
    alike = len({(layer.cells, layer.clip) for layer in layers}) == 1
    return device.type == "cuda" and len(layers) > 1 and alike


def run_deep(
    layers: Sequence[LSTM], below: Sequence[Tensor], state: Sequence[LSTMState]
) -> tuple[list[Tensor], list[LSTMState]]:
    """Run all layers over all steps.

    Args:
        layers: All of one size; the last columns of each but the lowest one's `weight` read the layer below.
        below: For each layer the pre-activations from all but the layer below, its bias included: (batch, time,
            4 cells).
        state: Of each layer before the first step.
    Returns: hidden vectors (batch, time, cells) and the state after the last step, of each layer.
    """
    cells = layers[0].cells
    nothing = torch.zeros_like(layers[0].recurrent)
    ups = [nothing, *(layer.weight[:, -cells:] for layer in layers[1:])]
    joint = torch.stack([torch.cat([up, layer.recurrent], 1) for up, layer in zip(ups, layers, strict=True)])
    peepholes = torch.stack([layer.peepholes for layer in layers])
    h, c = torch.stack([part.h for part in state]), torch.stack([part.c for part in state])
    *hidden, h, c = _Diagonal.apply(joint, peepholes, h, c, layers[0].clip, *(part.transpose(0, 1) for part in below))
    return [part.transpose(0, 1) for part in hidden], list(map(LSTMState, h, c))


class _Diagonal(torch.autograd.Function):
    """The loop over the diagonals; `joint` (layers, 4 cells, 2 cells) reads the layer below, then the layer itself."""

    @staticmethod
    def forward(ctx, joint, peepholes, h0, c0, clip, *below):
        gates, hidden, cells, tanh_cells = deep_forward(joint, peepholes, h0, c0, below)
        ctx.save_for_backward(joint, peepholes, gates, hidden, cells, tanh_cells)
        ctx.clip, time, width = clip, len(below[0]), h0.shape[2]
        last_h = torch.stack([hidden[time + n, :, n + 1, :width] for n in range(len(joint))])
        last_c = torch.stack([cells[time + n, n] for n in range(len(joint))])
        outputs = [hidden[n + 1 : n + 1 + time, :, n + 1, :width].to(joint.dtype) for n in range(len(joint))]
        return *outputs, last_h.to(joint.dtype), last_c

    @staticmethod
    @once_differentiable
    def backward(ctx, *d_outputs):
        joint, peepholes, gates, hidden, cells, tanh_cells = ctx.saved_tensors
        *d_hidden, d_last_h, d_last_c = d_outputs
        trace = gates, cells, tanh_cells
        dz, d_h0, d_c0 = deep_backward(joint, peepholes, trace, d_hidden, d_last_h, d_last_c, ctx.clip)
        layers, time = range(len(joint)), len(d_hidden[0])
        own = [dz[n : n + time, :, n] for n in layers]
        read = pairs(hidden)
        rows = [(own[n].flatten(0, 1), read[n : n + time, n].flatten(0, 1)) for n in layers]
        d_padded = torch.stack([weight_gradient(*pair) for pair in rows]).unflatten(2, (2, hidden.shape[3]))
        d_joint = d_padded[..., : cells.shape[3]].flatten(2)
        own = [part.to(joint.dtype) for part in own]
        d_peepholes = [peephole_gradient(own[n], cells[n : n + time + 1, n]) for n in layers]
        return d_joint, torch.stack(d_peepholes), d_h0, d_c0, None, *own


def padded(width: int) -> int:
    """The width of a place: each begins at a multiple of 16 bytes, bfloat16 or not, or a GPU would read them slowly."""
    return width + -width % 8


def pairs(rows: Tensor) -> Tensor:
    """Neighbours of (rows, batch, places, width) side by side, a view: (rows, places − 1, batch, 2 width)."""
    width = rows.shape[3]
    return rows.flatten(2).unfold(2, 2 * width, width).transpose(1, 2)


def active(diagonal: int, time: int, layers: int) -> slice:
    """The layers that have a step on a diagonal."""
    return slice(max(0, diagonal - time + 1), min(layers, diagonal + 1))


def deep_forward(joint: Tensor, peepholes: Tensor, h0: Tensor, c0: Tensor, below: Sequence[Tensor]) -> list[Tensor]:
    """The loop: gates, hidden vectors, cells and their tanh, by diagonals."""
    (layers, batch, width), time = h0.shape, len(below[0])
    gates = c0.new_empty(time + layers - 1, layers, batch, 4 * width)
    hidden = h0.new_empty(time + layers, batch, layers + 1, padded(width), dtype=product_type(h0))
    cells = c0.new_empty(time + layers, layers, batch, width)
    tanh_cells = torch.empty_like(cells[1:])
    hidden[:, :, 0], hidden[..., width:] = 0, 0
    read, own = pairs(hidden), hidden.transpose(1, 2)[:, 1:, :, :width]
    for n in range(layers):
        gates[n : n + time, n], own[n, n], cells[n, n] = below[n], h0[n], c0[n]
    both = joint.to(hidden.dtype).unflatten(2, (2, width))
    weight = functional.pad(both, (0, padded(width) - width)).flatten(2).transpose(1, 2)
    peepholes = peepholes.unsqueeze(1)
    for d in range(len(gates)):
        on = active(d, time, layers)
        add_products(gates[d, on], read[d, on], weight[on])
        step = gates[d, on], cells[d, on], cells[d + 1, on], tanh_cells[d, on]
        advance(gates[d, on], peepholes[on], step, own[d + 1, on])
    return [gates, hidden, cells, tanh_cells]


def deep_backward(
    joint: Tensor,
    peepholes: Tensor,
    trace: tuple[Tensor, Tensor, Tensor],
    d_hidden: Sequence[Tensor],
    d_last_h: Tensor,
    d_last_c: Tensor,
    clip: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """The loop backward: derivatives by the pre-activations, by diagonals, and by the first h and c of each layer.

    Args:
        trace: Gates, cells and their tanh, of `deep_forward`.
        d_hidden: Derivatives by the outputs, (time, batch, cells) for each layer.
    """
    gates, cells, tanh_cells = trace
    (layers, batch, width), time = d_last_h.shape, len(d_hidden[0])
    dz = d_last_h.new_empty(time + layers, batch, layers + 1, 4 * width, dtype=product_type(d_last_h))
    dh, dc = torch.empty_like(tanh_cells), d_last_c.clone()
    dz[:, :, layers] = 0  # nothing stands above the highest layer
    for n in range(layers):
        dh[n : n + time, n] = d_hidden[n]
        dh[n + time - 1, n] += d_last_h[n]
        dz[n + time, :, n] = 0  # nor comes anything after the last step
    # What the layer itself gives back, and below it what the layer above does.
    recurrent, up = joint[:, :, width:].to(dz.dtype), joint[:, :, :width].to(dz.dtype)
    # Rows of the long side lie dense: the short one need not be a multiple of 16 bytes.
    weight = torch.cat([recurrent, up.roll(-1, 0)], 1).transpose(1, 2).contiguous().transpose(1, 2)
    given, own, peepholes = pairs(dz), dz.transpose(1, 2), peepholes.unsqueeze(1)
    for d in reversed(range(len(gates))):
        on = active(d, time, layers)
        add_products(dh[d, on], given[d + 1, on], weight[on])
        step = gates[d, on], cells[d, on], cells[d + 1, on], tanh_cells[d, on]
        retreat(own[d, on], dh[d, on], dc[on], step, peepholes[on], clip)
    first = torch.stack([dz[n, :, n] for n in range(layers)])
    d_h0 = torch.zeros_like(d_last_h)
    add_products(d_h0, first, recurrent)
    return dz, d_h0, dc
