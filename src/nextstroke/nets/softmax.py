"""The output layer of text networks: one of K symbols (section 3, equations 12 to 14)."""

from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional


def log_loss(
    y: Float[Tensor, "batch time symbols"],
    target: Int[Tensor, "batch time"],
) -> Float[Tensor, "batch time"]:
    """Return −log Pr of each next symbol in nats (equation 13); 0 where `target` is −1."""
    logits = y.flatten(0, 1)
    flat = functional.cross_entropy(logits, target.flatten(), ignore_index=-1, reduction="none")
    return flat.view_as(target)


def expected_log_loss(
    y: Float[Tensor, "batch time symbols"], expected: Float[Tensor, "batch time symbols"]
) -> Float[Tensor, "batch time"]:
    """Return −log Pr in nats, averaged over a teacher's distribution of each next symbol.

    Where the distribution is zero the loss is 0. The gradient w.r.t. `y` is Pr − `expected`, where
    that of `log_loss` is Pr − the one-hot vector of the target.
    """
    return -(functional.log_softmax(y, 2) * expected.to(y.dtype)).sum(2)
