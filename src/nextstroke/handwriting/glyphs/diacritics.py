"""Characters that the model does not know, composed of one it knows and drawn marks: é of e and a stroke above it."""

import unicodedata
from collections.abc import Sequence

import numpy as np

from nextstroke.alphabet import Alphabet
from nextstroke.ink import Ink
from nextstroke.pages.spline import bezier

X_HEIGHT = frozenset("acemnorsuvwxz")  # letters that tell how tall small letters are
TALL = frozenset("bdhklABCDEFGHIKLMNORSTUVWXZ0123456789")  # the others that stand on the baseline, dots left out
TALLER = 1.95  # times as tall as small letters; the median over three hands of each of 12 lines
FEW = 4  # small letters; a line with fewer is measured by its tall ones too
FEET = X_HEIGHT | TALL
NEAR = 8  # characters on both sides of a part of a text whose feet tell where the baseline is
SHARE = 0.5  # of the height of a line that has no letters to measure: its small letters
MIN_BOX = 0.25, 0.08  # width and height, in x-heights, of the box that the strokes of BUILT fill at least


def ring(x: float, y: float, rx: float, ry: float) -> list[tuple[float, float]]:
    """A round stroke about (x, y), its ends apart as a pen leaves them."""
    turns = np.linspace(-0.5 * np.pi, 1.6 * np.pi, 14)
    return [(x + rx * float(np.cos(t)), y + ry * float(np.sin(t))) for t in turns]


# Strokes of marks. Above and below: from the middle of the letter's edge, in x-heights, y downwards.
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
# Others: the character they are built on, and strokes in its box, (0, 0) its upper left corner, (1, 1) the lower right.
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
# The same to a pen.
TWINS = str.maketrans(
    {"“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "‚": "'", "′": "'", "″": '"'}
    | {"№": "No", "μ": "µ", "ẞ": "SS", "❤": "♥", "☆": "★", "✔": "✓", "\ufe0f": ""}
    | {"‐": "-", "‑": "-", "−": "-", "…": "...", "\u00a0": " ", "\u2009": " ", "\u202f": " "}
    | {"ﬁ": "fi", "ﬂ": "fl", "ﬀ": "ff", "ﬃ": "ffi", "ﬄ": "ffl", "ĳ": "ij", "Ĳ": "IJ"}
)


def normal(text: str) -> str:
    """A text as it is to be written: accents joined with their letters, typographic signs as a pen makes them."""
    return unicodedata.normalize("NFC", text).translate(TWINS)


def bases(text: str, alphabet: Alphabet) -> str:
    """For each character of a `normal` text the one that the model writes: itself, or what it is built on."""
    return "".join(_parts(character, alphabet)[0] for character in text)


def _parts(character: str, alphabet: Alphabet) -> tuple[str, str]:
    """A character's base and marks; itself without any where it is known, or cannot be composed."""
    apart = unicodedata.normalize("NFD", character)
    base, marks = (BUILT[character][0], character) if character in BUILT else (apart[0], apart[1:])
    drawable = marks and all(mark in BUILT or mark in ABOVE or mark in BELOW for mark in marks)
    return (base, marks) if drawable and alphabet.unknown(character) and not alphabet.unknown(base) else (character, "")


def with_marks(ink: Ink, phi: np.ndarray, text: str, alphabet: Alphabet) -> tuple[Ink, np.ndarray]:
    """A written line with its marks, each behind the last stroke of its letter.

    Args:
        phi: The window's weights, (points, characters + 1).
        text: The `normal` text, whose `bases` were written.
    Returns: The ink and the weights, those of a mark being its letter's.
    """
    marked = [(u, _parts(character, alphabet)[1]) for u, character in enumerate(text)]
    if not any(marks for _, marks in marked):
        return ink, phi
    owner = owners(phi)
    height = x_height(ink, phi, text)
    step = pen_step(ink)
    for u, marks in reversed([(u, marks) for u, marks in marked if marks]):
        own = np.flatnonzero(owner == u)
        if len(own):
            shapes = [stroke for mark in marks for stroke in _strokes(mark, ink.points[own], height)]
            strokes = [paced(stroke, step) for stroke in shapes]
            ink, phi = _inserted(ink, phi, strokes, int(own[-1]))
            owner = owners(phi)
    return ink, phi


def pen_step(ink: Ink) -> float:
    """Return the median distance between two points of a stroke: how fast the hand's pen moves; 0 for dots alone."""
    moves = np.hypot(*np.diff(ink.points, axis=0).T)[~ink.end_of_stroke[:-1]]
    moves = moves[moves > 0]
    return float(np.median(moves)) if len(moves) else 0.0


def paced(stroke: np.ndarray, step: float) -> np.ndarray:
    """Return a drawn stroke with the points that a pen of the hand's speed leaves, those of the stroke among them.

    Args:
        step: Result of `pen_step`, in the unit of the stroke.
    """
    if len(stroke) < 2 or step <= 0:
        return stroke
    points = [stroke[:1]]
    for curve in bezier(stroke):
        pieces = max(1, round(float(np.hypot(*(curve[3] - curve[0]))) / step))
        t = np.arange(1, pieces + 1)[:, None] / pieces
        s = 1 - t
        points.append(s**3 * curve[0] + 3 * s * s * t * curve[1] + 3 * s * t * t * curve[2] + t**3 * curve[3])
    return np.concatenate(points)


def baseline_near(points: np.ndarray, owner: np.ndarray, text: str, span: tuple[int, int]) -> float:
    """Return where letters near a part of a text stand; the lowest point where there are none.

    Args:
        points: Points of the ink, (points, 2).
        owner: Result of `owners`.
        span: First position of the part and the one after its last; the letters of the part do not count.
    """
    near = [*range(max(0, span[0] - NEAR), span[0]), *range(span[1], min(len(text), span[1] + NEAR))]
    feet = [points[owner == u, 1].max() for u in near if text[u] in FEET and (owner == u).any()]
    return float(np.median(feet) if feet else points[:, 1].max())


def owners(phi: np.ndarray) -> np.ndarray:
    """The character that each point writes: the window it was drawn with is that behind the point before it."""
    return phi[[0, *range(len(phi) - 1)]].argmax(1)


def x_height(ink: Ink, phi: np.ndarray, text: str) -> float:
    """Height of a line's small letters, whatever other letters it has; without any, half of the line's."""
    owner = owners(phi)

    def heights(some: frozenset[str]) -> list[float]:
        return [np.ptp(ink.points[owner == u, 1]) for u, c in enumerate(text) if c in some and (owner == u).any()]

    found = heights(X_HEIGHT)
    if len(found) < FEW:
        found += [height / TALLER for height in heights(TALL)]
    low, high = ink.bounds()[1::2]
    return float(np.median(found)) if found else SHARE * (high - low)


def _strokes(mark: str, letter: np.ndarray, height: float) -> list[np.ndarray]:
    low, high = letter.min(0), letter.max(0)
    if mark in BUILT:
        size = np.maximum(high - low, np.multiply(MIN_BOX, height))
        return [low + np.array(stroke) * size for stroke in BUILT[mark][1]]
    middle = np.median(letter[:, 0])
    edge = low[1] if mark in ABOVE else high[1]
    shapes = ABOVE.get(mark) or BELOW[mark]
    return [np.array([middle, edge]) + np.array(shape) * height for shape in shapes]


def _inserted(ink: Ink, phi: np.ndarray, strokes: Sequence[np.ndarray], last: int) -> tuple[Ink, np.ndarray]:
    """Strokes put behind the stroke that holds point `last`."""
    place = last + 1 + int(np.argmax(ink.end_of_stroke[last:]))
    more = Ink.from_strokes(strokes)
    points = np.insert(ink.points, place, more.points, 0)
    ends = np.insert(ink.end_of_stroke, place, more.end_of_stroke)
    return Ink(points, ends), np.insert(phi, place, np.repeat(phi[last][None], len(more), 0), 0)
