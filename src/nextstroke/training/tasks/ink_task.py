"""Ink as examples: from a packed corpus and a recipe to what a handwriting network learns from."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from nextstroke.alphabet import Alphabet
from nextstroke.config import Data, Recipe
from nextstroke.datasets.batches import Augmentation, Batch, Chunk, Example, Normalisation, shuffled_batches
from nextstroke.datasets.packed_ink import InkCorpus
from nextstroke.errors import BadInput, UsageError
from nextstroke.ink import Ink
from nextstroke.nets.mixture import Mixture
from nextstroke.training.evaluation.handwriting import evaluate, run_network
from nextstroke.training.evaluation.metrics import Score


class InkExamples(NamedTuple):
    """The two sides of a split, with what is needed to read more ink in the same way."""

    train: list[Example]
    validation: list[Example]
    alphabet: Alphabet
    normalisation: Normalisation

    @property
    def symbols(self) -> str:
        """The alphabet, one character a symbol."""
        return self.alphabet.characters

    @property
    def sequences(self) -> int:
        """How many lines there are to learn from."""
        return len(self.train)

    def metadata(self) -> dict[str, Any]:
        """What a checkpoint has to say of the data."""
        return {
            "alphabet": self.symbols,
            "normalisation": asdict(self.normalisation),
            "points_per_character": self.points_per_character,
        }

    def batches(self, lines: int, recipe: Recipe, epoch: int) -> Sequence:
        """The batches of an epoch, of `lines` lines each."""
        return shuffled_batches(np.array([len(line.offsets) for line in self.train]), lines, recipe.seed, epoch)

    def fresh(self, batch: int) -> bool:
        """Whether the state begins anew at a batch: lines always begin so."""
        return True

    def read(self, chosen: np.ndarray, recipe: Recipe, epoch: int, batch: int) -> Batch:
        """A batch, its lines changed at random as the recipe says; the place in the order decides how."""
        change = augmentation(recipe)
        rng = np.random.default_rng([recipe.seed, epoch, batch])
        lines = [self.train[i] for i in chosen]
        changed = [line._replace(offsets=change.apply(line.offsets, rng)) for line in lines]
        return Batch.of(changed, self.normalisation)

    def tensors(self, share: Batch, chunk: Chunk, device: str) -> tuple[Tensor, ...]:
        """What the loss is worked out from."""
        return tuple(torch.from_numpy(np.ascontiguousarray(part)).to(device) for part in (*chunk, share.text))

    def loss(self, network: Any, tensors: Sequence[Tensor], state: tuple) -> tuple[Tensor, Tensor, tuple]:
        """Log-loss of a chunk in nats, its number of points, and the state behind it."""
        x, target, mask, text = tensors
        y, state = run_network(network, x, text, state)
        return (Mixture.of(y).log_loss(target) * mask).sum(), mask.sum(), state

    def on(self, split: str) -> "InkExamples":
        """The same with another side to be scored on: "train" instead of "validation"."""
        if split not in ("validation", "train"):
            raise UsageError(f"split {split!r}: give validation or train")
        return self._replace(validation=getattr(self, split))

    def score(self, network: Any, every: int = 1) -> Score:
        """Score a network on every `every`-th validation line."""
        return evaluate(network, self.validation[::every], self.normalisation)

    @property
    def points_per_character(self) -> float:
        """Points a character takes on average in training, blanks counted as characters."""
        return sum(len(line.offsets) for line in self.train) / sum(len(line.text) for line in self.train)


def augmentation(recipe: Recipe) -> Augmentation:
    """The random changes a recipe asks for."""
    settings = recipe.training
    return Augmentation(
        settings.augment_scale,
        settings.augment_stretch,
        settings.augment_shear,
        settings.augment_slope,
        recipe.data.clip,
    )


def represent(ink: Ink, representation: str, phase: int = 0) -> Ink:
    """Ink as a recipe's networks see it: "raw", or "simplified" with a choice of the points that stay."""
    return ink.simplified(phase=phase) if representation == "simplified" else ink


def make_examples(corpus: InkCorpus, data: Data, like: Mapping[str, Any] | None = None) -> InkExamples:
    """Read both splits. Lines with a fault stay out of training, never out of validation.

    Args:
        like: What a network tells of the data it learned from, where these are to be read as those were.
    Raises:
        BadInput: a split is empty. UnknownCharacters: `like` does not know a character.
    """
    train, validation = corpus.select(*data.train), corpus.select(*data.validation, faulty=True)
    if not train or not validation:
        raise BadInput(f"the corpus has {len(train)} lines of {data.train} and {len(validation)} of {data.validation}")
    texts = [text_of(corpus, i) for i in (*train, *validation)]
    alphabet = Alphabet.paper() if data.alphabet == "paper" else Alphabet.of(texts)
    if like:
        further = sorted(set(alphabet.characters) - set(like["alphabet"])) if data.alphabet == "extend" else []
        alphabet = Alphabet("".join([like["alphabet"], *further]))
    learned = [_example(corpus, i, data.ink, alphabet, phase) for phase in range(data.phases) for i in train]
    held_out = [_example(corpus, i, data.ink, alphabet) for i in validation]
    own = Normalisation.of([example.offsets for example in learned])
    return InkExamples(learned, held_out, alphabet, Normalisation(**like["normalisation"]) if like else own)


def text_of(corpus: InkCorpus, i: int) -> str:
    """The text of a line; a blank where it is not known, for a network may not be given none."""
    return corpus.lines[i].text or " "


def _example(corpus: InkCorpus, i: int, representation: str, alphabet: Alphabet, phase: int = 0) -> Example:
    offsets = represent(corpus.ink(i), representation, phase).offsets()[1:]
    return Example(offsets.astype(np.float32), alphabet.encode(text_of(corpus, i)))
