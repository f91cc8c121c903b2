"""A line of boxes, on which signs, marks and composed characters are drawn."""

import numpy as np

from nextstroke.ink import Ink


def line_of(text):
    """A box of four points, 8 wide and 10 high, for each letter; each stands 12 right of the one before it.

    The window is on a letter when the point before was drawn.
    """
    letters = [(u, c) for u, c in enumerate(text) if c != " "]
    boxes = [np.array([[0, 0], [8, 0], [8, 10], [0, 10]]) + (12 * u, -10) for u, _ in letters]
    phi = np.eye(len(text) + 1)[np.repeat([u for u, _ in letters], 4)]
    return Ink.from_strokes(boxes), np.roll(phi, -1, 0)
