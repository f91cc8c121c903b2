"""Wavefront execution of a stacked LSTM: on diagonal d, layer n runs step d − n, all in one product.

Layer after layer, a pass of T steps through L layers takes T · L products one after another, each
too small for a GPU; along the diagonals it takes T + L − 1. A row of `read` holds all that a layer
reads at a step: the network's input and a one for the bias, the output of the layer below (after
dropout) and its own output of the step before. One product reads all of it; backward, one product
gives the gradient w.r.t. the layer below and w.r.t. the layer itself. Tensors are (layers, steps,
batch, width); a diagonal of one is a view with strides of its own.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

from nextstroke.nets.lstm import LSTM, LSTMState, Step, peephole_gradient, step_backward, step_forward
from nextstroke.nets.matmul import add_products, product_type, weight_gradient


def can_run_wavefront(layers: Sequence[LSTM], device: torch.device) -> bool:
    """Return whether a wavefront is faster: on a GPU, with several layers of one size."""
    alike = len({(layer.cells, layer.clip) for layer in layers}) == 1
    return device.type == "cuda" and len(layers) > 1 and alike


def run_wavefront(
    layers: Sequence[LSTM],
    x: Float[Tensor, "batch time inputs"],
    direct: Sequence[Float[Tensor, "gates inputs"]],
    below: Float[Tensor, "batch time cells"] | None,
    state: Sequence[LSTMState],
    dropout: float = 0.0,
) -> tuple[list[Tensor], list[LSTMState]]:
    """Run all layers over all steps.

    Args:
        layers: Layers of one size. The last columns of `weight` read the layer below, in the lowest
            layer `below`.
        x: Input of every layer.
        direct: Weight of each layer for `x`.
        below: Further input of the lowest layer, or None.
        state: State of each layer before the first step.
        dropout: Share of the outputs that is dropped on the way up and out.

    Returns: the outputs after dropout, (batch, time, cells), and the state after the last step, of
        each layer.
    """
    ups = [layer.weight[:, -layer.cells :] for layer in layers]
    if below is None:
        ups[0] = torch.zeros_like(layers[0].recurrent)
    rows = []
    for weight, up, layer in zip(direct, ups, layers, strict=True):
        with_bias = torch.cat([weight, layer.bias[:, None]], -1)
        rows.append(concat_padded(with_bias, up, layer.recurrent))
    with_one = torch.cat([x, torch.ones_like(x[..., :1])], -1)
    h = torch.stack([part.h for part in state])
    outputs, h, c = _Wavefront.apply(
        torch.stack(rows),
        torch.stack([layer.peepholes for layer in layers]),
        concat_padded(with_one).transpose(0, 1),
        None if below is None else below.transpose(0, 1),
        h,
        torch.stack([part.c for part in state]),
        dropout_masks(dropout, x.shape[1], h) if dropout else None,
        layers[0].clip,
    )
    return list(outputs.transpose(1, 2)), list(map(LSTMState, h, c))


def dropout_masks(
    dropout: float, time: int, h: Float[Tensor, "layers batch cells"]
) -> Float[Tensor, "layers {time} batch cells"]:
    """Return inverted-dropout masks: 0, or 1 / (1 − dropout) where an output is kept."""
    return functional.dropout(h.new_ones(len(h), time, *h.shape[1:]), dropout)


def concat_padded(*parts: Tensor) -> Tensor:
    """Concatenate along the last axis, each part padded to a multiple of 8 numbers.

    In bfloat16 as in float32 each part then begins at a multiple of 16 bytes, without which a GPU
    reads it slowly.
    """
    return torch.cat([functional.pad(part, (0, -part.shape[-1] % 8)) for part in parts], -1)


class _Wavefront(torch.autograd.Function):
    """The loop over diagonals; `joint`, (layers, 4 cells, read), and `x`, (time, batch, inputs), are padded."""

    @staticmethod
    def forward(ctx, joint, peepholes, x, below, h0, c0, masks, clip):
        """Return the outputs of all layers, and their last outputs and cells."""
        read, gates, cells, tanh_cells = wavefront_forward(joint, peepholes, x, below, h0, c0, masks)
        ctx.save_for_backward(joint, peepholes, masks, read, gates, cells, tanh_cells)
        ctx.clip = clip
        ctx.inputs = x.shape[2]
        up, own = _outputs_read(read[..., ctx.inputs :], h0.shape[2])
        return up[1:, :-1].to(joint.dtype), own[:-1, -1].to(joint.dtype), cells[:, -1].clone()

    @staticmethod
    @once_differentiable
    def backward(ctx, d_outputs, d_last_h, d_last_c):
        """Return the gradients w.r.t. the arguments of `forward`."""
        joint, peepholes, masks, read, gates, cells, tanh_cells = ctx.saved_tensors
        trace = (gates, cells, tanh_cells)
        weight = joint[..., ctx.inputs :]
        d_last = LSTMState(d_last_h, d_last_c)
        dz, d_read, d_c0 = wavefront_backward(weight, peepholes, masks, trace, d_outputs, d_last, ctx.clip)
        d_up, d_own = _outputs_read(d_read, cells.shape[3])
        d_weights = []
        for layer_dz, seen in zip(dz, read[:-1], strict=True):
            d_weights.append(weight_gradient(layer_dz.flatten(0, 1), seen[:-1].flatten(0, 1)))
        d_joint = torch.stack(d_weights)
        d_peepholes = torch.stack([peephole_gradient(*pair) for pair in zip(dz, cells, strict=True)])
        d_below = d_up[0, :-1] if ctx.needs_input_grad[3] else None
        d_x = None
        if ctx.needs_input_grad[2]:
            direct = joint[..., : ctx.inputs]
            by_layer = [own.to(direct.dtype) @ w for own, w in zip(dz, direct, strict=True)]
            d_x = torch.stack(by_layer).sum(0)
        return d_joint, d_peepholes, d_x, d_below, d_own[:-1, 0], d_c0, None, None


def _outputs_read(x: Tensor, width: int) -> tuple[Tensor, Tensor]:
    """Split the outputs that a layer reads into those of the layer below and its own, without padding."""
    below, own = x.chunk(2, -1)
    return below[..., :width], own[..., :width]


def _active_layers(diagonal: int, time: int, layers: int) -> slice:
    """Return the layers that have a step on a diagonal."""
    return slice(max(0, diagonal - time + 1), min(layers, diagonal + 1))


def _on_diagonal(x: Tensor, diagonal: int, layers: slice) -> Tensor:
    """Return a view of (layers, steps, batch, width): step `diagonal` − n of each layer n of `layers`."""
    by_layer, by_step, *others = x.stride()
    offset = x.storage_offset() + layers.start * by_layer + (diagonal - layers.start) * by_step
    return x.as_strided((layers.stop - layers.start, *x.shape[2:]), (by_layer - by_step, *others), offset)


def _step_on_diagonal(
    gates: Tensor,
    cells: Tensor,
    tanh_cells: Tensor,
    diagonal: int,
    layers: slice,
) -> Step:
    """Return the views of a diagonal's step; cells have one step more, the state before the first."""
    return Step(
        _on_diagonal(gates, diagonal, layers),
        _on_diagonal(cells, diagonal, layers),
        _on_diagonal(cells, diagonal + 1, layers),
        _on_diagonal(tanh_cells, diagonal, layers),
    )


def wavefront_forward(
    joint: Float[Tensor, "layers gates read"],
    peepholes: Float[Tensor, "layers 3 cells"],
    x: Float[Tensor, "time batch inputs"],
    below: Float[Tensor, "time batch cells"] | None,
    h0: Float[Tensor, "layers batch cells"],
    c0: Float[Tensor, "layers batch cells"],
    masks: Float[Tensor, "layers time batch cells"] | None,
) -> list[Tensor]:
    """Run the loop; return what was read, gates, cells and their tanh.

    What was read has one more layer, which holds the highest layer's outputs as if it read them,
    and one more step, which holds each layer's last output.
    """
    layers, batch, width = h0.shape
    time, _, inputs = x.shape
    gates = c0.new_empty(layers, time, batch, 4 * width)
    cells = c0.new_empty(layers, time + 1, batch, width)
    tanh_cells = torch.empty_like(cells[:, 1:])
    read = h0.new_zeros(layers + 1, time + 1, batch, joint.shape[2], dtype=product_type(h0))
    up, own = _outputs_read(read[..., inputs:], width)
    read[:-1, :-1, :, :inputs] = x
    own[:-1, 0] = h0
    cells[:, 0] = c0
    if below is not None:
        up[0, :-1] = below
    weight = joint.to(read.dtype).transpose(1, 2)
    peepholes = peepholes.unsqueeze(1)
    for d in range(time + layers - 1):
        on = _active_layers(d, time, layers)
        step = _step_on_diagonal(gates, cells, tanh_cells, d, on)
        # The pre-activations lie where the gates will: what was there is not read.
        add_products(step.gates, _on_diagonal(read, d, on), weight[on], beta=0.0)
        mask = None if masks is None else _on_diagonal(masks, d, on)
        out = (_on_diagonal(up[1:], d, on), mask)
        step_forward(step.gates, peepholes[on], step, _on_diagonal(own, d + 1, on), out)
    return [read, gates, cells, tanh_cells]


def wavefront_backward(
    weight: Float[Tensor, "layers gates outputs"],
    peepholes: Float[Tensor, "layers 3 cells"],
    masks: Float[Tensor, "layers time batch cells"] | None,
    trace: tuple[Tensor, Tensor, Tensor],
    d_outputs: Float[Tensor, "layers time batch cells"],
    d_last: LSTMState,
    clip: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """Run the loop backward.

    Args:
        weight: Columns of `joint` that read outputs of layers.
        peepholes: Peephole weights of each layer.
        masks: Dropout masks of the outputs, or None.
        trace: Gates, cells and their tanh, from `wavefront_forward`.
        d_outputs: Gradients w.r.t. the outputs after dropout.
        d_last: Gradients w.r.t. the last state, (layers, batch, cells) each.
        clip: Bound of the gradients w.r.t. the pre-activations.

    Returns: the gradients w.r.t. the pre-activations; w.r.t. the outputs that each layer read, with
        a layer and a step more as in `wavefront_forward`; and w.r.t. the initial cells.
    """
    gates, cells, tanh_cells = trace
    layers, time, batch, width = tanh_cells.shape
    dz = torch.empty_like(gates, dtype=product_type(d_last.h))
    d_read = d_last.h.new_zeros(layers + 1, time + 1, batch, weight.shape[2])
    d_up, d_own = _outputs_read(d_read, width)
    d_up[1:, :-1] = d_outputs
    d_own[:-1, time] = d_last.h
    # Make the long side contiguous.
    weight = weight.to(dz.dtype).transpose(1, 2).contiguous().transpose(1, 2)
    dc = d_last.c.clone()
    peepholes = peepholes.unsqueeze(1)
    for d in reversed(range(time + layers - 1)):
        on = _active_layers(d, time, layers)
        step = _step_on_diagonal(gates, cells, tanh_cells, d, on)
        mask = None if masks is None else _on_diagonal(masks, d, on)
        out = (_on_diagonal(d_up[1:], d, on), mask)
        step_dz = _on_diagonal(dz, d, on)
        step_backward(step_dz, _on_diagonal(d_own, d + 1, on), dc[on], step, peepholes[on], clip, out)
        add_products(_on_diagonal(d_read, d, on), step_dz, weight[on])
    return dz, d_read, dc
