"""Text as examples: streams side by side in order, or sentence by sentence (sections 3.1 and 3.2)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from nextstroke.config import Recipe
from nextstroke.datasets.batches import shuffled_batches
from nextstroke.datasets.packed_text import TextCorpus, WordCounter
from nextstroke.errors import BadInput
from nextstroke.nets.networks import TextNetwork
from nextstroke.nets.softmax import expected_log_loss, log_loss
from nextstroke.training.evaluation.metrics import TextScore

STREAMS = 32  # side by side when a text without resets is scored: each begins without knowing what stands before it
SCORED = 64  # sentences or blocks side by side
NULL = -1  # the null vector that begins a sequence, and what is not to be predicted


class SymbolBatch(NamedTuple):
    """Sequences side by side: `x` the symbols before, `target` those to predict, int64 (lines, time), −1 for none.

    `expected` is what a teacher expects of each symbol to predict, (lines, time, symbols), or (lines, time, 0).
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
        """Pad sequences to the longest; `before` are the symbols in front of each, the null vector if not given."""
        target = _padded(sequences, NULL, np.dtype(np.int64))
        first = np.full(len(target), NULL) if before is None else before
        x = np.concatenate([first[:, None], target[:, :-1]], 1)
        taught = _padded(expected, 0, np.dtype(np.float16)) if len(expected) else np.zeros((*x.shape, 0), np.float16)
        return cls(x, target, taught, before is not None)

    @property
    def lines(self) -> int:
        """How many there are side by side."""
        return len(self.x)

    @property
    def fresh(self) -> bool:
        """Whether they begin with a fresh state."""
        return not self.carries

    def share(self, own) -> "SymbolBatch":
        """The sequences that a worker takes."""
        return SymbolBatch(own.share(self.x), own.share(self.target), own.share(self.expected), self.carries)

    def padded(self, steps: int, places: int) -> "SymbolBatch":
        """The same, its length padded to a multiple: fewer shapes, for who prepares for each."""
        more = ((0, 0), (0, -self.x.shape[1] % steps))
        x, target = (np.pad(part, more, constant_values=NULL) for part in (self.x, self.target))
        return SymbolBatch(x, target, np.pad(self.expected, (*more, (0, 0))), self.carries)

    def chunks(self, steps: int | None) -> Iterator[tuple[np.ndarray, ...]]:
        """Pieces of `x`, `target` and, if there is any, `expected`, of at most `steps` symbols (None: one piece)."""
        parts = (self.x, self.target, self.expected)[: 3 if self.expected.size else 2]
        steps = steps or self.x.shape[1]
        for begin in range(0, self.x.shape[1], steps):
            yield tuple(part[:, begin : begin + steps] for part in parts)


class Streams(Sequence):
    """The batches of an epoch of streams: where each of `lines` streams of `length` symbols begins and ends them."""

    def __init__(self, length: int, lines: int, span: int):
        self.length, self.lines, self.span = length, lines, span

    def __len__(self) -> int:
        return self.length // self.span

    def __getitem__(self, batch):
        if not 0 <= batch < len(self):
            raise IndexError(batch)
        return self.length * np.arange(self.lines)[:, None] + self.span * np.array([batch, batch + 1])


@dataclass(frozen=True)
class TextExamples:
    """A text to learn from, and one to be scored on.

    Attributes:
        train, validation: Numbers of symbols, memory-mapped.
        expected: What a teacher expects of each symbol of `train`, if one has read it.
        sentences: Whether every sentence is a sequence of its own.
        span: Symbols of a stream from reset to reset, or in one chunk where there is none.
        resets: Whether a stream's state ever begins anew.
        words: How many words the validation text has.
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
        """How many sentences, or spans of a stream, there are to learn from."""
        return len(_borders(self.train, self.corpus.end)) - 1 if self.sentences else len(self.train) // self.span

    def metadata(self) -> dict[str, Any]:
        """What a checkpoint has to say of the data."""
        return {"alphabet": self.symbols, "unit": self.corpus.unit, "end": self.corpus.end}

    def batches(self, lines: int, recipe: Recipe, epoch: int) -> Sequence:
        """Sentences of like length, shuffled; or the places of streams, in order."""
        if self.sentences:
            borders = _borders(self.train, self.corpus.end)
            chosen = shuffled_batches(np.diff(borders), lines, recipe.seed, epoch)
            return [np.stack([borders[batch], borders[batch + 1]], 1) for batch in chosen]
        length = len(self.train) // lines
        if length < self.span:
            raise BadInput(
                f"{len(self.train)} symbols are too few for {lines} streams of {self.span}; lower training.batch"
            )
        return Streams(length, lines, self.span)

    def fresh(self, batch: int) -> bool:
        """Whether the state begins anew at a batch of an epoch."""
        return self.sentences or self.resets or batch == 0

    def read(self, chosen: np.ndarray, recipe: Recipe, epoch: int, batch: int) -> SymbolBatch:
        """The symbols between the borders `chosen` (lines, 2)."""
        sequences = [self.train[begin:end] for begin, end in chosen]
        before = None if self.fresh(batch) else self.train[chosen[:, 0] - 1]
        taught = [] if self.expected is None else [self.expected[begin:end] for begin, end in chosen]
        return SymbolBatch.of(sequences, before, taught)

    def tensors(self, share: SymbolBatch, chunk: Any, device: str) -> tuple[Tensor, ...]:
        """What the loss is worked out from: the symbols before, those to predict, a teacher's expectation."""
        return tuple(torch.from_numpy(np.ascontiguousarray(part)).to(device) for part in chunk)

    def loss(self, network: TextNetwork, tensors: Sequence[Tensor], state: tuple) -> tuple[Tensor, Tensor, tuple]:
        """Log-loss of a chunk in nats, its number of symbols, and the state behind it."""
        x, target, *taught = tensors
        y, state = network(x, state)
        loss = expected_log_loss(y, *taught) if taught else log_loss(y, target)
        return loss.sum(), (target >= 0).sum().float(), state

    def on(self, split: str) -> "TextExamples":
        """The same, to be scored on another split of the corpus."""
        return replace(self, validation=self.corpus.split(split), words=self.corpus.words[split])

    def score(self, network: TextNetwork, every: int = 1) -> TextScore:
        """Score a network on every `every`-th part of the validation text.

        Between resets streams are independent, so they are scored side by side without a change; a text without
        resets is cut into STREAMS streams, each of which begins without what stands before it.
        """
        pieces = self._pieces(every)
        log_loss, wrong, symbols = 0.0, 0, 0
        for begin in range(0, len(pieces), SCORED):
            some = _score_batch(network, SymbolBatch.of(pieces[begin : begin + SCORED]))
            log_loss, wrong, symbols = log_loss + some[0], wrong + some[1], symbols + some[2]
        words = round(self.words * symbols / len(self.validation))
        return TextScore(log_loss, wrong, symbols, words, sum(map(self.characters, pieces)))

    def in_order(self, text: np.ndarray) -> list[np.ndarray]:
        """A text cut where the state begins anew: its sentences, what lies between resets, or all of it."""
        if self.sentences:
            borders = _borders(text, self.corpus.end)
            return [text[begin:end] for begin, end in pairwise(borders)]
        span = self.span if self.resets else len(text)
        return [text[begin : begin + span] for begin in range(0, len(text), span)]

    def _pieces(self, every: int) -> list[np.ndarray]:
        """What is scored, from all over the text: some sentences, some streams, or the first part of each stream."""
        if self.sentences:
            return sorted(self.in_order(self.validation)[::every], key=len, reverse=True)
        if self.resets:
            return self.in_order(self.validation)[::every]
        text, length = self.validation, -(-len(self.validation) // STREAMS)
        return [text[begin : begin + max(1, length // every)] for begin in range(0, len(text), length)]

    def words_of(self, text: np.ndarray) -> int:
        """How many words a text has, counted as those of the splits."""
        counter = WordCounter(self.corpus.unit, list(self.symbols), self.corpus.end)
        counter.add(text)
        return counter.words

    def characters(self, text: np.ndarray) -> int:
        """Characters of a text: of words, those they are spelt with and a blank or line end behind each."""
        if self.corpus.unit != "word":
            return len(text)
        lengths = np.array([0 if i == self.corpus.end else len(word) for i, word in enumerate(self.symbols)])
        return int(lengths[text].sum() + len(text) - (text == self.corpus.end).sum())


def make_text(corpus: TextCorpus, recipe: Recipe) -> TextExamples:
    """What a recipe learns from in a packed text.

    Raises:
        BadInput: it has no such split, or no sentences.
    """
    data, chunk = recipe.data, recipe.training.chunk
    sentences = data.sequences == "sentences"
    if sentences and corpus.end < 0:
        raise BadInput("the text has no symbol that ends a sentence; read it as streams")
    if not sentences and chunk is None:
        raise BadInput("streams need training.chunk, the symbols of a segment")
    train, validation = (_joined([corpus.split(name) for name in names]) for names in (data.train, data.validation))
    expected = _taught(corpus, data.train)
    words = sum(corpus.words[name] for name in data.validation)
    span = (chunk or 0) * (data.reset or 1)
    return TextExamples(corpus, train, expected, validation, sentences, span, data.reset is not None, words)


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    """Several splits as one; a single one stays on disk."""
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _taught(corpus: TextCorpus, names: list[str]) -> np.ndarray | None:
    """What a teacher expects of the text to learn from; raises BadInput where only a part was read by one."""
    taught = [name for name in names if name in corpus.expected]
    if taught and len(names) > 1:
        raise BadInput(f"data.train: {taught[0]!r} was read by a teacher, and is learned from alone")
    return corpus.expected[taught[0]] if taught else None


def _padded(rows: Sequence[np.ndarray], value: int, kind: np.dtype) -> np.ndarray:
    """Arrays as one, the shorter ones filled up behind their ends."""
    whole = np.full((len(rows), max(map(len, rows)), *rows[0].shape[1:]), value, kind)
    for line, row in zip(whole, rows, strict=True):
        line[: len(row)] = row
    return whole


def _borders(text: np.ndarray, end: int) -> np.ndarray:
    """Where sentences begin, and the end of the last; what stands behind the last end is one more sentence."""
    ends = np.flatnonzero(text == end) + 1
    return np.concatenate([[0], ends, [len(text)] if not len(ends) or ends[-1] < len(text) else []]).astype(np.int64)


@torch.no_grad()
def _score_batch(network: TextNetwork, batch: SymbolBatch, steps: int = 200) -> tuple[float, int, int]:
    """Log-loss, wrong guesses and symbols of sequences that begin with a fresh state."""
    learning = network.training
    network.eval()
    state, total, wrong, symbols = network.start(batch.lines), 0.0, 0, 0
    for chunk in batch.chunks(steps):
        x, target = (torch.from_numpy(np.ascontiguousarray(part)).to(network.output.bias.device) for part in chunk)
        y, state = network(x, state)
        total += float(log_loss(y, target).cpu().double().sum())
        wrong += int(((y.argmax(2) != target) & (target >= 0)).sum())
        symbols += int((target >= 0).sum())
    network.train(learning)
    return total, wrong, symbols
