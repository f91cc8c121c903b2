import json
from statistics import pstdev

import pytest

from nextstroke.datasets.packed_ink import InkCorpus, Line, summarise
from nextstroke.ink import Ink


def corpus(*lines):
    return InkCorpus.of([line for line, _ in lines], [Ink.from_strokes(strokes) for _, strokes in lines])


def test_figures_of_a_small_corpus():
    figures = summarise(
        corpus(
            (Line("a", "a b", "train", 1), [[(100, 50), (101, 52), (101, 52)], [(401, 452)]]),
            (Line("b", "", "train", 1, "no text"), [[(-5, 0), (-5, 301)]]),
            (Line("c", "cc", "valid", 2), [[(0, 0)], [(1, 1)]]),
            (Line("d", "d"), [[(7, 7)]]),
        ),
        ["train"],
    )
    assert figures == {
        "lines": 4,
        "lines_of_split": {"train": 2, "valid": 1, "none": 1},
        "lines_without_fault_of_split": {"train": 1, "valid": 1, "none": 1},
        "faults": {"no text": 1},
        "writers": 2,
        "characters": 5,
        "points": 9,
        "points_of_line_median": 2.0,
        "points_of_character_median": 1.0,
        "end_of_stroke_rate": pytest.approx(6 / 9),
        "offsets": {
            "splits": ["train"],
            "count": 4,
            "dx_mean": pytest.approx((1 + 0 + 300 + 0) / 4),
            "dx_std": pytest.approx(pstdev([1, 0, 300, 0])),
            "dy_mean": pytest.approx((2 + 0 + 400 + 301) / 4),
            "dy_std": pytest.approx(pstdev([2, 0, 400, 301])),
        },
        # The move of (300, 400) is with the pen lifted: no jump.
        "oddities": {
            "lines_with_jumps_over_300": 1,
            "lines_with_jumps_over_500": 0,
            "repeated_points": 1,
            "strokes_of_one_point": 4,
        },
    }


def test_nothing_is_ever_not_a_number():
    """One point has no offsets; one place has no variance."""
    alone = summarise(corpus((Line("a", ""), [[(1, 2)]])))
    assert alone["offsets"] == {"splits": [], "count": 0}
    assert alone["points_of_character_median"] is None
    still = summarise(corpus((Line("a", "x"), [[(1, 2)] * 5])))
    assert (still["offsets"]["dx_std"], still["offsets"]["dy_std"]) == (0, 0)
    assert "NaN" not in json.dumps([alone, still])


def test_lines_of_no_chosen_split_give_no_statistics():
    figures = summarise(corpus((Line("a", "x", "valid"), [[(1, 2), (3, 4)]])), ["train"])
    assert figures["offsets"] == {"splits": ["train"], "count": 0}
