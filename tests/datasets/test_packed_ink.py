import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save

from nextstroke.datasets.packed_ink import FORMAT, InkCorpus, Line
from nextstroke.errors import BadInk, CorruptFile, NextstrokeError, WrongModel
from nextstroke.ink import Ink

LINES = [Line("a", "first é", "train", 3), Line("b", "second", "valid", fault="odd"), Line("c", "", "train")]
INKS = [Ink.from_strokes([[(1, 2), (3, 4)], [(5, -6)]]), Ink.from_strokes([[(0, 0)]]), Ink.from_strokes([[(9, 9)] * 3])]


@pytest.fixture
def corpus():
    return InkCorpus.of(LINES, INKS)


def test_what_is_saved_is_opened(corpus, tmp_path):
    corpus.save(tmp_path / "a.packed")
    opened = InkCorpus.open(tmp_path / "a.packed")
    assert opened.lines == LINES
    for i, ink in enumerate(INKS):
        assert np.array_equal(opened.ink(i).points, ink.points)
        assert np.array_equal(opened.ink(i).end_of_stroke, ink.end_of_stroke)
    opened.verify(tmp_path / "a.packed")


def test_faulty_lines_are_selected_on_request_only(corpus):
    assert corpus.select("train") == [0, 2]
    assert corpus.select("train", "valid") == [0, 2]
    assert corpus.select("train", "valid", faulty=True) == [0, 1, 2]
    assert corpus.select() == []


@pytest.mark.parametrize("eighth", range(8))
def test_a_truncated_file_is_refused(corpus, tmp_path, eighth):
    path = tmp_path / "a.packed"
    corpus.save(path)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * eighth // 8])
    with pytest.raises(CorruptFile, match=r"a\.packed"):
        InkCorpus.open(path)


def test_every_flipped_bit_is_noticed(corpus, tmp_path):
    """Opening or verifying refuses it; safetensors alone would not."""
    path = tmp_path / "a.packed"
    corpus.save(path)
    data = path.read_bytes()
    for place in range(8, len(data)):
        path.write_bytes(data[:place] + bytes([data[place] ^ 1 << place % 8]) + data[place + 1 :])
        try:
            opened = InkCorpus.open(path)
            opened.verify(path)
        except NextstrokeError:
            continue
        assert opened.lines == LINES
        assert np.array_equal(opened.points, corpus.points)
        assert np.array_equal(opened.end_of_stroke, corpus.end_of_stroke)
        assert np.array_equal(opened.starts, corpus.starts)


ARRAYS = {
    "points": np.zeros((3, 2), np.float32),
    "end_of_stroke": np.ones(3, bool),
    "starts": np.array([0, 1, 3], np.int64),
}


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"points": np.zeros((3, 3), np.float32)}, "do not match"),
        ({"points": np.zeros(6, np.float32)}, "do not match"),
        ({"end_of_stroke": np.ones(2, bool)}, "do not match"),
        ({"starts": np.array([0, 3], np.int64)}, "do not match"),
        ({"starts": np.array([0, 1, 4], np.int64)}, "do not match"),
        ({"starts": np.array([1, 2, 3], np.int64)}, "do not match"),
        ({"starts": np.array([0, 3, 3], np.int64)}, "without points"),
        ({"starts": np.array([0, -1, 3], np.int64)}, "without points"),
        ({"starts": np.array([0, 1, 3], np.int32)}, "not a packed corpus"),
        ({"points": None}, "points"),
        ({"points": np.zeros((3, 2), np.int64)}, "of another type"),
        ({"end_of_stroke": np.ones(3, np.uint8)}, "of another type"),
        ({"starts": np.array([0, 1, 3], np.uint8)}, "of another type"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(tmp_path, changed, complaint):
    arrays = {name: array for name, array in (ARRAYS | changed).items() if array is not None}
    about = {"format": FORMAT, "lines": [{"name": "a", "text": ""}, {"name": "b", "text": ""}]}
    (tmp_path / "a.packed").write_bytes(save(arrays, {"nextstroke": json.dumps(about)}))
    with pytest.raises(CorruptFile, match=complaint):
        InkCorpus.open(tmp_path / "a.packed")


@pytest.mark.parametrize(
    "about",
    ['{"format": "nextstroke-ink-1"}', "[]", "5", '{"lines": []}', '{"format": "nextstroke-ink-1", "lines": [5]}'],
)
def test_metadata_that_do_not_fit_are_refused(tmp_path, about):
    (tmp_path / "a.packed").write_bytes(save(ARRAYS, {"nextstroke": about}))
    with pytest.raises(CorruptFile, match=r"a\.packed"):
        InkCorpus.open(tmp_path / "a.packed")


@pytest.mark.parametrize(
    "line",
    [
        {"name": 5, "text": ""},
        {"name": "a", "text": None},
        {"name": "a", "text": [], "split": "b"},
        {"name": "a", "text": "", "split": 1},
        {"name": "a", "text": "", "writer": "w"},
        {"name": "a", "text": "", "writer": 1.5},
        {"name": "a", "text": "", "fault": 0},
        {"name": "a", "text": "", "more": 0},
        {"name": "a"},
    ],
)
def test_lines_whose_values_have_other_types_are_refused(tmp_path, line):
    about = {"format": FORMAT, "lines": [{"name": "a", "text": ""}, line]}
    (tmp_path / "a.packed").write_bytes(save(ARRAYS, {"nextstroke": json.dumps(about)}))
    with pytest.raises(CorruptFile, match=r"a\.packed"):
        InkCorpus.open(tmp_path / "a.packed")


def test_a_newer_format_is_named(tmp_path):
    (tmp_path / "a.packed").write_bytes(save(ARRAYS, {"nextstroke": '{"format": "nextstroke-ink-2"}'}))
    with pytest.raises(WrongModel, match=r"nextstroke-ink-2.*nextstroke-ink-1"):
        InkCorpus.open(tmp_path / "a.packed")


@settings(max_examples=200)
@given(header=st.binary(max_size=60), size=st.integers(0, 80) | st.sampled_from([2**31, 2**63, 2**64 - 1]))
def test_foreign_headers_are_refused(tmp_path_factory, header, size):
    path = tmp_path_factory.getbasetemp() / "foreign.packed"
    path.write_bytes(size.to_bytes(8, "little") + header)
    with pytest.raises(CorruptFile, match=r"foreign\.packed"):
        InkCorpus.open(path)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(CorruptFile, match=r"a\.packed"):
        InkCorpus.open(tmp_path / "a.packed")


@pytest.mark.parametrize("bad", [1e38, -2e6, np.nan, np.inf])
def test_positions_that_no_pen_has_are_refused_with_file_and_line(corpus, tmp_path, bad):
    corpus.points[3, 1] = bad
    corpus.save(tmp_path / "a.packed")
    opened = InkCorpus.open(tmp_path / "a.packed")
    with pytest.raises(BadInk, match=r"a\.packed: line 1 \(b\): a point at \(0, "):
        opened.ink(1)
    assert len(opened.ink(0)) == 3


def test_names_that_are_not_utf8_come_back(tmp_path):
    lines = [Line("a\udcff", "first", "train")]
    InkCorpus.of(lines, INKS[:1]).save(tmp_path / "a.packed")
    assert InkCorpus.open(tmp_path / "a.packed").lines == lines
