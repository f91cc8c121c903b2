"""Find the character that each point of a written line belongs to, and the boxes of characters and words."""

from typing import Any

import numpy as np

from nextstroke.handwriting.align import owners
from nextstroke.handwriting.sampler import Line

# The window is on a letter some points before the pen is. With this lag the boxes of neighbouring letters overlap least
# (notes/log.md).
LAG = 3
LEAP = 60.0  # nats that a blank within a stroke costs: words are written with a lifted pen
# Strokes that a pen adds when it has passed their letter: dots and bars. Sizes are in the height of the line's strokes.
DOT, SMALL = 0.4, 1.2
DOTTED = frozenset("ij!?:;")
BARRED = frozenset("tfxzAEFHTXZ")
NEAR = 0.1  # of the height of the line: a stroke that begins less than this before its letter was not added to another
REACH = 12  # characters that a pen goes back at most


def point_characters(line: Line) -> np.ndarray:
    """Return the index in `line.written` of the character that each point of `line.ink` draws, int64 (points,).

    The likeliest path of the attention window through the text decides. A small stroke that goes back to a letter
    before, as the bar of a t does, belongs to that letter, and so does a mark that was composed onto it.
    """
    text = line.written
    phi = line.phi[:, : len(text)]
    if len(phi) < len(text):  # no path reaches all characters
        return phi.argmax(1)
    owner = owners(phi[np.maximum(np.arange(len(phi)) - LAG, 0)], text, line.ink.end_of_stroke, LEAP)
    strokes = line.ink.stroke_slices()
    height = float(np.median([np.ptp(line.ink.points[stroke, 1]) for stroke in strokes])) or 1.0
    for stroke in strokes:
        size = np.ptp(line.ink.points[stroke], 0).max() / height
        letter = _letter_before(line, stroke, owner, size) if size <= SMALL else None
        if letter is not None:
            owner[stroke] = letter
    return owner


def _letter_before(line: Line, stroke: slice, owner: np.ndarray, size: float) -> int | None:
    """Return the letter before its own that a small stroke was added to; None where it was not.

    Args:
        stroke: Points of the stroke.
        owner: Character of each point so far.
        size: Greatest extent of the stroke, in the height of the line's strokes.
    """
    first = int(owner[stroke].min())
    x = line.ink.points[:, 0]
    middle = x[stroke].mean()
    height = np.ptp(line.ink.points[:, 1])
    rows = line.phi[stroke]
    if len(rows) > 1 and (rows == rows[0]).all():
        # A composed mark: the window did not move while it was drawn.
        wanted = [u for u in range(first + 1) if line.written[u] != line.request.text.plain[u]]
    else:
        own = np.flatnonzero(owner == first)
        own = own[(own < stroke.start) | (own >= stroke.stop)]
        # A stroke that is larger than the rest of its letter is the letter itself: the stem of an i.
        if not len(own) or np.ptp(line.ink.points[own], 0).max() < np.ptp(line.ink.points[stroke], 0).max():
            return None
        if middle >= x[own].min() - NEAR * height:
            return None
        kinds = DOTTED | BARRED if size <= DOT else BARRED
        wanted = [u for u in range(first) if line.request.text.plain[u] in kinds]
    distances = {}
    for u in wanted[-REACH:]:
        body = x[: stroke.start][owner[: stroke.start] == u]
        if len(body):
            distances[u] = max(body.min() - middle, middle - body.max(), 0.0) + 0.01 * abs(middle - body.mean())
    near = min(distances, key=distances.__getitem__, default=None)
    return near if near is not None and distances[near] <= DOT * height else None


def boxes(places: np.ndarray, owner: np.ndarray, text: str, edge: float, limits: tuple[int, int]) -> dict[str, Any]:
    """Return the boxes of the characters and words of a line in a picture.

    Args:
        places: Positions of the points in pixels, (points, 2).
        owner: Index in `text` of the character of each point, (points,).
        text: What is drawn.
        edge: Half the width of the pen in pixels.
        limits: Width and height of the picture.

    Returns:
        `characters` and `words`: from left to right, each with its `text` and its `box` (left, top, right, bottom) in
        whole pixels, right and bottom exclusive. A character without a point has no box.
    """
    characters = []
    words: list[dict[str, Any]] = []
    word_points: list[np.ndarray] = []
    word = ""
    for u, character in enumerate(text + " "):
        if character == " ":
            if word_points:
                words.append({"text": word, "box": _box(np.concatenate(word_points), edge, limits)})
            word = ""
            word_points = []
            continue
        word += character
        own = places[owner == u]
        if len(own):
            characters.append({"text": character, "box": _box(own, edge, limits)})
            word_points.append(own)
    return {"characters": characters, "words": words}


def _box(places: np.ndarray, edge: float, limits: tuple[int, int]) -> list[int]:
    """Return the whole pixels that points and the pen around them fill, at least one and within the picture."""
    low = np.clip(np.floor(places.min(0) - edge), 0, np.array(limits) - 1).astype(int)
    high = np.clip(np.ceil(places.max(0) + edge), low + 1, limits).astype(int)
    return [int(low[0]), int(low[1]), int(high[0]), int(high[1])]
