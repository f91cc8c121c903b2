"""Characters that are composed of letters the model knows: æ of a and e, ² of a small 2, ı of an i without its dot.

The model writes the letters; they are moved together, made smaller and raised or lowered afterwards.
"""

from dataclasses import dataclass

import numpy as np

from nextstroke.alphabet import Alphabet
from nextstroke.handwriting.glyphs.diacritics import baseline_near, owners, x_height
from nextstroke.ink import Ink

SMALL = 0.6  # size of raised and lowered letters
RAISED, LOWERED = 0.95, -0.45  # how far, in heights of small letters
TRADE = 0.5  # size of ™
TIGHT = 0.15  # between small letters and those of full size, in heights of small letters
NEAR_STROKE = 0.2  # heights of small letters up to which a stroke stands where others do
OVERLAP = 0.12  # of two letters in one, in heights of small letters
# A dot of an i: above its body by this, as large, and as far to the side at most, in heights of small letters.
DOT_ABOVE, DOT_SIZE, DOT_ASIDE = 1.05, 0.6, 0.9
DOTLESS = "ı"

# Letters, size, and how far they are raised.
COMPOSITES: dict[str, tuple[str, float, float]] = {
    "æ": ("ae", 1.0, 0.0), "Æ": ("AE", 1.0, 0.0), "œ": ("oe", 1.0, 0.0), "Œ": ("OE", 1.0, 0.0),
    DOTLESS: ("i", 1.0, 0.0), "™": ("TM", TRADE, RAISED), "ª": ("a", SMALL, RAISED), "º": ("o", SMALL, RAISED),
    "ⁿ": ("n", SMALL, RAISED), "ⁱ": ("i", SMALL, RAISED), "⁻": ("-", SMALL, RAISED), "₋": ("-", SMALL, LOWERED),
    "⁽": ("(", SMALL, RAISED), "⁾": (")", SMALL, RAISED), "₍": ("(", SMALL, LOWERED), "₎": (")", SMALL, LOWERED),
    **{raised: (digit, SMALL, RAISED) for digit, raised in zip("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹", strict=True)},
    **{lowered: (digit, SMALL, LOWERED) for digit, lowered in zip("0123456789", "₀₁₂₃₄₅₆₇₈₉", strict=True)},
}  # fmt: skip


def is_composed(character: str, alphabet: Alphabet) -> bool:
    """Whether a character is composed of letters that the model knows."""
    return (
        character in COMPOSITES and bool(alphabet.unknown(character)) and not alphabet.unknown(COMPOSITES[character][0])
    )


def letters_of(text: str, alphabet: Alphabet) -> str:
    """Return a text with the letters of composed characters in their places, small ones between blanks."""
    return "".join(_letters(text, alphabet))


def _letters(text: str, alphabet: Alphabet) -> list[str]:
    """Return what the model writes of each character; blanks keep small letters apart from those of full size."""
    letters = [COMPOSITES[each][0] if is_composed(each, alphabet) else each for each in text]
    for first, last in _runs(text, alphabet):
        if COMPOSITES[text[first]][1] != 1.0:
            letters[last - 1] += " " if last < len(text) and text[last] != " " else ""
            letters[first] = (" " if first and text[first - 1] != " " else "") + letters[first]
    return letters


def _runs(text: str, alphabet: Alphabet) -> list[tuple[int, int]]:
    """Return first and last position (exclusive) of composed characters; those of one small size are together."""
    runs: list[tuple[int, int]] = []
    for u, character in enumerate(text):
        if not is_composed(character, alphabet):
            continue
        form = COMPOSITES[character][1:]
        if runs and runs[-1][1] == u and form == COMPOSITES[text[u - 1]][1:] and form[0] != 1.0:
            runs[-1] = runs[-1][0], u + 1
        else:
            runs.append((u, u + 1))
    return runs


def with_composites(ink: Ink, phi: np.ndarray, text: str, alphabet: Alphabet) -> tuple[Ink, np.ndarray]:
    """Return a written line with its composed characters.

    Args:
        phi: Window weights, (points, characters + 1), on `letters_of(text)`.
        text: The text with composed characters.

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
    """Where a character is in what the model wrote.

    Attributes:
        written: What the model wrote.
        first, last: Positions of its first letter and of the one after its last, blanks around it among them.
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
    """Return a line with the second of two letters moved to the first; letters that a stroke joins stay."""
    owner = _stroke_owners(ink, phi)
    second = place.first + 1
    x = ink.points[:, 0]
    left, right = x[owner == place.first], x[owner == second]
    if not len(left) or not len(right):
        return ink
    points = ink.points.copy()
    points[owner >= second, 0] -= max(0.0, right.min() - left.max() + OVERLAP * place.height)
    return Ink(points, ink.end_of_stroke)


def _small(ink: Ink, phi: np.ndarray, place: _Place, size: float, raised: float) -> Ink:
    """Return a line with some letters made smaller, and raised by a number of heights of small letters."""
    owner = _stroke_owners(ink, phi)
    x = ink.points[:, 0]
    own = np.isin(owner, list(place.letters))
    if not own.any():
        return ink
    reach = NEAR_STROKE * place.height
    low, high = x[own].min() - reach, x[own].max() + reach
    # A stroke that was begun on a blank next to the letters is theirs if it stands where they do.
    own |= (owner >= place.first) & (owner < place.last) & (x >= low) & (x <= high)
    left, right = x[own].min(), x[own].max()
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
        apart = place.written[place.last - 1] == " "
        points[after, 0] += end + tight - x[after].min() if apart else end - right
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
    nearest: tuple[float, slice] | None = None
    for dot in ink.stroke_slices():
        stroke = ink.points[dot]
        small = np.ptp(stroke, axis=0).max() < DOT_SIZE * place.height
        aside = abs(float(stroke[:, 0].mean()) - middle)
        if small and stroke[:, 1].max() < foot - DOT_ABOVE * place.height and aside < limit:
            nearest = aside, dot
            limit = aside
    if nearest is None:
        return ink, phi
    keep = np.ones(len(ink), bool)
    keep[nearest[1]] = False
    return Ink(ink.points[keep], ink.end_of_stroke[keep]), phi[keep]
