"""The paper's RMSProp (section 4.2, equations 38 to 41)."""

from collections.abc import Iterable

import torch
from torch import Tensor

SLOTS = ("square", "mean", "delta")  # running means of each weight, as checkpoints name them


class GravesRMSProp(torch.optim.Optimizer):
    """Centred RMSProp with momentum on the step and the constant inside the root.

    torch.optim.RMSprop adds its constant outside the root; with small gradients its steps are about
    twelve times larger. The constant is absolute, so the gradient must be that of the SUM over a
    line, not of a mean.

    Args:
        parameters: Weights to move.
        learning_rate: ℷ of the paper.
        decay: ℵ, the decay of both running means.
        momentum: ℶ, the momentum of the step.
        damping: ℸ, the constant inside the root.
    """

    def __init__(
        self,
        parameters: Iterable[Tensor],
        learning_rate: float = 1e-4,
        decay: float = 0.95,
        momentum: float = 0.9,
        damping: float = 1e-4,
    ):
        super().__init__(parameters, {"lr": learning_rate, "decay": decay, "momentum": momentum, "damping": damping})

    @torch.no_grad()
    def step(self, closure=None):  # type: ignore[override]
        """Move every weight that has a gradient."""
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    self._move(weight, group)

    def _move(self, weight: Tensor, group: dict) -> None:
        if not self.state[weight]:
            self.state[weight] = {name: torch.zeros_like(weight) for name in SLOTS}
        square, mean, delta = (self.state[weight][name] for name in SLOTS)
        gradient = weight.grad
        decay = group["decay"]
        square.mul_(decay).addcmul_(gradient, gradient, value=1 - decay)
        mean.mul_(decay).add_(gradient, alpha=1 - decay)
        # A mean of squares is not less than the square of the mean, but its rounding may be.
        root = (square - mean * mean).clamp_(min=0).add_(group["damping"]).sqrt_()
        delta.mul_(group["momentum"]).addcdiv_(gradient, root, value=-group["lr"])
        weight.add_(delta)
