"""Distillation: a network over words teaches one over characters what to expect next (Hinton 2015).

The character that really comes next is one draw; a teacher gives the distribution. It also invents
text, which no network has memorised. arXiv:1503.02531; `datasets.spelling` turns distributions over
words into those over characters.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import cast

import numpy as np
import torch

from nextstroke.datasets.packed_text import TextCorpus, pack_text
from nextstroke.datasets.spelling import WordSpelling
from nextstroke.errors import WrongModel
from nextstroke.nets.networks import AnyTextNetwork
from nextstroke.training.evaluation.runs import open_run
from nextstroke.training.tasks.text_task import NULL, SymbolBatch

LINES = 64  # pieces in a batch
PIECE = 512  # words of a piece
CONTEXT = 64  # words read before a piece
STEPS = 16  # words of each piece at once: 10,000 probabilities of each are in memory

Progress = Callable[[int, int], None]


def teach(
    run: Path,
    corpus: Path,
    output: Path,
    invented: int,
    truth: float,
    seed: int,
    progress: Progress,
) -> dict[str, int]:
    """Pack a text of words as characters with what a teacher expects; return the symbols of each split.

    The split "taught" holds the training text, then text that the teacher invents, with the
    distribution of each next character.

    Args:
        run: Training, checkpoint or model file of a network over words.
        corpus: Packed text that the network learned from.
        invented: Number of words to invent.
        truth: Weight of the real next character in the distributions of the training text, which
            the teacher has read, from 0 to 1.
        seed: Random seed of the invented text.
        progress: Called with the number of characters done, and of all.

    Raises:
        WrongModel: the network is not over words, or over others than the text's.
    """
    text = TextCorpus.open(corpus)
    trained = open_run(run)
    if text.unit != "word" or list(trained.metadata["alphabet"]) != list(text.symbols):
        problem = f"no network over the words of {corpus}"
        raise WrongModel(f"{run}: {problem}; give the network and the corpus it learned from")
    teacher = Teacher(cast(AnyTextNetwork, trained.network), text)
    real = text.split("train")
    made = teacher.invent(invented, seed)
    spelt = {name: [teacher.spelling.characters(numbers)] for name, numbers in text.splits.items()}
    taught = [*spelt["train"], teacher.spelling.characters(made)]
    expected = chain(teacher.expected(real, truth), teacher.expected(made, 0.0))
    counted = _count(expected, progress, sum(map(len, taught)))
    symbols = teacher.spelling.symbols
    parts = spelt | {"taught": taught}
    line_end = symbols.index("\n")
    return pack_text(output, "character", symbols, line_end, parts, {"taught": counted})


def _count(pieces: Iterable[np.ndarray], progress: Progress, total: int) -> Iterator[np.ndarray]:
    """Yield the pieces, and report the progress."""
    done = 0
    for piece in pieces:
        done += len(piece)
        progress(done, total)
        yield piece


class Teacher:
    """A network over words, with the spelling of its words."""

    def __init__(self, network: AnyTextNetwork, corpus: TextCorpus):
        self.network = network
        self.end = corpus.end
        self.spelling = WordSpelling(corpus.symbols, corpus.end, corpus.split("train"))

    def expected(self, text: np.ndarray, truth: float = 0.0) -> Iterator[np.ndarray]:
        """Yield the distributions of each next character of a text of words, (characters, symbols).

        Args:
            text: Ids of words.
            truth: Weight of the real next character, from 0 to 1.
        """
        whole = np.append(text, self.end).astype(np.int64)  # so that a word follows each
        for first in range(0, len(text), LINES * PIECE):
            begins = range(first, min(first + LINES * PIECE, len(text)), PIECE)
            for begin, found in zip(begins, self._piece_distributions(whole, begins), strict=True):
                words = whole[begin : begin + PIECE + 1]
                real = self.spelling.characters(words)[: len(found)]
                found *= 1 - truth
                found[np.arange(len(found)), real] += truth
                yield found

    def _piece_distributions(self, whole: np.ndarray, begins: range) -> list[np.ndarray]:
        """Return the distributions of the pieces that begin there, read in one batch."""
        rows = [whole[max(0, begin - CONTEXT) : begin + PIECE + 1] for begin in begins]
        firsts = [begin - CONTEXT - 1 for begin in begins]
        before = np.array([whole[first] if first >= 0 else NULL for first in firsts])
        batch = SymbolBatch.of(rows, before)
        for target, row, begin in zip(batch.target, rows, begins, strict=True):
            target[: min(begin, CONTEXT)] = NULL
            target[len(row) - 1 :] = NULL
        found: list[list[np.ndarray]] = [[] for _ in rows]
        for words, probabilities in self._word_probabilities(batch):
            for line, piece in zip(found, self._spelt(words, probabilities), strict=True):
                line.append(piece)
        return [np.concatenate(pieces) for pieces in found]

    @torch.no_grad()
    def _word_probabilities(self, batch: SymbolBatch) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield words (lines, n), and the probabilities of all words there and after them, (lines, n + 1, words)."""
        state = self.network.start(batch.lines)
        words = batch.target[:, :0]
        probabilities = np.zeros((batch.lines, 0, self.network.output.out_features), np.float32)
        for x, target in batch.chunks(STEPS):
            y, state = self.network(torch.from_numpy(np.ascontiguousarray(x)), state)
            words = np.concatenate([words, target], 1)
            probabilities = np.concatenate([probabilities, torch.softmax(y, 2).numpy()], 1)
            yield words[:, :-1], probabilities
            words = words[:, -1:]
            probabilities = probabilities[:, -1:]

    def _spelt(self, words: np.ndarray, probabilities: np.ndarray) -> list[np.ndarray]:
        """Return the distributions of the characters of each line's words, those to predict alone."""
        asked = (words != NULL) & (words != self.end)
        ends = probabilities[:, 1:, self.end][asked]
        found = self.spelling.expected(words[asked], probabilities[:, :-1][asked], ends)
        sizes = (self.spelling.lengths(words) * asked).sum(1)
        return np.split(found, np.cumsum(sizes)[:-1])

    @torch.no_grad()
    def invent(self, words: int, seed: int) -> np.ndarray:
        """Return a text of `words` words, drawn word by word in pieces that are then joined."""
        generator = torch.Generator().manual_seed(seed)
        lines = max(1, -(-words // PIECE))
        most = LINES * 4
        sizes = [min(most, lines - begin) for begin in range(0, lines, most)]
        pieces = [self._sample(size, generator) for size in sizes]
        return np.concatenate(pieces)[:words]

    def _sample(self, lines: int, generator: torch.Generator) -> np.ndarray:
        """Return PIECE words of each line, one line after another."""
        state = self.network.start(lines)
        word = torch.full((lines, 1), NULL)
        drawn = []
        for _ in range(PIECE):
            y, state = self.network(word, state)
            # torch.multinomial takes 30 times as long.
            sums = torch.softmax(y[:, 0].double(), 1).cumsum(1)
            uniform = torch.rand(lines, 1, dtype=torch.float64, generator=generator)
            word = torch.searchsorted(sums, uniform * sums[:, -1:])
            drawn.append(word)
        return torch.cat(drawn, 1).flatten().numpy()
