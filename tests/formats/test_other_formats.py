"""Formats of note programs, data sets and tables, one small file of each."""

import gzip
import io
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextstroke.errors import BadInk, BadInput, LimitExceeded
from nextstroke.formats.detect import read_all_with_text, read_drawings, read_ink
from tests.datasets.conftest import read_or_refusal
from tests.formats.conftest import pack

STROKES = [[[10, 10], [10, 20], [14, 30]], [[24, 2], [24, 30]]]


def columns(stroke, names="xy", **more):
    return {names[0]: [x for x, _ in stroke], names[1]: [y for _, y in stroke]} | more


def objects(stroke):
    return [{"x": x, "y": y, "t": 1, "p": 0.5} for x, y in stroke]


JIIX = {
    "type": "Text",
    "label": "it  is",
    "words": [
        {"label": "it", "items": [columns(STROKES[0], "XY", type="stroke", F=[1, 1, 1])]},
        {"label": " "},
        {"label": "is", "items": [columns(STROKES[1], "XY", type="stroke")]},
    ],
}
FREE = {"type": "freedraw", "x": 10, "y": 10, "points": [[0, 0], [0, 10], [4, 20]]}
EXCALIDRAW = {
    "type": "excalidraw",
    "elements": [
        FREE,
        {"type": "rectangle", "x": 0, "y": 0},
        FREE | {"isDeleted": True},
        {"type": "freedraw", "x": 24, "y": 2, "points": [[0, 0], [0, 28]]},
    ],
}
XOPP = """<?xml version="1.0"?><xournal creator="x"><title>a title</title><page width="600" height="800"><layer>
<stroke tool="pen" color="#000000ff" width="1.41">10 10 10 20 14 30</stroke>
<stroke tool="highlighter">0 0 9 9</stroke><text>typed</text>
<stroke tool="pen" width="1 2">24 2 24 30</stroke></layer></page><page><layer/></page></xournal>"""
UNIPEN = """.VERSION 1.0
.HIERARCHY PAGE WORD
.COORD T X Y
.SEGMENT WORD 0 OK "it"
.SEGMENT WORD 2 OK "is"
.PEN_DOWN
0 10 -10
1 10 -20
2 14 -30
.PEN_UP
3 99 -99
.PEN_DOWN
4 24 -2
5 24 -30
"""
CSV = "10,10,0\n10,20,0\n14,30,0\n24,2,1\n24,30,1\n"
ROWS = list(enumerate(CSV.split()))
PEN_UPS = "t,Y,X,pen_up\n0,10,10,0\n0,20,10,0\n0,30,14,1\n0,2,24,0\n0,30,24,0\n"
FILES = {
    "points as objects": (json.dumps({"text": "it", "strokes": [objects(stroke) for stroke in STROKES]}), "it"),
    "strokes as objects": (json.dumps({"strokes": [{"points": stroke, "color": "red"} for stroke in STROKES]}), ""),
    "columns": (json.dumps({"strokes": [columns(stroke) for stroke in STROKES]}), ""),
    "MyScript": (json.dumps([{"type": "stroke", "pointers": objects(stroke)} for stroke in STROKES]), ""),
    "JIIX": (json.dumps(JIIX), "it is"),
    "Excalidraw": (json.dumps(EXCALIDRAW), ""),
    "Quick Draw": (json.dumps({"word": "line", "drawing": [list(columns(one).values()) for one in STROKES]}), ""),
    "Xournal++": (XOPP, ""),
    "Xournal++ zipped": (gzip.compress(XOPP.encode()), ""),
    "SVG zipped": (gzip.compress(b'<svg><path d="M10 10V20L14 30M24 2V30"/></svg>'), ""),
    "UNIPEN": (UNIPEN, "it is"),
    "CSV": (CSV, ""),
    "CSV with semicolons": (CSV.replace(",", ";"), ""),
    "CSV with tabs and a header": ("x\ty\tstroke_id\n" + CSV.replace(",", "\t").replace("\n", "\r\n"), ""),
    "CSV with pen-ups": (PEN_UPS, ""),
    "CSV of numbered strokes": (
        ",x,y,t,stroke_nr\n" + "".join(f"{i},{row[:-1]}9.5,{row[-1]}.0\n" for i, row in ROWS),
        "",
    ),
    "CSV of Wacom": ("idx,SPLINE_X,SPLINE_Y,SENSOR_PRESSURE\n" + "".join(f"{r[-1]},{r[:-1]}.5\n" for _, r in ROWS), ""),
    "entities": (
        '<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/svg11.dtd" [<!ENTITY ns "http://a"> '
        '<!ENTITY t "it">]><svg xmlns="&ns;"><title>&t;</title><path d="M10 10V20L14 30M24 2V30"/></svg>',
        "it",
    ),
}


def array_file(rows, kind="<f4", header=None):
    """A file in numpy's own format."""
    stream = io.BytesIO()
    np.save(stream, np.array(rows, kind))
    content = stream.getvalue()
    return content if header is None else content.replace(*header)


# As handwriting-synthesis keeps its styles: offsets, y upwards, and a first row with a mark that ends no stroke.
OFFSETS = [[0, 0, 1], [0, -10, 0], [4, -10, 1], [10, 28, 0], [0, -28, 1]]


@pytest.mark.parametrize("name", FILES)
def test_each_format_gives_the_same_strokes(write, name):
    content, text = FILES[name]
    ink, found = read_ink(write(content))
    assert [stroke.tolist() for stroke in ink.strokes()] == STROKES
    assert found == text


def test_numbers_of_rows_are_no_strokes(write):
    assert len(read_ink(write("idx,x,y\n0,1,2\n1,3,4\n2,5,6\n"))[0].strokes()) == 1


def test_a_file_of_many_drawings_is_packed_as_many_lines(write):
    lines = [json.dumps({"word": "cat", "drawing": [[[i, i + 1], [0, 5]]]}) for i in range(3)]
    path = write("\n".join(lines) + "\n\n", "cats.ndjson")
    assert [ink.points[0, 0] for ink, _ in read_drawings(path)] == [0, 1, 2]
    corpus, left_out = pack([path])
    assert [line.name for line in corpus.lines] == ["cats-1", "cats-2", "cats-3"]
    assert left_out == []
    with pytest.raises(BadInk, match="3 drawings; give a file of one"):
        read_ink(path)


def test_a_jiix_stroke_listed_twice_is_read_once_and_in_its_first_place(write):
    first, second = (columns(stroke, "XY", type="stroke", id=str(i)) for i, stroke in enumerate(STROKES))
    document = {"type": "Text", "label": "i", "words": [{"items": [second]}], "chars": [{"items": [first, second]}]}
    assert [stroke.tolist() for stroke in read_ink(write(json.dumps(document)))[0].strokes()] == STROKES[::-1]


def test_a_turned_freehand_line_is_turned(write):
    turned = FREE | {"angle": np.pi / 2}
    ink, _ = read_ink(write(json.dumps({"type": "excalidraw", "elements": [turned]})))
    assert ink.points == pytest.approx(np.array([[22, 18], [12, 18], [2, 22]]))


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ('{"strokes": [{"points": [[1, 2], [3]]}]}', "not a list of points"),
        ('{"strokes": [{"x": [1, 2], "y": [3]}]}', "not lists of one length"),
        ('{"strokes": [{"x": [1, null], "y": [3, 4]}]}', "not lists of numbers"),
        ('{"strokes": [{"z": 1}]}', "a stroke with z; points, pointers, or x and y are needed"),
        ('[{"pointers": [{"x": 1}]}]', "not a list of points"),
        ('[{"pointers": [{"x": 1e999, "y": 1}]}]', "a point at (inf, 1)"),
        ('{"type": "Text", "label": "a"}', "without strokes; export it with its ink"),
        ('{"type": "Text", "items": [{"type": "stroke", "X": [1]}]}', "not lists of one length"),
        ('{"type": "excalidraw", "elements": [{"type": "freedraw"}]}', "not a list of points"),
        ('{"type": "excalidraw", "elements": [{"type": "freedraw", "points": [[0, 0]], "x": "1"}]}', "not numbers"),
        ('{"type": "excalidraw", "elements": []}', "without freehand lines"),
        ('{"type": "excalidraw"}', "without elements"),
        ('{"drawing": [[[1, 2], [3, 4]]]}\n{"drawing": 5}', "line 2: not a drawing"),
        ('{"drawing": [[[1, 2], [3]]]}', "line 1: a stroke whose x and y"),
        ('{"drawing": []}', "line 1: the ink has no points"),
        (XOPP.replace("10 20", "10 x"), "not pairs of numbers"),
        (XOPP.replace("10 20", "10"), "not pairs of numbers"),
        (XOPP.replace("10 20", "10 1e999"), "only finite numbers"),
        (XOPP.replace("<layer/>", "<layer><stroke>1 2</stroke></layer>"), "2 drawings; give a file of one"),
        ("<xournal><page/></xournal>", "no pen strokes"),
        (UNIPEN.replace("10 -20", "10 x"), "not numbers"),
        (".VERSION 1.0\n", "has no points"),
        (UNIPEN.replace(".COORD T X Y", ".COORD T X"), "X and Y are needed"),
        (".INCLUDE ../secret\n", "give a path below"),
        (CSV.replace("14,30", "14"), ":3: '14,0' is not a row of 3 numbers"),
        (CSV + "a,b,c\n", ":6: 'a,b,c' is not a row"),
        (CSV.replace("14", "1e9"), "a point at (1e+09, 30)"),
        ("x,y,stroke\n", "rows of x,y,stroke are read"),
        (gzip.compress(XOPP.encode())[:-9], "cut short"),
        (b"\x1f\x8bnonsense", "not a whole gzip file"),
    ],
)
def test_malformed_files_are_refused_with_name(write, content, complaint):
    path = write(content)
    with pytest.raises(BadInk) as error:
        read_ink(path)
    assert complaint in str(error.value)
    assert str(error.value).startswith(str(path))
    assert "\n" not in str(error.value)


@given(st.sampled_from(list(FILES)), st.integers(0, 400), st.integers(0, 20), st.binary(max_size=8))
def test_altered_files_are_read_or_refused(tmp_path_factory, name, begin, length, patch):
    content = FILES[name][0]
    data = content if isinstance(content, bytes) else content.encode()
    path = tmp_path_factory.getbasetemp() / "altered"
    path.write_bytes(data[:begin] + patch + data[begin + length :])
    drawings, refusal = read_or_refusal(read_drawings, path)
    if drawings is None:
        assert refusal.startswith(str(path))
        assert "\n" not in refusal
    else:
        assert all(np.isfinite(ink.points).all() for ink, _ in drawings)


@pytest.mark.parametrize("columns", [[0, 1, 2], [2, 0, 1]])
def test_a_style_of_handwriting_synthesis_is_read_with_its_characters(write, columns):
    path = write(array_file(np.array(OFFSETS)[:, columns]), "style-3-strokes.npy")
    write(array_file("it is", "S7"), "style-3-chars.npy")
    ink, text = read_ink(path)
    assert [(stroke + (10, 10)).tolist() for stroke in ink.strokes()] == STROKES
    assert text == "it is"


def test_offsets_without_characters_have_no_text(write):
    assert read_ink(write(array_file(OFFSETS), "style-3-strokes.npy"))[1] == ""
    assert read_ink(write(array_file(OFFSETS), "ink.npy"))[1] == ""


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (array_file(OFFSETS)[:-4], "header says 60 bytes, it has 56"),
        (array_file(OFFSETS, header=(b"(5, 3)", b"(9**9, 3)")), "not a numpy array"),
        (
            array_file(OFFSETS, header=(b"(5, 3), }         ", b"(2147483648, 3), }")),
            "header says 2.58e+10 bytes, it has 60",
        ),
        (array_file([[1, 2]]), "shape (1, 2)"),
        (array_file([[5, 2, 3]]), "without a column of 0 and 1"),
        (array_file([[1e300, 2, 1]] * 9, "<f8"), "only finite numbers"),
        (array_file("it is", "S7"), "dx, dy, end of stroke are read"),
        (b"\x93NUMPY\x01\x00", "not a numpy array"),
    ],
)
def test_arrays_that_are_no_ink_are_refused(write, content, complaint):
    path = write(content, "style-1-strokes.npy")
    with pytest.raises(BadInk) as error:
        read_ink(path)
    assert complaint in str(error.value)
    assert str(error.value).startswith(str(path))


def test_pickled_arrays_are_never_loaded(write):
    stream = io.BytesIO()
    np.save(stream, np.array([[1, 2], [3]], dtype=object), allow_pickle=True)
    with pytest.raises(BadInk, match=r"an array of .\|O., not of numbers"):
        read_ink(write(stream.getvalue()))


def test_characters_that_are_no_text_are_refused(write):
    path = write(array_file(OFFSETS), "a-strokes.npy")
    write(b"no array", "a-chars.npy")
    with pytest.raises(BadInput, match=r"a-chars.npy: not the text of the strokes"):
        read_ink(path)


def test_a_whole_form_of_iam_has_its_transcription(write):
    rows = '<TextLine text="&amp;quot;How  else?&amp;quot;"/><TextLine text="a little"/>'
    form = "".join(f'<Stroke><Point x="{x}" y="{y}"/></Stroke>' for x, y in ((1, 2), (3, 4)))
    ink, text = read_ink(
        write(
            f"<WhiteboardCaptureSession><Transcription>{rows}</Transcription><StrokeSet>{form}</StrokeSet>"
            "</WhiteboardCaptureSession>"
        )
    )
    assert ink.points.tolist() == [[1, 2], [3, 4]]
    assert text == '"How else?"\na little'


def test_each_page_of_xournal_is_a_drawing_and_takes_a_row_of_the_text(write):
    path = write(XOPP.replace("<layer/>", "<layer><stroke>1 2 3 4</stroke></layer>"), "notes.xopp")
    assert [len(ink) for ink, _ in read_drawings(path)] == [5, 2]
    write("it is\nan l\n", "notes.txt")
    assert [text for _, text in read_all_with_text(path)] == ["it is", "an l"]
    write("only one", "notes.txt")
    with pytest.raises(BadInk, match="2 drawings, but its text has 1 rows"):
        read_all_with_text(path)


def test_more_than_a_file_may_hold_is_refused(write):
    with pytest.raises(LimitExceeded, match="200002 rows, at most"):
        read_ink(write("1,2\n" * 200_002))


CASES = {
    "a01_svg_identity.svg": ("it", [4, 2, 4, 2]),
    "a02_svg_clippath.svg": ("it", [4, 4]),
    "a03_svg_marker_symbol.svg": ("it", [4]),
    "a04_inkml_canvastransform.inkml": ("it", [4, 4]),
    "a05_json_myscript.json": ("", [3]),
    "a07_unipen.unp": ("i", [3]),
    "a08_jiix.json": ("i", [3]),
    "a10_illustrator_entities.svg": ("i", [3]),
    "a11_points.csv": ("", [2, 1]),
    "a12_rm_abcd_strokes.svg": ("", None),
}


@pytest.mark.parametrize("name", CASES)
def test_files_of_other_programs_are_read(cases, name):
    text, lengths = CASES[name]
    ink, found = read_ink(cases / name)
    assert found == text
    if lengths is not None:
        assert [len(stroke) for stroke in ink.strokes()] == lengths
        assert ink.points[0].round(9).tolist() in ([10, 10], [654, -9877])


def test_a_tablet_s_pieces_of_strokes_are_joined(cases):
    """99 polylines, of which the first, two points long, touches no other."""
    assert len(read_ink(cases / "a13_rm_Lines_v2.svg")[0].strokes()) == 10


@pytest.mark.parametrize("kind", [[1, 2], {"a": 1}, 3, None, "Excalidraw"])
def test_a_json_document_of_an_odd_type_is_refused(tmp_path, kind):
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"type": kind, "label": "i", "words": [{"items": []}], "elements": []}))
    with pytest.raises(BadInput):
        read_ink(path)
