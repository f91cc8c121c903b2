from dataclasses import replace

import pytest

from nextstroke.api import write_lines
from nextstroke.handwriting.request import prepare
from nextstroke.paper.legibility import character_error, letters_and_digits, ocr_available
from nextstroke.text.edit_distance import edit_distance


@pytest.mark.parametrize(
    ("meant", "found", "errors"),
    [("", "", 0), ("abc", "", 3), ("abc", "axc", 1), ("kitten", "sitting", 3), ("ab", "ba", 2)],
)
def test_edit_distances(meant, found, errors):
    assert edit_distance(meant, found) == edit_distance(found, meant) == errors


def test_only_letters_and_digits_count():
    assert letters_and_digits("It's 5, Straße.") == "its5strasse"


@pytest.mark.skipif(not ocr_available(), reason="tesseract is not installed")
def test_what_is_written_tidily_is_read(writer):
    lines = write_lines(writer, ["the house is here", "all of them came"], 2.0, 1)
    assert character_error(lines) < 0.35
    other = replace(lines[0].request, text=prepare("zzzz qqqq xxxx", writer.alphabet))
    assert character_error([replace(lines[0], request=other)]) > 0.7
