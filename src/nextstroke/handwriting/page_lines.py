"""Split the ink of a page into its written lines, and its text among them."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from nextstroke.ink import Ink
from nextstroke.text.edit_distance import aligned

# Lengths in heights: the median height of the strokes that are no dots.
DOT = 0.35  # the largest extent of a stroke that says nothing about lines
DOWN = 1.0  # how much lower a further line is, at least
BACK, BACK_SHARE = 4.0, 0.3  # how far left of the line's right end it begins, at least: heights, or share of the page
AROUND = 4  # strokes whose heights are compared
BIN = 0.4  # height of a bin in which strokes are counted to find the slope
BAND = 0.5  # standard deviation of the smoothed heights of strokes
VALLEY = 0.5  # how much of the lower of two peaks the valley between two lines reaches at most
STEPS = 1000  # heights at which the smoothed profile is computed
MAX_SLOPE, SLOPES = 0.15, 61  # of lines, dy for each dx, and how many are tried
FEW_POINTS = 3  # a stroke of fewer has no height


def split_ink(ink: Ink, count: int | None = None) -> list[Ink]:
    """Return the lines of a page from top to bottom, each with its strokes in order of writing.

    A line begins where the pen goes back to the left and down. Where that gives another number of lines than `count`,
    the strokes are sorted by height instead, as files of drawing programs may hold them in any order.

    Args:
        ink: A page, the right way up.
        count: Number of lines, if it is known.

    Returns: One ink if neither way gives `count` lines.
    """
    strokes = ink.strokes()
    height = _height(strokes)
    numbers = _by_order(strokes, height)
    if count is not None and numbers[-1] + 1 != count:
        numbers = _by_height(strokes, height)
    lines = int(numbers.max()) + 1
    if count is not None and lines != count:
        return [ink]
    return [Ink.from_strokes([strokes[i] for i in np.flatnonzero(numbers == line)]) for line in range(lines)]


def split_text(text: str, read: Sequence[str]) -> list[str]:
    """Return the part of a text that each line says, cut between words.

    Args:
        text: Text of the whole page.
        read: What a recogniser reads from each line, with mistakes.
    """
    places = aligned(text, " ".join(read))
    blanks = [0, *(u + 1 for u, character in enumerate(text) if character == " "), len(text) + 1]
    cuts = [0]
    end = 0
    for line in read[:-1]:
        end += len(line) + 1
        place = places[min(end, len(places) - 1)]
        cuts.append(max(cuts[-1], min(blanks, key=lambda blank: abs(blank - place))))
    cuts.append(len(text) + 1)
    return [text[begin : max(begin, end - 1)] for begin, end in pairwise(cuts)]


def _height(strokes: Sequence[np.ndarray]) -> float:
    heights = [float(np.ptp(stroke[:, 1])) for stroke in strokes if len(stroke) >= FEW_POINTS]
    return max(float(np.median(heights)), 1e-9) if heights else 1.0


def _by_order(strokes: Sequence[np.ndarray], height: float) -> np.ndarray:
    """Return the line of each stroke, (strokes,), by where the pen goes back to the left and down."""
    large = [i for i, stroke in enumerate(strokes) if np.ptp(stroke, 0).max() > DOT * height]
    if len(large) < 2:
        return np.zeros(len(strokes), int)
    left = np.array([strokes[i][:, 0].min() for i in large])
    right = np.array([strokes[i][:, 0].max() for i in large])
    middle = np.array([np.median(strokes[i][:, 1]) for i in large])
    back = min(BACK_SHARE * (right.max() - left.min()), BACK * height)
    first = 0
    begins: list[int] = []
    for k in range(1, len(large)):
        limit = right[first:k].max() - back
        if left[k] >= limit or np.median(left[k : k + AROUND]) >= limit:
            continue
        # Above the stroke in the line so far: the strokes next to it, for lines that rise or sink.
        distance = abs((left + right)[first:k] - (left[k] + right[k]))
        above = np.median(middle[first:k][distance.argsort()[:AROUND]])
        # A bar of a letter above, drawn late, is no lower than that line.
        if np.median(middle[k : k + AROUND]) - above > DOWN * height and middle[k] > above:
            begins.append(large[k])
            first = k
    return np.searchsorted(begins, np.arange(len(strokes)), side="right")


def _by_height(strokes: Sequence[np.ndarray], height: float) -> np.ndarray:
    """Return the line of each stroke, (strokes,), by the valleys of the ink's profile over y."""
    x = np.array([stroke[:, 0].mean() for stroke in strokes])
    y = np.array([np.median(stroke[:, 1]) for stroke in strokes])
    weight = np.array([np.hypot(*np.diff(stroke, axis=0).T).sum() + 1e-9 for stroke in strokes])
    weight = np.minimum(weight, np.quantile(weight, 0.9))
    level = y - _slope(x, y, weight, height) * (x - x.mean())
    grid = np.linspace(level.min() - 2 * height, level.max() + 2 * height, STEPS)
    profile = np.zeros(STEPS)
    for share, place in zip(weight, level, strict=True):
        profile += share * np.exp(-0.5 * ((grid - place) / (BAND * height)) ** 2)
    peaks = [int(i) for i in np.flatnonzero((profile[1:-1] > profile[:-2]) & (profile[1:-1] >= profile[2:])) + 1]
    while len(peaks) > 1:
        depths = [profile[a:b].min() / min(profile[a], profile[b]) for a, b in pairwise(peaks)]
        shallow = int(np.argmax(depths))
        if depths[shallow] < VALLEY:
            break
        upper, lower = peaks[shallow], peaks[shallow + 1]
        peaks.remove(upper if profile[upper] < profile[lower] else lower)
    cuts = [grid[a + int(profile[a:b].argmin())] for a, b in pairwise(peaks)]
    return np.searchsorted(cuts, level)


def _slope(x: np.ndarray, y: np.ndarray, weight: np.ndarray, height: float) -> float:
    """Return the slope of the lines, dy for each dx: the one that gathers the strokes at the fewest heights."""

    def gathered(slope: float) -> float:
        level = y - slope * (x - x.mean())
        bins = np.floor((level - level.min()) / (BIN * height)).astype(int)
        return float(np.square(np.bincount(bins, weight)).sum())

    return max((float(slope) for slope in np.linspace(-MAX_SLOPE, MAX_SLOPE, SLOPES)), key=gathered)
