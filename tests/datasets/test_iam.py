"""IAM-OnDB: every quirk of the official files, on small trees."""

import numpy as np
import pytest

from nextstroke.datasets.iam import (
    CROSSED_OUT,
    LOST_PERCENT,
    NO_TEXT,
    ODD_DENSITY,
    PLACEHOLDER_TEXT,
    ROWS_DIFFER,
    WRONG_LABEL,
    label_fault,
    read_iam,
)
from nextstroke.datasets.packed_ink import Line
from nextstroke.errors import BadInput
from tests.datasets.conftest import line_xml, strokes_for

FORM_XML = """<?xml version="1.0" encoding="ISO-8859-1"?>
<WhiteboardCaptureSession>
  <General><Form id="{inside}" writerID="{writer}" saveTime="1"/></General>
  <Transcription><Text>
  </Text>{lines}</Transcription>
  <StrokeSet><Stroke><Point x="1" y="1" time="0"/></Stroke></StrokeSet>
</WhiteboardCaptureSession>"""


def form_xml(*texts, writer=10118, inside="a01-000u"):
    lines = "".join(f'<TextLine id="{inside}-{i:02}" text="{text}"/>' for i, text in enumerate(texts, 1))
    return FORM_XML.format(inside=inside, writer=writer, lines=lines)


def lines_of(folder, **options):
    corpus, report = read_iam(folder, **options)
    return {line.name: line for line in corpus.lines}, report


def test_a_line_keeps_its_points_strokes_text_and_split(tree):
    tree.line("a01-000u-01", [(5, 7), (6, -8)], [(9, 9)])
    tree.text("a01-000u", "ab")
    tree.split("testset_t", "a01-000u")
    corpus, report = read_iam(tree.root)
    assert corpus.lines == [Line("a01-000u-01", "ab", "testset_t", -1, ODD_DENSITY)]
    assert corpus.ink(0).points.tolist() == [[5, 7], [6, -8], [9, 9]]
    assert corpus.ink(0).end_of_stroke.tolist() == [False, True, True]
    assert report.left_out == []


@pytest.mark.parametrize(
    "levels",
    [
        ("lineStrokes-all/lineStrokes", "ascii-all/ascii", "original-xml-all/original"),
        ("lineStrokes", "ascii", "original"),
        ("IAM/data/lineStrokes", "IAM/text/ascii-all/ascii", "IAM/original-xml-part/original"),
    ],
)
def test_the_levels_of_the_archives_do_not_matter(tree, levels):
    tree.line_level, tree.text_level, tree.form_level = levels
    tree.whole_form("a01-000u", "one two", "three").form("a01-000u", form_xml("one two", "three"))
    lines, _ = lines_of(tree.root)
    assert [(line.text, line.split, line.writer) for line in lines.values()] == [
        ("one two", "trainset", 10118),
        ("three", "trainset", 10118),
    ]


@pytest.mark.parametrize("head", ["OCR:\n\nx\n\nCSR:\n\n", "OCR: \n\nCSR: \n\n", "CSR:  \n", "OCR:\n\n\n\nCSR: \n\n"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_marks_blanks_and_line_ends_of_ascii_files(tree, head, newline):
    tree.whole_form("n01-015z", "Even the snow-capped", "summit of", split="testset_f")
    tree.text("n01-015z", "Even the snow-capped ", "", " summit of", head=head, newline=newline)
    tree.split("testset_f", "n01-015z", newline=newline)
    lines, report = lines_of(tree.root)
    assert [line.text for line in lines.values()] == ["Even the snow-capped", "summit of"]
    assert {line.split for line in lines.values()} == {"testset_f"}
    assert report.left_out == []


def test_forms_that_share_a_folder_are_distinguished(tree):
    tree.whole_form("a01-000", "plain form")
    tree.whole_form("a01-000u", "form with u", split="testset_v")
    lines, _ = lines_of(tree.root)
    assert (lines["a01-000-01"].text, lines["a01-000-01"].split) == ("plain form", "trainset")
    assert (lines["a01-000u-01"].text, lines["a01-000u-01"].split) == ("form with u", "testset_v")


def test_a_form_in_no_split_has_an_empty_one(tree):
    tree.whole_form("a01-000", "plain form")
    tree.split("trainset", "a01-000u")
    lines, _ = lines_of(tree.root)
    assert lines["a01-000-01"].split == ""


def test_a_form_in_two_splits_stays_in_the_first_and_is_reported(tree):
    tree.whole_form("a01-000", "plain form")
    tree.split("testset_f", "a01-000", "no form")
    lines, report = lines_of(tree.root)
    assert lines["a01-000-01"].split == "trainset"
    assert [(left.name[-15:], left.reason) for left in report.left_out] == [
        ("testset_f.txt:1", "a01-000 is in trainset already"),
        ("testset_f.txt:2", "not the name of a form: 'no form'"),
    ]


def test_missing_split_files_are_noted(tree):
    tree.whole_form("a01-000", "plain form")
    _, report = lines_of(tree.root)
    assert [note.split(" ")[0] for note in report.notes] == ["testset_v.txt", "testset_t.txt", "testset_f.txt"]


def test_a_run_of_per_cent_signs_ends_a_row(tree):
    tree.whole_form("a08-551z", "ankle bone", "pinned.")
    tree.text("a08-551z", "ankle bone %%%%%%%%%%% pinned.")
    lines, _ = lines_of(tree.root)
    assert [(line.text, line.fault) for line in lines.values()] == [("ankle bone", ""), ("pinned.", "")]


@pytest.mark.parametrize("rows", [["first"], ["first", "second", "third"]])
def test_no_row_is_used_where_rows_and_lines_differ_in_number(tree, rows):
    tree.whole_form("a01-000", "first", "second")
    tree.text("a01-000", *rows)
    lines, report = lines_of(tree.root)
    assert [(line.text, line.fault) for line in lines.values()] == [("", ROWS_DIFFER)] * 2
    assert f"a01-000: {len(rows)} transcribed rows for 2 lines; none is used" in report.notes


def test_rows_belong_to_the_number_of_a_line_even_when_one_cannot_be_read(tree):
    tree.whole_form("a01-000", "first", "second", "third")
    broken = tree.line("a01-000-02", content=line_xml(strokes_for("second"))[:300])
    lines, report = lines_of(tree.root)
    assert {name: line.text for name, line in lines.items()} == {"a01-000-01": "first", "a01-000-03": "third"}
    assert [left.name for left in report.left_out] == [str(broken)]
    assert "not well-formed XML" in report.left_out[0].reason


def test_placeholders_and_missing_texts_are_faults(tree):
    tree.whole_form("z01-000z", "some ink", "more ink")
    tree.text("z01-000z", "Please Enter Transcription here")
    tree.whole_form("z00-001", "some ink").text("z00-001")
    tree.line("z00-002-01")
    lines, _ = lines_of(tree.root)
    assert {name: (line.text, line.fault) for name, line in lines.items()} == {
        "z00-001-01": ("", NO_TEXT),
        "z00-002-01": ("", NO_TEXT),
        "z01-000z-01": ("", PLACEHOLDER_TEXT),
        "z01-000z-02": ("", PLACEHOLDER_TEXT),
    }


def test_an_ascii_file_without_mark_is_reported(tree):
    tree.whole_form("a01-000", "first")
    path = tree.text("a01-000", "first", head="OCR:\n\n")
    lines, report = lines_of(tree.root)
    assert lines["a01-000-01"].fault == NO_TEXT
    assert report.left_out[0] == (str(path), "no row with the mark CSR:")


def test_faults_of_labels(tree):
    tree.whole_form("a01-000", "speech # about", "good text")
    tree.whole_form("l07-851z", *["text"] * 8)
    tree.whole_form("j01-060z", *["in 25 ml of 30"] * 6)
    tree.line("a01-000-02", strokes_for("good text", points=60))
    lines, _ = lines_of(tree.root)
    faults = {name: line.fault for name, line in lines.items() if line.fault}
    assert faults == {
        "a01-000-01": CROSSED_OUT,
        "a01-000-02": ODD_DENSITY,
        "l07-851z-08": WRONG_LABEL,
        "j01-060z-06": LOST_PERCENT,
    }


@pytest.mark.parametrize(("points", "fault"), [(10, True), (11, False), (50, False), (51, True)])
def test_density_of_points(points, fault):
    assert bool(label_fault("a b", 2 * points)) == fault
    assert label_fault("", points) == NO_TEXT


def test_the_lines_with_faults_are_left_out_of_training_only(tree):
    tree.whole_form("a01-000", "good", "bad #", split="testset_v")
    corpus, _ = read_iam(tree.root)
    assert corpus.select("testset_v") == [0]
    assert corpus.select("testset_v", faulty=True) == [0, 1]


def test_form_xml_gives_texts_where_ascii_is_missing_and_doubly_escaped_quotes_become_quotes(tree):
    tree.line("p03-354z-01", strokes_for('"But I want it!" she'))
    tree.line("p03-354z-02", strokes_for('protested. "It\'s my ring."'))
    tree.form(
        "p03-354z", form_xml("&amp;quot;But I want it!&amp;quot; she", "&amp;quot;It &amp;apos;s my ring.&amp;quot;")
    )
    tree.split("trainset", "p03-354z")
    lines, _ = lines_of(tree.root)
    assert [line.text for line in lines.values()] == ['"But I want it!" she', '"It\'s my ring."']


def test_escapes_in_ascii_files_are_undone(tree):
    tree.whole_form("a01-000", '"Genius & food"').text("a01-000", "&quot;Genius &amp;amp; food&quot;")
    lines, _ = lines_of(tree.root)
    assert lines["a01-000-01"].text == '"Genius & food"'


def test_the_place_of_a_form_file_counts_not_the_id_inside(tree):
    tree.whole_form("a01-000", "plain").form("a01-000", form_xml("x", writer=7, inside="b09-999z"))
    tree.whole_form("b09-999z", "other")
    lines, _ = lines_of(tree.root)
    assert {name: line.writer for name, line in lines.items()} == {"a01-000-01": 7, "b09-999z-01": -1}


@pytest.mark.parametrize("writer", ["", "x", "-5", "9" * 40])
def test_a_writer_that_is_no_number_is_unknown(tree, writer):
    tree.whole_form("a01-000", "plain").form("a01-000", form_xml(writer=writer))
    lines, _ = lines_of(tree.root)
    assert lines["a01-000-01"].writer == -1


def test_a_form_file_without_general_part_or_end_does_no_harm(tree):
    tree.whole_form("g06-000n", "plain").form("g06-000n", line_xml([(1, 2)]))
    cut = tree.whole_form("a01-000", "other").form("a01-000", form_xml("other")[:150])
    lines, report = lines_of(tree.root)
    assert [line.writer for line in lines.values()] == [-1, -1]
    assert [left.name for left in report.left_out] == [str(cut)]


def test_a_second_file_of_the_same_line_is_reported(tree):
    tree.whole_form("a01-000", "plain")
    tree.line_level = "older/lineStrokes"
    again = tree.line("a01-000-01", [(0, 0)])
    lines, report = lines_of(tree.root)
    assert len(lines) == 1
    assert report.left_out[0].name == str(again)
    assert report.left_out[0].reason.startswith("a second a01-000-01")


def test_linked_folders_are_searched_once(tree, tmp_path):
    tree.whole_form("a01-000", "plain")
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "data").symlink_to(tree.root)
    (tree.root / "lineStrokes" / "up").symlink_to(tmp_path / "links")
    lines, report = lines_of(tmp_path / "links")
    assert list(lines) == ["a01-000-01"]
    assert report.left_out == []


def test_files_of_other_names_are_no_lines(tree):
    tree.whole_form("a01-000", "plain")
    tree.write("lineStrokes/a01/a01-000/._a01-000-01.xml", b"\0\5\26\7")
    tree.write("lineStrokes/a01/a01-000/A01-000-01.xml", line_xml([(1, 1)]))
    lines, report = lines_of(tree.root)
    assert list(lines) == ["a01-000-01"]
    assert report.left_out == []


@pytest.mark.parametrize("missing", ["everything", "lines", "splits", "folder"])
def test_a_folder_that_is_not_the_data_set_is_refused_in_one_clear_line(tree, missing):
    tree.root.mkdir()
    if missing == "splits":
        tree.line("a01-000-01")
    elif missing == "lines":
        tree.split("trainset", "a01-000")
    elif missing == "folder":
        tree.root.rmdir()
    with pytest.raises(BadInput, match="register at the University of Bern") as error:
        read_iam(tree.root)
    assert str(tree.root) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_tree_with_no_readable_line_is_refused_with_the_first_reason(tree):
    tree.line("a01-000-01", content="<a>")
    tree.split("trainset", "a01-000")
    with pytest.raises(BadInput, match=r"none of its 1 lines can be read.*not well-formed"):
        read_iam(tree.root)


def test_progress_counts_all_files(tree):
    tree.whole_form("a01-000", "one", "two")
    seen = []
    read_iam(tree.root, lambda done, total: seen.append((done, total)))
    assert seen == [(1, 2), (2, 2)]


def test_processes_read_the_same_as_one(tree):
    tree.whole_form("a01-000", "one", "two")
    tree.line("a01-000-02", content="<a>")
    (alone, report), (shared, shared_report) = read_iam(tree.root), read_iam(tree.root, workers=2)
    assert alone.lines == shared.lines
    assert np.array_equal(alone.points, shared.points)
    assert report == shared_report
