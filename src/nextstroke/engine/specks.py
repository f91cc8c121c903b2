"""Specks: dots of ink that stand alone where the text has none. The reader reads past them, the eye does not."""

import numpy as np

from nextstroke.ink import Ink

# Small strokes of each character that stand apart from other ink.
DOTS = dict.fromkeys("ij!?.,;'", 1) | {":": 2, '"': 2, ";": 2}
SMALL, APART = 0.35, 0.4  # in the median height of strokes: a speck's largest extent, its distance from other ink
DOT = 3  # points; a stroke of so few tells nothing about the size of writing


def specks(ink: Ink, text: str) -> int:
    """How many small strokes stand apart from all others, beyond those that the text asks for."""
    strokes = ink.strokes()
    heights = [np.ptp(stroke[:, 1]) for stroke in strokes if len(stroke) > DOT]
    unit = float(np.median(heights)) if heights else 0.0
    small = [i for i, stroke in enumerate(strokes) if np.ptp(stroke, 0).max() < SMALL * unit]
    alone = sum(_distance(strokes, i) > APART * unit for i in small)
    return max(0, alone - sum(DOTS.get(character, 0) for character in text))


def _distance(strokes: list[np.ndarray], i: int) -> float:
    """From the middle of stroke `i` to the nearest point of another."""
    others = np.concatenate([stroke for j, stroke in enumerate(strokes) if j != i])
    return float(np.hypot(*(others - strokes[i].mean(0)).T).min())
