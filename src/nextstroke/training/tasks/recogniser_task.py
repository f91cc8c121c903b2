"""Recognition: the same lines as handwriting synthesis, with the text to predict from the ink."""

from collections.abc import Sequence
from typing import cast

import numpy as np
import torch
from torch import Tensor

from nextstroke.datasets.batches import Batch, Example, Normalisation, sorted_batches
from nextstroke.nets.networks import Network, NetworkState
from nextstroke.nets.recogniser_network import RecogniserNetwork, greedy
from nextstroke.text.edit_distance import edit_distance
from nextstroke.training.evaluation.metrics import RecognitionScore

SCORED = 64  # lines in a batch


class RecognitionTask:
    """Recognition of whole lines of ink."""

    def tensors(self, chunk: tuple[np.ndarray, ...], device: str) -> tuple[Tensor, ...]:
        """Return the points, the lengths and the texts of whole lines."""
        _, points, mask, text = chunk
        # The loss wants the lengths on the CPU.
        lengths = torch.from_numpy(mask.sum(1).astype(np.int64))
        return torch.from_numpy(points).to(device), lengths, torch.from_numpy(text).to(device)

    def loss(
        self, network: Network, tensors: Sequence[Tensor], state: NetworkState
    ) -> tuple[Tensor, Tensor, NetworkState]:
        """Return the log-loss in nats and the number of characters; there is no state."""
        points, lengths, text = tensors
        recogniser = cast(RecogniserNetwork, network)
        return recogniser.log_loss(points, lengths, text), (text >= 0).sum().float(), ()

    @torch.no_grad()
    def score(
        self,
        network: Network,
        lines: Sequence[Example],
        normalisation: Normalisation,
    ) -> RecognitionScore:
        """Score a network on some lines."""
        recogniser = cast(RecogniserNetwork, network)
        device = next(recogniser.parameters()).device.type
        loss = 0.0
        edits = 0
        for chosen in sorted_batches(np.array([len(line.offsets) for line in lines]), SCORED):
            batch = Batch.of([lines[i] for i in chosen], normalisation)
            for chunk in batch.chunks(None):
                points, lengths, text = self.tensors(chunk, device)
                loss += float(recogniser.log_loss(points, lengths, text))
                found = greedy(recogniser(points, lengths), lengths, recogniser.blank)
                for i, ids in zip(chosen, found, strict=True):
                    edits += edit_distance(lines[i].text.tolist(), ids)
        return RecognitionScore(loss, edits, sum(len(line.text) for line in lines), len(lines))
