"""The quick ratios and the bench of messages: what they compare, without timing anything."""

import itertools
import json

from benchmarks import curves, messages, smoke


def test_the_stored_ratios_are_those_that_are_measured():
    assert list(json.loads(smoke.STORED.read_text("utf-8"))) == list(smoke.CASES)
    assert len(smoke.CASES) == 8


def test_a_ratio_is_the_median_of_the_rounds(monkeypatch):
    """Work of 6, 2 and 4 seconds, a bound of 1 second that counts twice."""
    clock = itertools.accumulate([0, 6, 1, 1, 2, 1, 1, 4, 1])
    monkeypatch.setattr(smoke.time, "process_time", lambda: next(clock))
    assert smoke.ratio(smoke.Case(lambda: None, lambda: None, times=2), 3) == 2.0


def test_the_stored_curves_are_those_that_are_measured():
    stored = json.loads(curves.STORED.read_text("utf-8"))
    assert {name: curve["values"] for name, curve in stored.items()} == curves.CURVES
    assert all(curve["cost"][0] == 1 for curve in stored.values())


def test_messages_are_lines_of_dialogue(tmp_path):
    told = "It was late, and she had still not written a word to him."
    text = f'He said, "{told}" and left. "No." "{told}"\n"{told[:-1]} and"\n'
    (tmp_path / "book.txt").write_text(text, "utf-8")
    assert messages.dialogue(tmp_path / "book.txt") == [told]
    rival = messages.measure("raw", lambda data: data, [told])
    assert rival["bits_per_character"] == 8
