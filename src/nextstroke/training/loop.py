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
from nextstroke.errors import Diverged, WrongModel
from nextstroke.nets.matmul import bfloat16
from nextstroke.nets.networks import NetworkState
from nextstroke.training.cuda_graphs import Replayed
from nextstroke.training.distributed import Team
from nextstroke.training.evaluation.metrics import Score
from nextstroke.training.optimisers import (
    build_network,
    build_noise,
    build_optimiser,
    load_noise,
    load_optimiser,
    load_weights,
    rate_at,
)
from nextstroke.training.random_streams import Stream, stream_seed
from nextstroke.training.tasks.protocol import Batch, Examples

# On a GPU, batches are padded to multiples of these, because each shape is captured by itself.
STEP_MULTIPLE = 128  # points of a line
TEXT_MULTIPLE = 16  # characters of a text


@dataclass
class Progress:
    """Progress of a training, which checkpoints store next to the tensors.

    Attributes:
        update: Updates done.
        epoch, batch: Position of the next batch to read.
        points: Points, or symbols of a text, learned from so far.
        seconds: Time spent learning, without evaluation.
        train: Nats per point, running mean over about the last 200 updates.
        validation: Score at the last evaluation, in nats per line or bits per character.
        validation_point: The same in nats per point.
        best: Lowest `validation` of all evaluations on the same lines.
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

    def count_update(self, loss: float, points: int) -> None:
        """Count one update on `points` points with a summed loss in nats."""
        weight = max(1 / (self.update + 1), 1 / 200)
        self.train += weight * (loss / points - self.train)
        self.update += 1
        self.points += points


class Learner:
    """A network with its optimiser, weight noise and averaged weights, and the steps of learning.

    Args:
        recipe: Recipe of the training.
        examples: Training and validation data.
        team: Workers of the training; None for this process alone.
        device: Device as `open_device` returns it.
    """

    def __init__(
        self,
        recipe: Recipe,
        examples: Examples,
        team: Team | None = None,
        device: str = "cpu",
    ):
        self.recipe = recipe
        self.examples = examples
        self.team = team or Team()
        self.device = device
        self.network = build_network(recipe, len(examples.symbols)).to(device)
        self.average = copy.deepcopy(self.network)
        self.optimiser = build_optimiser(self.network, recipe.training)
        self.noise = build_noise(self.network, recipe.training, examples.sequences)
        self.progress = Progress()
        self.states: list[NetworkState] = []  # after the last batch, one for each shard
        self.weights: list[Tensor] = [weight for weight in self.network.parameters() if weight.numel()]
        self._gradients = Replayed(self._chunk_gradients)
        # Each worker takes as many shards of the joined batch, one after another, as it
        # accumulates.
        accumulate = recipe.training.accumulate
        self.shard_count = self.team.size * accumulate
        first = self.team.rank * accumulate
        self.shards = [slice(first + i, None, self.shard_count) for i in range(accumulate)]

    def run(self, after_batch: Callable[["Learner"], None]) -> None:
        """Learn until the recipe's number of updates.

        Args:
            after_batch: Called after each batch; may save, evaluate, and raise to stop.

        Raises:
            Diverged: a loss or gradient is not a number.
        """
        at = self.progress
        while at.update < self.recipe.training.updates:
            joined = self.recipe.training.batch * self.shard_count
            batches = self.examples.batches(joined, self.recipe, at.epoch)
            while at.batch < len(batches) and at.update < self.recipe.training.updates:
                began = time.perf_counter()
                self.learn_batch(batches[at.batch])
                at.batch += 1
                at.seconds += time.perf_counter() - began
                after_batch(self)
            if at.batch >= len(batches):
                at.epoch += 1
                at.batch = 0

    def learn_batch(self, chosen: np.ndarray) -> None:
        """Learn from one batch: an update for each chunk, whose last state is the next one's first."""
        batch = self._read(chosen)
        shards = [batch.shard(rows) for rows in self.shards]
        if batch.fresh or not self.states:
            self.states = [self.network.start(shard.lines) for shard in shards]
        seed = self.recipe.seed
        position = (self.progress.epoch, self.progress.batch)
        in_chunks = [shard.chunks(self.recipe.training.chunk) for shard in shards]
        for number, chunks in enumerate(zip(*in_chunks, strict=True)):
            totals = torch.zeros(2, device=self.device)
            self.noise.perturb(stream_seed(seed, Stream.WEIGHT_NOISE, *position))
            for i, (rows, chunk) in enumerate(zip(self.shards, chunks, strict=True)):
                torch.manual_seed(stream_seed(seed, Stream.DROPOUT, *position, number, rows.start))
                loss_and_points, self.states[i] = self._learn_chunk(chunk, self.states[i])
                totals += loss_and_points
            self.update(totals, batch.lines)

    def _read(self, chosen: np.ndarray) -> Batch:
        batch = self.examples.read(chosen, self.recipe, self.progress.epoch, self.progress.batch)
        if self.device.startswith("cuda"):
            return batch.padded(self.recipe.training.chunk or STEP_MULTIPLE, TEXT_MULTIPLE)
        return batch

    def _learn_chunk(
        self,
        chunk: tuple[np.ndarray, ...],
        state: NetworkState,
    ) -> tuple[Tensor, NetworkState]:
        """Accumulate one chunk's gradient; return its loss and points, and the state after it."""
        inputs = self.examples.tensors(chunk, self.device)
        totals, *results = self._gradients(*inputs, *(tensor for part in state for tensor in part))
        if totals.is_cuda and len(self.shards) > 1:
            # The results of a replay lie in its own memory, which the next shard's would overwrite.
            results = [tensor.clone() for tensor in results]
        for weight, gradient in zip(self.weights, results, strict=False):
            weight.grad = gradient if weight.grad is None else weight.grad + gradient
        return totals, fill_state(state, results[len(self.weights) :])

    def _chunk_gradients(self, *tensors: Tensor) -> list[Tensor]:
        """Return summed loss and number of points, the gradients, and the parts of the state after it.

        Args:
            tensors: Inputs of the loss, then the parts of the state before the chunk.
        """
        start = self.network.start(1)
        inputs = len(tensors) - sum(map(len, start))
        before = fill_state(start, tensors[inputs:])
        loss, points, after = self.examples.loss(self.network, tensors[:inputs], before)
        # Some are views of larger ones; optimisers want them laid out as the weights are.
        gradients = [gradient.contiguous() for gradient in torch.autograd.grad(loss, self.weights)]
        detached = [tensor.detach() for part in after for tensor in part]
        return [torch.stack([loss.detach(), points]), *gradients, *detached]

    def update(self, totals: Tensor, lines: int) -> None:
        """Move the weights by the gradients of all shards of all workers.

        Args:
            totals: Summed loss in nats and number of points of this worker's shards, (2,).
            lines: Lines of the joined batch.

        Raises:
            Diverged: the gradient is not finite.
        """
        gradients = [weight.grad for weight in self.weights if weight.grad is not None]
        self.team.sum([totals, *gradients])
        divisor = totals[1] if self.recipe.training.loss == "mean" else float(lines)
        norm = self._move(gradients, divisor)
        # Read all numbers at once, because a GPU is idle during each wait.
        loss, points, norm = torch.stack([*totals, norm]).tolist()
        # If the norm is not finite, the weights are already damaged, but not yet saved.
        if not math.isfinite(norm):
            problem = f"update {self.progress.update}: {self._not_finite()} is not finite"
            raise Diverged(f"{problem}; set a lower training.learning_rate")
        self.optimiser.zero_grad()
        self.progress.count_update(loss, int(points))

    def _move(self, gradients: list[Tensor], divisor: Tensor | float) -> Tensor:
        """Make one step with the summed gradients over `divisor`; return their norm before clipping."""
        torch._foreach_div_(gradients, divisor)
        self.noise.restore_weights()
        self.noise.complete_gradients(divisor)
        self.noise.step()
        norm = torch.stack(torch._foreach_norm(gradients)).norm()
        if (bound := self.recipe.training.norm_clip) is not None:
            shrunk = (bound / (norm + 1e-6)).clamp(max=1)
            # A norm that is not finite would spread to all gradients and hide its origin.
            torch._foreach_mul_(gradients, torch.where(norm.isfinite(), shrunk, 1.0))
        for group in self.optimiser.param_groups:
            share = rate_at(self.progress.update, self.recipe.training)
            group["lr"] = self.recipe.training.learning_rate * share
        self.optimiser.step()
        self.update_ema()
        return norm

    def _not_finite(self) -> str:
        """Return the name of the first gradient that is not finite."""
        for name, weight in self.network.named_parameters():
            if weight.grad is not None and not torch.isfinite(weight.grad).all():
                return f"the gradient w.r.t. {name}"
        return "the norm of all gradients"

    @torch.no_grad()
    def update_ema(self) -> None:
        """Move the averaged weights towards the weights.

        The decay grows from 0 to `average_decay`, so that the initial weights are soon forgotten.
        """
        update = self.progress.update
        decay = min(self.recipe.training.average_decay, update / (update + 10))
        averaged: list[Tensor] = list(self.average.parameters())
        current: list[Tensor] = list(self.network.parameters())
        torch._foreach_lerp_(averaged, current, 1 - decay)

    def score(self, every: int = 1) -> Score:
        """Score the averaged weights on each `every`-th part of the validation set; record it."""
        with bfloat16("cpu", False):
            score = self.examples.score(self.average, every)
        self.progress.validation = score.selection_metric
        self.progress.validation_point = score.nats_per_point
        return score

    def state(self) -> dict[str, Tensor]:
        """Return all tensors that a resumed training needs, by name."""
        tensors = {f"network.{name}": tensor for name, tensor in self.network.state_dict().items()}
        tensors |= {f"average.{name}": tensor for name, tensor in self.average.state_dict().items()}
        for i, slots in self.optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser.{i}.{name}": tensor for name, tensor in slots.items()}
        return tensors | {f"noise.{name}": tensor for name, tensor in self.noise.state().items()}

    def stream_state(self) -> dict[str, Tensor]:
        """Return the state that the next batch begins with, of all workers' streams, by name.

        All workers must call it together. Empty where the next batch begins with a fresh state.
        """
        if self.examples.fresh(self.progress.batch) or not self.states:
            return {}
        joined = {}
        for layer, first in enumerate(self.states[0]):
            for name in first._fields:
                parts = [getattr(state[layer], name) for state in self.states]
                # One tensor for all streams; those of the other workers are zero until the sum.
                whole = parts[0].new_zeros(sum(map(len, parts)) * self.team.size, *parts[0].shape[1:])
                for rows, part in zip(self.shards, parts, strict=True):
                    whole[rows] = part
                joined[f"carried.{layer}.{name}"] = whole
        self.team.sum(joined.values())
        return joined

    def start_from(self, weights: dict[str, Tensor], source: Path) -> None:
        """Begin with the weights of another training instead of initial ones."""
        load_weights(self.network, weights, source)
        load_weights(self.average, weights, source)

    def restore(self, tensors: dict[str, Tensor], progress: dict, source: Path) -> None:
        """Load what `state` and `stream_state` returned, on any number of workers.

        Raises:
            WrongModel: the tensors are those of another network.
        """
        load_weights(self.network, strip_prefix("network.", tensors), source)
        load_weights(self.average, strip_prefix("average.", tensors), source)
        load_optimiser(self.optimiser, self.recipe.training, strip_prefix("optimiser.", tensors), source)
        load_noise(self.noise, strip_prefix("noise.", tensors), source)
        self.progress = Progress(**progress)
        if joined := strip_prefix("carried.", tensors):
            start = self.network.start(1)
            names = [f"{layer}.{part}" for layer, state in enumerate(start) for part in state._fields]
            self._check_carried(joined, dict(zip(names, flat_state(start), strict=True)), source)
            self.states = []
            for rows in self.shards:
                parts = [joined[name][rows].clone().to(self.device) for name in names]
                self.states.append(fill_state(start, parts))

    def _check_carried(
        self,
        joined: dict[str, Tensor],
        start: dict[str, Tensor],
        source: Path,
    ) -> None:
        """Raise WrongModel unless a stored state fits the network and the number of lines of a batch."""
        lines = self.recipe.training.batch * self.shard_count
        for name, part in start.items():
            found = joined.get(name)
            if found is None or found.shape[1:] != part.shape[1:] or found.dtype != part.dtype:
                problem = f"the state of {name} does not fit; it was made by another recipe"
                raise WrongModel(f"{source}: {problem}")
            if len(found) != lines:
                raise WrongModel(
                    f"{source}: its checkpoint carries the state of {len(found)} lines, a batch has {lines} now; "
                    "resume with as many lines, or name another --run"
                )


def flat_state(state: NetworkState) -> list[Tensor]:
    """Return the parts of a state in their order."""
    return [part for layer in state for part in layer]


def fill_state(like: NetworkState, tensors: Iterable[Tensor]) -> NetworkState:
    """Return a state with the parts of `like`, filled with tensors in their order."""
    remaining = iter(tensors)
    return tuple(type(part)(*islice(remaining, len(part))) for part in like)


def strip_prefix(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors whose names begin with `prefix`, without it."""
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
