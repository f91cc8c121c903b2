"""Characters composed of letters of the alphabet: æ of a and e, ² of a small 2, ı of an i without its dot.

The model writes the letters. They are then moved together, or made smaller and raised or lowered.
"""

from dataclasses import dataclass

import numpy as np

from nextstroke.alphabet import Alphabet
from nextstroke.handwriting.glyphs.diacritics import baseline_near, owners, x_height
from nextstroke.ink import Ink

SMALL = 0.6  # size of raised and lowered letters
# Lengths are in heights of small letters.
RAISED = 0.95  # rise of a raised letter
LOWERED = -0.45  # rise of a lowered letter
TRADE = 0.5  # size of ™
TIGHT = 0.15  # gap between small letters and those of full size
NEAR_STROKE = 0.2  # distance up to which a stroke is near others
OVERLAP = 0.12  # overlap of two letters in one
DOT_ABOVE = 1.05  # least height of the dot above the foot of an i
DOT_SIZE = 0.6  # greatest size of the dot of an i
DOT_ASIDE = 0.9  # greatest distance of the dot from the middle of an i, in x
DOTLESS = "ı"

# Letters, size, and rise of each composed character.
COMPOSITES: dict[str, tuple[str, float, float]] = {
    "æ": ("ae", 1.0, 0.0), "Æ": ("AE", 1.0, 0.0),
    "œ": ("oe", 1.0, 0.0), "Œ": ("OE", 1.0, 0.0),
    DOTLESS: ("i", 1.0, 0.0), "™": ("TM", TRADE, RAISED),
    "ª": ("a", SMALL, RAISED), "º": ("o", SMALL, RAISED),
    "ⁿ": ("n", SMALL, RAISED), "ⁱ": ("i", SMALL, RAISED),
    "⁻": ("-", SMALL, RAISED), "₋": ("-", SMALL, LOWERED),
    "⁽": ("(", SMALL, RAISED), "⁾": (")", SMALL, RAISED),
    "₍": ("(", SMALL, LOWERED), "₎": (")", SMALL, LOWERED),
    **{raised: (digit, SMALL, RAISED) for digit, raised in zip("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹", strict=True)},
    **{lowered: (digit, SMALL, LOWERED) for digit, lowered in zip("0123456789", "₀₁₂₃₄₅₆₇₈₉", strict=True)},
}  # fmt: skip


def is_composed(character: str, alphabet: Alphabet) -> bool:
    """Return whether a character is unknown to the model and composed of letters that it knows."""
    if character not in COMPOSITES or not alphabet.unknown(character):
        return False
    return not alphabet.unknown(COMPOSITES[character][0])


def letters_of(text: str, alphabet: Alphabet) -> str:
    """Return a text in which letters replace composed characters, small ones between blanks."""
    return "".join(_letters(text, alphabet))


def _letters(text: str, alphabet: Alphabet) -> list[str]:
    """Return the letters of each character; blanks separate small ones from those of full size."""
    letters = [COMPOSITES[each][0] if is_composed(each, alphabet) else each for each in text]
    for first, last in _runs(text, alphabet):
        if COMPOSITES[text[first]][1] == 1.0:
            continue
        if last < len(text) and text[last] != " ":
            letters[last - 1] += " "
        if first and text[first - 1] != " ":
            letters[first] = " " + letters[first]
    return letters


def _runs(text: str, alphabet: Alphabet) -> list[tuple[int, int]]:
    """Return the runs of composed characters: the first position and the one after the last.

    Small letters of one size and rise are one run; letters of full size are a run each.
    """
    runs: list[tuple[int, int]] = []
    for u, character in enumerate(text):
        if not is_composed(character, alphabet):
            continue
        form = COMPOSITES[character][1:]
        adjacent = bool(runs) and runs[-1][1] == u
        if adjacent and form[0] != 1.0 and form == COMPOSITES[text[u - 1]][1:]:
            runs[-1] = (runs[-1][0], u + 1)
        else:
            runs.append((u, u + 1))
    return runs


def with_composites(
    ink: Ink,
    phi: np.ndarray,
    text: str,
    alphabet: Alphabet,
) -> tuple[Ink, np.ndarray]:
    """Return a written line with its composed characters.

    Args:
        ink: Ink of `letters_of(text)`.
        phi: Window weights, (points, characters + 1), on `letters_of(text)`.
        text: Text with composed characters.
        alphabet: Characters that the model knows.

    Returns:
        The ink and its weights on `text`; those of a composed character are the sum of its letters'.
    """
    runs = _runs(text, alphabet)
    if not runs:
        return ink, phi
    letters = _letters(text, alphabet)
    firsts = np.cumsum([0, *map(len, letters)])
    written = "".join(letters)
    height = x_height(ink, phi, written)
    for first, last in reversed(runs):
        place = _Place(written, int(firsts[first]), int(firsts[last]), height)
        size, raised = COMPOSITES[text[first]][1:]
        if text[first] == DOTLESS:
            ink, phi = _without_dot(ink, phi, place)
        elif size == 1.0:
            ink = _joined(ink, phi, place)
        else:
            ink = _small(ink, phi, place, size, raised)
    return ink, np.add.reduceat(phi, firsts, axis=1)


@dataclass(frozen=True)
class _Place:
    """Position of a run of composed characters in the text that the model wrote.

    Attributes:
        written: Text that the model wrote.
        first: Position of its first letter, or of a blank that was added before it.
        last: Position after its last letter, or after a blank that was added.
        height: Height of small letters in the ink's unit.
    """

    written: str
    first: int
    last: int
    height: float

    @property
    def letters(self) -> set[int]:
        """Positions of the letters, blanks left out."""
        return {u for u in range(self.first, self.last) if self.written[u] != " "}


def _joined(ink: Ink, phi: np.ndarray, place: _Place) -> Ink:
    """Return a line with the second of two letters moved to the first, unless one stroke writes both."""
    owner = _stroke_owners(ink, phi)
    second = place.first + 1
    x = ink.points[:, 0]
    left = x[owner == place.first]
    right = x[owner == second]
    if not len(left) or not len(right):
        return ink
    points = ink.points.copy()
    points[owner >= second, 0] -= max(0.0, right.min() - left.max() + OVERLAP * place.height)
    return Ink(points, ink.end_of_stroke)


def _small(ink: Ink, phi: np.ndarray, place: _Place, size: float, raised: float) -> Ink:
    """Return a line with some letters made smaller and raised.

    Args:
        ink: Ink of the line.
        phi: Window weights, (points, characters + 1).
        place: Position of the letters.
        size: Factor of their size.
        raised: Rise in heights of small letters.
    """
    owner = _stroke_owners(ink, phi)
    x = ink.points[:, 0]
    own = np.isin(owner, list(place.letters))
    if not own.any():
        return ink
    reach = NEAR_STROKE * place.height
    near = (x >= x[own].min() - reach) & (x <= x[own].max() + reach)
    # A stroke that was begun on a blank next to the letters is theirs if it is near them.
    own |= (owner >= place.first) & (owner < place.last) & near
    left = x[own].min()
    right = x[own].max()
    middle = (left + right) / 2
    after = ~own & (_stroke_means(ink) > middle)
    before = ~own & ~after
    base = baseline_near(ink.points, owner, place.written, (place.first, place.last))
    tight = TIGHT * place.height
    start = x[before].max() + tight if place.written[place.first] == " " and before.any() else left
    points = ink.points.copy()
    points[own] = (start, base - raised * place.height) + size * (points[own] - (left, base))
    end = start + size * (right - left)
    if after.any():
        separate = place.written[place.last - 1] == " "
        points[after, 0] += end + tight - x[after].min() if separate else end - right
    return Ink(points, ink.end_of_stroke)


def _stroke_owners(ink: Ink, phi: np.ndarray) -> np.ndarray:
    """Return for each point the character that most points of its stroke write."""
    owner = owners(phi)
    for stroke in ink.stroke_slices():
        owner[stroke] = np.bincount(owner[stroke]).argmax()
    return owner


def _stroke_means(ink: Ink) -> np.ndarray:
    """Return for each point the mean x of its stroke."""
    means = ink.points[:, 0].copy()
    for stroke in ink.stroke_slices():
        means[stroke] = means[stroke].mean()
    return means


def _without_dot(ink: Ink, phi: np.ndarray, place: _Place) -> tuple[Ink, np.ndarray]:
    """Return a line without the dot nearest to an i, if it has one."""
    body = ink.points[owners(phi) == place.first]
    if not len(body):
        return ink, phi
    foot = body[:, 1].max()
    middle = float(np.median(body[:, 0]))
    limit = DOT_ASIDE * place.height
    nearest: slice | None = None
    for dot in ink.stroke_slices():
        stroke = ink.points[dot]
        small = np.ptp(stroke, axis=0).max() < DOT_SIZE * place.height
        aside = abs(float(stroke[:, 0].mean()) - middle)
        above = stroke[:, 1].max() < foot - DOT_ABOVE * place.height
        if small and above and aside < limit:
            nearest = dot
            limit = aside
    if nearest is None:
        return ink, phi
    keep = np.ones(len(ink), bool)
    keep[nearest] = False
    return Ink(ink.points[keep], ink.end_of_stroke[keep]), phi[keep]
