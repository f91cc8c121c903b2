"""The soft window over the text, and the LSTM layer it feeds back into (section 5.1, equations 46 to 52)."""

from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

from nextstroke.nets import dispatch
from nextstroke.nets.lstm import LSTM, Trace, peephole_gradient, step_backward, step_forward
from nextstroke.nets.matmul import linear, operand, packed, product_onto, weight_gradient


class WindowState(NamedTuple):
    """What the windowed layer carries: `h`, `c` (batch, cells), `w` (batch, symbols), `kappa` (batch, components)."""

    h: Tensor
    c: Tensor
    w: Tensor
    kappa: Tensor

    def detach(self) -> "WindowState":
        """The same values, cut off from the gradient."""
        return WindowState(*(part.detach() for part in self))


def window_forward(
    below: Tensor, weight: Tensor, peepholes: Tensor, glance: Tensor, glance_bias: Tensor, text: Tensor, *start: Tensor
) -> list[Tensor]:
    """The loop over time: h beside w with the start in front, then all that backward needs.

    Args:
        weight: The recurrent weights beside those that read w, packed.
        start: First h, c, w and kappa.
    """
    h0, c0, w0, kappa0 = start
    time, (batch, cells), components = len(below), h0.shape, kappa0.shape[1]
    trace = Trace.empty(time, c0)
    both = torch.cat([h0, w0], 1).expand(time + 1, -1, -1).clone()
    kappa = kappa0.expand(time + 1, -1, -1).clone()
    glances = h0.new_empty(time, batch, 3 * components)
    masses = h0.new_empty(time, batch, components, text.shape[1])
    places = _places(masses)
    hidden, reading = both[:, :, :cells].unbind(0), both[:, :, cells:].unbind(0)
    rows, glance_turned = both.unbind(0), glance.t()
    for t, (from_below, step) in enumerate(zip(below.unbind(0), trace.steps(), strict=True)):
        step_forward(product_onto(from_below, rows[t], weight), peepholes, step, hidden[t + 1])
        torch.addmm(glance_bias, hidden[t + 1], glance_turned, out=glances[t])
        alpha, beta, move = glances[t].exp_().chunk(3, 1)
        torch.add(kappa[t], move, out=kappa[t + 1])
        torch.sub(kappa[t + 1].unsqueeze(2), places, out=masses[t])
        masses[t].square_().mul_(beta.unsqueeze(2)).neg_().exp_().mul_(alpha.unsqueeze(2))
        reading[t + 1].copy_(torch.bmm(masses[t].sum(1, keepdim=True), text).squeeze(1))
    return [both, *trace, text, glances, kappa, masses]


def window_backward(d_both: Tensor, weight: Tensor, peepholes: Tensor, glance: Tensor, *more: Any) -> list[Tensor]:
    """The loop backward: derivatives by the pre-activations, the peepholes, the exponents of the glances and the start.

    Args:
        weight: The joint one turned, packed.
        more: Derivatives by the last h beside w, by c and by kappa; what `window_forward` kept; the two bounds.
    """
    d_last, d_last_c, d_last_kappa, *saved, text, glances, kappa, masses, clip, glance_clip = more
    trace = Trace(*saved)
    cells, components = trace.cells.shape[2], kappa.shape[2]
    dz, dp, trace_steps = torch.empty_like(trace.gates), torch.empty_like(glances), list(trace.steps())
    by_glance = _glance_slopes(glances, kappa, masses).unbind(0)
    moves = glances[:, :, 2 * components :].unbind(0)
    d_next, dc, dkappa = d_last + d_both[-1], d_last_c.clone(), d_last_kappa.clone()
    earlier = [torch.zeros_like(d_next), *d_both.unbind(0)]
    for t in reversed(range(len(dz))):
        d_phi = torch.bmm(text, d_next[:, cells:].unsqueeze(2))
        torch.bmm(by_glance[t], d_phi, out=dp[t].unsqueeze(2))
        dkappa.add_(dp[t, :, 2 * components :])
        torch.mul(dkappa, moves[t], out=dp[t, :, 2 * components :])
        dp[t].clamp_(-glance_clip, glance_clip)
        dh = torch.addmm(d_next[:, :cells], dp[t], glance)
        step_backward(dz[t], dh, dc, trace_steps[t], peepholes, clip)
        d_next = product_onto(earlier[t], dz[t], weight)
    return [dz, peephole_gradient(dz, trace.cells), dp, d_next, dc, dkappa]


class _WindowedRecurrence(torch.autograd.Function):
    """The loop over time of layer 1: the cell, then the window it moves, which it reads at the next step.

    `joint` holds the recurrent weights beside those that read w; h and w stand side by side in one buffer so that both
    take part in one product. `text` is one-hot, with zero rows behind the end of shorter texts.
    """

    @staticmethod
    def forward(ctx, below, joint, peepholes, glance, glance_bias, text, h0, c0, w0, kappa0, clip, glance_clip):
        loop, cells = dispatch.select_loop("window_forward", window_forward, below), h0.shape[1]
        weights = packed(joint, len(h0)), peepholes, glance, glance_bias
        both, *kept = loop(below, *weights, text, h0, c0, w0, kappa0)
        ctx.save_for_backward(joint, peepholes, glance, both, *kept)
        ctx.clips = clip, glance_clip
        last, cell, kappa = both[-1], kept[1][-1], kept[5][-1]
        return both[1:], last[:, :cells].clone(), cell.clone(), last[:, cells:].clone(), kappa.clone()

    @staticmethod
    @once_differentiable
    def backward(ctx, d_both, d_last_h, d_last_c, d_last_w, d_last_kappa):
        joint, peepholes, glance, both, *kept = ctx.saved_tensors
        loop, cells = dispatch.select_loop("window_backward", window_backward, both), d_last_h.shape[1]
        weights = packed(joint.t(), len(d_last_h)), peepholes, glance
        d_last = torch.cat([d_last_h, d_last_w], 1), d_last_c, d_last_kappa
        dz, d_peepholes, dp, d_first, dc, dkappa = loop(d_both, *weights, *d_last, *kept, *ctx.clips)
        d_joint = weight_gradient(operand(dz.flatten(0, 1)), operand(both[:-1].flatten(0, 1)))
        d_glance = weight_gradient(dp.flatten(0, 1), both[1:, :, :cells].flatten(0, 1))
        d_start = d_first[:, :cells], dc, d_first[:, cells:], dkappa
        return dz, d_joint, d_peepholes, d_glance, dp.sum((0, 1)), None, *d_start, None, None


def _places(masses: Tensor) -> Tensor:
    """The u that `masses` (..., places) weigh: 1 to U."""
    return torch.arange(1, masses.shape[-1] + 1, dtype=masses.dtype, device=masses.device)


def _glance_slopes(glances: Tensor, kappa: Tensor, masses: Tensor) -> Tensor:
    """Derivatives of phi by alpha-hat, beta-hat and kappa, for all steps: (time, batch, 3 components, places)."""
    beta = glances.chunk(3, 2)[1].unsqueeze(3)
    distance = kappa[1:].unsqueeze(3) - _places(masses)
    pull = masses * beta * distance
    return torch.cat([masses, -pull * distance, -2 * pull], 2)


class WindowedLSTM(nn.Module):
    """Layer 1 of the synthesis network: an LSTM that moves a window along the text and reads it one step later.

    Args:
        inputs: Width of x.
        symbols: Size of the alphabet.
        cells: Number of memory cells.
        components: Number K of Gaussians in the window.
        clip: Bound of the derivatives by the gates' pre-activations; inf for none.
        glance_clip: The same for the window's parameters; the paper does not say whether it clipped them.

    Differs from the paper: nothing. kappa and w start at zero, which the paper leaves open.
    """

    def __init__(
        self,
        inputs: int,
        symbols: int,
        cells: int,
        components: int,
        clip: float = float("inf"),
        glance_clip: float = float("inf"),
    ):
        super().__init__()
        self.symbols, self.components, self.glance_clip = symbols, components, glance_clip
        self.lstm = LSTM(inputs, cells, clip)
        self.reading = nn.Parameter(torch.zeros(4 * cells, symbols))
        self.glance = nn.Linear(cells, 3 * components)

    def start(self, batch: int) -> WindowState:
        """The state before the first step: zeros, the window in front of the text."""
        bias = self.lstm.bias
        w, kappa = bias.new_zeros(batch, self.symbols), bias.new_zeros(batch, self.components)
        return WindowState(*self.lstm.start(batch), w, kappa)

    def forward(
        self, x: Float[Tensor, "batch time inputs"], text: Int[Tensor, "batch places"], state: WindowState
    ) -> tuple[Float[Tensor, "batch time cells"], Float[Tensor, "batch time symbols"], WindowState]:
        """Run over all steps; returns the hidden vectors, the window's readings w and the state after the last step.

        Args:
            text: Character ids, −1 behind the end of shorter texts.
        """
        # The width of h and w side by side is padded to a multiple of 8: odd widths are slow in MKL.
        cells, width = self.lstm.cells, self.symbols + -(self.lstm.cells + self.symbols) % 8
        pad = (0, width - self.symbols)
        joint = torch.cat([self.lstm.recurrent, functional.pad(self.reading, pad)], 1)
        below = linear(x.transpose(0, 1), self.lstm.weight, self.lstm.bias)
        weights = joint, self.lstm.peepholes, self.glance.weight, self.glance.bias
        start = state.h, state.c, functional.pad(state.w, pad), state.kappa
        both, h, c, w, kappa = _WindowedRecurrence.apply(
            below, *weights, one_hot(text, width, x.dtype), *start, self.lstm.clip, self.glance_clip
        )
        hidden, reading = both.transpose(0, 1).split([cells, width], 2)
        return hidden, reading[:, :, : self.symbols], WindowState(h, c, w[:, : self.symbols], kappa)


def one_hot(
    text: Int[Tensor, "batch places"], symbols: int, dtype: torch.dtype
) -> Float[Tensor, "batch places symbols"]:
    """One-hot rows of the ids; a negative id gives a row of zeros."""
    return functional.one_hot(text.clamp(min=0), symbols).to(dtype) * (text >= 0).unsqueeze(2)
