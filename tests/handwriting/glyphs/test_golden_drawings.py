"""The drawn marks and signs, point by point.

What is drawn is part of what a seed gives: a change of it changes everybody's pages. `python -m
tests.handwriting.glyphs.test_golden_drawings` writes the file anew after a change that is meant.
"""

import json
import unicodedata
from pathlib import Path

import numpy as np
import pytest

from nextstroke.alphabet import Alphabet
from nextstroke.handwriting.glyphs.diacritics import ABOVE, BELOW, BUILT, normal, with_marks
from nextstroke.handwriting.glyphs.symbols import SIGNS, with_signs, without_signs
from nextstroke.ink import Ink

GOLDEN = Path(__file__).parents[1] / "golden" / "drawings.json"
LETTERS = Alphabet(" 5CLOSYabcdeghilnopstux")
HEIGHTS = {"5": 22, "b": 21, "d": 20, "h": 19, "l": 18, "t": 17, "i": 12, "a": 9}  # of all others 10
LINES = [
    "ace bed / Hal",
    "a # b @ c",
    "/a",
    "a/",
    "hd%lb",
    "pit > top, five",
    "*",
    "* # ~",
    "tie/lid, 5/5 hill",
    "a·ß·é·ç·ű",
    "éa lô",
    "bĺb",
    "aace/bd",
    "aac/bd",
    "a//c ☺ ★e",
]


def drawn(text, slant):
    """Marks and signs on a line of boxes, each point of a box written under the window on its letter."""
    text = normal(text)
    written = without_signs(text, LETTERS)
    boxes = []
    owners = []
    for u, character in enumerate(unicodedata.normalize("NFD", written)):
        if character != " " and not unicodedata.combining(character):
            box = np.array([[0, 0], [8, 0], [7, 1], [0, 1]]) * (1, -HEIGHTS.get(character, 10)) + (12 * u, 0.1 * u)
            boxes.append(box - np.outer(box[:, 1], (slant, 0)))
            owners += 4 * [len(unicodedata.normalize("NFC", written[: u + 1])) - 1]
    phi = np.eye(len(written) + 1, dtype=np.float32)[owners]
    marked = with_marks(Ink.from_strokes(boxes), np.roll(phi, -1, 0), written, LETTERS)
    return with_signs(*marked, text, LETTERS)


def lines():
    """Every sign and every mark on its own, and lines with several of them."""
    marks = [unicodedata.normalize("NFC", f"{letter}{mark}") for mark in [*ABOVE, *BELOW] for letter in "ag"]
    return [*(f"a{sign}c" for sign in SIGNS), *(f"c{each}" for each in [*marks, *BUILT]), *LINES]


def drawings():
    found = {}
    for slant in (0.0, 0.4):
        for text in lines():
            ink, phi = drawn(text, slant)
            places = phi.argmax(1).tolist()
            found[f"{text} {slant}"] = [
                ink.points.round(2).tolist(),
                np.flatnonzero(ink.end_of_stroke).tolist(),
                places,
            ]
    return found


@pytest.fixture(scope="module")
def golden():
    return json.loads(GOLDEN.read_text("utf-8"))


def test_every_sign_and_mark_is_drawn_as_before(golden):
    now = drawings()
    assert now.keys() == golden.keys()
    for text, (points, ends, places) in now.items():
        assert (ends, places) == tuple(golden[text][1:]), text
        np.testing.assert_allclose(points, golden[text][0], atol=0.02, err_msg=text)


if __name__ == "__main__":
    entries = [
        json.dumps({text: shape}, ensure_ascii=False, separators=(",", ":"))[1:-1] for text, shape in drawings().items()
    ]
    GOLDEN.write_text("{\n" + ",\n".join(entries) + "\n}\n", "utf-8")
