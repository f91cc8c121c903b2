"""Validation nats of model files, stepped point by point as `nextstroke write` does: what storing the weights costs.

python benchmarks/stepping.py MODEL... --corpus data/iam.packed --every 8
"""

import argparse
from pathlib import Path

import numpy as np
import torch

from nextstroke.config import make_recipe
from nextstroke.datasets.batches import Batch, Example, Normalisation, sorted_batches
from nextstroke.datasets.packed_ink import InkCorpus
from nextstroke.nets.mixture import Mixture
from nextstroke.runtime.model_file import Model
from nextstroke.runtime.predictor import WriterPredictor
from nextstroke.training.tasks.ink_task import make_examples


def stepped_loss(model: Model, lines: list[Example], normalisation: Normalisation) -> float:
    """Sum of −log density of a batch of lines, in nats."""
    batch = Batch.of(lines, normalisation)
    predictor = WriterPredictor(model, [line.text for line in lines])
    before, loss = np.zeros((len(lines), 3), np.float32), 0.0
    for t in range(batch.points.shape[1]):
        predictor.observe(before)
        before = batch.points[:, t]
        losses = Mixture.of(torch.from_numpy(predictor.y)).log_loss(torch.from_numpy(before))
        loss += float(losses.double()[torch.from_numpy(t < batch.lengths)].sum())
    return loss


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("models", nargs="+", type=Path)
    arguments.add_argument("--corpus", type=Path, default=Path("data/iam.packed"))
    arguments.add_argument("--every", type=int, default=8)
    given = arguments.parse_args()
    for path in given.models:
        model = Model(path)
        data = make_recipe(model.metadata["recipe"], path).data
        lines = make_examples(InkCorpus.open(given.corpus), data).validation[:: given.every]
        normalisation = Normalisation(**{key: tuple(pair) for key, pair in model.metadata["normalisation"].items()})
        batches = sorted_batches(np.array([len(line.offsets) for line in lines]), 48)
        loss = sum(stepped_loss(model, [lines[i] for i in chosen], normalisation) for chosen in batches)
        print(f"{path}: {loss / len(lines):.3f} nats a line, {len(lines)} lines, {path.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
