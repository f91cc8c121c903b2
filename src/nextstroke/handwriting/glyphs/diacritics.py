"""Characters composed of a letter of the alphabet and drawn diacritics: é of e and a stroke above it."""

import unicodedata
from collections.abc import Sequence

import numpy as np

from nextstroke.alphabet import Alphabet
from nextstroke.ink import Ink
from nextstroke.pages.spline import bezier

X_HEIGHT = frozenset("acemnorsuvwxz")  # letters as tall as small letters
# Other characters on the baseline, without dots.
TALL = frozenset("bdhklABCDEFGHIKLMNORSTUVWXZ0123456789")
TALLER = 1.95  # heights of small letters; the median of TALL over three hands of 12 lines each
FEW = 4  # small letters; a line with fewer is measured by its tall ones too
FEET = X_HEIGHT | TALL
NEAR = 8  # characters before and after a part of a text whose feet give its baseline
SHARE = 0.5  # height of small letters in a line without letters to measure, in heights of the line
MIN_BOX = 0.25, 0.08  # least width and height, in x-heights, of the box of the strokes of BUILT


def ring(x: float, y: float, rx: float, ry: float) -> list[tuple[float, float]]:
    """Return an elliptic stroke that does not quite close, as a pen draws it.

    Args:
        x: x of the centre.
        y: y of the centre.
        rx: Radius in x.
        ry: Radius in y.
    """
    turns = np.linspace(-0.5 * np.pi, 1.6 * np.pi, 14)
    return [(x + rx * float(np.cos(t)), y + ry * float(np.sin(t))) for t in turns]


# Strokes of diacritics, from the middle of the letter's upper or lower edge, in x-heights, y
# downwards.
ABOVE = {
    "\u0301": [[(-0.1, -0.2), (0.05, -0.38), (0.2, -0.56)]],  # acute
    "\u0300": [[(-0.2, -0.56), (-0.05, -0.38), (0.1, -0.2)]],  # grave
    "\u0302": [[(-0.25, -0.2), (0.0, -0.5), (0.25, -0.2)]],  # circumflex
    "\u030c": [[(-0.25, -0.5), (0.0, -0.2), (0.25, -0.5)]],  # caron
    "\u0303": [[(-0.32, -0.25), (-0.18, -0.42), (0.0, -0.32), (0.18, -0.22), (0.32, -0.4)]],  # tilde
    "\u0308": [[(-0.2, -0.35), (-0.18, -0.28)], [(0.2, -0.35), (0.22, -0.28)]],  # diaeresis
    "\u030a": [ring(0.0, -0.38, 0.16, 0.18)],  # ring
    "\u0304": [[(-0.3, -0.32), (0.3, -0.34)]],  # macron
    "\u0307": [[(0.0, -0.35), (0.02, -0.3)]],  # dot
    "\u030b": [[(-0.2, -0.2), (-0.05, -0.5)], [(0.1, -0.2), (0.25, -0.5)]],  # double acute
    "\u0306": [[(-0.25, -0.5), (-0.1, -0.25), (0.1, -0.25), (0.25, -0.5)]],  # breve
}
BELOW = {
    "\u0327": [[(0.0, 0.0), (0.06, 0.14), (0.12, 0.25), (0.0, 0.38), (-0.14, 0.34)]],  # cedilla
    "\u0328": [[(0.1, 0.0), (-0.04, 0.16), (0.0, 0.32), (0.18, 0.32)]],  # ogonek
}
# Other characters: the letter that they are built on, and strokes in its box, from the upper left
# corner (0, 0) to the lower right one (1, 1).
BUILT = {
    "$": ("S", [[(0.5, -0.18), (0.48, 0.5), (0.46, 1.18)]]),
    "€": ("C", [[(-0.2, 0.42), (0.65, 0.38)], [(-0.2, 0.62), (0.6, 0.58)]]),
    "£": ("L", [[(-0.2, 0.55), (0.6, 0.5)]]),
    "¥": ("Y", [[(0.1, 0.6), (0.9, 0.58)], [(0.1, 0.76), (0.9, 0.74)]]),
    "ø": ("o", [[(1.15, -0.25), (0.5, 0.5), (-0.15, 1.25)]]),
    "Ø": ("O", [[(1.1, -0.15), (0.5, 0.5), (-0.1, 1.15)]]),
    "ł": ("l", [[(-0.6, 0.62), (1.6, 0.4)]]),
    "Ł": ("L", [[(-0.3, 0.6), (0.6, 0.4)]]),
    "đ": ("d", [[(0.4, 0.22), (1.3, 0.18)]]),
    "Đ": ("D", [[(-0.25, 0.52), (0.4, 0.48)]]),
    "Ð": ("D", [[(-0.25, 0.52), (0.4, 0.48)]]),
    "ð": ("o", [[(0.9, 0.2), (0.6, -0.5), (0.1, -0.95)], [(0.1, -0.4), (0.85, -0.75)]]),
    "þ": ("p", [[(0.12, -0.6), (0.08, -0.1), (0.06, 0.5)]]),
    "µ": ("u", [[(0.06, 0.2), (0.04, 1.0), (-0.12, 1.8)]]),
}
# Characters that handwriting does not distinguish.
TWINS = str.maketrans(
    {"“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "‚": "'", "′": "'", "″": '"'}
    | {"№": "No", "μ": "µ", "ẞ": "SS", "❤": "♥", "☆": "★", "✔": "✓", "\ufe0f": ""}
    | {"‐": "-", "‑": "-", "−": "-", "…": "...", "\u00a0": " ", "\u2009": " ", "\u202f": " "}
    | {"ﬁ": "fi", "ﬂ": "fl", "ﬀ": "ff", "ﬃ": "ffi", "ﬄ": "ffl", "ĳ": "ij", "Ĳ": "IJ"}
)


def normal(text: str) -> str:
    """Return a text in normal form C, with typographic characters replaced by those of handwriting."""
    return unicodedata.normalize("NFC", text).translate(TWINS)


def bases(text: str, alphabet: Alphabet) -> str:
    """Return the characters that the model writes for a `normal` text: each, or the one it is built on."""
    return "".join(_parts(character, alphabet)[0] for character in text)


def _parts(character: str, alphabet: Alphabet) -> tuple[str, str]:
    """Return the base and the marks of a character; itself and none if it is known or not composable."""
    if not alphabet.unknown(character):
        return character, ""
    if character in BUILT:
        base = BUILT[character][0]
        marks = character
    else:
        decomposed = unicodedata.normalize("NFD", character)
        base = decomposed[0]
        marks = decomposed[1:]
    drawable = marks and all(mark in BUILT or mark in ABOVE or mark in BELOW for mark in marks)
    return (base, marks) if drawable and not alphabet.unknown(base) else (character, "")


def with_marks(ink: Ink, phi: np.ndarray, text: str, alphabet: Alphabet) -> tuple[Ink, np.ndarray]:
    """Return a written line with its marks, each after the last stroke of its letter.

    Args:
        ink: Ink of the `bases` of the text.
        phi: Window weights, (points, characters + 1).
        text: Text as `normal` returns it.
        alphabet: Characters that the model knows.

    Returns: The ink and the weights; those of a mark are its letter's.
    """
    marks_of = {u: _parts(character, alphabet)[1] for u, character in enumerate(text)}
    marked = [u for u, marks in marks_of.items() if marks]
    if not marked:
        return ink, phi
    owner = owners(phi)
    height = x_height(ink, phi, text)
    step = pen_step(ink)
    for u in reversed(marked):
        own = np.flatnonzero(owner == u)
        if not len(own):
            continue
        strokes: list[np.ndarray] = []
        for mark in marks_of[u]:
            strokes += [paced(stroke, step) for stroke in _strokes(mark, ink.points[own], height)]
        ink, phi = _inserted(ink, phi, strokes, int(own[-1]))
        owner = owners(phi)
    return ink, phi


def pen_step(ink: Ink) -> float:
    """Return the median distance between two points of a stroke, the speed of the pen; 0 for dots."""
    moves = np.hypot(*np.diff(ink.points, axis=0).T)[~ink.end_of_stroke[:-1]]
    moves = moves[moves > 0]
    return float(np.median(moves)) if len(moves) else 0.0


def paced(stroke: np.ndarray, step: float) -> np.ndarray:
    """Return the spline of a drawn stroke, sampled at the speed of the hand's pen.

    Args:
        stroke: Points, (points, 2), which the result contains.
        step: Result of `pen_step`, in the unit of the stroke.
    """
    if len(stroke) < 2 or step <= 0:
        return stroke
    points = [stroke[:1]]
    for curve in bezier(stroke):
        pieces = max(1, round(float(np.hypot(*(curve[3] - curve[0]))) / step))
        t = np.arange(1, pieces + 1)[:, None] / pieces
        s = 1 - t
        begin = s**3 * curve[0] + 3 * s * s * t * curve[1]
        points.append(begin + 3 * s * t * t * curve[2] + t**3 * curve[3])
    return np.concatenate(points)


def baseline_near(points: np.ndarray, owner: np.ndarray, text: str, span: tuple[int, int]) -> float:
    """Return the baseline of the letters near a part of a text; the lowest point if there are none.

    Args:
        points: Points of the ink, (points, 2).
        owner: Position of the character of each point, as `owners` returns it.
        text: Text of the ink.
        span: First position of the part and the one after its last; its own letters do not count.
    """
    first, last = span
    before = range(max(0, first - NEAR), first)
    after = range(last, min(len(text), last + NEAR))
    near = [*before, *after]
    feet = [points[owner == u, 1].max() for u in near if text[u] in FEET and (owner == u).any()]
    return float(np.median(feet) if feet else points[:, 1].max())


def owners(phi: np.ndarray) -> np.ndarray:
    """Return the position of the character that each point writes, (points,).

    A point was drawn with the window after the point before it.
    """
    return phi[[0, *range(len(phi) - 1)]].argmax(1)


def x_height(ink: Ink, phi: np.ndarray, text: str) -> float:
    """Return the height of a line's small letters, in the ink's unit.

    A line with few of them is measured by its tall letters too, and one without letters by its
    height.
    """
    owner = owners(phi)

    def heights(some: frozenset[str]) -> list[float]:
        """Return the heights of the letters of a set."""
        letters = [owner == u for u, character in enumerate(text) if character in some]
        return [np.ptp(ink.points[own, 1]) for own in letters if own.any()]

    found = heights(X_HEIGHT)
    if len(found) < FEW:
        found += [height / TALLER for height in heights(TALL)]
    low, high = ink.bounds()[1::2]
    return float(np.median(found)) if found else SHARE * (high - low)


def _strokes(mark: str, letter: np.ndarray, height: float) -> list[np.ndarray]:
    """Return the strokes of a mark on a letter of some points, given the height of small letters."""
    low = letter.min(0)
    high = letter.max(0)
    if mark in BUILT:
        size = np.maximum(high - low, np.multiply(MIN_BOX, height))
        return [low + np.array(stroke) * size for stroke in BUILT[mark][1]]
    middle = np.median(letter[:, 0])
    edge = low[1] if mark in ABOVE else high[1]
    shapes = ABOVE.get(mark) or BELOW[mark]
    return [np.array([middle, edge]) + np.array(shape) * height for shape in shapes]


def _inserted(
    ink: Ink,
    phi: np.ndarray,
    strokes: Sequence[np.ndarray],
    last: int,
) -> tuple[Ink, np.ndarray]:
    """Return ink and weights with strokes inserted after the stroke that contains point `last`."""
    place = last + 1 + int(np.argmax(ink.end_of_stroke[last:]))
    more = Ink.from_strokes(strokes)
    points = np.insert(ink.points, place, more.points, 0)
    ends = np.insert(ink.end_of_stroke, place, more.end_of_stroke)
    return Ink(points, ends), np.insert(phi, place, np.repeat(phi[last][None], len(more), 0), 0)
