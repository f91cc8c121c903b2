import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nextstroke.datasets.packed_ink import NO_TEXT, Line
from nextstroke.errors import BadInk, BadInput, LimitExceeded
from nextstroke.formats.detect import read_ink
from nextstroke.formats.json_ink import parse_json_ink
from nextstroke.formats.transcription import MAX_TEXT
from tests.datasets.conftest import line_xml, read_or_refusal
from tests.formats.conftest import pack

INKML = '<ink><annotation type="truth">ab</annotation><trace>1 2, 3 4</trace></ink>'
JSON = '{"text": "ab", "strokes": [[[1, 2], [3, 4]]]}'


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (INKML, "ab"),
        ("\ufeff" + INKML, "ab"),
        ('<?xml version="1.0" encoding="UTF-16"?>'.encode("utf-16") + INKML.encode("utf-16-le"), "ab"),
        (JSON, "ab"),
        (" \n" + JSON, "ab"),
        (line_xml([(1, 2), (3, 4)]), ""),
    ],
)
def test_the_format_is_recognised_by_the_content(write, content, text):
    ink, found = read_ink(write(content))
    assert (ink.points.tolist(), found) == ([[1, 2], [3, 4]], text)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("<math/>", "<math> is no ink"),
        ("<svg/>", "no points; polylines"),
        ("hello", "not a known format; give InkML, SVG, lines and forms of IAM-OnDB, Xournal++"),
        ("", "not a known format"),
        (b"\x89PNG\r\n\x1a\n\0\0", "not a known format"),
        ("{", "not JSON"),
        (b'{"text": "\xff"}', "not JSON"),
        ("[1, 2]", "not JSON ink"),
        ("{}", "not JSON ink"),
        ('{"strokes": {"a": 1}}', "not JSON ink"),
        ('{"strokes": []}', "has no points"),
        ('{"strokes": [[], []]}', "has no points"),
        ('{"strokes": [[[NaN, 1]]]}', "NaN in it"),
        ('{"strokes": [[[1, -Infinity]]]}', "-Infinity in it"),
        ('{"strokes": [[[1e999, 1]]]}', "a point at (inf, 1)"),
        ('{"strokes": [[[1e308, 1]]]}', "a point at (1e+308, 1)"),
        ('{"strokes": [[[1, 2], [3]]]}', "not a list of points"),
        ('{"strokes": [[[1], [3]]]}', "not a list of points"),
        ('{"strokes": [[1, 2], [3, 4]]}', "not a list of points"),
        ('{"strokes": [[["1", "2"]]]}', "not a list of points"),
        ('{"strokes": [[[true, false]]]}', "not a list of points"),
        ('{"strokes": [[[1, null]]]}', "not a list of points"),
        ('{"strokes": [[[1, 1' + "0" * 30 + "]]]}", "not a list of points"),
        ('{"strokes": ["ab", 5, null]}', "not a list of points"),
        ('{"strokes": [[[[1, 2]]]]}', "not a list of points"),
        ('{"strokes": [' + "[" * 90 + "1" + "]" * 90 + "]}", "not a list of points"),
        ('{"text": 5, "strokes": [[[1, 2]]]}', "its text is not a string"),
    ],
)
def test_bad_files_are_refused_with_name(write, content, complaint):
    path = write(content)
    with pytest.raises(BadInk) as error:
        read_ink(path)
    assert complaint in str(error.value)
    assert str(error.value).startswith(str(path))
    assert "\n" not in str(error.value)


def test_json_points_may_carry_more_and_the_text_may_be_missing():
    ink, text = parse_json_ink(b'{"strokes": [[[1, 2, 0.5], [3.5, 4, 0.5]], [], [[7, 8]]]}', "a.json")
    assert ink.points.tolist() == [[1, 2], [3.5, 4], [7, 8]]
    assert ink.end_of_stroke.tolist() == [False, True, True]
    assert text == ""


@settings(max_examples=50)
@given(
    st.lists(
        st.lists(st.lists(st.integers(-9999, 9999), min_size=2, max_size=2), min_size=1, max_size=9),
        min_size=1,
        max_size=5,
    ),
    st.text(max_size=30),
)
def test_json_ink_is_read_back(strokes, text):
    ink, found = parse_json_ink(json.dumps({"text": text, "strokes": strokes}).encode(), "a.json")
    assert [stroke.tolist() for stroke in ink.strokes()] == strokes
    assert found == "\n".join(" ".join(row.split()) for row in text.split("\n") if row.split())


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["text", "strokes", "x"]), inner),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from(["text", "strokes", "unit"]), JSON_VALUES))
def test_any_json_is_read_or_refused(document):
    read, refusal = read_or_refusal(parse_json_ink, json.dumps(document).encode(), "a.json")
    assert len(read[0]) > 0 if read else refusal.startswith("a.json: ")


@settings(max_examples=150)
@given(
    base=st.sampled_from([INKML.encode(), JSON.encode(), line_xml([(1, 2), (3, 4)]).encode()]),
    place=st.integers(0, 500),
    length=st.integers(0, 20),
    patch=st.binary(max_size=10),
)
def test_altered_files_are_read_or_refused(tmp_path_factory, base, place, length, patch):
    path = tmp_path_factory.getbasetemp() / "altered"
    path.write_bytes(base[:place] + patch + base[place + length :])
    read, refusal = read_or_refusal(read_ink, path)
    assert len(read[0]) > 0 if read else refusal.startswith(str(path))


def test_packing_takes_texts_from_the_file_or_a_text_file(write, tmp_path):
    files = [write(INKML, "a.inkml"), write(line_xml([(1, 1)]), "b.xml"), write(line_xml([(2, 2)]), "c.xml")]
    write("beside\n b", "b.xml.txt")
    write("not\nread", "b.txt")
    write("\ufeffcaf\u00e9", "c.txt")
    write("not read either", "a.inkml.txt")
    corpus, left_out = pack(files, "mine")
    assert corpus.lines == [Line("a", "ab", "mine"), Line("b", "beside\nb", "mine"), Line("c", "caf\u00e9", "mine")]
    assert [corpus.ink(i).points[0].tolist() for i in range(3)] == [[1, 2], [1, 1], [2, 2]]
    assert left_out == []


def test_ink_without_text_is_packed_with_a_fault(write):
    corpus, _ = pack([write(line_xml([(1, 1)]), "b.xml")])
    assert corpus.lines == [Line("b", "", fault=NO_TEXT)]


def test_files_that_cannot_be_read_are_left_out_with_the_reason(write):
    good, bad, odd = write(INKML, "a.inkml"), write("<math/>", "b.svg"), write(line_xml([(1, 1)]), "c.xml")
    write(b"caf\xe9", "c.txt")
    corpus, left_out = pack([bad, good, odd, "missing.xml"])
    assert [line.name for line in corpus.lines] == ["a"]
    assert [path for path, _ in left_out] == [str(bad), str(odd), "missing.xml"]
    assert "<math> is no ink" in left_out[0][1]
    assert "not UTF-8 at byte 3" in left_out[1][1]
    assert "missing.xml: cannot be read" in left_out[2][1]


def test_nothing_to_pack_is_refused(write):
    with pytest.raises(BadInput, match="<math> is no ink"):
        pack([write("<math/>")])
    with pytest.raises(BadInput, match="no files were given"):
        pack([])


def test_a_text_too_long_leaves_its_file_out(write):
    write("a" * (MAX_TEXT + 1), "a.txt")
    with pytest.raises(BadInput, match="at most"):
        pack([write(line_xml([(1, 1)]), "a.xml")])


def test_long_json_is_refused_unread(write):
    with pytest.raises(LimitExceeded, match="of this format at most"):
        read_ink(write("{" + " " * (5 << 20) + "}"))
