"""What a density gives to points of whole numbers: the log-loss of a network by kind of offset.

    python benchmarks/lattice.py MODEL CORPUS [--every N] [--json]

IAM-OnDB's offsets are whole numbers, and some are 0 in both directions: the pen rested. A continuous density may be as
high as it likes at such points, so that a part of every figure in nats a line says how sharp a network dared to be
there. MODEL is of raw ink.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from nextstroke.datasets.batches import Batch
from nextstroke.nets.mixture import Mixture
from nextstroke.training.device import prepare_core
from nextstroke.training.evaluation.handwriting import run_network
from nextstroke.training.evaluation.runs import open_run
from nextstroke.training.tasks.ink_task import InkExamples
from nextstroke.training.tasks.protocol import open_examples


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    prepare_core()
    network, recipe, about, _, _ = open_run(options.model)
    examples, _ = open_examples(recipe, options.corpus, about)
    if not isinstance(examples, InkExamples):
        parser.error(f"{options.model}: not a network of ink")
    lines = examples.validation[:: options.every]
    told = points(network, lines, examples.normalisation)
    offsets, nats = (np.concatenate(parts) for parts in zip(*told, strict=True))
    still = (offsets == 0).all(1)
    figures: dict[str, float] = {"lines": len(lines)}
    for name, chosen in kinds(offsets, still).items():
        figures |= {f"{name}, points a line": chosen.sum() / len(lines), f"{name}, nats a point": nats[chosen].mean()}
    figures |= {"all, nats a line": nats.sum() / len(lines), "repeated, nats a line": nats[still].sum() / len(lines)}
    figures = {name: round(float(value), 3) for name, value in figures.items()}
    print(json.dumps(figures) if options.json else "\n".join(f"{name:36}{value:12}" for name, value in figures.items()))


def kinds(offsets: np.ndarray, still: np.ndarray) -> dict[str, np.ndarray]:
    """Which points are of which kind."""
    straight = (offsets == 0).any(1) & ~still
    far = (np.abs(offsets) > 100).any(1)
    return {"repeated": still, "straight": straight, "farther than 100": far, "others": ~(still | straight | far)}


@torch.no_grad()
def points(network, lines, normalisation) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Offsets in the corpus' units and what each costs in nats, the end of the stroke left out."""
    mean, std = (torch.tensor(part) for part in (normalisation.mean, normalisation.std))
    for first in range(0, len(lines), 32):
        batch = Batch.of(lines[first : first + 32], normalisation)
        state = network.start(batch.lines)
        for chunk in batch.chunks(200):
            x, target, mask, text = map(torch.from_numpy, chunk)
            y, state = run_network(network, x, text, state)
            cost, there = -Mixture.of(y).log_density(target[..., :2]), mask > 0
            yield (target[..., :2] * std + mean)[there].round().numpy(), cost[there].numpy()


if __name__ == "__main__":
    main()
