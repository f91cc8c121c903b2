"""Specks: dots of ink that stand alone where the text has none. The reader reads past them, the eye does not."""

import numpy as np

from nextstroke.ink import Ink

# Small strokes of each character that stand apart from other ink, above the middle of the small letters and below it.
ABOVE = dict.fromkeys("ij':;", 1) | {'"': 2}
BELOW = dict.fromkeys(".,!?:;", 1)
NEAR = 3  # characters between a dot and its own at most; where each stands is known as if all were equally wide
SMALL, APART = 0.35, 0.4  # in the median height of strokes: a speck's largest extent, its distance from larger strokes
DOT = 3  # points; a stroke of so few tells nothing about the size of writing


def specks(ink: Ink, text: str) -> int:
    """How many small strokes stand apart from the larger ones where the text asks for none."""
    dots = _dots(ink.strokes())
    (left, _, right, _), middle = ink.bounds(), np.median(ink.points[:, 1])
    width = (right - left) / max(len(text), 1) or 1.0
    matched = 0
    for asked, there in ((ABOVE, [x for x, y in dots if y < middle]), (BELOW, [x for x, y in dots if y >= middle])):
        places = [u + 0.5 for u, character in enumerate(text) for _ in range(asked.get(character, 0))]
        matched += _matched(sorted((x - left) / width for x in there), places)
    return len(dots) - matched


def _dots(strokes: list[np.ndarray]) -> list[np.ndarray]:
    """The middles of the small strokes that stand apart."""
    heights = [np.ptp(stroke[:, 1]) for stroke in strokes if len(stroke) > DOT]
    unit = float(np.median(heights)) if heights else 0.0
    small = [np.ptp(stroke, 0).max() < SMALL * unit for stroke in strokes]
    middles = [stroke.mean(0) for stroke, is_small in zip(strokes, small, strict=True) if is_small]
    if not middles:
        return []
    larger = np.concatenate([stroke for stroke, is_small in zip(strokes, small, strict=True) if not is_small])
    return [middle for middle in middles if np.hypot(*(larger - middle).T).min() > APART * unit]


def _matched(dots: list[float], places: list[float]) -> int:
    """How many of the dots can have a place of their own within reach, both in order from left to right."""
    count = following = 0
    for dot in dots:
        while following < len(places) and places[following] < dot - NEAR:
            following += 1
        if following < len(places) and places[following] <= dot + NEAR:
            count, following = count + 1, following + 1
    return count
