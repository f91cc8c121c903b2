"""What the training loop asks of the things it learns from, ink or text."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from torch import Tensor

from nextstroke.config import Recipe
from nextstroke.datasets.packed_ink import InkCorpus
from nextstroke.datasets.packed_text import TextCorpus
from nextstroke.training.evaluation.metrics import Score
from nextstroke.training.tasks.ink_task import make_examples
from nextstroke.training.tasks.recogniser_task import ReaderExamples
from nextstroke.training.tasks.text_task import make_text


class Batch(Protocol):
    """Sequences side by side."""

    @property
    def lines(self) -> int:
        """How many."""

    @property
    def fresh(self) -> bool:
        """Whether they begin with a fresh state, not with that behind the batch before."""

    def share(self, own: Any) -> Any:
        """The sequences that a worker takes."""

    def padded(self, steps: int, places: int) -> Any:
        """The same, length and width of a text padded to multiples."""

    def chunks(self, steps: int | None) -> Iterator[Any]:
        """Pieces for truncated backpropagation, as many for every share."""


class Examples(Protocol):
    """Examples of a kind."""

    @property
    def symbols(self) -> Sequence[str]:
        """The alphabet, in an order that the weights depend on."""

    @property
    def sequences(self) -> int:
        """How many there are to learn from."""

    def metadata(self) -> dict[str, Any]:
        """What a checkpoint has to say of the data."""

    def batches(self, lines: int, recipe: Recipe, epoch: int) -> Sequence:
        """The batches of an epoch; the same epoch gives the same ones."""

    def fresh(self, batch: int) -> bool:
        """Whether the state begins anew at a batch of an epoch."""

    def read(self, chosen: Any, recipe: Recipe, epoch: int, batch: int) -> Any:
        """One of the batches, as a Batch."""

    def tensors(self, share: Any, chunk: Any, device: str) -> tuple[Tensor, ...]:
        """What the loss of a chunk is worked out from."""

    def loss(self, network: Any, tensors: Sequence[Tensor], state: tuple) -> tuple[Tensor, Tensor, tuple]:
        """Log-loss of a chunk in nats, its number of points or symbols, and the state behind it.

        May not wait for the device: on a GPU it is captured as a graph.
        """

    def on(self, split: str) -> "Examples":
        """The same, to be scored on another split."""

    def score(self, network: Any, every: int = 1) -> Score:
        """The validation set's score, on every `every`-th part of it."""


def open_examples(recipe: Recipe, corpus: Path, like: Mapping[str, Any] | None = None) -> tuple[Examples, str]:
    """What a recipe learns from, and the digest of the packed corpus.

    Args:
        like: What a network tells of its data, for a recipe whose alphabet is that of its start.
    Raises:
        BadInput, CorruptFile, WrongModel: the corpus is not one, or not of the recipe's kind.
    """
    if recipe.kind == "text":
        text = TextCorpus.open(corpus)
        return make_text(text, recipe), text.digest
    ink = InkCorpus.open(corpus)
    examples = make_examples(ink, recipe.data, like if recipe.data.alphabet in ("start", "extend") else None)
    return ReaderExamples(*examples) if recipe.kind == "reader" else examples, ink.digest
