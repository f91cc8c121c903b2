"""Hostile and broken XML: refused with bounded work and within 100 MB, with file and line (group 25 of the faults)."""

import gzip
import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextstroke.errors import BadInk, BadInput, LimitExceeded
from nextstroke.formats.detect import read_ink
from nextstroke.formats.iam_xml import parse_line, read_line
from nextstroke.formats.limits import MAX_BYTES, MAX_POINTS
from nextstroke.formats.safe_xml import MAX_DEPTH, parse_xml, root_tag
from tests.datasets.conftest import line_xml, read_or_refusal

LAUGHS = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 10))
BODY = "<StrokeSet><Stroke><Point x='&l9;' y='1'/></Stroke></StrokeSet>"


def head(subset=""):
    return f'<?xml version="1.0"?>\n<!DOCTYPE WhiteboardCaptureSession {subset}>\n<WhiteboardCaptureSession>'


def ink_of(points):
    return f"<WhiteboardCaptureSession><StrokeSet><Stroke>{points}</Stroke></StrokeSet></WhiteboardCaptureSession>"


ATTACKS = {
    "billion laughs": (head(f'[<!ENTITY l0 "ha">{LAUGHS}]') + BODY, ":2: the entity 'l1'; only entities of up to"),
    "quadratic entities": (
        head(f'[<!ENTITY l9 "{"1" * 100_000}">]') + "&l9;" * 50_000,
        ":2: the entity 'l9'; only entities of up to",
    ),
    "many short entities": (head(f'[<!ENTITY l9 "{"1" * 199}">]') + "&l9;" * 50_000, "entities of more than"),
    "entities in one tag": (head(f'[<!ENTITY l9 "{"1" * 199}">]') + f"<a b='{'&l9;' * 60_000}'/>", "entities of more"),
    "parameter entity": (head("[<!ENTITY % p \"<!ENTITY l9 '1'>\"> %p;]") + BODY, "the entity 'p'"),
    "external entity": (head('[<!ENTITY l9 SYSTEM "file:///etc/passwd">]') + BODY, ":2: the entity 'l9'; only"),
    "external DTD": (head('SYSTEM "http://127.0.0.1:9/evil.dtd"') + BODY, "is no number"),
    "200,000 deep": ("<ink>" + "\n<a>" * 200_000, f":{MAX_DEPTH + 1}: elements nested more than {MAX_DEPTH} deep"),
    "100 MB attribute": ("<a b='" + "x" * (100 << 20), f"at most {MAX_BYTES} are read"),
    "long attribute": ("<a b='" + "x" * (7 << 20) + "'/>", ":1: a tag of more than"),
    "long comment": ("<ink><!--" + "x" * (7 << 20), ":1: a tag of more than"),
    "long name": ("<" + "x" * (7 << 20) + "/>", ":1: a tag of more than"),
    "many attributes": ("<a " + " ".join(f"b{i}='1'" for i in range(500_000)) + "/>", ":1: a tag of more than"),
    "many namespaces": ("<a " + " ".join(f"xmlns:b{i}='{i}'" for i in range(8_000)) + "/>", "<a> is no ink"),
    "many points": (ink_of("<Point x='1' y='1'/>" * (MAX_POINTS + 1)), f"at most {MAX_POINTS} are read"),
    "one long InkML trace": ("<ink><trace>" + "1 2," * 2_000_000 + "</trace></ink>", f"at most {MAX_POINTS} are read"),
    "one InkML value without end": ("<ink><trace>" + "1" * 8_000_000 + " 2</trace></ink>", "only finite numbers"),
    "InkML hexadecimal without end": ("<ink><trace>#" + "f" * 8_000_000 + " 2</trace></ink>", "not finite"),
    "InkML blanks without end": ("<ink><trace>'" + " " * 8_000_000 + "x</trace></ink>", "for a value"),
    "InkML signs": ("<ink><trace>" + "-" * 8_000_000 + "</trace></ink>", "for a value"),
    "gzip bomb": (gzip.compress(b"<svg>" + b" " * (60 << 20)), f"more than {MAX_BYTES} bytes unzipped"),
    "gzip bomb of a gzip bomb": (gzip.compress(gzip.compress(b" " * (60 << 20))), "not a known format"),
    "many SVG elements": ("<svg>" + "<g/>" * 2_000_000 + "</svg>", "elements; split"),
    "SVG uses of uses": (
        "<svg>" + "".join(f"<g id='g{i}'>" + f"<use href='#g{i + 1}'/>" * 60 + "</g>" for i in range(6)) + "</svg>",
        "which the document does not have",
    ),
    "SVG path without end": ("<svg><path d='" + "M0 0" * 30_000 + "x'/></svg>", "a path that cannot be read"),
    "SVG transforms": ("<svg transform='" + "scale(9) " * 20_000 + "'><path d='M1 1L2 2'/></svg>", "only finite"),
    "many CSV rows": ("1,2,3\n" * 520_000, f"at most {MAX_POINTS} points"),
    "long CSV": ("1,2,3\n" * 600_000, "are read; split it"),
    "UNIPEN points": (".PEN_DOWN\n" + "1 2\n" * 780_000, f"at most {MAX_POINTS} are read"),
    "UNIPEN pen-downs": (".PEN_DOWN\n1 2\n" * 200_001, "components of UNIPEN; split it"),
    "Quick Draw": ('{"drawing": [[[1,2],[3,4]]]}\n' * 101_000, "drawings; split it"),
    "deep JIIX": ('{"type": "Text", "words": ' + "[" * 500 + "]" * 500 + "}", "without strokes"),
    "Xournal++ points": ("<xournal><page><stroke>" + "1 2 " * 200_001 + "</stroke></page></xournal>", "are read"),
    "deep JSON": ("[" * 2_000_000, "nested too deep"),
    "long JSON": ("[" + "[1,2]," * 1_300_000 + "[1,2]]", "are read"),
    "JSON of empty lists": ('{"strokes": [' + "[]," * 1_040_000 + "[]]}", "no points"),
    "JSON of many points": ('{"strokes": [[' + "[1,2]," * 520_000 + "[1,2]]]}", f"at most {MAX_POINTS} are read"),
    "JSON number without end": ('{"strokes": [[[' + "1" * 3_000_000 + ",2]]]}", "not JSON"),
}

# Runs in a process of its own. VmHWM, the peak of memory, is reset before each file; calls of functions are counted and
# not seconds, which other work on the machine changes.
MEASURE = """
import json, sys
from pathlib import Path
from nextstroke.formats.detect import read_ink
from nextstroke.errors import NextstrokeError
def memory(name):
    rows = Path("/proc/self/status").read_text().splitlines()
    return next(int(row.split()[1]) for row in rows if row.startswith(name)) / 1024
def count(frame, event, argument):
    global calls
    calls += event in ("call", "c_call")
for path in sys.argv[1:]:
    Path("/proc/self/clear_refs").write_text("5")
    before, calls = memory("VmRSS"), 0
    sys.setprofile(count)
    try:
        read_ink(path)
        error = ["none", ""]
    except NextstrokeError as caught:
        error = [str(caught.exit_code), str(caught)]
    finally:
        sys.setprofile(None)
    print(json.dumps([*error, calls, memory("VmHWM") - before]))
"""


# Of functions, at most; a file that is read in small pieces needs some for each, others next to none.
CALLS = {
    "many points": 2_000_000,
    "many SVG elements": 2_000_000,
    "SVG uses of uses": 20_000,
    "SVG path without end": 2_000_000,
    "SVG transforms": 500_000,
    "Quick Draw": 2_000,
    "deep JIIX": 2_000,
}


@pytest.fixture(scope="module")
def refusals(tmp_path_factory):
    """For each attack: exit code, message, calls and MB."""
    if not sys.platform.startswith("linux"):
        pytest.skip("the peak of memory is read from /proc")
    folder = tmp_path_factory.mktemp("attacks")
    paths = []
    for number, (content, _) in enumerate(ATTACKS.values()):
        paths.append(folder / f"{number}.xml")
        paths[-1].write_bytes(content if isinstance(content, bytes) else content.encode())
    run = subprocess.run([sys.executable, "-c", MEASURE, *paths], capture_output=True, text=True, check=True)
    return dict(zip(ATTACKS, map(json.loads, run.stdout.splitlines()), strict=True))


@pytest.mark.parametrize("attack", ATTACKS)
def test_attacks_are_refused_with_little_work_and_memory(refusals, attack):
    code, message, calls, megabytes = refusals[attack]
    assert code in ("3", "5")
    assert ATTACKS[attack][1] in message
    assert ".xml" in message
    assert len(message) < 400
    assert "\n" not in message
    assert megabytes < 100
    assert calls <= CALLS.get(attack, 1_000)


GOOD = line_xml([(1, 2), (3, 4)], [(5, 6)]).encode()


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", ":1: not well-formed XML"),
        (GOOD[:-30], ":14: not well-formed XML"),
        (GOOD + b"<more/>", "not well-formed XML"),
        (GOOD.replace(b"ISO-8859-1", b"UTF-16"), "not well-formed XML"),
        (GOOD.replace(b"ISO-8859-1", b"shift_jis"), "encoding"),
        (GOOD.replace(b"ISO-8859-1", b"no-such"), "encoding"),
        (GOOD.replace(b"ISO-8859-1", b"UTF-8").replace(b"black", b"bl\xe4ck"), ":7: not well-formed XML"),
        (GOOD.replace(b'y="4"', b""), ":9: a Point without y"),
        (GOOD.replace(b'x="3"', b"X='3'"), ":9: a Point without x"),
        (GOOD.replace(b'x="3"', b'x="three"'), ":9: a Point whose place is no number"),
        (GOOD.replace(b'x="3"', b'x="nan"'), ":9: a Point at (nan, 4)"),
        (GOOD.replace(b'x="3"', b'x="-inf"'), ":9: a Point at (-inf, 4)"),
        (GOOD.replace(b'x="3"', b'x="1e308"'), ":9: a Point at (1e+308, 4)"),
        (GOOD.replace(b"Stroke ", b"Streak ").replace(b"/Stroke>", b"/Streak>"), "a Point outside any Stroke"),
        (line_xml().encode(), "no strokes"),
        (line_xml([], []).encode(), "no strokes"),
    ],
)
def test_broken_line_files_are_refused_with_name_and_line(content, complaint):
    with pytest.raises(BadInk) as error:
        parse_line(content, "a.xml")
    assert complaint in str(error.value)
    assert str(error.value).startswith("a.xml:")


def test_a_declared_encoding_holds():
    assert len(parse_line(GOOD.replace(b"black", b"bl\xe4ck"), "a.xml")) == 3
    assert len(parse_line(GOOD.decode().replace("ISO-8859-1", "UTF-16").encode("utf-16"), "a.xml")) == 3


def test_strokes_of_one_point_and_negative_places_stay_and_empty_strokes_go():
    ink = parse_line(line_xml([(-4, -5)], [], [(1, 2), (1, 2)]).encode(), "a.xml")
    assert ink.points.tolist() == [[-4, -5], [1, 2], [1, 2]]
    assert ink.end_of_stroke.tolist() == [True, False, True]


@pytest.mark.parametrize("make", ["missing", "folder", "pipe"])
def test_what_is_no_file_is_refused(tmp_path, make):
    import os

    path = tmp_path / "a.xml"
    if make == "folder":
        path.mkdir()
    elif make == "pipe":
        os.mkfifo(path)
    with pytest.raises(BadInput, match=r"a\.xml: "):
        read_line(path)


def test_a_file_too_long_is_refused_unread(tmp_path):
    with (tmp_path / "a.xml").open("wb") as stream:
        stream.truncate(MAX_BYTES + 1)
    with pytest.raises(LimitExceeded, match=r"a\.xml: .* at most"):
        read_ink(tmp_path / "a.xml")


def test_the_root_is_named_without_its_namespace():
    assert root_tag(b'<x:ink xmlns:x="http://www.w3.org/2003/InkML"><unclosed>', "a.xml") == "ink"


class Recorder:
    def __init__(self):
        self.seen = []

    def start(self, tag, attributes):
        self.seen.append((tag, attributes))

    def end(self, tag):
        self.seen.append(tag)


def test_elements_and_text_go_by_in_order():
    handler, pieces = Recorder(), []
    parse_xml(b"<a b='&lt;'>x<c/>&#121;</a>", "a.xml", handler, pieces.append)
    assert handler.seen == [("a", {"b": "<"}), ("c", {}), "c", "a"]
    assert "".join(pieces) == "xy"


@given(st.binary(max_size=200))
def test_random_bytes_are_read_or_refused(data):
    ink, refusal = read_or_refusal(parse_line, data, "a.xml")
    assert ink or refusal.startswith("a.xml")


@given(st.integers(0, len(GOOD) - 1), st.integers(0, 40), st.binary(max_size=12))
def test_altered_lines_are_read_or_refused(place, length, patch):
    ink, refusal = read_or_refusal(parse_line, GOOD[:place] + patch + GOOD[place + length :], "a.xml")
    assert 1 <= len(ink) <= 3 if ink else refusal.startswith("a.xml")
