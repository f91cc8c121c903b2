"""Text symbol by symbol: draws from the network's predictions, each shown to it in turn (section 3)."""

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
    """How a symbol is chosen from its distribution; as it stands, every symbol by its probability, as the paper.

    Attributes:
        temperature: Log-probabilities are divided by it; 0 takes the likeliest symbol.
        top_k: Number of likeliest symbols that are drawn from; all without it.
        top_p: Only the fewest likeliest symbols that together have this probability are drawn from.
    Raises:
        UsageError: an invalid value.
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float = 1.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.temperature) and self.temperature >= 0):
            raise UsageError(f"temperature {self.temperature}: give 0 for the likeliest symbol, or a number above")
        if self.top_k is not None and self.top_k < 1:
            raise UsageError(f"top-k {self.top_k}: give 1 or more")
        if not 0 < self.top_p <= 1:
            raise UsageError(f"top-p {self.top_p}: give a number above 0, at most 1")

    def probabilities(self, y: np.ndarray) -> np.ndarray:
        """The distribution that is drawn from, float64 (symbols,), for y-hat (symbols,)."""
        below = y.astype(np.float64) - y.max()
        if self.temperature == 0:
            return _normal((np.arange(len(y)) == y.argmax()).astype(float))
        with np.errstate(over="ignore"):  # to −inf, whose exponential is 0
            likely = _normal(np.exp(below / self.temperature))
        order = np.argsort(-likely, kind="stable")
        before = np.cumsum(likely[order]) - likely[order]
        # The likeliest symbol stays, whatever rounding does.
        dropped = (before >= self.top_p) & (np.arange(len(y)) > 0)
        dropped[self.top_k :] |= self.top_k is not None
        likely[order[dropped]] = 0
        return _normal(likely)

    def draw(self, y: np.ndarray, uniform: float) -> int:
        """One symbol; the same number in [0, 1) gives the same one."""
        sums = np.cumsum(self.probabilities(y))
        return int(np.searchsorted(sums, uniform * sums[-1], "right"))


def _normal(masses: np.ndarray) -> np.ndarray:
    return masses / masses.sum()


class Spelling:
    """How a model's symbols are written: bytes, characters or words.

    Args:
        model: A text model.
    """

    def __init__(self, model: Model):
        self.symbols, self.unit, self.end = model.metadata["alphabet"], model.metadata["unit"], model.metadata["end"]
        self.numbers = {symbol: i for i, symbol in enumerate(self.symbols)}

    def read(self, text: str) -> list[int]:
        """The numbers of a text's symbols; a word that the model has not is its unknown word.

        Raises:
            UnknownCharacters: bytes, characters or words that the model has not; some are named.
        """
        symbols = self._cut(text)
        if self.unit == "word" and UNKNOWN_WORD in self.numbers:
            symbols = [symbol if symbol in self.numbers else UNKNOWN_WORD for symbol in symbols]
        unknown = [symbol for symbol in dict.fromkeys(symbols) if symbol not in self.numbers]
        if unknown:
            raise UnknownCharacters(f"the model has no {', '.join(map(repr, unknown[:10]))}; leave it out of the prime")
        return [self.numbers[symbol] for symbol in symbols]

    def _cut(self, text: str) -> Sequence[str]:
        if self.unit == "byte":
            return text.encode("utf-8", "surrogateescape").decode("latin-1")
        if self.unit == "character":
            return text
        return [word for line in text.split("\n") for word in (*line.split(), self.symbols[self.end])][:-1]

    def write(self, numbers: Iterator[int]) -> Iterator[str]:
        """The text of symbols as they come: of bytes, never half a character."""
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
        yield from filter(None, [decoder.decode(b"", final=True)])


def generate(model: Model, prime: Iterable[int], length: int, choice: Choice, seed: int) -> Iterator[int]:
    """Continue `prime` by `length` symbols, each given as soon as it is drawn.

    A model that learned sentence by sentence begins each sentence anew.

    Raises:
        UsageError: a negative length.
    """
    if length < 0:
        raise UsageError(f"length {length}: give 0 or more")
    sentences = model.metadata["recipe"]["data"]["sequences"] == "sentences"
    return _continued(TextPredictor(model), prime, length, choice, seed, model.metadata["end"] if sentences else NULL)


def _continued(
    predictor: TextPredictor, prime: Iterable[int], length: int, choice: Choice, seed: int, last: int
) -> Iterator[int]:
    """`last` is the symbol that ends a sequence, NULL for none."""
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
    """Pass a text on as it comes, and end it before the first of several strings.

    What may be the beginning of a stop string is held until it is known to be none.

    Args:
        pieces: The text in pieces.
        stops: Strings that end it, none of them empty.
    """
    held = ""
    for piece in pieces:
        held += piece
        places = [place for place in (held.find(stop) for stop in stops) if place >= 0]
        if places:
            yield from filter(None, [held[: min(places)]])
            return
        kept = max((_overlap(held, stop) for stop in stops), default=0)
        yield from filter(None, [held[: len(held) - kept]])
        held = held[len(held) - kept :]
    yield from filter(None, [held])


def _overlap(text: str, stop: str) -> int:
    """Return how many characters at the end of a text begin a stop string."""
    return next((n for n in range(min(len(stop) - 1, len(text)), 0, -1) if text.endswith(stop[:n])), 0)
