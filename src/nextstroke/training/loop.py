"""The training loop, the same for ink and for text."""

import copy
import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from nextstroke.config import Recipe
from nextstroke.errors import Diverged
from nextstroke.nets.matmul import bfloat16
from nextstroke.training.cuda_graphs import Replayed
from nextstroke.training.distributed import Team
from nextstroke.training.evaluation.metrics import Score
from nextstroke.training.optimisers import (
    build_network,
    build_noise,
    build_optimiser,
    load_noise,
    load_weights,
    rate_at,
)
from nextstroke.training.tasks.protocol import Batch, Examples

# Whole lines and texts are padded to multiples of these for a GPU, which prepares for each shape.
GRAIN, PLACES = 128, 16


@dataclass
class Progress:
    """Where a training stands; what a checkpoint stores beside the tensors.

    Attributes:
        update, epoch, batch: Updates done; the next batch to read.
        points: Points, or symbols of a text, learned from so far.
        seconds: Time spent learning, evaluation left out.
        train: Nats per point, running mean over about the last 200 updates.
        validation: The score at the last evaluation, nats per line or bits per character; `validation_point` in nats
            per point.
        best: The lowest `validation` of all evaluations on the same lines.
    """

    update: int = 0
    epoch: int = 0
    batch: int = 0
    points: int = 0
    seconds: float = 0.0
    train: float = 0.0
    validation: float = float("nan")
    validation_point: float = float("nan")
    best: float = float("inf")

    def saw(self, loss: float, points: int) -> None:
        """Count one update on `points` points with a summed loss in nats."""
        share = max(1 / (self.update + 1), 1 / 200)
        self.train += share * (loss / points - self.train)
        self.update += 1
        self.points += points


class Learner:
    """A network, its optimiser and its running average, and one step of learning.

    Args:
        recipe: What to build.
        examples: What to learn from.
        team: Who else learns.
    """

    def __init__(self, recipe: Recipe, examples: Examples, team: Team | None = None, device: str = "cpu"):
        self.recipe, self.examples, self.team, self.device = recipe, examples, team or Team(), device
        self.network = build_network(recipe, len(examples.symbols)).to(device)
        self.average = copy.deepcopy(self.network)
        self.optimiser = build_optimiser(self.network, recipe.training)
        self.noise = build_noise(self.network, recipe.training, examples.sequences)
        self.progress = Progress()
        self.states: list[tuple] = []  # of the network behind the last batch, one for each share
        self.weights = [weight for weight in self.network.parameters() if weight.numel()]
        self._gradients = Replayed(self._chunk_gradients)
        # Of the joined batch each worker takes as many shares, one after another, as the recipe accumulates.
        times, team = recipe.training.accumulate, self.team
        self.shares = [Team(team.rank * times + i, team.size * times) for i in range(times)]

    def run(self, after_batch: Callable[["Learner"], None]) -> None:
        """Learn until the recipe's number of updates; `after_batch` may save, evaluate, stop by raising.

        Raises:
            Diverged: a loss or gradient is not a number.
        """
        at = self.progress
        while at.update < self.recipe.training.updates:
            joined = self.recipe.training.batch * self.shares[0].size
            batches = self.examples.batches(joined, self.recipe, at.epoch)
            while at.batch < len(batches) and at.update < self.recipe.training.updates:
                began = time.perf_counter()
                self._learn_batch(batches[at.batch])
                at.batch += 1
                at.seconds += time.perf_counter() - began
                after_batch(self)
            if at.batch >= len(batches):
                at.epoch, at.batch = at.epoch + 1, 0

    def _learn_batch(self, chosen: np.ndarray) -> None:
        """One batch, chunk by chunk with carried state, one update each."""
        batch = self._read(chosen)
        shares = [batch.share(own) for own in self.shares]
        if batch.fresh or not self.states:
            self.states = [self.network.start(share.lines) for share in shares]
        steps = self.recipe.training.chunk
        for place, chunks in enumerate(zip(*(share.chunks(steps) for share in shares), strict=True)):
            totals = torch.zeros(2, device=self.device)
            self.noise.add((self.recipe.seed, self.progress.epoch, self.progress.batch))
            for i, (own, share, chunk) in enumerate(zip(self.shares, shares, chunks, strict=True)):
                # Dropout is drawn from the place in the order, so that a resumed training draws the same.
                torch.manual_seed(hash((self.recipe.seed, self.progress.epoch, self.progress.batch, place, own.rank)))
                seen, self.states[i] = self._learn_chunk(share, chunk, self.states[i])
                totals += seen
            self._update(totals, batch.lines)

    def _read(self, chosen: np.ndarray) -> Batch:
        batch = self.examples.read(chosen, self.recipe, self.progress.epoch, self.progress.batch)
        on_gpu = self.device.startswith("cuda")
        return batch.padded(self.recipe.training.chunk or GRAIN, PLACES) if on_gpu else batch

    def _learn_chunk(self, share: Batch, chunk: tuple, state: tuple) -> tuple[Tensor, tuple]:
        """Add a chunk's gradient to the weights'; its loss and points, and the state to carry on."""
        inputs = self.examples.tensors(share, chunk, self.device)
        totals, *found = self._gradients(*inputs, *(tensor for part in state for tensor in part))
        if totals.is_cuda and len(self.shares) > 1:
            # What a replay returns lies in its own memory, which the next share's would overwrite.
            found = [tensor.clone() for tensor in found]
        for weight, gradient in zip(self.weights, found, strict=False):
            weight.grad = gradient if weight.grad is None else weight.grad + gradient
        return totals, state_of(state, found[len(self.weights) :])

    def _chunk_gradients(self, *tensors: Tensor) -> list[Tensor]:
        """Summed loss and number of points, the derivatives by the weights, and the state to carry on."""
        start = self.network.start(1)
        inputs = len(tensors) - sum(map(len, start))
        state = state_of(start, tensors[inputs:])
        loss, points, state = self.examples.loss(self.network, tensors[:inputs], state)
        # Some are views of larger ones; optimisers want them laid out as the weights are.
        gradients = [gradient.contiguous() for gradient in torch.autograd.grad(loss, self.weights)]
        after = [tensor.detach() for part in state for tensor in part]
        return [torch.stack([loss.detach(), points]), *gradients, *after]

    def _update(self, totals: Tensor, lines: int) -> None:
        """Move the weights by the gradient of all shares of all workers, `totals` being the loss and points of ours."""
        gradients = [weight.grad for weight in self.weights if weight.grad is not None]
        self.team.sum([totals, *gradients])
        norm = self._move(gradients, totals[1] if self.recipe.training.loss == "mean" else float(lines))
        # All is asked for at once: a GPU that is waited for has nothing to do.
        loss, points, norm = torch.stack([*totals, norm]).tolist()
        # What was moved by such a norm is lost with this learner; nothing has saved it.
        if not math.isfinite(norm):
            raise Diverged(f"update {self.progress.update}: {self._culprit()} is not finite; try a lower rate")
        self.optimiser.zero_grad()
        self.progress.saw(loss, int(points))

    def _move(self, gradients: list[Tensor], divisor: Tensor | float) -> Tensor:
        """One step of the optimiser with the summed gradients over `divisor`; returns their norm before clipping."""
        torch._foreach_div_(gradients, divisor)
        self.noise.remove(divisor)
        norm = torch.stack(torch._foreach_norm(gradients)).norm()
        if (bound := self.recipe.training.norm_clip) is not None:
            shrunk = (bound / (norm + 1e-6)).clamp(max=1)
            # A norm that is no number would spread over all of them, and hide where it came from.
            torch._foreach_mul_(gradients, torch.where(norm.isfinite(), shrunk, 1.0))
        for group in self.optimiser.param_groups:
            group["lr"] = self.recipe.training.learning_rate * rate_at(self.progress.update, self.recipe.training)
        self.optimiser.step()
        self.update_ema()
        return norm

    def _culprit(self) -> str:
        gradients = ((name, weight.grad) for name, weight in self.network.named_parameters())
        bad = (name for name, gradient in gradients if gradient is not None and not torch.isfinite(gradient).all())
        return f"the derivative by {next(bad, 'all weights together')}"

    @torch.no_grad()
    def update_ema(self) -> None:
        """Move the average towards the weights; it starts as a plain mean."""
        keep = min(self.recipe.training.average_decay, self.progress.update / (self.progress.update + 10))
        mine: list[Tensor] = list(self.average.parameters())
        theirs: list[Tensor] = list(self.network.parameters())
        torch._foreach_lerp_(mine, theirs, 1 - keep)

    def score(self, every: int = 1) -> Score:
        """Score the averaged weights on every `every`-th part of the validation set, and note it in `progress`."""
        with bfloat16("cpu", False):
            score = self.examples.score(self.average, every)
        self.progress.validation, self.progress.validation_point = score.selection_metric, score.nats_per_point
        return score

    def state(self) -> dict[str, Tensor]:
        """All tensors a resumed training needs, by name."""
        tensors = {f"network.{name}": tensor for name, tensor in self.network.state_dict().items()}
        tensors |= {f"average.{name}": tensor for name, tensor in self.average.state_dict().items()}
        for i, slots in self.optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser.{i}.{name}": tensor for name, tensor in slots.items()}
        return tensors | {f"noise.{name}": tensor for name, tensor in self.noise.state().items()}

    def stream_state(self) -> dict[str, Tensor]:
        """The state that the next batch begins with, of all workers' streams together; all workers ask at once."""
        if self.examples.fresh(self.progress.batch) or not self.states:
            return {}
        joined = {
            f"carried.{layer}.{part}": self._joined([getattr(state[layer], part) for state in self.states])
            for layer, first in enumerate(self.states[0])
            for part in first._fields
        }
        self.team.sum(joined.values())
        return joined

    def _joined(self, parts: list[Tensor]) -> Tensor:
        """One tensor for all streams, those of the other workers zero."""
        whole = parts[0].new_zeros(sum(map(len, parts)) * self.team.size, *parts[0].shape[1:])
        for own, part in zip(self.shares, parts, strict=True):
            own.share(whole).copy_(part)
        return whole

    def _carry_on(self, joined: dict[str, Tensor]) -> None:
        """Go on from what `carried` gave, on any number of workers."""
        self.states = [
            tuple(
                type(state)(*(own.share(joined[f"{layer}.{part}"]).clone() for part in state._fields))
                for layer, state in enumerate(self.network.start(1))
            )
            for own in self.shares
        ]

    def start_from(self, weights: dict[str, Tensor], source: Path) -> None:
        """Begin with the weights of another training instead of fresh ones."""
        load_weights(self.network, weights, source)
        load_weights(self.average, weights, source)

    def restore(self, tensors: dict[str, Tensor], progress: dict, source: Path) -> None:
        """Go on from `state()`; raises WrongModel when it belongs to another network."""
        load_weights(self.network, strip_prefix("network.", tensors), source)
        load_weights(self.average, strip_prefix("average.", tensors), source)
        slots: dict[int, dict[str, Tensor]] = {}
        for name, tensor in strip_prefix("optimiser.", tensors).items():
            number, slot = name.split(".", 1)
            slots.setdefault(int(number), {})[slot] = tensor
        groups = self.optimiser.state_dict()["param_groups"]
        self.optimiser.load_state_dict({"state": slots, "param_groups": groups})
        load_noise(self.noise, strip_prefix("noise.", tensors), source)
        self.progress = Progress(**progress)
        if joined := strip_prefix("carried.", tensors):
            self._carry_on(joined)


def state_of(like: Iterable[tuple], tensors: Iterable[Tensor]) -> tuple:
    """A network's state with the parts of `like`, filled with tensors in their order."""
    left = iter(tensors)
    return tuple(type(part)(*islice(left, len(part))) for part in like)


def strip_prefix(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors whose names begin with `prefix`, without it."""
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
