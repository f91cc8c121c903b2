"""The command lines of `nextstroke data`, with what they print and write."""

import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from nextstroke.api import write_lines
from nextstroke.cli.data import app
from nextstroke.datasets.packed_ink import InkCorpus
from nextstroke.errors import BadInput, UsageError
from nextstroke.pages.layout import Page, level, place
from nextstroke.runtime.model_file import load_model
from tests.datasets.conftest import line_xml

PAGE = Page()


@pytest.fixture
def run():
    def run(*arguments):
        return CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=True)

    return run


@pytest.fixture
def small(tree):
    tree.whole_form("a01-000", "Mr . Good", "bad # one").line("b01-000-01", content="<a>")
    return tree.root


def test_iam_packs_and_prints_the_figures(run, small, tmp_path):
    result = run("iam", small, "-o", tmp_path / "a.packed", "--workers", 1)
    assert result.exit_code == 0, result.exception
    rows = [" ".join(row.split()) for row in result.stdout.splitlines()]
    assert "trainset 2 lines, 1 without fault" in rows
    assert "fault 1 lines: a crossed-out word (#) in the label" in rows
    assert "points 350, 175 a line (median)" in rows
    assert "points of a character 25.00 (median)" in rows
    assert "dx mean 1.000, std 0.000" in rows
    assert "over 348 offsets of testset_f + testset_t + trainset" in rows
    assert "labels normalised 1" in rows
    assert rows[-1].startswith(f"packed corpus {tmp_path / 'a.packed'}")
    assert "b01-000-01.xml:1: not well-formed XML" in result.stderr
    assert "note: testset_v.txt was not found" in result.stderr
    assert [line.text for line in InkCorpus.open(tmp_path / "a.packed").lines] == ["Mr. Good", "bad # one"]


def test_iam_reports_every_line_with_its_reason(run, small, tmp_path):
    report = tmp_path / "report.json"
    result = run("iam", small, "-o", tmp_path / "a.packed", "--report", report, "--json", "--workers", 1)
    assert result.exit_code == 0, result.exception
    figures, full = json.loads(result.stdout), json.loads(report.read_text())
    assert (figures["lines"], figures["left_out"], figures["labels_normalised"]) == (2, 1, 1)
    assert figures.items() <= full.items()
    assert full["faulty_lines"] == [{"line": "a01-000-02", "reason": "a crossed-out word (#) in the label"}]
    assert [entry["file"][-14:] for entry in full["left_out_files"]] == ["b01-000-01.xml"]


def test_many_files_left_out_are_summed_up(run, tree, tmp_path):
    tree.whole_form("a01-000", "good")
    for number in range(2, 12):
        tree.line(f"a01-000-{number:02}", content="<a>")
    result = run("iam", tree.root, "-o", tmp_path / "a.packed", "--workers", 1)
    assert result.stderr.count("left out:") == 5
    assert "and 5 more; add --report FILE.json to names all of them" in result.stderr


def test_ink_packs_files_of_ones_own(run, tmp_path):
    """Of a page each line is packed; what does not say its text is kept out of training, with the reason."""
    texts = ["the weather was fine", "all week long"]
    sheet = place(level([line.ink for line in write_lines(load_model("writer", "writer"), texts, 1.0, 1)], PAGE), PAGE)
    page = {"text": "\n".join(texts), "strokes": [stroke.tolist() for stroke in sheet[0].strokes()]}
    (tmp_path / "a.xml").write_text(line_xml([(0, 0), (3, 4)]))
    (tmp_path / "a.xml.txt").write_text("my words")
    (tmp_path / "b.json").write_text(json.dumps(page))
    (tmp_path / "c.svg").write_text("<svg/>")
    files = [tmp_path / name for name in ("a.xml", "b.json", "c.svg")]
    result = run("ink", *files, "-o", tmp_path / "mine.packed", "--split", "valid", "--json")
    assert result.exit_code == 0, result.exception
    lines = InkCorpus.open(tmp_path / "mine.packed").lines
    assert [(line.name, line.text, line.split, line.fault) for line in lines] == [
        ("a", "my words", "valid", "a drawing, or writing that cannot be read; it should say 'my words'"),
        ("b-1", texts[0], "valid", ""),
        ("b-2", texts[1], "valid", ""),
    ]
    figures = json.loads(result.stdout)
    assert figures["left_out"] == 1
    assert figures["offsets"]["count"] == figures["points"] - 3


@pytest.mark.parametrize(
    ("arguments", "error", "exit_code"),
    [
        (["iam", "{tmp}/none", "-o", "{tmp}/a.packed"], BadInput, 3),
        (["iam", "{tmp}", "-o", "{tmp}/a.packed"], BadInput, 3),
        (["iam", "{tmp}", "-o", "{tmp}"], UsageError, 2),
        (["iam", "{tmp}", "-o", "{tmp}/a.packed", "--report", "{tmp}/no/r.json"], UsageError, 2),
        (["ink", "{tmp}/none.xml", "-o", "{tmp}/a.packed"], BadInput, 3),
    ],
)
def test_errors_reach_the_caller_and_nothing_is_written(run, tmp_path, arguments, error, exit_code):
    result = run(*(argument.format(tmp=tmp_path) for argument in arguments))
    assert isinstance(result.exception, error)
    assert result.exception.exit_code == exit_code
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments", [["iam"], ["iam", "."], ["ink", "-o", "x"], ["iam", ".", "-o", "x", "--workers", "-1"], ["other"]]
)
def test_wrong_usage_exits_with_2(run, arguments):
    assert run(*arguments).exit_code == 2


@pytest.mark.parametrize("command", ["iam", "ink"])
def test_help_has_an_example(run, command):
    result = run(command, "--help")
    assert result.exit_code == 0
    assert f"Example: nextstroke data {command}" in " ".join(result.stdout.replace("│", " ").split())


def test_the_commands_are_loaded_without_the_libraries():
    script = "import sys, nextstroke.cli.data; print({'numpy', 'torch', 'safetensors'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"
