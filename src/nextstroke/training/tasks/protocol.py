"""Dataset protocol of the training loop, for ink and for text."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from torch import Tensor

from nextstroke.config import Recipe
from nextstroke.datasets.packed_ink import InkCorpus
from nextstroke.datasets.packed_text import TextCorpus
from nextstroke.nets.networks import Network, NetworkState
from nextstroke.training.evaluation.metrics import Score
from nextstroke.training.tasks.ink_task import make_examples
from nextstroke.training.tasks.recogniser_task import RecognitionTask
from nextstroke.training.tasks.text_task import make_text


class Batch(Protocol):
    """Sequences of a batch, padded to one length."""

    @property
    def lines(self) -> int:
        """Number of sequences."""

    @property
    def fresh(self) -> bool:
        """Whether they begin with a fresh state, not with the state after the batch before."""

    def shard(self, rows: slice, /) -> "Batch":
        """Return the sequences of some rows."""

    def padded(self, steps: int, positions: int, /) -> "Batch":
        """Return the batch with its length and the width of a text padded to multiples."""

    def chunks(self, steps: int | None, /) -> Iterator[tuple[np.ndarray, ...]]:
        """Yield the arrays of each chunk of truncated backpropagation, equally many for every shard."""


class Examples(Protocol):
    """Training and validation data of one kind."""

    @property
    def symbols(self) -> Sequence[str]:
        """The alphabet, in the order that the weights depend on."""

    @property
    def sequences(self) -> int:
        """Number of training sequences."""

    def metadata(self) -> dict[str, Any]:
        """Return what a checkpoint stores about the data."""

    def batches(self, lines: int, recipe: Recipe, epoch: int) -> Sequence[np.ndarray]:
        """Return what `read` takes for each batch of an epoch; the same for the same epoch."""

    def fresh(self, batch: int) -> bool:
        """Return whether the state begins anew at a batch of an epoch."""

    def read(self, chosen: np.ndarray, recipe: Recipe, epoch: int, batch: int) -> Batch:
        """Return one of the batches."""

    def tensors(self, chunk: tuple[np.ndarray, ...], device: str) -> tuple[Tensor, ...]:
        """Return what `loss` takes for a chunk."""

    def loss(
        self, network: Network, tensors: Sequence[Tensor], state: NetworkState
    ) -> tuple[Tensor, Tensor, NetworkState]:
        """Return a chunk's log-loss in nats, its number of points or symbols, and the state after it.

        May not wait for the device: on a GPU it is captured as a graph.
        """

    def on(self, split: str) -> "Examples":
        """Return the same data with another split to be scored on."""

    def score(self, network: Network, every: int = 1) -> Score:
        """Return the score on each `every`-th part of the validation set."""


def open_examples(
    recipe: Recipe,
    corpus: Path,
    like: Mapping[str, Any] | None = None,
) -> tuple[Examples, str]:
    """Return the data of a recipe, and the digest of the packed corpus.

    Args:
        like: Metadata of a network, for a recipe that takes over its alphabet and normalisation.

    Raises:
        BadInput, CorruptFile, WrongModel: the corpus is not one, or not of the recipe's kind.
    """
    if recipe.kind == "text":
        text = TextCorpus.open(corpus)
        return make_text(text, recipe), text.digest
    ink = InkCorpus.open(corpus)
    takes_over = recipe.data.alphabet in ("start", "extend")
    examples = make_examples(ink, recipe.data, like if takes_over else None)
    if recipe.kind == "reader":
        examples = examples._replace(task=RecognitionTask())
    return examples, ink.digest
