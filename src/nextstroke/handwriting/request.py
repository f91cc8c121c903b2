"""Describe a line to be written: its text, prepared once, and everything else that decides its ink."""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import inf, nan
from numbers import Integral, Real
from zlib import crc32

import numpy as np

from nextstroke.alphabet import Alphabet
from nextstroke.errors import EmptyText, UsageError
from nextstroke.handwriting.glyphs.diacritics import TWINS, normal
from nextstroke.handwriting.glyphs.symbols import plain
from nextstroke.handwriting.hands import Hand
from nextstroke.runtime.mixture_sampling import uniforms
from nextstroke.runtime.model_file import Model

NO_HAND = Hand.none()
# Characters that no pen draws, such as the selector of an emoji's form: a line of them alone would have no ink.
INVISIBLE = dict.fromkeys((code for code, twin in TWINS.items() if not twin), "")


@dataclass(frozen=True, slots=True)
class PreparedText:
    """The text of one line in the forms that writing it needs.

    Attributes:
        shown: The text as it was given: accents joined with their letters, single blanks between words.
        written: What is drawn of it: a pen's form of typographic characters (“ becomes ", … becomes ...).
        plain: What the network writes of that: a blank for symbols, letters without diacritics.
        ids: Character ids of `plain`, (characters,).
    """

    shown: str
    written: str
    plain: str
    ids: np.ndarray


def shown_text(text: str) -> str:
    """Return a text as lines show it: accents joined with their letters, single blanks, nothing invisible."""
    return " ".join(unicodedata.normalize("NFC", text).translate(INVISIBLE).split())


def prepare(text: str, alphabet: Alphabet) -> PreparedText:
    """Prepare the text of one line.

    Args:
        alphabet: Characters that the model knows.

    Raises:
        EmptyText: The text leaves no ink.
        UnknownCharacters: The text holds characters that neither the model nor the glyphs can write.
    """
    shown = shown_text(text)
    if not shown:
        raise EmptyText("the text is empty; give at least one character that leaves ink")
    written = normal(shown)
    bare = plain(written, alphabet)
    return PreparedText(shown, written, bare, alphabet.encode(bare))


def checked_bias(bias: object) -> float:
    """Return a sampling bias as a float; raises UsageError unless it is a finite number >= 0."""
    try:
        value = float(bias) if isinstance(bias, Real) and not isinstance(bias, bool) else nan
    except OverflowError:
        raise UsageError("bias: the number has too many digits; give a number >= 0") from None
    if not 0 <= value < inf:
        raise UsageError(f"bias {bias!r:.40}: give a number >= 0; 0 is unbiased, 0.5 to 1 reads well")
    return value


def checked_biases(bias: float | Iterable[float]) -> tuple[float, ...]:
    """Return one sampling bias or several as floats; raises UsageError unless all are finite numbers >= 0."""
    several = bias if isinstance(bias, Iterable) and not isinstance(bias, str) else [bias]
    found = tuple(checked_bias(each) for each in several)
    if not found:
        raise UsageError("bias: there is no number; give one, or several for the paragraphs in turn")
    return found


def checked_seed(seed: object) -> int:
    """Return a random seed as an int; raises UsageError unless it is a whole number >= 0."""
    if isinstance(seed, bool) or not isinstance(seed, Integral) or seed < 0:
        raise UsageError(f"seed {seed!r}: give a whole number >= 0; the same seed gives the same ink")
    return int(seed)


@dataclass(frozen=True, eq=False)
class LineRequest:
    """A line to be written. The same request gives the same ink, whatever else is written.

    Attributes:
        text: The line's text.
        hand: The hand to write it in.
        bias: Sampling bias, >= 0; 0 is unbiased (section 5.4).
        seed: Random seed, >= 0.
        occurrence: Number of equal lines above this one, in the same text or batch.
        attempt: Number of the attempt at this line, from 0.

    Raises:
        UsageError: The bias or the seed is not a number in its range.
    """

    text: PreparedText
    hand: Hand = NO_HAND
    bias: float = 0.5
    seed: int = 1
    occurrence: int = 0
    attempt: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "bias", checked_bias(self.bias))
        object.__setattr__(self, "seed", checked_seed(self.seed))

    @property
    def entropy(self) -> list[int]:
        """What seeds the line's random numbers: a line inserted above changes it only if its text is the same."""
        return [self.seed, crc32(self.text.shown.encode("utf-8", "replace")), self.occurrence]

    def uniforms(self, points: int) -> np.ndarray:
        """Return the random numbers of the first `points` points of this attempt, (points, UNIFORMS) in [0, 1)."""
        return uniforms([*self.entropy, self.attempt], points)


def line_requests(
    model: Model,
    texts: Iterable[str],
    hand: Hand = NO_HAND,
    bias: float = 0.5,
    seed: int = 1,
    above: Mapping[str, int] | None = None,
) -> list[LineRequest]:
    """Return a request for each line of a text, in order from top to bottom.

    Args:
        above: How many times each shown text occurs above the first line; default: none does.

    Raises:
        EmptyText, UnknownCharacters: A line cannot be written.
        UsageError: The bias or the seed is not a number in its range.
    """
    seen = Counter(above or {})
    requests = []
    for text in texts:
        prepared = prepare(text, model.alphabet)
        requests.append(LineRequest(prepared, hand, bias, seed, seen[prepared.shown]))
        seen[prepared.shown] += 1
    return requests
