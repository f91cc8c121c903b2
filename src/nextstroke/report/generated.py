"""The paper's claims on generated text (section 3.2), told by a sample, a real text and a baseline of one length."""

import math
from collections.abc import Callable, Sequence, Set
from typing import NamedTuple

import numpy as np

from nextstroke.corpora.plaintext import BYTES
from nextstroke.corpora.symbols import TextCorpus
from nextstroke.engine.generate import Choice, Spelling, generate
from nextstroke.engine.modelfile import Model
from nextstroke.errors import WrongModel
from nextstroke.report.texts import KINDS, Pairs, Words, judge_words, pair_marks, three_symbols, words

PRIME = "  <page>\n    <title>"  # how a page of Wikipedia begins
LENGTH = 50_000  # bytes of each text
LEARNED_FROM = 4_000_000  # bytes that the baseline knows
FEW = 20  # marks; a kind with fewer is told, not judged
REAL, GENERATED, BASELINE = "real, held out", "generated", "three symbols"
HEADS = ("", *(f"{name}: {what}" for name in (REAL, GENERATED, BASELINE) for what in ("paired", "how far back")))


class Traits(NamedTuple):
    """What a text shows: its words, and its pairs by kind."""

    words: Words
    pairs: dict[str, Pairs]

    @classmethod
    def of(cls, text: str, vocabulary: Set[str]) -> "Traits":
        """Measure a text."""
        return cls(judge_words(text, vocabulary), pair_marks(text))


def check_bytes(model: Model, corpus: TextCorpus) -> None:
    """Raise WrongModel where a model's or a text's numbers are not those of bytes."""
    if not BYTES == list(corpus.symbols) == list(model.about["alphabet"]):
        raise WrongModel("pages want a model and a packed text of bytes, as `nextstroke data text` packs them")


def decoded(symbols: np.ndarray) -> str:
    """Bytes as text; what is no UTF-8 is replaced."""
    return symbols.astype(np.uint8).tobytes().decode("utf-8", "replace")


def continued(model: Model, prime: str, length: int, seed: int) -> str:
    """The prime, and so many bytes drawn behind it, each by its probability as in the paper; none are chosen."""
    spelling = Spelling(model)
    return prime + "".join(spelling.write(generate(model, spelling.read(prime), length, Choice(), seed)))


def measure(model: Model, corpus: TextCorpus, seed: int, length: int | None = None) -> dict[str, Traits]:
    """The traits of a held-out text, of a generated one and of the baseline's; the training text has all real words."""
    check_bytes(model, corpus)
    learned, length = corpus.split("train"), length or LENGTH
    texts = {
        REAL: decoded(corpus.split("validation")[:length]),
        GENERATED: continued(model, PRIME, length, seed),
        BASELINE: decoded(three_symbols(learned[:LEARNED_FROM], length, seed)),
    }
    vocabulary = frozenset(words(decoded(learned)))
    return {name: Traits.of(text, vocabulary) for name, text in texts.items()}


def rows(found: dict[str, Traits]) -> list[list[str]]:
    """A row for each kind of mark, one for the words; under HEADS."""
    table = []
    for kind in KINDS:
        table.append([kind, *(cell for traits in found.values() for cell in _cells(traits.pairs[kind]))])
    table.append(
        ["words that the training text has", *(c for t in found.values() for c in (f"{t.words.real:.1%}", ""))]
    )
    return table


def _cells(pairs: Pairs) -> tuple[str, str]:
    if not pairs.marks:
        return "none", ""
    far = pairs.distances
    told = f"median {np.median(far):.0f}, 90 % within {np.quantile(far, 0.9):.0f}, at most {max(far)}" if far else ""
    return f"{pairs.balance:.1%} of {pairs.marks}", told


def balanced(found: dict[str, Traits]) -> tuple[bool | None, str]:
    """Whether all kinds of marks are paired more often than in the baseline; None if too few to tell; and figures."""
    better, told = [], []
    for kind in KINDS:
        real, ours, chance = (found[name].pairs[kind] for name in (REAL, GENERATED, BASELINE))
        if ours.marks >= FEW:
            told.append(f"{kind} {ours.balance:.1%} ({REAL} {real.balance:.1%}, {BASELINE} {chance.balance:.1%})")
            better.append(ours.balance > (chance.balance if chance.marks else 0))
    return (all(better) if better else None), "; ".join(told)


def real_words(found: dict[str, Traits]) -> tuple[bool | None, str]:
    """Whether its words are nearer to a real text's than to the baseline's, some invented; and figures."""
    real, ours, chance = (found[name].words for name in (REAL, GENERATED, BASELINE))
    told = f"{ours.real:.1%} are words of the training text ({REAL} {real.real:.1%}, {BASELINE} {chance.real:.1%})"
    if any(math.isnan(share.real) for share in (real, ours, chance)):
        return None, told
    nearer = abs(ours.real - real.real) < abs(ours.real - chance.real)
    return nearer and bool(ours.invented), f"{told}; invented: {', '.join(ours.invented)}"


CLAIMS: Sequence[tuple[str, Callable[[dict[str, Traits]], tuple[bool | None, str]]]] = (
    ("generated pages have balanced brackets, quotes and tags (more than three symbols would)", balanced),
    ("generated text has mostly real words and invents some (how plausible is not judged)", real_words),
)
