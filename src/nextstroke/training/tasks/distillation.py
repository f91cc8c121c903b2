"""A network over words teaches one over characters: it tells what it expects of each next character (Hinton 2015).

What really comes next is one draw; a teacher shows the odds of all that could. And it invents text, which nobody knows
by heart. arXiv:1503.02531; the odds of words become those of characters in `corpora.spelling`.
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from nextstroke.datasets.packed_text import TextCorpus, pack_text
from nextstroke.datasets.spelling import WordSpelling
from nextstroke.errors import WrongModel
from nextstroke.training.evaluation.runs import open_run
from nextstroke.training.tasks.text_task import NULL, SymbolBatch

LINES, PIECE, CONTEXT = 64, 512, 64  # pieces side by side; words of a piece; words read in front of it
STEPS = 16  # words of each piece at once: 10,000 chances of each lie in memory

Progress = Callable[[int, int], None]


def teach(
    run: Path, corpus: Path, output: Path, invented: int, truth: float, seed: int, progress: Progress
) -> dict[str, int]:
    """Pack a text of words as characters, and as the split "taught" its training text, then what the teacher invents,
    with what the teacher expects of each next character; returns the symbols of each split.

    Args:
        run: Training, checkpoint or model file of a network over words.
        corpus: The packed text that it learned from.
        invented: Words to invent.
        truth: Share of what really came next in what is expected of the training text, which the teacher has read.
        progress: Told characters whose odds are known, and all there are.
    Raises:
        WrongModel: the network is not over words, or over others than the text's.
    """
    text = TextCorpus.open(corpus)
    network, _, about, _, _ = open_run(run)
    if text.unit != "word" or list(about["alphabet"]) != list(text.symbols):
        raise WrongModel(f"{run}: no network over the words of {corpus}; only such a one can teach how to spell them")
    teacher = Teacher(network, text)
    real, made = text.split("train"), teacher.invent(invented, seed)
    spelt = {name: [teacher.spelling.characters(numbers)] for name, numbers in text.splits.items()}
    taught = [*spelt["train"], teacher.spelling.characters(made)]
    expected = (piece for part, share in ((real, truth), (made, 0.0)) for piece in teacher.expected(part, share))
    told = _telling(expected, progress, sum(map(len, taught)))
    symbols = teacher.spelling.symbols
    parts, end = spelt | {"taught": taught}, symbols.index("\n")
    return pack_text(output, "character", symbols, end, parts, {"taught": told})


def _telling(pieces: Iterable[np.ndarray], progress: Progress, total: int) -> Iterator[np.ndarray]:
    done = 0
    for piece in pieces:
        done += len(piece)
        progress(done, total)
        yield piece


class Teacher:
    """A network over words, and how its words are spelt."""

    def __init__(self, network: Any, corpus: TextCorpus):
        self.network, self.end = network, corpus.end
        self.spelling = WordSpelling(corpus.symbols, corpus.end, corpus.split("train"))

    def expected(self, text: np.ndarray, truth: float = 0.0) -> Iterator[np.ndarray]:
        """Distributions of each next character of a text of words, (characters, symbols) piece by piece."""
        whole = np.append(text, self.end).astype(np.int64)  # so that there is something behind each word
        for begin in range(0, len(text), LINES * PIECE):
            begins = range(begin, min(begin + LINES * PIECE, len(text)), PIECE)
            for place, found in zip(begins, self._side_by_side(whole, begins), strict=True):
                words = whole[place : place + PIECE + 1]
                real = self.spelling.characters(words)[: len(found)]
                found *= 1 - truth
                found[np.arange(len(found)), real] += truth
                yield found

    def _side_by_side(self, whole: np.ndarray, begins: range) -> list[np.ndarray]:
        rows = [whole[max(0, begin - CONTEXT) : begin + PIECE + 1] for begin in begins]
        before = np.array([whole[begin - CONTEXT - 1] if begin > CONTEXT else NULL for begin in begins])
        batch = SymbolBatch.of(rows, before)
        for target, row, begin in zip(batch.target, rows, begins, strict=True):
            target[: min(begin, CONTEXT)] = NULL
            target[len(row) - 1 :] = NULL
        found: list[list[np.ndarray]] = [[] for _ in rows]
        for words, chances in self._chances(batch):
            for line, piece in zip(found, self._spelt(words, chances), strict=True):
                line.append(piece)
        return [np.concatenate(pieces) for pieces in found]

    @torch.no_grad()
    def _chances(self, batch: SymbolBatch) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Words (lines, n) and the chances of all words in their places and the one behind, (lines, n + 1, words)."""
        state = self.network.start(batch.lines)
        words, chances = batch.target[:, :0], np.zeros((batch.lines, 0, self.network.output.out_features), np.float32)
        for x, target in batch.chunks(STEPS):
            y, state = self.network(torch.from_numpy(np.ascontiguousarray(x)), state)
            words = np.concatenate([words, target], 1)
            chances = np.concatenate([chances, torch.softmax(y, 2).numpy()], 1)
            yield words[:, :-1], chances
            words, chances = words[:, -1:], chances[:, -1:]

    def _spelt(self, words: np.ndarray, chances: np.ndarray) -> list[np.ndarray]:
        """What is expected of the characters of each line's words, without those that are not asked for."""
        asked = (words != NULL) & (words != self.end)
        found = self.spelling.expected(words[asked], chances[:, :-1][asked], chances[:, 1:, self.end][asked])
        sizes = (self.spelling.lengths(words) * asked).sum(1)
        return np.split(found, np.cumsum(sizes)[:-1])

    @torch.no_grad()
    def invent(self, words: int, seed: int) -> np.ndarray:
        """A text of so many words, drawn word by word: pieces one behind another."""
        draw = torch.Generator().manual_seed(seed)
        lines = max(1, -(-words // PIECE))
        pieces = [self._drawn(min(LINES * 4, lines - begin), draw) for begin in range(0, lines, LINES * 4)]
        return np.concatenate(pieces)[:words]

    def _drawn(self, lines: int, draw: torch.Generator) -> np.ndarray:
        state, word = self.network.start(lines), torch.full((lines, 1), NULL)
        drawn = []
        for _ in range(PIECE):
            y, state = self.network(word, state)
            sums = torch.softmax(y[:, 0].double(), 1).cumsum(1)  # torch.multinomial takes 30 times as long
            word = torch.searchsorted(sums, torch.rand(lines, 1, dtype=torch.float64, generator=draw) * sums[:, -1:])
            drawn.append(word)
        return torch.cat(drawn, 1).flatten().numpy()
