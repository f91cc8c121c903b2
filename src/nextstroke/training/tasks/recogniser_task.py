"""Ink as examples for a reader: the same lines as a writer's, the other way round."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nextstroke.datasets.batches import Batch, Chunk, sorted_batches
from nextstroke.nets.recogniser_network import RecogniserNetwork, greedy
from nextstroke.text.edit_distance import edit_distance
from nextstroke.training.evaluation.metrics import RecognitionScore
from nextstroke.training.tasks.ink_task import InkExamples

SCORED = 64  # lines side by side


class ReaderExamples(InkExamples):
    """The two sides of a split, as a reader learns from them."""

    def tensors(self, share: Batch, chunk: Chunk | None, device: str) -> tuple[Tensor, ...]:
        """What the loss is worked out from: whole lines, their lengths, their texts."""
        points, lengths, text = (torch.from_numpy(part) for part in (share.points, share.lengths, share.text))
        return points.to(device), lengths, text.to(device)  # lengths are wanted on the processor

    def loss(self, network: RecogniserNetwork, tensors: Sequence[Tensor], state: tuple) -> tuple[Tensor, Tensor, tuple]:
        """Log-loss in nats, the number of characters, no state."""
        return network.log_loss(*tensors), (tensors[2] >= 0).sum().float(), ()

    @torch.no_grad()
    def score(self, network: Any, every: int = 1) -> RecognitionScore:
        """Score a network on every `every`-th validation line."""
        lines = self.validation[::every]
        loss, edits = 0.0, 0
        for batch in sorted_batches(np.array([len(line.offsets) for line in lines]), SCORED):
            share = Batch.of([lines[i] for i in batch], self.normalisation)
            device = next(network.parameters()).device.type
            points, lengths, text = self.tensors(share, None, device)
            loss += float(network.log_loss(points, lengths, text))
            read = greedy(network(points, lengths), lengths, network.nothing)
            edits += sum(edit_distance(lines[i].text.tolist(), found) for i, found in zip(batch, read, strict=True))
        return RecognitionScore(loss, edits, sum(len(line.text) for line in lines), len(lines))
