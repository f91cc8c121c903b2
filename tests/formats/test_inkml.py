import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from nextstroke.errors import BadInk
from nextstroke.formats.inkml import parse_inkml
from tests.datasets.conftest import read_or_refusal

NAMESPACE = 'xmlns="http://www.w3.org/2003/InkML"'


def read(inside, root=f"ink {NAMESPACE}"):
    [drawing] = parse_inkml(f"<{root}>{inside}</{root.split()[0]}>".encode(), "a.inkml")
    return drawing


def points(inside):
    return read(inside)[0].points.tolist()


def channels(*names, attributes=""):
    rows = "".join(f'<channel name="{name}" type="decimal"/>' for name in names)
    return f"<traceFormat {attributes}>{rows}</traceFormat>"


def test_traces_are_strokes():
    ink, text = read("<trace>10 0, 9 14</trace><trace> 8 28 </trace>")
    assert ink.points.tolist() == [[10, 0], [9, 14], [8, 28]]
    assert ink.end_of_stroke.tolist() == [False, True, True]
    assert text == ""


@pytest.mark.parametrize("root", ["ink", f"ink {NAMESPACE}", 'inkml:ink xmlns:inkml="http://www.w3.org/2003/InkML"'])
def test_with_and_without_namespaces(root):
    prefix = "inkml:" if root.startswith("inkml:") else ""
    ink, text = read(
        f'<{prefix}annotation type="truth">word</{prefix}annotation><{prefix}trace>1 2</{prefix}trace>', root
    )
    assert (ink.points.tolist(), text) == ([[1, 2]], "word")


@pytest.mark.parametrize(
    ("trace", "expected"),
    [
        ("1 2,3 4", [[1, 2], [3, 4]]),
        ("1.5 -2., .25 +1e1", [[1.5, -2], [0.25, 10]]),
        ("1 2, '3 '4, 1 1", [[1, 2], [4, 6], [5, 7]]),
        ("1 2, '3 '4, !1 !1", [[1, 2], [4, 6], [1, 1]]),
        ("1 2, '3 !4, 1 1", [[1, 2], [4, 4], [5, 1]]),
        ("0 0, '1 '2, \"1 \"0, 1 0", [[0, 0], [1, 2], [3, 4], [6, 6]]),
        ('0 0, 3 5, "0 "0, 0 1', [[0, 0], [3, 5], [6, 10], [9, 16]]),
        # The velocity-and-acceleration example of the standard: values touch where a sign or mark parts them.
        ("1125 18432,'23'43,\"7\"-8,3-5", [[1125, 18432], [1148, 18475], [1178, 18510], [1211, 18540]]),
        ("7 8, * 9, 1 *", [[7, 8], [7, 9], [1, 9]]),
        ("7 8, ? 9", [[7, 8], [7, 9]]),
        ("#ff -#10", [[255, -16]]),
        ("1 2 0.5 T, 3 4 0.5 F", [[1, 2], [3, 4]]),
        ("1 2:T, 3 4:*F", [[1, 2], [3, 4]]),
        ("1 2,\n3 4,", [[1, 2], [3, 4]]),
    ],
)
def test_values_of_a_trace(trace, expected):
    assert points(f"<trace>{trace}</trace>") == expected


def test_the_trace_format_says_where_x_and_y_are():
    assert points(channels("T", "Y", "F", "X") + "<trace>9 1 8 2, 9 3 8 4</trace>") == [[2, 1], [4, 3]]


def test_differences_of_other_channels_are_kept_apart():
    assert points(channels("F", "X", "Y") + "<trace>5 0 0, '1 !7 '2, 1 8 3</trace>") == [[0, 0], [7, 2], [8, 5]]


def test_intermittent_channels_take_no_place():
    regular = "<regularChannels><channel name='X'/><channel name='Y'/></regularChannels>"
    extra = "<intermittentChannels><channel name='Z'/></intermittentChannels>"
    assert points(f"<traceFormat>{extra}{regular}</traceFormat><trace>1 2:5</trace>") == [[1, 2]]


def test_y_that_grows_upwards_is_turned():
    upward = '<traceFormat><channel name="X"/><channel name="Y" orientation="-ve"/></traceFormat>'
    assert points(upward + "<trace>1 2</trace>") == [[1, -2]]


def test_traces_name_their_context():
    first = f'<context xml:id="a">{channels("X", "Y")}</context>'
    second = f'<context xml:id="b"><inkSource xml:id="s">{channels("Y", "X")}</inkSource></context>'
    third = '<context xml:id="c" traceFormatRef="#f"/>'
    named = channels("F", "X", "Y", attributes='xml:id="f"')
    formats = f"<definitions>{named}{first}{second}</definitions>{third}"
    traces = '<trace contextRef="#a">1 2</trace><trace contextRef="#b">1 2</trace><trace contextRef="#c">0 1 2</trace>'
    group = '<traceGroup contextRef="#b"><trace>5 6</trace></traceGroup>'
    assert points(formats + traces + group) == [[1, 2], [2, 1], [1, 2], [6, 5]]


TURN = (
    '<canvasTransform xml:id="r"><mapping type="affine"><matrix>-1 0 100, 0 -1 40</matrix></mapping></canvasTransform>'
)


def test_canvas_transforms_are_applied_where_a_context_names_them():
    contexts = '<context xml:id="c" canvasTransformRef="#r"/><context xml:id="d" contextRef="#c"/><context xml:id="e"/>'
    traces = "".join(f'<trace contextRef="#{name}">90 30, 89 20</trace>' for name in "cde")
    turned, plain = [[10, 10], [11, 20]], [[90, 30], [89, 20]]
    assert points(f"<definitions>{TURN}</definitions>{contexts}{traces}") == turned + turned + plain


def test_a_canvas_transform_inside_a_context_holds_there():
    scale = '<canvasTransform><mapping type="affine"><matrix>2 0 0, 0 3 0</matrix></mapping></canvasTransform>'
    inside = (
        f'<context xml:id="a">{scale}{channels("Y", "X")}</context><context xml:id="b">{channels("X", "Y")}</context>'
    )
    traces = '<trace contextRef="#a">1 2</trace><trace contextRef="#b">1 2</trace>'
    assert points(inside + traces) == [[4, 3], [1, 2]]


def test_each_canvas_transform_has_its_own_matrix():
    scale = TURN.replace('"r"', '"s"').replace("-1 0 100, 0 -1 40", "2 0 0, 0 3 0")
    traces = "".join(
        f'<context xml:id="{name}" canvasTransformRef="#{name}"/><trace contextRef="#{name}">1 2</trace>'
        for name in "rs"
    )
    assert points(TURN + scale + traces) == [[99, 38], [2, 6]]


def test_an_identity_and_a_second_mapping_change_nothing():
    inverse = '<mapping type="affine"><matrix>9 0 0, 0 9 0</matrix></mapping>'
    forward = '<mapping type="affine"><matrix>1 0 5, 0 1 7</matrix></mapping>'
    for mapping, wanted in (('<mapping type="identity"/>', [[1, 2]]), (forward + inverse, [[6, 9]])):
        context = f'<context xml:id="a"><canvasTransform>{mapping}</canvasTransform></context>'
        assert points(f'{context}<trace contextRef="#a">1 2</trace>') == wanted


def test_hovering_is_no_ink_and_continued_traces_are_one_stroke():
    ink, _ = read(
        '<trace type="penDown" continuation="begin">1 1</trace><trace continuation="end" priorRef="#x">2 2</trace>'
        '<trace type="penUp">9 9</trace><trace/><trace>3 3</trace>'
    )
    assert ink.points.tolist() == [[1, 1], [2, 2], [3, 3]]
    assert ink.end_of_stroke.tolist() == [False, True, True]


@pytest.mark.parametrize("kind", ["truth", "Transcription", "label", "text"])
def test_annotations_give_the_text(kind):
    assert read(f'<annotation type="{kind}"> a \n word &amp; more</annotation><trace>1 2</trace>')[1] == "a word & more"


TRACES = "".join(f'<trace xml:id="t{i}">{i} 2, {i} 9</trace>' for i in range(4))


def views(inside):
    found = parse_inkml(f"<ink {NAMESPACE}>{TRACES}{inside}</ink>".encode(), "a.inkml")
    return [(text, [stroke[0, 0] for stroke in ink.strokes()]) for ink, text in found]


def view(text, *inside, tag="traceView"):
    return f'<{tag}><annotation type="transcription">{text}</annotation>{"".join(inside)}</{tag}>'


def refer(*numbers):
    return "".join(f'<traceView traceDataRef="#t{number}"/>' for number in numbers)


def test_trace_views_with_transcriptions_are_lines_of_their_own():
    assert views(view("two words", refer(2, 0)) + view("and more", refer(3))) == [
        ("two words", [2, 0]),
        ("and more", [3]),
    ]


def test_words_are_joined_line_by_line():
    line = "<traceView>" + view("it", refer(0)) + view("is", refer(1)) + "</traceView>"
    other = "<traceView>" + view("so", refer(3)) + "</traceView>"
    assert views(line + other) == [("it is", [0, 1]), ("so", [3])]


def test_a_view_of_a_group_has_the_strokes_of_the_group():
    group = '<traceGroup xml:id="g"><trace>7 1</trace><trace>8 1</trace></traceGroup>'
    assert views(group + view("a b", '<traceView traceDataRef="#g"/>')) == [("a b", [7, 8])]


def test_a_document_s_own_text_is_of_all_traces():
    text = '<annotation type="truth">it is so</annotation>'
    assert views(text + view("two words", refer(0))) == [("it is so", [0, 1, 2, 3])]


def test_views_that_refer_to_each_other_end():
    loop = '<traceView xml:id="a" traceDataRef="#b"/><traceView xml:id="b" traceDataRef="#a"/>'
    assert views(loop + view("it is", '<traceView traceDataRef="#a"/>')) == [("it is", [0, 1, 2, 3])]


def test_outer_annotations_count_before_those_of_words():
    group = '<traceGroup><annotation type="truth">{}</annotation><trace>1 2</trace></traceGroup>'
    outer = '<annotation type="truth">two words</annotation><annotation type="writer">x</annotation>'
    assert read(group.format("two") + group.format("words"))[1] == "two words"
    assert read(group.format("w1") + outer)[1] == "two words"


@pytest.mark.parametrize(
    ("inside", "complaint"),
    [
        ("", "has no points"),
        ("<trace/><trace> </trace>", "has no points"),
        ("<trace>1 2, nan 3</trace>", "'nan 3' for a value"),
        ("<trace>1 2, 1e308 3</trace>", "a point at (1e+308, 3)"),
        ("<trace>1 2, 1e999 3</trace>", "a point at (inf, 3)"),
        ("<trace>1 2, '1e999 3, '-1e999 4</trace>", "only finite numbers"),
        ("<trace>1 2, Infinity 3</trace>", "for a value"),
        ("<trace>1 2, 3</trace>", "1 values, 2 are needed"),
        ("<trace>1 2,, 3 4</trace>", "0 values, 2 are needed"),
        ("<trace>1 2; 3 4</trace>", "'; 3 4' for a value"),
        ("<trace>#" + "f" * 300 + " 1</trace>", "not finite"),
        (channels("X", "F") + "<trace>1 2</trace>", "a traceFormat without channels X and Y"),
        (channels("X", "Y", "F") + "<trace>1 2", "not well-formed XML"),
        ("<context canvasTransformRef='#no'/><trace>1 2</trace>", "canvasTransform 'no', which"),
        ("<mapping type='lut'/><trace>1 2</trace>", "a mapping of type 'lut'"),
        (TURN.replace("-1 0 100", "-1 0") + "<trace>1 2</trace>", "two rows of three numbers"),
        (TURN.replace("100", "nan") + "<context canvasTransformRef='#r'/><trace>1 2</trace>", "only finite numbers"),
        (TURN.replace("100", "1e308") + "<context canvasTransformRef='#r'/><trace>1 2</trace>", "only finite numbers"),
        ("<!DOCTYPE ink><trace>1 2</trace>", "not well-formed XML"),
    ],
)
def test_bad_documents_are_refused_with_name(inside, complaint):
    with pytest.raises(BadInk) as error:
        read(inside)
    assert complaint in str(error.value)
    assert str(error.value).startswith("a.inkml:")


PLACES = st.floats(-1e6, 1e6, allow_nan=False).map(lambda x: round(x, 3))
STROKES = st.lists(
    arrays.arrays(float, st.tuples(st.integers(1, 5), st.just(2)), elements=PLACES), min_size=1, max_size=4
)


@given(STROKES, st.text(st.characters(exclude_categories=["C"]), max_size=20))
def test_what_is_written_explicitly_is_read_back(strokes, text):
    from xml.sax.saxutils import escape

    traces = "".join(f"<trace>{', '.join(f'{x!r} {y!r}' for x, y in stroke.tolist())}</trace>" for stroke in strokes)
    ink, found = read(f'<annotation type="truth">{escape(text)}</annotation>{traces}')
    assert [stroke.tolist() for stroke in ink.strokes()] == [stroke.tolist() for stroke in strokes]
    assert found == " ".join(text.split())


@given(arrays.arrays(np.int64, st.tuples(st.integers(3, 12), st.just(2)), elements=st.integers(-1000, 1000)), st.data())
def test_differences_of_either_order_are_read_back(places, data):
    first = np.diff(places, axis=0)
    second = np.diff(first, axis=0)
    rows = ["{} {}".format(*places[0]), "'{}'{}".format(*first[0])]
    for i in range(2, len(places)):
        mark = data.draw(st.sampled_from("!'\""))
        values = {"!": places[i], "'": first[i - 1], '"': second[i - 2]}[mark]
        rows.append("{0}{1} {0}{2}".format(mark, *values))
    assert points(f"<trace>{','.join(rows)}</trace>") == places.tolist()


@given(st.text("0123456789.,'\"!*?TFe#:-+ \nx", max_size=60))
def test_any_trace_is_read_or_refused(trace):
    found, refusal = read_or_refusal(read, f"<trace>{trace}</trace>")
    assert np.isfinite(found[0].points).all() if found else refusal.startswith("a.inkml:")
