"""The LSTM with peepholes over a whole sequence (section 2.1, equations 7 to 11).

Gates stand in the order input, forget, cell, output. Inside this file time is axis 0, so that a step is one block of
memory; outside it is axis 1. Backward is written by hand: one loop for the recurrence, everything else as one product
over all steps.
"""

from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from nextstroke.nets import dispatch
from nextstroke.nets.matmul import linear, operand, packed, product_onto, weight_gradient

sigmoid_backward, tanh_backward = torch.ops.aten.sigmoid_backward, torch.ops.aten.tanh_backward


class LSTMState(NamedTuple):
    """What a layer carries from one step to the next: `h` and `c` of shape (batch, cells)."""

    h: Tensor
    c: Tensor

    def detach(self) -> "LSTMState":
        """The same values, cut off from the gradient (truncated backpropagation)."""
        return LSTMState(self.h.detach(), self.c.detach())


class Trace(NamedTuple):
    """All that backward needs of a layer's forward pass; time is axis 0."""

    gates: Tensor
    cells: Tensor
    tanh_cells: Tensor

    @classmethod
    def empty(cls, time: int, c: Tensor) -> "Trace":
        """Buffers for a pass of `time` steps from the cells `c`."""
        cells = c.new_empty(time + 1, *c.shape)
        cells[0] = c
        return cls(c.new_empty(time, len(c), 4 * c.shape[1]), cells, c.new_empty(time, *c.shape))

    def steps(self) -> zip:
        """One tuple for each step: gates, cell before, cell after, tanh of the cell after."""
        cells = self.cells.unbind(0)
        return zip(self.gates.unbind(0), cells[:-1], cells[1:], self.tanh_cells.unbind(0), strict=True)


def step_forward(
    z: Tensor,
    peepholes: Tensor,
    step: tuple[Tensor, ...],
    h: Tensor,
    out: dispatch.Out | None = None,
) -> None:
    """One step from the pre-activations `z`, which are used up: fills `step`, one of `Trace.steps()`, and `h`.

    Input and forget gates look at the old cell, the output gate at the new one (equations 7 to 11). Tensors may have
    layers in front of the batch, the peepholes then too; the gates may lie where `z` does.

    Args:
        out: Where `h` is to stand as well, and what it is multiplied by there, if by anything.
    """
    if fused := dispatch.fused(z):
        return fused.step_forward(z, peepholes, step, h, out)
    gates, before, after, tanh_after = step
    cells = before.shape[-1]
    i, f, g, o = gates.chunk(4, -1)
    early, z_output = z[..., : 2 * cells], z[..., 3 * cells :]
    early.unflatten(-1, (2, cells)).addcmul_(before.unsqueeze(-2), peepholes[..., :2, :])
    torch.sigmoid(early, out=gates[..., : 2 * cells])
    torch.tanh(z[..., 2 * cells : 3 * cells], out=g)
    torch.mul(f, before, out=after).addcmul_(i, g)
    torch.sigmoid(z_output.addcmul_(after, peepholes[..., 2, :]), out=o)
    torch.tanh(after, out=tanh_after)
    torch.mul(o, tanh_after, out=h)
    if out is not None:
        out[0].copy_(_times(h, out[1]))


def _times(x: Tensor, kept: Tensor | None) -> Tensor:
    return x if kept is None else x * kept


def step_backward(
    dz: Tensor,
    dh: Tensor,
    dc: Tensor,
    step: tuple[Tensor, ...],
    peepholes: Tensor,
    clip: float,
    out: dispatch.Out | None = None,
) -> None:
    """One step of backward: fills `dz` from `dh` and `dc`, turns `dc` into the derivative by the cell before.

    `clip` bounds each derivative by a pre-activation before it goes anywhere else (the paper's footnote; the path
    along the cells is not clipped). Shapes as in `step_forward`.

    Args:
        out: Of `step_forward`'s the derivative, which adds to `dh`, and what it was multiplied by.
    """
    if fused := dispatch.fused(dz):
        return fused.step_backward(dz, dh, dc, step, peepholes, clip, out)
    if out is not None:
        dh = dh + _times(*out)
    gates, before, _, tanh_after = step
    (i, f, g, o), (d_i, d_f, d_g, d_o) = gates.chunk(4, -1), dz.chunk(4, -1)
    sigmoid_backward(dh * tanh_after, o, grad_input=d_o)
    d_o.clamp_(-clip, clip)
    dc.add_(tanh_backward(dh * o, tanh_after)).addcmul_(d_o, peepholes[..., 2, :])
    sigmoid_backward(dc * g, i, grad_input=d_i)
    sigmoid_backward(dc * before, f, grad_input=d_f)
    tanh_backward(dc * i, g, grad_input=d_g)
    dz[..., : 3 * dh.shape[-1]].clamp_(-clip, clip)
    dc.mul_(f).addcmul_(d_i, peepholes[..., 0, :]).addcmul_(d_f, peepholes[..., 1, :])


def peephole_gradient(dz: Tensor, cells: Tensor) -> Tensor:
    """Derivative by the three peephole vectors, shape (3, cells)."""
    size = cells.shape[2]
    if dz.is_cuda:  # where einsum would first turn all of dz around
        pairs = zip(dz.chunk(4, 2), (cells[:-1], cells[:-1], None, cells[1:]), strict=True)
        return torch.stack([(d_gate * seen).sum((0, 1)) for d_gate, seen in pairs if seen is not None])
    dz = dz.to(cells.dtype)
    old = torch.einsum("tbgc,tbc->gc", dz[:, :, : 2 * size].unflatten(2, (2, size)), cells[:-1])
    new = torch.einsum("tbc,tbc->c", dz[:, :, 3 * size :], cells[1:])
    return torch.cat([old, new[None]])


def lstm_forward(below: Tensor, weight: Tensor, peepholes: Tensor, h0: Tensor, c0: Tensor) -> list[Tensor]:
    """The loop over time: the hidden vectors with `h0` in front, and the trace; `weight` is packed."""
    trace = Trace.empty(len(below), c0)
    hidden = h0.new_empty(len(below) + 1, *h0.shape)
    hidden[0] = h0
    rows = hidden.unbind(0)
    for t, (from_below, step) in enumerate(zip(below.unbind(0), trace.steps(), strict=True)):
        step_forward(product_onto(from_below, rows[t], weight), peepholes, step, rows[t + 1])
    return [hidden, *trace]


def lstm_backward(
    d_hidden: Tensor, weight: Tensor, peepholes: Tensor, d_h: Tensor, d_c: Tensor, *saved: Any
) -> list[Tensor]:
    """The loop backward: derivatives by the pre-activations, the peepholes and the first h and c.

    Args:
        weight: The recurrent one turned, packed.
        saved: The trace, and the bound of `step_backward`.
    """
    *kept, clip = saved
    trace = Trace(*kept)
    dz, dh, dc = torch.empty_like(trace.gates), d_h + d_hidden[-1], d_c.clone()
    earlier = [torch.zeros_like(dh), *d_hidden.unbind(0)]
    for row, above, step in reversed(list(zip(dz.unbind(0), earlier[:-1], trace.steps(), strict=True))):
        step_backward(row, dh, dc, step, peepholes, clip)
        dh = product_onto(above, row, weight)
    return [dz, peephole_gradient(dz, trace.cells), dh, dc]


class _Recurrence(torch.autograd.Function):
    """The loop over time; its input are the pre-activations from below, for all steps at once."""

    @staticmethod
    def forward(ctx, below, recurrent, peepholes, h0, c0, clip):
        loop = dispatch.select_loop("lstm_forward", lstm_forward, below)
        hidden, *trace = loop(below, packed(recurrent, len(h0)), peepholes, h0, c0)
        ctx.save_for_backward(recurrent, peepholes, hidden, *trace)
        ctx.clip = clip
        return hidden[1:], hidden[-1].clone(), Trace(*trace).cells[-1].clone()

    @staticmethod
    @once_differentiable
    def backward(ctx, d_hidden, d_last_h, d_last_c):
        recurrent, peepholes, hidden, *trace = ctx.saved_tensors
        loop, weight = (
            dispatch.select_loop("lstm_backward", lstm_backward, hidden),
            packed(recurrent.t(), len(d_last_h)),
        )
        dz, d_peepholes, dh, dc = loop(d_hidden, weight, peepholes, d_last_h, d_last_c, *trace, ctx.clip)
        d_recurrent = weight_gradient(operand(dz.flatten(0, 1)), operand(hidden[:-1].flatten(0, 1)))
        return dz, d_recurrent, d_peepholes, dh, dc, None


class LSTM(nn.Module):
    """One LSTM layer with peepholes over a whole sequence (equations 7 to 11).

    Args:
        inputs: Width of what comes from below.
        cells: Number of memory cells.
        clip: Derivatives by the pre-activations are clipped to [−clip, clip] in backward; inf for none.

    Differs from the paper: nothing. Peepholes are vectors, `peepholes` holds W_ci, W_cf, W_co.
    """

    def __init__(self, inputs: int, cells: int, clip: float = float("inf")):
        super().__init__()
        self.cells, self.clip = cells, clip
        self.weight = nn.Parameter(torch.zeros(4 * cells, inputs))
        self.recurrent = nn.Parameter(torch.zeros(4 * cells, cells))
        self.peepholes = nn.Parameter(torch.zeros(3, cells))
        self.bias = nn.Parameter(torch.zeros(4 * cells))

    def start(self, batch: int) -> LSTMState:
        """The state before the first step: zeros."""
        return LSTMState(self.bias.new_zeros(batch, self.cells), self.bias.new_zeros(batch, self.cells))

    def forward(
        self, x: Float[Tensor, "batch time inputs"], state: LSTMState
    ) -> tuple[Float[Tensor, "batch time cells"], LSTMState]:
        """Run over all steps of `x` from `state`; returns the hidden vectors and the state after the last step."""
        return self.run(linear(x.transpose(0, 1), self.weight, self.bias, narrow=True), state)

    def run(
        self, below: Float[Tensor, "time batch gates"], state: LSTMState
    ) -> tuple[Float[Tensor, "batch time cells"], LSTMState]:
        """The loop over time alone: `below` is all that the pre-activations owe to this layer's inputs and biases."""
        hidden, h, c = _Recurrence.apply(below, self.recurrent, self.peepholes, *state, self.clip)
        return hidden.transpose(0, 1), LSTMState(h, c)
