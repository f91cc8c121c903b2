"""The paper's claims on generated text (section 3.2): a generated, a real and a baseline text are compared."""

import html
import math
import re
from collections.abc import Callable, Iterator, Sequence, Set
from typing import NamedTuple

import numpy as np

from nextstroke.datasets.packed_text import TextCorpus
from nextstroke.datasets.plain_text import BYTES
from nextstroke.errors import WrongModel
from nextstroke.runtime.model_file import Model
from nextstroke.text.generate import Choice, Spelling, generate

WORD = re.compile(r"[^\W\d_]{2,}")
# Alternatives of two characters come before those of one; the marks of tables, {| and |}, match no group.
MARK = re.compile(
    r"<(?P<slash>/?)(?P<tag>[a-zA-Z][\w:-]*)(?:\s[^<>\n]*?)?(?P<void>/?)>"
    r"|\{\||\|\}(?!\})"
    r"|(?P<bracket>\[\[|\]\]|\{\{|\}\}|[()\[\]{}])"
    r"|(?P<same>\"|'{2,3}(?!')|^={2,}|={2,}(?=[ \t]*$))",
    re.MULTILINE,
)
BRACKETS = ("( )", "[ ]", "[[ ]]", "{{ }}")
QUOTES, EMPHASIS, HEADINGS, TAGS = '" "', "'' ''", "== ==", "<tag> </tag>"
KINDS = (*BRACKETS, QUOTES, EMPHASIS, HEADINGS, TAGS)
ACROSS_LINES = ("{{ }}", TAGS)  # what else has a partner has it in its own line, which is a paragraph
ALONE = {"br", "hr", "img", "li", "p", "references"}  # tags that need no partner


class Mark(NamedTuple):
    """A bracket, quote, heading or tag in a text.

    Attributes:
        kind: One of KINDS.
        name: What a partner must have in common with it, such as the name of a tag.
        position: Index of its first character.
        line: Number of its line, from 0.
        closes: Whether it closes a pair; None for marks that open and close alike.
    """

    kind: str
    name: str
    position: int
    line: int
    closes: bool | None


class Pairs(NamedTuple):
    """Marks of a kind in a text.

    Attributes:
        marks: Number of marks, opening and closing.
        distances: Characters from each closing mark back to its partner.
    """

    marks: int
    distances: list[int]

    @property
    def balance(self) -> float:
        """Share of the marks that have a partner; NaN where there are no marks."""
        return 2 * len(self.distances) / self.marks if self.marks else float("nan")


def find_marks(text: str) -> Iterator[Mark]:
    """Yield all marks of a text in order."""
    line = 0
    seen = 0
    for match in MARK.finditer(text):
        line += text.count("\n", seen, match.start())
        seen = match.start()
        if named := _named(match):
            kind, name, closes = named
            yield Mark(kind, name, match.start(), line, closes)


def _named(match: re.Match[str]) -> tuple[str, str, bool | None] | None:
    """Return kind, name and `closes` of a mark; None for a mark that needs no partner."""
    if tag := match["tag"]:
        return None if match["void"] or tag.lower() in ALONE else (TAGS, tag, bool(match["slash"]))
    if bracket := match["bracket"]:
        kind = next((kind for kind in BRACKETS if bracket in kind.split()), None)
        return (kind, kind, bracket == kind.split()[1]) if kind else None
    if same := match["same"]:
        return {'"': QUOTES, "'": EMPHASIS, "=": HEADINGS}[same[0]], same, None
    return None


def pair_marks(text: str) -> dict[str, Pairs]:
    """Find the pairs of each of KINDS in a text.

    A mark closes the last open one of its name; marks of its kind that were opened in between have no partner.
    Brackets and quotes have to be closed in their line. Entities such as `&quot;` are decoded first.
    """
    found = {kind: Pairs(0, []) for kind in KINDS}
    opened: dict[str, list[Mark]] = {kind: [] for kind in KINDS}
    for mark in find_marks(html.unescape(text)):
        kind = mark.kind
        if kind not in ACROSS_LINES and opened[kind] and opened[kind][-1].line < mark.line:
            opened[kind].clear()
        found[kind] = found[kind]._replace(marks=found[kind].marks + 1)
        partner = _partner(opened[kind], mark)
        if partner is not None:
            found[kind].distances.append(mark.position - partner.position)
        elif not mark.closes:
            opened[kind].append(mark)
    return found


def _partner(opened: list[Mark], mark: Mark) -> Mark | None:
    """Remove the open mark that `mark` closes, and all opened after it; return it."""
    names = [other.name for other in opened]
    if mark.closes is False or mark.name not in names:
        return None
    last = len(names) - 1 - names[::-1].index(mark.name)
    partner = opened[last]
    del opened[last:]
    return partner


def words(text: str) -> list[str]:
    """Return the words of a text, two letters or more, in lower case."""
    return WORD.findall(html.unescape(text).lower())


class Words(NamedTuple):
    """Words of a text.

    Attributes:
        real: Share of the words that are in a vocabulary; NaN where there are no words.
        invented: The first other words of 6 to 11 letters.
    """

    real: float
    invented: list[str]


def judge_words(text: str, vocabulary: Set[str], most: int = 12) -> Words:
    """Separate the words of a text that are in the vocabulary from invented ones, of which `most` are kept."""
    found = words(text)
    strange = [word for word in found if word not in vocabulary]
    named = [word for word in dict.fromkeys(strange) if 6 <= len(word) <= 11]
    return Words(1 - len(strange) / len(found) if found else float("nan"), named[:most])


def three_symbols(text: np.ndarray, length: int, seed: int) -> np.ndarray:
    """Draw the baseline: each symbol follows the two before it with the frequency it has in `text`.

    Args:
        text: Symbols, uint8 of shape (symbols,), three at least.
        length: Number of symbols to draw.
        seed: Random seed.

    Returns: uint8 of shape (length,). After a pair that only ends the text, it goes on from a random position.
    """
    pairs = text[:-2].astype(np.int32) * 256 + text[1:-1]
    order = np.argsort(pairs, kind="stable")
    borders = np.searchsorted(pairs[order], np.arange(65537))
    drawn = np.empty(length, np.uint8)
    pair = int(pairs[0])
    for i, uniform in enumerate(np.random.default_rng(seed).random(length)):
        first = borders[pair]
        last = borders[pair + 1]
        if first == last:
            first = 0
            last = len(pairs)
        drawn[i] = text[order[first + int(uniform * (last - first))] + 2]
        pair = pair % 256 * 256 + int(drawn[i])
    return drawn


PRIME = "  <page>\n    <title>"  # how a page of Wikipedia begins
LENGTH = 50_000  # bytes of each text
LEARNED_FROM = 4_000_000  # bytes that the baseline is estimated from
FEW = 20  # marks; a kind with fewer is reported, not judged
REAL, GENERATED, BASELINE = "real, held out", "generated", "three symbols"
HEADS = ("", *(f"{name}: {what}" for name in (REAL, GENERATED, BASELINE) for what in ("paired", "how far back")))


class Traits(NamedTuple):
    """The words of a text, and its pairs by kind."""

    words: Words
    pairs: dict[str, Pairs]

    @classmethod
    def of(cls, text: str, vocabulary: Set[str]) -> "Traits":
        """Measure a text."""
        return cls(judge_words(text, vocabulary), pair_marks(text))


class TextComparison(NamedTuple):
    """The traits of a held-out real text, of a generated one, and of the baseline's, all of one length."""

    real: Traits
    generated: Traits
    baseline: Traits


class Finding(NamedTuple):
    """Whether a claim holds, None where there is too little to judge, and the numbers it was judged by."""

    holds: bool | None
    evidence: str


def check_bytes(model: Model, corpus: TextCorpus) -> None:
    """Raise WrongModel unless the symbols of both model and text are the 256 bytes."""
    if not BYTES == list(corpus.symbols) == list(model.metadata["alphabet"]):
        raise WrongModel("pages need a model and a packed text of bytes, as `nextstroke data text` packs them")


def decoded(symbols: np.ndarray) -> str:
    """Decode bytes as UTF-8; malformed sequences are replaced."""
    return symbols.astype(np.uint8).tobytes().decode("utf-8", "replace")


def continued(model: Model, prime: str, length: int, seed: int) -> str:
    """Return the prime followed by `length` bytes, drawn from the predicted distribution as in the paper."""
    spelling = Spelling(model)
    return prime + "".join(spelling.write(generate(model, spelling.read(prime), length, Choice(), seed)))


def measure(model: Model, corpus: TextCorpus, seed: int, length: int | None = None) -> TextComparison:
    """Compare texts of `length` bytes (default LENGTH) by the vocabulary of the training text."""
    check_bytes(model, corpus)
    learned = corpus.split("train")
    length = length or LENGTH
    vocabulary = frozenset(words(decoded(learned)))
    texts = (
        decoded(corpus.split("validation")[:length]),
        continued(model, PRIME, length, seed),
        decoded(three_symbols(learned[:LEARNED_FROM], length, seed)),
    )
    return TextComparison(*(Traits.of(text, vocabulary) for text in texts))


def rows(found: TextComparison) -> list[list[str]]:
    """Return a row for each kind of mark and one for the words, in the columns of HEADS."""
    table = []
    for kind in KINDS:
        table.append([kind, *(cell for traits in found for cell in _cells(traits.pairs[kind]))])
    shares = (cell for traits in found for cell in (f"{traits.words.real:.1%}", ""))
    return [*table, ["words that the training text has", *shares]]


def _cells(pairs: Pairs) -> tuple[str, str]:
    if not pairs.marks:
        return "none", ""
    far = pairs.distances
    if not far:
        return f"{pairs.balance:.1%} of {pairs.marks}", ""
    distances = f"median {np.median(far):.0f}, 90 % within {np.quantile(far, 0.9):.0f}, at most {max(far)}"
    return f"{pairs.balance:.1%} of {pairs.marks}", distances


def balanced(found: TextComparison) -> Finding:
    """Judge whether all kinds of marks are paired more often than in the baseline."""
    better = []
    evidence = []
    for kind in KINDS:
        real, generated, baseline = (traits.pairs[kind] for traits in found)
        if generated.marks >= FEW:
            others = f"{REAL} {real.balance:.1%}, {BASELINE} {baseline.balance:.1%}"
            evidence.append(f"{kind} {generated.balance:.1%} ({others})")
            better.append(generated.balance > (baseline.balance if baseline.marks else 0))
    return Finding(all(better) if better else None, "; ".join(evidence))


def real_words(found: TextComparison) -> Finding:
    """Judge whether the share of real words is nearer to the real text's than to the baseline's, and below 1."""
    real, generated, baseline = (traits.words.real for traits in found)
    others = f"{REAL} {real:.1%}, {BASELINE} {baseline:.1%}"
    evidence = f"{generated:.1%} are words of the training text ({others})"
    if any(math.isnan(share) for share in (real, generated, baseline)):
        return Finding(None, evidence)
    invented = found.generated.words.invented
    nearer = abs(generated - real) < abs(generated - baseline)
    return Finding(nearer and bool(invented), f"{evidence}; invented: {', '.join(invented)}")


CLAIMS: Sequence[tuple[str, Callable[[TextComparison], Finding]]] = (
    ("generated pages have balanced brackets, quotes and tags (more than three symbols would)", balanced),
    ("generated text has mostly real words and invents some (how plausible is not judged)", real_words),
)
