"""The LSTM with peepholes over a whole sequence (section 2.1, equations 7 to 11).

Gates stand in the order input, forget, cell, output. Inside this file time is axis 0, so that a step is one block of
memory; outside it is axis 1. Backward is written by hand: one loop for the recurrence, everything else as one product
over all steps.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional


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
    def empty(cls, gates: Tensor, c: Tensor) -> "Trace":
        """Buffers for a pass over `gates` (time, batch, 4 cells), holding the pre-activations that come from below."""
        time = len(gates)
        cells = c.new_empty(time + 1, *c.shape)
        cells[0] = c
        return cls(gates, cells, c.new_empty(time, *c.shape))

    def steps(self) -> zip:
        """One tuple for each step: gates, cell before, cell after, tanh of the cell after."""
        cells = self.cells.unbind(0)
        return zip(self.gates.unbind(0), cells[:-1], cells[1:], self.tanh_cells.unbind(0), strict=True)


def advance(z: Tensor, before: Tensor, after: Tensor, tanh_after: Tensor, peepholes: Tensor, h: Tensor) -> None:
    """One step, in place: pre-activations `z` become gates, `after`, `tanh_after` and `h` are filled.

    Input and forget gates look at the old cell, the output gate at the new one (equations 7, 8 and 10).
    """
    i, f, g, o = z.chunk(4, 1)
    cells = before.shape[1]
    z[:, : 2 * cells].unflatten(1, (2, cells)).addcmul_(before.unsqueeze(1), peepholes[:2])
    z[:, : 2 * cells].sigmoid_()
    g.tanh_()
    torch.mul(f, before, out=after)
    after.addcmul_(i, g)
    o.addcmul_(after, peepholes[2]).sigmoid_()
    torch.tanh(after, out=tanh_after)
    torch.mul(o, tanh_after, out=h)


class Slopes(NamedTuple):
    """Derivatives of one pass that do not depend on what comes from above, for all steps at once.

    Attributes:
        inner: of the new cell by the pre-activations of input, forget and cell gate, (time, batch, 3, cells).
        output: of h by the output gate's pre-activation.
        cell: of h by the new cell, through the tanh alone.
        forget: the forget gates.
    """

    inner: Tensor
    output: Tensor
    cell: Tensor
    forget: Tensor

    @classmethod
    def of(cls, trace: Trace) -> "Slopes":
        """Take the slopes of a finished forward pass."""
        i, f, g, o = trace.gates.chunk(4, 2)
        by_input = i * (1 - i) * g
        by_forget = f * (1 - f) * trace.cells[:-1]
        by_cell = i * (1 - g * g)
        inner = torch.stack([by_input, by_forget, by_cell], 2)
        return cls(inner, o * (1 - o) * trace.tanh_cells, o * (1 - trace.tanh_cells**2), f)


def retreat(dz: Tensor, dh: Tensor, dc: Tensor, slopes: tuple[Tensor, ...], peepholes: Tensor, clip: float) -> Tensor:
    """One step of backward: fills `dz` from `dh` and `dc`, returns the derivative by the cell before.

    `clip` bounds each derivative by a pre-activation before it goes anywhere else (the paper's footnote; the path
    along the cells is not clipped). `dc` is used up.
    """
    inner, output, cell, forget = slopes
    cells = dh.shape[1]
    d_output = dz[:, 3 * cells :]
    torch.mul(dh, output, out=d_output)
    d_output.clamp_(-clip, clip)
    dc.addcmul_(dh, cell).addcmul_(d_output, peepholes[2])
    d_inner = dz[:, : 3 * cells].unflatten(1, (3, cells))
    torch.mul(dc.unsqueeze(1), inner, out=d_inner)
    d_inner.clamp_(-clip, clip)
    dc.mul_(forget)
    return dc.addcmul_(d_inner[:, 0], peepholes[0]).addcmul_(d_inner[:, 1], peepholes[1])


def peephole_gradient(dz: Tensor, cells: Tensor) -> Tensor:
    """Derivative by the three peephole vectors, shape (3, cells)."""
    size = cells.shape[2]
    old = torch.einsum("tbgc,tbc->gc", dz[:, :, : 2 * size].unflatten(2, (2, size)), cells[:-1])
    new = torch.einsum("tbc,tbc->c", dz[:, :, 3 * size :], cells[1:])
    return torch.cat([old, new[None]])


class _Recurrence(torch.autograd.Function):
    """The loop over time; its input are the pre-activations from below, for all steps at once."""

    @staticmethod
    def forward(ctx, below, recurrent, peepholes, h0, c0, clip):
        trace = Trace.empty(below.clone(), c0)
        hidden = h0.new_empty(len(below) + 1, *h0.shape)
        hidden[0] = h0
        rows, turned = hidden.unbind(0), recurrent.t()
        for t, (z, before, after, tanh_after) in enumerate(trace.steps()):
            z.addmm_(rows[t], turned)
            advance(z, before, after, tanh_after, peepholes, rows[t + 1])
        ctx.save_for_backward(recurrent, peepholes, hidden, *trace)
        ctx.clip = clip
        return hidden[1:], hidden[-1].clone(), trace.cells[-1].clone()

    @staticmethod
    def backward(ctx, d_hidden, d_last_h, d_last_c):
        recurrent, peepholes, hidden, *saved = ctx.saved_tensors
        trace = Trace(*saved)
        dz = torch.empty_like(trace.gates)
        above, rows, slopes = d_hidden.unbind(0), dz.unbind(0), [s.unbind(0) for s in Slopes.of(trace)]
        dh, dc = d_last_h, d_last_c.clone()
        for t in reversed(range(len(rows))):
            dh = dh + above[t]
            dc = retreat(rows[t], dh, dc, tuple(s[t] for s in slopes), peepholes, ctx.clip)
            dh = rows[t] @ recurrent
        flat = dz.flatten(0, 1)
        d_recurrent = flat.t() @ hidden[:-1].flatten(0, 1)
        return dz, d_recurrent, peephole_gradient(dz, trace.cells), dh, dc, None


def padded_product(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """`x @ weight.T + bias` with the inner width padded to a multiple of 8: odd widths are slow in MKL."""
    missing = -x.shape[-1] % 8
    if missing:
        x, weight = functional.pad(x, (0, missing)), functional.pad(weight, (0, missing))
    return functional.linear(x, weight, bias)


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
        below = padded_product(x.transpose(0, 1), self.weight, self.bias)
        hidden, h, c = _Recurrence.apply(below, self.recurrent, self.peepholes, *state, self.clip)
        return hidden.transpose(0, 1), LSTMState(h, c)
