"""What a text has of a real one's structure (section 3.2): words, marks in pairs, and a baseline of three symbols."""

import html
import re
from collections.abc import Iterator, Set
from typing import NamedTuple

import numpy as np

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
