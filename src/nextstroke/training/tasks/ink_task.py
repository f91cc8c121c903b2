"""Ink as training data: from a packed corpus and a recipe to what a handwriting network learns from."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, NamedTuple, Protocol, cast

import numpy as np
import torch
from torch import Tensor

from nextstroke.alphabet import Alphabet
from nextstroke.config import Data, Recipe
from nextstroke.datasets.batches import Augmentation, Batch, Example, Normalisation, shuffled_batches
from nextstroke.datasets.packed_ink import InkCorpus
from nextstroke.errors import BadInput, UsageError
from nextstroke.ink import Ink
from nextstroke.nets.mixture import Mixture
from nextstroke.nets.networks import InkNetwork, Network, NetworkState
from nextstroke.training.evaluation.handwriting import evaluate, run_network
from nextstroke.training.evaluation.metrics import InkScore, RecognitionScore


class LineTask(Protocol):
    """What a network learns from lines of ink; the methods are those of `Examples`."""

    def tensors(self, chunk: tuple[np.ndarray, ...], device: str) -> tuple[Tensor, ...]:
        """Return what `loss` takes for a chunk."""

    def loss(
        self, network: Network, tensors: Sequence[Tensor], state: NetworkState
    ) -> tuple[Tensor, Tensor, NetworkState]:
        """Return log-loss in nats, number of points or characters, and the state after the chunk."""

    def score(
        self, network: Network, lines: Sequence[Example], normalisation: Normalisation
    ) -> InkScore | RecognitionScore:
        """Score a network on some lines."""


class HandwritingTask:
    """Prediction of each next point, with or without a text."""

    def tensors(self, chunk: tuple[np.ndarray, ...], device: str) -> tuple[Tensor, ...]:
        """Return the points before, the points to predict, the mask and the text."""
        return tuple(torch.from_numpy(np.ascontiguousarray(part)).to(device) for part in chunk)

    def loss(
        self, network: Network, tensors: Sequence[Tensor], state: NetworkState
    ) -> tuple[Tensor, Tensor, NetworkState]:
        """Return a chunk's log-loss in nats, its number of points, and the state after it."""
        x, target, mask, text = tensors
        y, after = run_network(cast(InkNetwork, network), x, text, state)
        return (Mixture.of(y).log_loss(target) * mask).sum(), mask.sum(), after

    def score(
        self,
        network: Network,
        lines: Sequence[Example],
        normalisation: Normalisation,
    ) -> InkScore:
        """Score a network on some lines."""
        return evaluate(cast(InkNetwork, network), lines, normalisation)


class InkExamples(NamedTuple):
    """Lines of ink for training and validation, with what is needed to read more ink in the same way."""

    train: list[Example]
    validation: list[Example]
    alphabet: Alphabet
    normalisation: Normalisation
    task: LineTask = HandwritingTask()

    @property
    def symbols(self) -> str:
        """The alphabet, one character a symbol."""
        return self.alphabet.characters

    @property
    def sequences(self) -> int:
        """Number of training lines."""
        return len(self.train)

    def metadata(self) -> dict[str, Any]:
        """Return what a checkpoint stores about the data."""
        return {
            "alphabet": self.symbols,
            "normalisation": asdict(self.normalisation),
            "points_per_character": self.points_per_character,
        }

    def batches(self, lines: int, recipe: Recipe, epoch: int) -> Sequence[np.ndarray]:
        """Return the batches of an epoch, each the numbers of `lines` lines."""
        lengths = np.array([len(line.offsets) for line in self.train])
        return shuffled_batches(lengths, lines, recipe.seed, epoch)

    def fresh(self, batch: int) -> bool:
        """Return True: the state begins anew with each line."""
        return True

    def read(self, chosen: np.ndarray, recipe: Recipe, epoch: int, batch: int) -> Batch:
        """Return a batch, its lines augmented as the recipe says with a seed of their position."""
        change = augmentation(recipe)
        rng = np.random.default_rng([recipe.seed, epoch, batch])
        lines = [self.train[i] for i in chosen]
        changed = [line._replace(offsets=change.apply(line.offsets, rng)) for line in lines]
        return Batch.of(changed, self.normalisation)

    def tensors(self, chunk: tuple[np.ndarray, ...], device: str) -> tuple[Tensor, ...]:
        """Return what `loss` takes for a chunk."""
        return self.task.tensors(chunk, device)

    def loss(
        self, network: Network, tensors: Sequence[Tensor], state: NetworkState
    ) -> tuple[Tensor, Tensor, NetworkState]:
        """Return the task's loss of a chunk, as `Examples.loss`."""
        return self.task.loss(network, tensors, state)

    def on(self, split: str) -> "InkExamples":
        """Return the same data to be scored on "train" or "validation"."""
        if split not in ("validation", "train"):
            raise UsageError(f"split {split!r}: give validation or train")
        return self._replace(validation=getattr(self, split))

    def score(self, network: Network, every: int = 1) -> InkScore | RecognitionScore:
        """Score a network on each `every`-th validation line."""
        return self.task.score(network, self.validation[::every], self.normalisation)

    @property
    def points_per_character(self) -> float:
        """Mean number of points a character has in training; blanks count as characters."""
        points = sum(len(line.offsets) for line in self.train)
        return points / sum(len(line.text) for line in self.train)


def augmentation(recipe: Recipe) -> Augmentation:
    """Return the augmentation of a recipe."""
    settings = recipe.training
    return Augmentation(
        settings.augment_scale,
        settings.augment_stretch,
        settings.augment_shear,
        settings.augment_slope,
        recipe.data.clip,
    )


def represent(ink: Ink, representation: str, phase: int = 0) -> Ink:
    """Return ink as a recipe's networks read it.

    Args:
        representation: "raw" or "simplified".
        phase: Which of every three points are kept in simplified ink.
    """
    return ink.simplified(phase=phase) if representation == "simplified" else ink


def make_examples(
    corpus: InkCorpus,
    data: Data,
    like: Mapping[str, Any] | None = None,
) -> InkExamples:
    """Read the lines of both splits; faulty lines are left out of training, not of validation.

    Args:
        like: Metadata of a network whose alphabet and normalisation are taken over, or None.

    Raises:
        BadInput: a split is empty.
        UnknownCharacters: the alphabet of `like` lacks a character.
    """
    train = corpus.select(*data.train)
    validation = corpus.select(*data.validation, faulty=True)
    if not train or not validation:
        training = f"{len(train)} lines of {data.train}"
        raise BadInput(
            f"the corpus has {training} and {len(validation)} of {data.validation}; "
            "set data.train and data.validation to splits that it has"
        )
    texts = [text_of(corpus, i) for i in (*train, *validation)]
    alphabet = Alphabet.paper() if data.alphabet == "paper" else Alphabet.of(texts)
    if like:
        characters = like["alphabet"]
        if data.alphabet == "extend":
            characters += "".join(sorted(set(alphabet.characters) - set(characters)))
        alphabet = Alphabet(characters)
    learned: list[Example] = []
    for phase in range(data.phases):
        learned += [_example(corpus, i, data.ink, alphabet, phase) for i in train]
    held_out = [_example(corpus, i, data.ink, alphabet) for i in validation]
    normalisation = Normalisation.of([example.offsets for example in learned])
    if like:
        normalisation = Normalisation(**like["normalisation"])
    return InkExamples(learned, held_out, alphabet, normalisation)


def text_of(corpus: InkCorpus, i: int) -> str:
    """Return the text of a line; a blank where it is unknown, as no network takes an empty text."""
    return corpus.lines[i].text or " "


def _example(
    corpus: InkCorpus,
    i: int,
    representation: str,
    alphabet: Alphabet,
    phase: int = 0,
) -> Example:
    offsets = represent(corpus.ink(i), representation, phase).offsets()[1:]
    return Example(offsets.astype(np.float32), alphabet.encode(text_of(corpus, i)))
