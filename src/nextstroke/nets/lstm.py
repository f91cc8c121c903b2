"""The LSTM with peepholes over a whole sequence (section 2.1, equations 7 to 11).

Gates lie in the order input, forget, cell, output. Inside this file time is axis 0, so that a step
is one block of memory; outside it is axis 1. Backward is written by hand: one loop for the
recurrence, everything else as one product over all steps.
"""

from collections.abc import Iterator
from itertools import starmap
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from nextstroke.nets import dispatch
from nextstroke.nets.matmul import linear, operand, packed, product_onto, weight_gradient

sigmoid_backward = torch.ops.aten.sigmoid_backward
tanh_backward = torch.ops.aten.tanh_backward


class LSTMState(NamedTuple):
    """State of a layer between two steps: `h` and `c` of shape (batch, cells)."""

    h: Tensor
    c: Tensor

    def detach(self) -> "LSTMState":
        """Return the same values cut off from the gradient (truncated backpropagation)."""
        return LSTMState(self.h.detach(), self.c.detach())


class Step(NamedTuple):
    """Views of one step of a `Trace`, (batch, cells) each; `gates` has four times the width."""

    gates: Tensor
    cells_before: Tensor
    cells_after: Tensor
    tanh_after: Tensor


class Trace(NamedTuple):
    """What backward needs of a layer's forward pass; time is axis 0."""

    gates: Tensor
    cells: Tensor
    tanh_cells: Tensor

    @classmethod
    def empty(cls, time: int, c: Tensor) -> "Trace":
        """Return buffers for a pass of `time` steps that begins with the cells `c`."""
        cells = c.new_empty(time + 1, *c.shape)
        cells[0] = c
        return cls(c.new_empty(time, len(c), 4 * c.shape[1]), cells, c.new_empty(time, *c.shape))

    def steps(self) -> Iterator[Step]:
        """Yield the views of each step, in order."""
        cells = self.cells.unbind(0)
        parts = zip(self.gates.unbind(0), cells[:-1], cells[1:], self.tanh_cells.unbind(0), strict=True)
        return starmap(Step, parts)


def step_forward(
    z: Tensor,
    peepholes: Tensor,
    step: Step,
    h: Tensor,
    out: dispatch.StepOutput | None = None,
) -> None:
    """Run one step from the pre-activations `z` and fill `step` and `h`.

    Input and forget gates see the old cell, the output gate the new one (equations 7 to 11).
    Tensors may have a layer axis before the batch; the peepholes then have it too. `z` is
    overwritten; the gates may share its memory.

    Args:
        z: Pre-activations (..., 4 cells) without the peepholes' part.
        peepholes: W_ci, W_cf and W_co, (..., 3, cells).
        out: Second tensor to receive `h`, and the factor it is multiplied by there, if any.
    """
    if fused := dispatch.fused(z):
        return fused.step_forward(z, peepholes, step, h, out)
    cells = step.cells_before.shape[-1]
    i, f, g, o = step.gates.chunk(4, -1)
    z_early = z[..., : 2 * cells]
    z_output = z[..., 3 * cells :]
    z_early.unflatten(-1, (2, cells)).addcmul_(step.cells_before.unsqueeze(-2), peepholes[..., :2, :])
    torch.sigmoid(z_early, out=step.gates[..., : 2 * cells])
    torch.tanh(z[..., 2 * cells : 3 * cells], out=g)
    torch.mul(f, step.cells_before, out=step.cells_after).addcmul_(i, g)
    torch.sigmoid(z_output.addcmul_(step.cells_after, peepholes[..., 2, :]), out=o)
    torch.tanh(step.cells_after, out=step.tanh_after)
    torch.mul(o, step.tanh_after, out=h)
    if out is not None:
        output, mask = out
        output.copy_(h if mask is None else h * mask)


def step_backward(
    dz: Tensor,
    dh: Tensor,
    dc: Tensor,
    step: Step,
    peepholes: Tensor,
    clip: float,
    out: dispatch.StepOutput | None = None,
) -> None:
    """Run one step of backward: fill `dz`, and turn `dc` into the gradient w.r.t. the old cell.

    Args:
        dz: Receives the gradient w.r.t. the pre-activations, (..., 4 cells).
        dh: Gradient w.r.t. `h` of this step, (..., cells).
        dc: Gradient w.r.t. the new cell from later steps, (..., cells); overwritten.
        clip: Bound of each gradient w.r.t. a pre-activation, applied before it goes anywhere else
            (the paper's footnote). The path along the cells is not clipped.
        out: Gradient w.r.t. the second output of `step_forward`, which adds to `dh`, and its
            factor.
    """
    if fused := dispatch.fused(dz):
        return fused.step_backward(dz, dh, dc, step, peepholes, clip, out)
    if out is not None:
        d_output, mask = out
        dh = dh + (d_output if mask is None else d_output * mask)
    i, f, g, o = step.gates.chunk(4, -1)
    d_i, d_f, d_g, d_o = dz.chunk(4, -1)
    sigmoid_backward(dh * step.tanh_after, o, grad_input=d_o)
    d_o.clamp_(-clip, clip)
    dc.add_(tanh_backward(dh * o, step.tanh_after)).addcmul_(d_o, peepholes[..., 2, :])
    sigmoid_backward(dc * g, i, grad_input=d_i)
    sigmoid_backward(dc * step.cells_before, f, grad_input=d_f)
    tanh_backward(dc * i, g, grad_input=d_g)
    dz[..., : 3 * dh.shape[-1]].clamp_(-clip, clip)
    dc.mul_(f).addcmul_(d_i, peepholes[..., 0, :]).addcmul_(d_f, peepholes[..., 1, :])


def peephole_gradient(dz: Tensor, cells: Tensor) -> Tensor:
    """Return the gradient w.r.t. the three peephole vectors, (3, cells).

    Args:
        dz: Gradient w.r.t. the pre-activations, (time, batch, 4 cells).
        cells: Cells before the first step and after each one, (time + 1, batch, cells).
    """
    size = cells.shape[2]
    if dz.is_cuda:
        # einsum would first transpose all of dz there.
        d_i, d_f, _, d_o = dz.chunk(4, 2)
        pairs = [(d_i, cells[:-1]), (d_f, cells[:-1]), (d_o, cells[1:])]
        return torch.stack([(d_gate * seen).sum((0, 1)) for d_gate, seen in pairs])
    dz = dz.to(cells.dtype)
    early = torch.einsum("tbgc,tbc->gc", dz[:, :, : 2 * size].unflatten(2, (2, size)), cells[:-1])
    output = torch.einsum("tbc,tbc->c", dz[:, :, 3 * size :], cells[1:])
    return torch.cat([early, output[None]])


def lstm_forward(
    below: Tensor,
    weight: Tensor,
    peepholes: Tensor,
    h0: Tensor,
    c0: Tensor,
) -> list[Tensor]:
    """Run the loop over time; return the hidden vectors, `h0` first, and the trace.

    Args:
        below: Pre-activations without the recurrent part, (time, batch, 4 cells).
        weight: Recurrent weight, packed.
    """
    trace = Trace.empty(len(below), c0)
    hidden = h0.new_empty(len(below) + 1, *h0.shape)
    hidden[0] = h0
    rows = hidden.unbind(0)
    for t, (from_below, step) in enumerate(zip(below.unbind(0), trace.steps(), strict=True)):
        step_forward(product_onto(from_below, rows[t], weight), peepholes, step, rows[t + 1])
    return [hidden, *trace]


def lstm_backward(
    d_hidden: Tensor,
    weight: Tensor,
    peepholes: Tensor,
    d_h: Tensor,
    d_c: Tensor,
    gates: Tensor,
    cells: Tensor,
    tanh_cells: Tensor,
    clip: float,
) -> list[Tensor]:
    """Run the loop backward; return the gradients w.r.t. pre-activations, peepholes, h0 and c0.

    Args:
        d_hidden: Gradient w.r.t. the hidden vectors, (time, batch, cells).
        weight: Recurrent weight, transposed and packed.
        d_h, d_c: Gradients w.r.t. the last state, (batch, cells).
        gates, cells, tanh_cells: The trace of `lstm_forward`.
        clip: Bound as in `step_backward`.
    """
    trace = Trace(gates, cells, tanh_cells)
    dz = torch.empty_like(gates)
    dh = d_h + d_hidden[-1]
    dc = d_c.clone()
    earlier = [torch.zeros_like(dh), *d_hidden.unbind(0)]
    rows = list(zip(dz.unbind(0), earlier[:-1], trace.steps(), strict=True))
    for row, above, step in reversed(rows):
        step_backward(row, dh, dc, step, peepholes, clip)
        dh = product_onto(above, row, weight)
    return [dz, peephole_gradient(dz, cells), dh, dc]


class _Recurrence(torch.autograd.Function):
    """The loop over time; its input are the pre-activations from below, for all steps at once."""

    @staticmethod
    def forward(ctx, below, recurrent, peepholes, h0, c0, clip):
        """Return the hidden vectors of all steps, and the last h and c."""
        loop = dispatch.select_loop("lstm_forward", lstm_forward, below)
        hidden, gates, cells, tanh_cells = loop(below, packed(recurrent, len(h0)), peepholes, h0, c0)
        ctx.save_for_backward(recurrent, peepholes, hidden, gates, cells, tanh_cells)
        ctx.clip = clip
        return hidden[1:], hidden[-1].clone(), cells[-1].clone()

    @staticmethod
    @once_differentiable
    def backward(ctx, d_hidden, d_last_h, d_last_c):
        """Return the gradients w.r.t. the arguments of `forward`."""
        recurrent, peepholes, hidden, *trace = ctx.saved_tensors
        loop = dispatch.select_loop("lstm_backward", lstm_backward, hidden)
        weight = packed(recurrent.t(), len(d_last_h))
        dz, d_peepholes, dh, dc = loop(d_hidden, weight, peepholes, d_last_h, d_last_c, *trace, ctx.clip)
        d_recurrent = weight_gradient(operand(dz.flatten(0, 1)), operand(hidden[:-1].flatten(0, 1)))
        return dz, d_recurrent, d_peepholes, dh, dc, None


class LSTM(nn.Module):
    """One LSTM layer with peepholes over a whole sequence (equations 7 to 11).

    Args:
        inputs: Width of the input.
        cells: Number of memory cells.
        clip: Bound of the gradients w.r.t. the pre-activations, [−clip, clip]; inf for none.

    Differs from the paper: nothing. Peepholes are vectors, `peepholes` holds W_ci, W_cf, W_co.
    """

    def __init__(self, inputs: int, cells: int, clip: float = float("inf")):
        super().__init__()
        self.cells = cells
        self.clip = clip
        self.weight = nn.Parameter(torch.zeros(4 * cells, inputs))
        self.recurrent = nn.Parameter(torch.zeros(4 * cells, cells))
        self.peepholes = nn.Parameter(torch.zeros(3, cells))
        self.bias = nn.Parameter(torch.zeros(4 * cells))

    def start(self, batch: int) -> LSTMState:
        """Return the state before the first step: zeros."""
        h = self.bias.new_zeros(batch, self.cells)
        return LSTMState(h, torch.zeros_like(h))

    def forward(
        self, x: Float[Tensor, "batch time inputs"], state: LSTMState
    ) -> tuple[Float[Tensor, "batch time cells"], LSTMState]:
        """Run over all steps of `x`; return the hidden vectors and the state after the last step."""
        return self.run(linear(x.transpose(0, 1), self.weight, self.bias, narrow=True), state)

    def run(
        self, below: Float[Tensor, "time batch gates"], state: LSTMState
    ) -> tuple[Float[Tensor, "batch time cells"], LSTMState]:
        """Run the loop over time alone.

        Args:
            below: The part of the pre-activations that comes from inputs and biases.
        """
        hidden, h, c = _Recurrence.apply(below, self.recurrent, self.peepholes, *state, self.clip)
        return hidden.transpose(0, 1), LSTMState(h, c)
