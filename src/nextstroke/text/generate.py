"""Sample text from a text model symbol by symbol, feeding each symbol back (section 3)."""

import codecs
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from nextstroke.errors import UnknownCharacters, UsageError
from nextstroke.runtime.model_file import Model
from nextstroke.runtime.predictor import NULL, TextPredictor

UNKNOWN_WORD = "<unk>"


@dataclass(frozen=True)
class Choice:
    """Sampling settings; by default every symbol has its predicted probability, as in the paper.

    Attributes:
        temperature: Divisor of the log-probabilities, >= 0; 0 takes the likeliest symbol.
        top_k: Number of the likeliest symbols to draw from, >= 1; None for all.
        top_p: Probability of the smallest set of likeliest symbols to draw from, in (0, 1].

    Raises:
        UsageError: A value is out of range.
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float = 1.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.temperature) and self.temperature >= 0):
            wanted = "give 0 for the likeliest symbol, or a number above"
            raise UsageError(f"temperature {self.temperature}: {wanted}")
        if self.top_k is not None and self.top_k < 1:
            raise UsageError(f"top-k {self.top_k}: give 1 or more")
        if not 0 < self.top_p <= 1:
            raise UsageError(f"top-p {self.top_p}: give a number above 0, at most 1")

    def probabilities(self, y: np.ndarray) -> np.ndarray:
        """Return the distribution to draw from, float64, (symbols,), given y-hat, (symbols,)."""
        below = y.astype(np.float64) - y.max()
        if self.temperature == 0:
            return (np.arange(len(y)) == y.argmax()).astype(float)
        with np.errstate(over="ignore"):  # to −inf, whose exponential is 0
            likely = np.exp(below / self.temperature)
        likely /= likely.sum()
        order = np.argsort(-likely, kind="stable")
        before = np.cumsum(likely[order]) - likely[order]
        # Keep the likeliest symbol, whatever rounding does.
        dropped = (before >= self.top_p) & (np.arange(len(y)) > 0)
        if self.top_k is not None:
            dropped[self.top_k :] = True
        likely[order[dropped]] = 0
        return likely / likely.sum()

    def draw(self, y: np.ndarray, uniform: float) -> int:
        """Return the index of a symbol, which a number in [0, 1) determines."""
        sums = np.cumsum(self.probabilities(y))
        return int(np.searchsorted(sums, uniform * sums[-1], "right"))


class Spelling:
    """The symbols of a text model: bytes, characters or words.

    Args:
        model: A text model.
    """

    def __init__(self, model: Model):
        self.symbols = model.metadata["alphabet"]
        self.unit = model.metadata["unit"]
        self.end = model.metadata["end"]
        self.numbers = {symbol: i for i, symbol in enumerate(self.symbols)}

    def read(self, text: str) -> list[int]:
        """Return the indices of the symbols of a text; a word not in the alphabet is the unknown word.

        Raises:
            UnknownCharacters: The alphabet lacks bytes, characters or words of the text.
        """
        symbols = self._cut(text)
        if self.unit == "word" and UNKNOWN_WORD in self.numbers:
            symbols = [symbol if symbol in self.numbers else UNKNOWN_WORD for symbol in symbols]
        unknown = [symbol for symbol in dict.fromkeys(symbols) if symbol not in self.numbers]
        if unknown:
            named = ", ".join(map(repr, unknown[:10]))
            raise UnknownCharacters(f"the model has no {named}; leave it out of the prime")
        return [self.numbers[symbol] for symbol in symbols]

    def _cut(self, text: str) -> Sequence[str]:
        if self.unit == "byte":
            return text.encode("utf-8", "surrogateescape").decode("latin-1")
        if self.unit == "character":
            return text
        words: list[str] = []
        for line in text.split("\n"):
            words += [*line.split(), self.symbols[self.end]]
        return words[:-1]

    def write(self, numbers: Iterator[int]) -> Iterator[str]:
        """Iterate over the text of symbols given by index; bytes are joined to whole characters."""
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        for number in numbers:
            if self.unit == "byte":
                piece = decoder.decode(self.symbols[number].encode("latin-1"))
            elif self.unit == "character":
                piece = self.symbols[number]
            else:
                piece = "\n" if number == self.end else f"{self.symbols[number]} "
            if piece:
                yield piece
        rest = decoder.decode(b"", final=True)
        if rest:
            yield rest


def generate(
    model: Model,
    prime: Iterable[int],
    length: int,
    choice: Choice,
    seed: int,
) -> Iterator[int]:
    """Iterate over the indices of symbols that continue a text, each as soon as it is drawn.

    A model that was trained sentence by sentence starts each sentence anew.

    Args:
        model: A text model.
        prime: Indices of the symbols of the text to continue.
        length: Number of symbols, >= 0.
        choice: Sampling settings.
        seed: Random seed.

    Raises:
        UsageError: The length is negative.
    """
    if length < 0:
        raise UsageError(f"length {length}: give 0 or more")
    sentences = model.metadata["recipe"]["data"]["sequences"] == "sentences"
    last = model.metadata["end"] if sentences else NULL
    return _continued(TextPredictor(model), prime, length, choice, seed, last)


def _continued(
    predictor: TextPredictor,
    prime: Iterable[int],
    length: int,
    choice: Choice,
    seed: int,
    last: int,
) -> Iterator[int]:
    """Iterate over the symbols that continue a text; `last` ends a sentence, NULL for none."""
    rng = np.random.default_rng(seed)
    for symbol in prime:
        predictor.observe(np.array([symbol]))
        if symbol == last:
            predictor.begin()
    for _ in range(length):
        symbol = choice.draw(predictor.y[0], rng.random())
        yield symbol
        if symbol == last:
            predictor.begin()
        else:
            predictor.observe(np.array([symbol]))


def until(pieces: Iterable[str], stops: Sequence[str]) -> Iterator[str]:
    """Iterate over the pieces of a text up to the first stop string.

    A piece that may be the beginning of a stop string is withheld until it is known.

    Args:
        pieces: Text in pieces.
        stops: Stop strings, none of them empty.
    """
    held = ""
    for piece in pieces:
        held += piece
        positions = [held.find(stop) for stop in stops if stop in held]
        if positions:
            if min(positions) > 0:
                yield held[: min(positions)]
            return
        kept = max((_overlap(held, stop) for stop in stops), default=0)
        if len(held) > kept:
            yield held[: len(held) - kept]
            held = held[len(held) - kept :]
    if held:
        yield held


def _overlap(text: str, stop: str) -> int:
    """Return the length of the longest end of a text that is a proper prefix of a stop string."""
    for length in range(min(len(stop) - 1, len(text)), 0, -1):
        if text.endswith(stop[:length]):
            return length
    return 0
