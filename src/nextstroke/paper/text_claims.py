"""The paper's claims on generated text (section 3.2), told by a sample, a real text and a baseline of one length."""

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

# What a text has of a real one's structure (section 3.2): words, marks in pairs, and a baseline of three symbols.

WORD = re.compile(r"[^\W\d_]{2,}")
# What is of two characters stands before what is of one of them; the marks of tables, {| and |}, are of no kind.
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
    """A mark in a text; only marks of one name are partners. `closes` is None for what opens and closes alike."""

    kind: str
    name: str
    place: int
    line: int
    closes: bool | None


class Pairs(NamedTuple):
    """Marks of a kind in a text.

    Attributes:
        marks: How many there are, those that open and those that close.
        distances: From each mark that closes back to its partner, in characters.
    """

    marks: int
    distances: list[int]

    @property
    def balance(self) -> float:
        """Share of the marks that have a partner; not a number where there are no marks."""
        return 2 * len(self.distances) / self.marks if self.marks else float("nan")


def find_marks(text: str) -> Iterator[Mark]:
    """All marks of a text in order."""
    line, seen = 0, 0
    for match in MARK.finditer(text):
        line, seen = line + text.count("\n", seen, match.start()), match.start()
        if named := _named(match):
            kind, name, closes = named
            yield Mark(kind, name, match.start(), line, closes)


def _named(match: re.Match[str]) -> tuple[str, str, bool | None] | None:
    """Kind, name and side of a mark; None for what needs no partner."""
    if tag := match["tag"]:
        return None if match["void"] or tag.lower() in ALONE else (TAGS, tag, bool(match["slash"]))
    if bracket := match["bracket"]:
        kind = next((kind for kind in BRACKETS if bracket in kind.split()), None)
        return (kind, kind, bracket == kind.split()[1]) if kind else None
    if same := match["same"]:
        return {'"': QUOTES, "'": EMPHASIS, "=": HEADINGS}[same[0]], same, None
    return None


def pair_marks(text: str) -> dict[str, Pairs]:
    """The pairs of each of KINDS in a text.

    A mark closes the last open one of its name; what its kind has opened in between stays without a partner. Brackets
    and quotes have to be closed in their line. Characters written as `&quot;` and the like are what they stand for.
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
            found[kind].distances.append(mark.place - partner.place)
        elif not mark.closes:
            opened[kind].append(mark)
    return found


def _partner(opened: list[Mark], mark: Mark) -> Mark | None:
    """The open mark that `mark` closes, taken off with all that were opened behind it."""
    names = [other.name for other in opened]
    if mark.closes is False or mark.name not in names:
        return None
    place = len(names) - 1 - names[::-1].index(mark.name)
    partner = opened[place]
    del opened[place:]
    return partner


def words(text: str) -> list[str]:
    """The words of a text, two letters or more, in lower case."""
    return WORD.findall(html.unescape(text).lower())


class Words(NamedTuple):
    """Words of a text.

    Attributes:
        real: Share of the words that are in a vocabulary; not a number where there are no words.
        invented: The first of the others, of the lengths that names have.
    """

    real: float
    invented: list[str]


def judge_words(text: str, vocabulary: Set[str], told: int = 12) -> Words:
    """Which words of a text are in the vocabulary, and which are invented."""
    found = words(text)
    strange = [word for word in found if word not in vocabulary]
    named = [word for word in dict.fromkeys(strange) if 6 <= len(word) <= 11]
    return Words(1 - len(strange) / len(found) if found else float("nan"), named[:told])


def three_symbols(text: np.ndarray, length: int, seed: int) -> np.ndarray:
    """The baseline: each symbol is one that follows the two before it somewhere in `text`, as often as it does there.

    Args:
        text: Symbols, uint8 (symbols,), three at least.
        length: How many to draw.
    Returns:
        uint8 (length,); where the last two stand at the text's end alone, it goes on from any place.
    """
    pairs = text[:-2].astype(np.int32) * 256 + text[1:-1]
    order = np.argsort(pairs, kind="stable")
    borders = np.searchsorted(pairs[order], np.arange(65537))
    drawn, pair = np.empty(length, np.uint8), int(pairs[0])
    for i, uniform in enumerate(np.random.default_rng(seed).random(length)):
        first, last = borders[pair], borders[pair + 1]
        if first == last:
            first, last = 0, len(pairs)
        drawn[i] = text[order[first + int(uniform * (last - first))] + 2]
        pair = pair % 256 * 256 + int(drawn[i])
    return drawn


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
    if not BYTES == list(corpus.symbols) == list(model.metadata["alphabet"]):
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
