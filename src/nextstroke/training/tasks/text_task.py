"""Text as training data: parallel streams in order, or sentence by sentence (sections 3.1 and 3.2)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from torch import Tensor

from nextstroke.config import Recipe
from nextstroke.datasets.batches import shuffled_batches
from nextstroke.datasets.packed_text import TextCorpus, WordCounter
from nextstroke.errors import BadInput
from nextstroke.nets.networks import AnyTextNetwork, Network, NetworkState
from nextstroke.nets.softmax import expected_log_loss, log_loss
from nextstroke.training.evaluation.metrics import TextScore

STREAMS = 32  # parallel streams of a text scored without resets; each begins without context
SCORED = 64  # sentences or spans scored in a batch
NULL = -1  # the null vector that begins a sequence, and a symbol that is not to be predicted


class SymbolBatch(NamedTuple):
    """Sequences of symbols, padded to one length.

    Attributes:
        x: The symbols before, int64 (lines, time), −1 for the null vector.
        target: The symbols to predict, int64 (lines, time), −1 where there is none.
        expected: Distribution that a teacher expects of each symbol to predict, (lines, time,
            symbols); (lines, time, 0) without a teacher.
        carries: Whether the sequences continue those of the batch before.
    """

    x: np.ndarray
    target: np.ndarray
    expected: np.ndarray
    carries: bool = False

    @classmethod
    def of(
        cls,
        sequences: Sequence[np.ndarray],
        before: np.ndarray | None = None,
        expected: Sequence[np.ndarray] = (),
    ) -> "SymbolBatch":
        """Pad sequences to the longest.

        Args:
            before: The symbol before each sequence; None for the null vector.
            expected: Distributions of a teacher for each sequence, or nothing.
        """
        target = _padded(sequences, NULL, np.dtype(np.int64))
        first = np.full(len(target), NULL) if before is None else before
        x = np.concatenate([first[:, None], target[:, :-1]], 1)
        taught = np.zeros((*x.shape, 0), np.float16)
        if len(expected):
            taught = _padded(expected, 0, np.dtype(np.float16))
        return cls(x, target, taught, before is not None)

    @property
    def lines(self) -> int:
        """Number of sequences."""
        return len(self.x)

    @property
    def fresh(self) -> bool:
        """Whether the sequences begin with a fresh state."""
        return not self.carries

    def shard(self, rows: slice) -> "SymbolBatch":
        """Return the sequences of some rows."""
        return SymbolBatch(self.x[rows], self.target[rows], self.expected[rows], self.carries)

    def padded(self, steps: int, positions: int) -> "SymbolBatch":
        """Return the batch with its length padded to a multiple; `positions` is of ink only."""
        more = ((0, 0), (0, -self.x.shape[1] % steps))
        x = np.pad(self.x, more, constant_values=NULL)
        target = np.pad(self.target, more, constant_values=NULL)
        return SymbolBatch(x, target, np.pad(self.expected, (*more, (0, 0))), self.carries)

    def chunks(self, steps: int | None) -> Iterator[tuple[np.ndarray, ...]]:
        """Yield `x`, `target` and, with a teacher, `expected` of each chunk of at most `steps` symbols."""
        parts = (self.x, self.target, self.expected)[: 3 if self.expected.size else 2]
        steps = steps or self.x.shape[1]
        for begin in range(0, self.x.shape[1], steps):
            yield tuple(part[:, begin : begin + steps] for part in parts)


class Streams(Sequence[np.ndarray]):
    """The batches of an epoch of streams, as begin and end of each stream's symbols, (lines, 2).

    Args:
        length: Symbols of each stream.
        lines: Number of streams.
        span: Symbols of a stream in a batch.
    """

    def __init__(self, length: int, lines: int, span: int):
        self.length = length
        self.lines = lines
        self.span = span

    def __len__(self) -> int:
        return self.length // self.span

    def __getitem__(self, batch):
        if not 0 <= batch < len(self):
            raise IndexError(batch)
        begins = self.length * np.arange(self.lines)[:, None]
        return begins + self.span * np.array([batch, batch + 1])


@dataclass(frozen=True)
class TextExamples:
    """A text for training and one for validation.

    Attributes:
        train, validation: Ids of symbols, memory-mapped.
        expected: What a teacher expects of each symbol of `train`, or None.
        sentences: Whether every sentence is a sequence of its own.
        span: Symbols of a stream from reset to reset, or in one chunk where there is no reset.
        resets: Whether a stream's state ever begins anew.
        words: Number of words of the validation text.
    """

    corpus: TextCorpus
    train: np.ndarray
    expected: np.ndarray | None
    validation: np.ndarray
    sentences: bool
    span: int
    resets: bool
    words: int

    @property
    def symbols(self) -> Sequence[str]:
        """The alphabet."""
        return self.corpus.symbols

    @property
    def sequences(self) -> int:
        """Number of training sentences, or of spans of a stream."""
        if self.sentences:
            return len(_borders(self.train, self.corpus.end)) - 1
        return len(self.train) // self.span

    def metadata(self) -> dict[str, Any]:
        """Return what a checkpoint stores about the data."""
        return {"alphabet": self.symbols, "unit": self.corpus.unit, "end": self.corpus.end}

    def batches(self, lines: int, recipe: Recipe, epoch: int) -> Sequence[np.ndarray]:
        """Return the borders of sentences of like length, shuffled, or those of streams, in order."""
        if self.sentences:
            borders = _borders(self.train, self.corpus.end)
            chosen = shuffled_batches(np.diff(borders), lines, recipe.seed, epoch)
            return [np.stack([borders[batch], borders[batch + 1]], 1) for batch in chosen]
        length = len(self.train) // lines
        if length < self.span:
            problem = f"{len(self.train)} symbols are too few for {lines} streams of {self.span}"
            raise BadInput(f"{problem}; lower training.batch")
        return Streams(length, lines, self.span)

    def fresh(self, batch: int) -> bool:
        """Return whether the state begins anew at a batch of an epoch."""
        return self.sentences or self.resets or batch == 0

    def read(self, chosen: np.ndarray, recipe: Recipe, epoch: int, batch: int) -> SymbolBatch:
        """Return the symbols between the borders `chosen` (lines, 2)."""
        sequences = [self.train[begin:end] for begin, end in chosen]
        before = None if self.fresh(batch) else self.train[chosen[:, 0] - 1]
        taught = []
        if self.expected is not None:
            taught = [self.expected[begin:end] for begin, end in chosen]
        return SymbolBatch.of(sequences, before, taught)

    def tensors(self, chunk: tuple[np.ndarray, ...], device: str) -> tuple[Tensor, ...]:
        """Return the symbols before, those to predict and, with a teacher, its distributions."""
        return tuple(torch.from_numpy(np.ascontiguousarray(part)).to(device) for part in chunk)

    def loss(
        self, network: Network, tensors: Sequence[Tensor], state: NetworkState
    ) -> tuple[Tensor, Tensor, NetworkState]:
        """Return a chunk's log-loss in nats, its number of symbols, and the state after it."""
        x, target, *taught = tensors
        y, after = network(x, state)
        loss = expected_log_loss(y, *taught) if taught else log_loss(y, target)
        return loss.sum(), (target >= 0).sum().float(), after

    def on(self, split: str) -> "TextExamples":
        """Return the same data with another split of the corpus to be scored on."""
        return replace(self, validation=self.corpus.split(split), words=self.corpus.words[split])

    def score(self, network: Network, every: int = 1) -> TextScore:
        """Score a network on each `every`-th part of the validation text.

        Between resets streams are independent, so they are scored in parallel without a change; a
        text without resets is cut into STREAMS streams, each of which begins without context.
        """
        pieces = self._pieces(every)
        log_loss = 0.0
        wrong = 0
        symbols = 0
        for begin in range(0, len(pieces), SCORED):
            batch = SymbolBatch.of(pieces[begin : begin + SCORED])
            nats, errors, count = _score_batch(cast(AnyTextNetwork, network), batch)
            log_loss += nats
            wrong += errors
            symbols += count
        words = round(self.words * symbols / len(self.validation))
        return TextScore(log_loss, wrong, symbols, words, sum(map(self.characters, pieces)))

    def in_order(self, text: np.ndarray) -> list[np.ndarray]:
        """Return a text cut where the state begins anew: sentences, spans between resets, or all of it."""
        if self.sentences:
            borders = _borders(text, self.corpus.end)
            return [text[begin:end] for begin, end in pairwise(borders)]
        span = self.span if self.resets else len(text)
        return [text[begin : begin + span] for begin in range(0, len(text), span)]

    def _pieces(self, every: int) -> list[np.ndarray]:
        """Return sentences, spans or the first part of each stream, from all over the validation text."""
        if self.sentences:
            return sorted(self.in_order(self.validation)[::every], key=len, reverse=True)
        if self.resets:
            return self.in_order(self.validation)[::every]
        text = self.validation
        length = -(-len(text) // STREAMS)
        part = max(1, length // every)
        return [text[begin : begin + part] for begin in range(0, len(text), length)]

    def words_of(self, text: np.ndarray) -> int:
        """Return the number of words of a text, counted as those of the splits."""
        counter = WordCounter(self.corpus.unit, list(self.symbols), self.corpus.end)
        counter.add(text)
        return counter.words

    def characters(self, text: np.ndarray) -> int:
        """Return the number of characters of a text; each word has a blank or a line end after it."""
        if self.corpus.unit != "word":
            return len(text)
        lengths = np.array([len(word) for word in self.symbols])
        if self.corpus.end >= 0:
            lengths[self.corpus.end] = 0
        return int(lengths[text].sum() + len(text) - (text == self.corpus.end).sum())


def make_text(corpus: TextCorpus, recipe: Recipe) -> TextExamples:
    """Return the data of a recipe in a packed text.

    Raises:
        BadInput: the corpus lacks a split, has no sentences, or only a part of it was read by a
            teacher.
    """
    data = recipe.data
    chunk = recipe.training.chunk
    sentences = data.sequences == "sentences"
    if sentences and corpus.end < 0:
        problem = "the text has no symbol that ends a sentence"
        raise BadInput(f'{problem}; set data.sequences = "streams"')
    if not sentences and chunk is None:
        raise BadInput("streams need training.chunk, the symbols of a segment")
    taught = [name for name in data.train if name in corpus.expected]
    if taught and len(data.train) > 1:
        problem = f"{taught[0]!r} was read by a teacher and must be the only training split"
        raise BadInput(f"data.train: {problem}")
    return TextExamples(
        corpus,
        train=_joined([corpus.split(name) for name in data.train]),
        expected=corpus.expected[taught[0]] if taught else None,
        validation=_joined([corpus.split(name) for name in data.validation]),
        sentences=sentences,
        span=(chunk or 0) * (data.reset or 1),
        resets=data.reset is not None,
        words=sum(corpus.words[name] for name in data.validation),
    )


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    """Return several splits as one; a single one stays on disk."""
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _padded(rows: Sequence[np.ndarray], value: int, kind: np.dtype) -> np.ndarray:
    """Return arrays as one, the shorter ones filled up at their ends."""
    whole = np.full((len(rows), max(map(len, rows)), *rows[0].shape[1:]), value, kind)
    for line, row in zip(whole, rows, strict=True):
        line[: len(row)] = row
    return whole


def _borders(text: np.ndarray, end: int) -> np.ndarray:
    """Return where sentences begin, then the end of the last one, which may lack its end symbol."""
    ends = np.flatnonzero(text == end) + 1
    complete = len(ends) > 0 and ends[-1] == len(text)
    last = [] if complete else [len(text)]
    return np.concatenate([[0], ends, last]).astype(np.int64)


@torch.no_grad()
def _score_batch(
    network: AnyTextNetwork,
    batch: SymbolBatch,
    steps: int = 200,
) -> tuple[float, int, int]:
    """Return log-loss, wrong guesses and symbols of sequences that begin with a fresh state."""
    learning = network.training
    network.eval()
    device = network.output.bias.device
    state = network.start(batch.lines)
    total = 0.0
    wrong = 0
    symbols = 0
    for chunk in batch.chunks(steps):
        x, target = (torch.from_numpy(np.ascontiguousarray(part)).to(device) for part in chunk)
        y, state = network(x, state)
        total += float(log_loss(y, target).cpu().double().sum())
        wrong += int(((y.argmax(2) != target) & (target >= 0)).sum())
        symbols += int((target >= 0).sum())
    network.train(learning)
    return total, wrong, symbols
