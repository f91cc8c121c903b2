"""Scores of handwriting networks: log-loss, squared error and letter test."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from nextstroke.datasets.batches import Batch, Example, Normalisation, sorted_batches
from nextstroke.nets.mixture import Mixture
from nextstroke.nets.networks import InkNetwork, NetworkState, SynthesisNetwork
from nextstroke.training.evaluation.metrics import InkScore


def run_network(
    network: InkNetwork,
    x: Tensor,
    text: Tensor,
    state: NetworkState,
) -> tuple[Tensor, NetworkState]:
    """Return y-hat of a chunk and the state after it; a prediction network ignores the text."""
    return network(x, text, state) if isinstance(network, SynthesisNetwork) else network(x, state)


@torch.no_grad()
def line_losses(
    network: InkNetwork,
    examples: Sequence[Example],
    normalisation: Normalisation,
    batch: int = 64,
) -> tuple[np.ndarray, np.ndarray]:
    """Return log-loss in nats and squared error of each line, both float64 (lines,).

    Args:
        batch: Number of lines that are read together.
    """
    learning = network.training
    network.eval()
    device = network.output.bias.device
    losses = np.zeros(len(examples))
    errors = np.zeros(len(examples))
    lengths = np.array([len(example.offsets) for example in examples])
    for chosen in sorted_batches(lengths, batch):
        lines = Batch.of([examples[i] for i in chosen], normalisation)
        state = network.start(lines.lines)
        for chunk in lines.chunks(200):
            x, target, mask, text = (torch.from_numpy(part).to(device) for part in chunk)
            y, state = run_network(network, x, text, state)
            mixture = Mixture.of(y)
            squared_distance = ((mixture.mean() - target[..., :2]) ** 2).sum(2)
            # float64 only on the CPU: not every device has it.
            losses[chosen] += (mixture.log_loss(target) * mask).cpu().double().sum(1).numpy()
            errors[chosen] += (squared_distance * mask).cpu().double().sum(1).numpy()
    network.train(learning)
    return losses, errors


def evaluate(
    network: InkNetwork,
    examples: Sequence[Example],
    normalisation: Normalisation,
) -> InkScore:
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
    """Return the share of lines whose right text scores better than one with a letter replaced.

    Needs no recogniser and does not depend on the ink's representation; chance is 0.5.

    Args:
        letters: Ids of the letters; one of a line's letters, at random, is replaced by another of
            them.
        seed: Random seed of the replacements.
    """
    rng = np.random.default_rng(seed)
    lines = [example for example in examples if np.isin(example.text, letters).any()]
    wrong = []
    for line in lines:
        text = line.text.copy()
        position = rng.choice(np.flatnonzero(np.isin(text, letters)))
        text[position] = rng.choice([letter for letter in letters if letter != text[position]])
        wrong.append(Example(line.offsets, text))
    right_loss, _ = line_losses(network, lines, normalisation)
    wrong_loss, _ = line_losses(network, wrong, normalisation)
    return float((right_loss < wrong_loss).mean())
