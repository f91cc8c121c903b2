"""The soft window over the text, and the LSTM layer it feeds back into (section 5.1, equations 46 to 52).

The window's parameters at a step are the exponentials of a linear map of the hidden vector: alpha,
beta and the step of kappa, K components each. The terms of phi are alpha exp(−beta (kappa − u)²),
one for each component and position u of the text; phi is their sum over the components.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

from nextstroke.nets import dispatch
from nextstroke.nets.lstm import LSTM, Trace, peephole_gradient, step_backward, step_forward
from nextstroke.nets.matmul import linear, operand, packed, product_onto, weight_gradient


class WindowState(NamedTuple):
    """State of the windowed layer: `h`, `c` (batch, cells), `w` (batch, symbols), `kappa` (batch, K)."""

    h: Tensor
    c: Tensor
    w: Tensor
    kappa: Tensor

    def detach(self) -> "WindowState":
        """Return the same values cut off from the gradient."""
        return WindowState(*(part.detach() for part in self))


def window_forward(
    below: Tensor,
    weight: Tensor,
    peepholes: Tensor,
    glance: Tensor,
    glance_bias: Tensor,
    text: Tensor,
    h0: Tensor,
    c0: Tensor,
    w0: Tensor,
    kappa0: Tensor,
) -> list[Tensor]:
    """Run the loop over time; return h joined with w, the initial one first, and what backward needs.

    Args:
        below: Pre-activations without the part of h and w, (time, batch, 4 cells).
        weight: Recurrent weights joined with those that read w, packed.
        glance, glance_bias: Linear map from h to the logarithms of the window's parameters.
        text: One-hot characters, (batch, positions, symbols), zero rows after the end of a text.
        h0, c0, w0, kappa0: Initial state.
    """
    time = len(below)
    batch, cells = h0.shape
    components = kappa0.shape[1]
    trace = Trace.empty(time, c0)
    both = torch.cat([h0, w0], 1).expand(time + 1, -1, -1).clone()
    kappa = kappa0.expand(time + 1, -1, -1).clone()
    window_params = h0.new_empty(time, batch, 3 * components)
    phi_terms = h0.new_empty(time, batch, components, text.shape[1])
    positions = _positions(phi_terms)
    rows = both.unbind(0)
    hidden = both[:, :, :cells].unbind(0)
    reading = both[:, :, cells:].unbind(0)
    glance_t = glance.t()
    for t, (from_below, step) in enumerate(zip(below.unbind(0), trace.steps(), strict=True)):
        step_forward(product_onto(from_below, rows[t], weight), peepholes, step, hidden[t + 1])
        torch.addmm(glance_bias, hidden[t + 1], glance_t, out=window_params[t])
        alpha, beta, kappa_step = window_params[t].exp_().chunk(3, 1)
        torch.add(kappa[t], kappa_step, out=kappa[t + 1])
        torch.sub(kappa[t + 1].unsqueeze(2), positions, out=phi_terms[t])
        phi_terms[t].square_().mul_(beta.unsqueeze(2)).neg_().exp_().mul_(alpha.unsqueeze(2))
        reading[t + 1].copy_(torch.bmm(phi_terms[t].sum(1, keepdim=True), text).squeeze(1))
    return [both, *trace, text, window_params, kappa, phi_terms]


def window_backward(
    d_both: Tensor,
    weight: Tensor,
    peepholes: Tensor,
    glance: Tensor,
    d_last: Tensor,
    d_last_c: Tensor,
    d_last_kappa: Tensor,
    gates: Tensor,
    cells: Tensor,
    tanh_cells: Tensor,
    text: Tensor,
    window_params: Tensor,
    kappa: Tensor,
    phi_terms: Tensor,
    clip: float,
    window_clip: float,
) -> list[Tensor]:
    """Run the loop backward.

    Args:
        d_both: Gradient w.r.t. h joined with w, (time, batch, cells + symbols).
        weight: Joint weight, transposed and packed.
        d_last, d_last_c, d_last_kappa: Gradients w.r.t. the last h joined with w, c and kappa.
        gates, cells, tanh_cells, text, window_params, kappa, phi_terms: From `window_forward`.
        clip, window_clip: Bounds of the gradients w.r.t. the gates' pre-activations and the
            logarithms of the window's parameters.

    Returns: the gradients w.r.t. the pre-activations, the peepholes, the logarithms of the window's
        parameters and the initial h joined with w, c and kappa (equations 56 to 60).
    """
    width = cells.shape[2]
    components = kappa.shape[2]
    steps = list(Trace(gates, cells, tanh_cells).steps())
    dz = torch.empty_like(gates)
    dp = torch.empty_like(window_params)
    phi_by_params = _phi_gradients(window_params, kappa, phi_terms).unbind(0)
    kappa_steps = window_params[:, :, 2 * components :].unbind(0)
    d_next = d_last + d_both[-1]
    dc = d_last_c.clone()
    d_kappa = d_last_kappa.clone()
    earlier = [torch.zeros_like(d_next), *d_both.unbind(0)]
    for t in reversed(range(len(dz))):
        d_phi = torch.bmm(text, d_next[:, width:].unsqueeze(2))
        torch.bmm(phi_by_params[t], d_phi, out=dp[t].unsqueeze(2))
        d_kappa.add_(dp[t, :, 2 * components :])
        torch.mul(d_kappa, kappa_steps[t], out=dp[t, :, 2 * components :])
        dp[t].clamp_(-window_clip, window_clip)
        dh = torch.addmm(d_next[:, :width], dp[t], glance)
        step_backward(dz[t], dh, dc, steps[t], peepholes, clip)
        d_next = product_onto(earlier[t], dz[t], weight)
    return [dz, peephole_gradient(dz, cells), dp, d_next, dc, d_kappa]


class _WindowedRecurrence(torch.autograd.Function):
    """The loop over time of layer 1: the cell, then the window, which the cell reads at the next step.

    `joint` holds the recurrent weights joined with those that read w; h and w lie next to each
    other in one buffer, so that one product reads both. `text` is one-hot, with zero rows after the
    end of shorter texts.
    """

    @staticmethod
    def forward(
        ctx,
        below,
        joint,
        peepholes,
        glance,
        glance_bias,
        text,
        h0,
        c0,
        w0,
        kappa0,
        clip,
        window_clip,
    ):
        """Return h joined with w after each step, and the last h, c, w and kappa."""
        loop = dispatch.select_loop("window_forward", window_forward, below)
        weight = packed(joint, len(h0))
        both, *saved = loop(below, weight, peepholes, glance, glance_bias, text, h0, c0, w0, kappa0)
        _, all_cells, _, _, _, all_kappa, _ = saved
        ctx.save_for_backward(joint, peepholes, glance, both, *saved)
        ctx.clips = clip, window_clip
        width = h0.shape[1]
        h = both[-1, :, :width].clone()
        w = both[-1, :, width:].clone()
        return both[1:], h, all_cells[-1].clone(), w, all_kappa[-1].clone()

    @staticmethod
    @once_differentiable
    def backward(ctx, d_both, d_last_h, d_last_c, d_last_w, d_last_kappa):
        """Return the gradients w.r.t. the arguments of `forward`."""
        joint, peepholes, glance, both, *saved = ctx.saved_tensors
        loop = dispatch.select_loop("window_backward", window_backward, both)
        width = d_last_h.shape[1]
        weight = packed(joint.t(), len(d_last_h))
        d_last = torch.cat([d_last_h, d_last_w], 1)
        dz, d_peepholes, dp, d_first, dc, d_kappa = loop(
            d_both, weight, peepholes, glance, d_last, d_last_c, d_last_kappa, *saved, *ctx.clips
        )
        d_joint = weight_gradient(operand(dz.flatten(0, 1)), operand(both[:-1].flatten(0, 1)))
        d_glance = weight_gradient(dp.flatten(0, 1), both[1:, :, :width].flatten(0, 1))
        d_start = (d_first[:, :width], dc, d_first[:, width:], d_kappa)
        return dz, d_joint, d_peepholes, d_glance, dp.sum((0, 1)), None, *d_start, None, None


def _positions(phi_terms: Tensor) -> Tensor:
    """Return the positions u that `phi_terms` (..., positions) belong to: 1 to U."""
    count = phi_terms.shape[-1]
    return torch.arange(1, count + 1, dtype=phi_terms.dtype, device=phi_terms.device)


def _phi_gradients(window_params: Tensor, kappa: Tensor, phi_terms: Tensor) -> Tensor:
    """Return the gradients of phi w.r.t. alpha-hat, beta-hat and kappa, (time, batch, 3 K, positions)."""
    beta = window_params.chunk(3, 2)[1].unsqueeze(3)
    distance = kappa[1:].unsqueeze(3) - _positions(phi_terms)
    weighted = phi_terms * beta * distance
    return torch.cat([phi_terms, -weighted * distance, -2 * weighted], 2)


class WindowedLSTM(nn.Module):
    """Layer 1 of the synthesis network: an LSTM that moves a window and reads it one step later.

    Args:
        inputs: Width of x.
        symbols: Size of the alphabet.
        cells: Number of memory cells.
        components: Number K of Gaussians in the window.
        clip: Bound of the gradients w.r.t. the gates' pre-activations; inf for none.
        window_clip: Bound of the gradients w.r.t. the logarithms of the window's parameters; inf
            for none. The paper does not say whether it clipped them.

    Differs from the paper: nothing. kappa and w start at zero, which the paper leaves open.
    """

    def __init__(
        self,
        inputs: int,
        symbols: int,
        cells: int,
        components: int,
        clip: float = float("inf"),
        window_clip: float = float("inf"),
    ):
        super().__init__()
        self.symbols = symbols
        self.components = components
        self.window_clip = window_clip
        # The names of these three are in every checkpoint: they stay.
        self.lstm = LSTM(inputs, cells, clip)
        self.reading = nn.Parameter(torch.zeros(4 * cells, symbols))
        self.glance = nn.Linear(cells, 3 * components)

    def start(self, batch: int) -> WindowState:
        """Return the state before the first step: zeros, the window before the text."""
        bias = self.lstm.bias
        w = bias.new_zeros(batch, self.symbols)
        return WindowState(*self.lstm.start(batch), w, bias.new_zeros(batch, self.components))

    def forward(
        self,
        x: Float[Tensor, "batch time inputs"],
        text: Int[Tensor, "batch positions"],
        state: WindowState,
    ) -> tuple[Float[Tensor, "batch time cells"], Float[Tensor, "batch time symbols"], WindowState]:
        """Run over all steps; return the hidden vectors, w at each step and the last state.

        Args:
            x: Input.
            text: Character ids, −1 after the end of shorter texts.
            state: State before the first step.
        """
        # The joint width of h and w is padded to a multiple of 8: odd widths are slow in MKL.
        cells = self.lstm.cells
        padding = (0, -(cells + self.symbols) % 8)
        width = self.symbols + padding[1]
        both, h, c, w, kappa = _WindowedRecurrence.apply(
            linear(x.transpose(0, 1), self.lstm.weight, self.lstm.bias),
            torch.cat([self.lstm.recurrent, functional.pad(self.reading, padding)], 1),
            self.lstm.peepholes,
            self.glance.weight,
            self.glance.bias,
            one_hot(text, width, x.dtype),
            state.h,
            state.c,
            functional.pad(state.w, padding),
            state.kappa,
            self.lstm.clip,
            self.window_clip,
        )
        hidden, reading = both.transpose(0, 1).split([cells, width], 2)
        return hidden, reading[:, :, : self.symbols], WindowState(h, c, w[:, : self.symbols], kappa)


def one_hot(
    text: Int[Tensor, "batch positions"], symbols: int, dtype: torch.dtype
) -> Float[Tensor, "batch positions symbols"]:
    """Return one-hot rows of the ids; a negative id gives a row of zeros."""
    return functional.one_hot(text.clamp(min=0), symbols).to(dtype) * (text >= 0).unsqueeze(2)
