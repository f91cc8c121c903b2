"""Profile of a training step, measured inside real steps."""

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial

import numpy as np
import torch
from torch.profiler import ProfilerActivity, profile, record_function

from nextstroke.alphabet import Alphabet
from nextstroke.config import Recipe
from nextstroke.datasets.batches import Example, Normalisation
from nextstroke.nets.mixture import Mixture
from nextstroke.training.device import prepare_core
from nextstroke.training.loop import Learner
from nextstroke.training.tasks.ink_task import InkExamples

LETTERS = Alphabet.paper()
POINTS = 300  # of a random line
CHARACTERS = 30  # of a random line
TRAINING = {"batch": 16, "chunk": 100, "norm_clip": 1.0, "average_decay": 0.999}
AUGMENTATION = {
    "augment_scale": 0.1,
    "augment_stretch": 0.1,
    "augment_shear": 0.1,
    "augment_slope": 0.03,
}
# Operations that are matrix products.
PRODUCTS = {
    "mkldnn::_linear_pointwise",
    "mkldnn::_reorder_linear_weight",
    "aten::mm",
    "aten::addmm",
    "aten::bmm",
}
# Parts by the name of the innermost block that an operation is in.
OWNERS = {
    "_WindowedRecurrence": "window, and gates of its layer",
    "_Recurrence": "gates of the other layers",
    "_Linear": "rest of the network",
    "network": "rest of the network",
    "mixture": "mixture",
    "update": "optimiser and average",
    "data": "data",
}

Watch = Callable[[str], AbstractContextManager]


def made_up_learner(**training) -> Learner:
    """Return a learner of a synthesis network of the paper's size with one batch of random lines.

    Args:
        training: Changes of the recipe's section.
    """
    settings = {**TRAINING, **AUGMENTATION, **training}
    recipe = Recipe.model_validate({"kind": "writer", "training": settings})
    rng = np.random.default_rng(1)
    lines = []
    for _ in range(recipe.training.batch):
        offsets = rng.normal(0, 1, (POINTS, 3)).astype(np.float32)
        offsets[:, 2] = rng.random(POINTS) < 0.05
        lines.append(Example(offsets, rng.integers(0, len(LETTERS), CHARACTERS)))
    normalisation = Normalisation.of([line.offsets for line in lines])
    return Learner(recipe, InkExamples(lines, lines[:1], LETTERS, normalisation))


def learn_watched(learner: Learner, watch: Watch) -> None:
    """Learn from one batch as `Learner.learn_batch`, each part of the step in a block of `watch`.

    The graph is cut at y-hat, so that network and mixture are watched separately.
    """
    with watch("data"):
        chosen = np.arange(learner.recipe.training.batch)
        batch = learner.examples.read(chosen, learner.recipe, 0, 0)
    state = learner.network.start(batch.lines)
    for chunk in batch.chunks(learner.recipe.training.chunk):
        with watch("data"):
            x, target, mask, text = learner.examples.tensors(chunk, "cpu")
        with watch("network"):
            y, after = learner.network(x, text, state)
        with watch("mixture"):
            cut = y.detach().requires_grad_()
            loss = (Mixture.of(cut).log_loss(target) * mask).sum()
            loss.backward()
        with watch("network"):
            y.backward(cut.grad)
        with watch("update"):
            learner.update(torch.stack([loss.detach(), mask.sum()]), batch.lines)
        state = tuple(part.detach() for part in after)


def step_shares(rounds: int) -> dict[str, float]:
    """Return the share of a step's time that each part takes, the median over batches."""
    learner = made_up_learner()
    shares = []
    learn_watched(learner, record_function)
    for _ in range(rounds):
        seconds = dict.fromkeys(("data", "network", "mixture", "update"), 0.0)
        learn_watched(learner, partial(_timed, seconds))
        shares.append({part: spent / sum(seconds.values()) for part, spent in seconds.items()})
    return {part: statistics.median(share[part] for share in shares) for part in shares[0]}


@contextmanager
def _timed(seconds: dict[str, float], part: str) -> Iterator[None]:
    """Add the time of a block to a part."""
    began = time.perf_counter()
    yield
    seconds[part] += time.perf_counter() - began


def profile_step(batches: int = 3) -> dict[str, float]:
    """Return the share of a step's time by operation, largest first, from torch's profiler on one thread."""
    prepare_core()
    learner = made_up_learner()
    learn_watched(learner, record_function)
    with profile(activities=[ProfilerActivity.CPU]) as profiled:
        for _ in range(batches):
            learn_watched(learner, record_function)
    spent: dict[str, float] = {}
    for event in profiled.events():
        owner = _owner(event)
        spent[owner] = spent.get(owner, 0.0) + event.self_cpu_time_total
    spent.pop("", None)
    total = sum(spent.values())
    return {name: part / total for name, part in sorted(spent.items(), key=lambda item: -item[1])}


def _owner(event) -> str:
    """Return the part that an operation belongs to; empty for one between the parts."""
    if event.name in PRODUCTS:
        return "products"
    while event is not None:
        for name, part in OWNERS.items():
            if event.name in (name, f"{name}Backward"):
                return part
        event = event.cpu_parent
    return ""
