"""How well handwriting networks predict and read."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from nextstroke.datasets.batches import Batch, Example, Normalisation, sorted_batches
from nextstroke.nets.mixture import Mixture
from nextstroke.nets.networks import PredictionNetwork, SynthesisNetwork
from nextstroke.training.evaluation.metrics import InkScore


def run_network(network: PredictionNetwork, x: Tensor, text: Tensor, state):
    """One pass over a chunk: (y-hat, state); a prediction network leaves the text aside."""
    return network(x, text, state) if isinstance(network, SynthesisNetwork) else network(x, state)


@torch.no_grad()
def line_losses(
    network: PredictionNetwork,
    examples: Sequence[Example],
    normalisation: Normalisation,
    batch: int = 64,
) -> tuple[np.ndarray, np.ndarray]:
    """Log-loss in nats and squared error of each line, both float64 of shape (lines,)."""
    learning = network.training
    network.eval()
    losses, errors = np.zeros(len(examples)), np.zeros(len(examples))
    for chosen in sorted_batches(np.array([len(example.offsets) for example in examples]), batch):
        lines = Batch.of([examples[i] for i in chosen], normalisation)
        losses[chosen], errors[chosen] = _batch_losses(network, lines)
    network.train(learning)
    return losses, errors


def _batch_losses(network: PredictionNetwork, batch: Batch) -> tuple[np.ndarray, np.ndarray]:
    device = network.output.bias.device
    text, state = torch.from_numpy(batch.text).to(device), network.start(len(batch.text))
    loss, error = torch.zeros(len(batch.text), dtype=torch.float64), torch.zeros(len(batch.text), dtype=torch.float64)
    for chunk in batch.chunks(200):
        x, target, mask = (torch.from_numpy(part).to(device) for part in chunk)
        y, state = run_network(network, x, text, state)
        mixture = Mixture.of(y)
        # float64 only on the CPU: not every device has it.
        loss += (mixture.log_loss(target) * mask).cpu().double().sum(1)
        missed = ((mixture.mean() - target[..., :2]) ** 2).sum(2)
        error += (missed * mask).cpu().double().sum(1)
    return loss.numpy(), error.numpy()


def evaluate(network: PredictionNetwork, examples: Sequence[Example], normalisation: Normalisation) -> InkScore:
    """Score a network on `examples`; no offset is clipped."""
    losses, errors = line_losses(network, examples, normalisation)
    points = sum(len(example.offsets) for example in examples)
    return InkScore(float(losses.sum()), float(errors.sum()), points, len(examples))


def letter_test(
    network: SynthesisNetwork,
    examples: Sequence[Example],
    normalisation: Normalisation,
    letters: Sequence[int],
    seed: int = 1,
) -> float:
    """Share of lines whose right text scores better than the same text with one letter replaced.

    Needs no recogniser and does not depend on the ink's representation; chance is 0.5.

    Args:
        letters: Ids of the letters; one of a line's letters, at random, is replaced by another of them.
    """
    rng = np.random.default_rng(seed)
    lines = [example for example in examples if np.isin(example.text, letters).any()]
    wrong = [Example(example.offsets, _misspelt(example.text, letters, rng)) for example in lines]
    right_loss, _ = line_losses(network, lines, normalisation)
    wrong_loss, _ = line_losses(network, wrong, normalisation)
    return float((right_loss < wrong_loss).mean())


def _misspelt(text: np.ndarray, letters: Sequence[int], rng: np.random.Generator) -> np.ndarray:
    place = rng.choice(np.flatnonzero(np.isin(text, letters)))
    changed = text.copy()
    changed[place] = rng.choice([letter for letter in letters if letter != text[place]])
    return changed
