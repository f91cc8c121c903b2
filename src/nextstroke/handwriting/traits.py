"""Measure the traits that tell one hand from another: slant, width, joins, spaces between words, tall letters."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from nextstroke.ink import Ink
from nextstroke.pages.layout import Measures

TALL_QUANTILES = 0.01, 0.99  # of the heights of a line's points, without its outermost ones


class Traits(NamedTuple):
    """Five traits of a line; lengths are in heights of small letters.

    Attributes:
        slant: dx for each dy of upright strokes; below 0 leans to the right.
        width: Width of the line for each character of its text, blanks included.
        strokes: Strokes for each character that is not a blank; about 1 in print, less than 0.5 in joined hands.
        gap: Median width of the spaces between words; NaN for a line of one word.
        tallness: Height of the line, from the lowest descender to the highest ascender.
    """

    slant: float
    width: float
    strokes: float
    gap: float
    tallness: float


def traits_of(ink: Ink, text: str) -> Traits:
    """Return the traits of one line.

    Args:
        ink: One line in any unit.
        text: What it says.
    """
    measures = Measures.of(ink)
    height = ink.points[:, 1] - measures.slope * ink.points[:, 0]
    strokes = ink.strokes()
    gaps = word_gaps(strokes, text.count(" "))
    return Traits(
        ink.slant(),
        float(np.ptp(ink.points[:, 0]) / len(text) / measures.x_height),
        len(strokes) / len(text.replace(" ", "")),
        float(np.median(gaps) / measures.x_height) if len(gaps) else float("nan"),
        float(np.ptp(np.quantile(height, TALL_QUANTILES)) / measures.x_height),
    )


def mean_traits(inks: Sequence[Ink], texts: Sequence[str]) -> np.ndarray:
    """Return the mean of each trait over lines of one hand, (5,); NaN only where no line has the trait."""
    found = np.array([traits_of(ink, text) for ink, text in zip(inks, texts, strict=True)])
    known = np.isfinite(found)
    return np.where(known, found, 0).sum(0) / np.where(known.any(0), known.sum(0), np.nan)


def word_gaps(strokes: Sequence[np.ndarray], blanks: int) -> np.ndarray:
    """Return the widest gaps between strokes from left to right, one for each blank of the text as far as there are.

    Args:
        strokes: Each of shape (points, 2), in order of writing.
        blanks: Number of blanks in the text.
    """
    boxes = np.array([(stroke[:, 0].min(), stroke[:, 0].max()) for stroke in strokes])
    boxes = boxes[boxes[:, 0].argsort()]
    gaps = boxes[1:, 0] - np.maximum.accumulate(boxes[:, 1])[:-1]
    return np.sort(gaps)[::-1][:blanks]
