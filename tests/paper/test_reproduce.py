import re
import shutil
from dataclasses import replace

import numpy as np
import pytest

from nextstroke.cli.main import main
from nextstroke.errors import BadInput, UsageError
from nextstroke.handwriting.hands import gallery
from nextstroke.paper.claims import Chart, Claim
from nextstroke.paper.figures import HELD_OUT, PRIMES
from nextstroke.paper.report import Picture, markdown, page
from nextstroke.paper.reproduce import FIGURES, Missing, Sources, _charts, _table, reproduce, wanted
from nextstroke.paper.stand_in import NOTE, stand_in_corpus
from nextstroke.paper.tables import ROWS, find_source, measure_all
from nextstroke.runtime.model_file import load_model
from nextstroke.training.evaluation.runs import evaluate_run
from nextstroke.training.export.publish import publish_model
from nextstroke.training.run import train
from tests.training.conftest import silent, tiny

pytest.importorskip("matplotlib", reason="figures need the extra `figures`")


@pytest.fixture(scope="session")
def runs(corpus_path, tmp_path_factory):
    """Trainings under the names of rows: a pen, and a writer."""
    folder = tmp_path_factory.mktemp("runs")
    train(tiny("pen", updates=6, chunk=20), corpus_path, folder / "prediction-3x400", False, silent)
    train(tiny("writer", updates=6, chunk=20), corpus_path, folder / "writer-raw", False, silent)
    return folder


@pytest.fixture
def sources(runs, corpus_path, tmp_path):
    return Sources(corpus_path, tmp_path / "out", runs, tmp_path / "weights")


def quiet(doing):
    pass


@pytest.mark.parametrize(
    ("names", "parts"),
    [
        ([], {"table3", "table4", "claims", "samples", "pages", *FIGURES}),
        (["Figure 16", "table_3"], {"figure16", "table3"}),
        (["tables"], {"table3", "table4"}),
    ],
)
def test_names_mean_parts(names, parts):
    assert wanted(names) == parts


def test_an_unknown_part_is_refused():
    with pytest.raises(UsageError, match="'figure3': give tables"):
        wanted(["figure3"])


def test_rows_are_measured_now_by_what_is_there(sources, corpus_path, runs):
    table = measure_all(ROWS, corpus_path, runs, sources.weights, {}, 1, quiet)
    measured = {one.row.name: one for one in table if one.source}
    assert measured.keys() == {"prediction-3x400", "writer-raw", "prediction"}  # the last is bundled
    pen = measured["prediction-3x400"]
    assert pen.nats_per_line == evaluate_run(runs / "prediction-3x400", corpus_path)["nats_per_line"]
    assert pen.difference == pytest.approx(pen.nats_per_line + 1041.0)
    assert pen.provenance.command == "nextstroke train recipes/paper/prediction-3x400.toml"
    assert float(pen.provenance.hours) >= 0
    assert re.search(r"simplified|raw ink, 4 lines", pen.provenance.data)


def test_given_sources_come_first_and_weights_last(sources, runs, tmp_path):
    row = next(row for row in ROWS if row.name == "writer-raw")
    sources.weights.mkdir()
    publish_model(runs / "writer-raw", sources.weights / "synthesis-raw.onnx", "none")
    assert find_source(row, tmp_path, sources.weights, {}) == sources.weights / "synthesis-raw.onnx"
    assert find_source(row, runs, sources.weights, {}) == runs / "writer-raw"
    assert find_source(row, runs, sources.weights, {"writer-raw": runs}) == runs
    with pytest.raises(BadInput, match="not there, although"):
        find_source(row, runs, sources.weights, {"writer-raw": tmp_path / "no"})


def test_the_bundled_prediction_model_is_the_last_source(sources, tmp_path):
    row = next(row for row in ROWS if row.name == "prediction")
    found = find_source(row, tmp_path, tmp_path, {})
    assert found.name == "pen.onnx"
    assert load_model("pen", "pen").metadata["record"]["points"] == 69161847


def test_figures_tables_and_the_report_are_written(sources):
    written = reproduce(
        ["figure1", "figure2", "figure11", "figure12", "figure14", "curves", "tables"], sources, 1, quiet
    )
    names = [path.name for path in written]
    expected = ["figure1.png", "figure2.png", "figure11.png", "figure12.png", "figure14.png", "curves.png"]
    assert names == [*expected, "tables.md", "report.html"]
    report = written[-1].read_text("utf-8")
    assert report.count("data:image/png;base64,") == 6
    assert not re.search(r"""(src|href)=["'](?!data:)""", report)
    assert "−1041.0" in report
    assert "not measured" in report


def test_a_figure_asked_for_by_name_must_be_drawn_one_of_all_may_be_missing(sources, tmp_path):
    nothing = replace(sources, runs=tmp_path)
    with pytest.raises(Missing, match="no training of synthesis or writer-raw"):
        reproduce(["figure14"], nothing, 1, quiet)


def test_reports_are_safe_and_say_what_is_missing():
    claims = [Claim("a < b | c", "not measured", "<script>")]
    made = page([], claims, [Picture("Figure 0", None, "no <data>")], "by us")
    assert "<script>" not in made
    assert "not drawn: no &lt;data&gt;" in made
    assert "a < b ∣ c" in markdown([], claims)


def test_missing_data_is_reported_with_the_way_to_it(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["reproduce", "--corpus", "data/iam.packed"]) == 3
    *way, last = capsys.readouterr().err.splitlines()
    assert [line[:2] for line in way] == ["IA", "1.", "2.", "3."]
    assert last == "nextstroke: data/iam.packed: no packed corpus there"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("line", "code", "says"),
    [
        ("figure99", 2, "'figure99': give tables"),
        ("figure16 --row nobody=a.onnx", 2, "give NAME=PATH"),
        ("tables --row synthesis=nowhere.onnx", 3, "not there, although"),
        ("figure16 --model nowhere", 3, "no such model file"),
    ],
)
def test_wrong_command_lines(line, code, says, capsys, corpus_path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["reproduce", *line.split(), "--corpus", str(corpus_path)]) == code
    err = capsys.readouterr().err
    assert says in err
    assert err.count("\n") == 1


def test_the_command_prints_what_it_wrote(capsys, corpus_path, tmp_path):
    assert main(["reproduce", "figure16", "--corpus", str(corpus_path), "-o", str(tmp_path)]) == 0
    assert capsys.readouterr().out.split() == [
        str(tmp_path / name) for name in ("figure16.png", "tables.md", "report.html")
    ]


def test_without_a_corpus_written_lines_stand_in_and_that_is_said(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["reproduce", "figure9", "figure18"]) == 0
    assert "no IAM-OnDB at data/iam.packed: lines of the bundled writer stand in" in capsys.readouterr().err
    report = (tmp_path / "reproduction" / "report.html").read_text("utf-8")
    assert f"All lines called real are {NOTE}" in report
    assert report.count("data:image/png;base64,") == 2
    assert main(["reproduce", "tables"]) == 3
    assert "Tables 3 and 4 are scores on real lines" in capsys.readouterr().err


def test_a_packed_corpus_at_its_usual_path_is_taken(capsys, corpus_path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    shutil.copy(corpus_path, tmp_path / "data" / "iam.packed")
    assert main(["reproduce", "figure9"]) == 0
    assert "stand in" not in capsys.readouterr().err
    assert NOTE not in (tmp_path / "reproduction" / "report.html").read_text("utf-8")


def test_tables_are_not_measured_on_written_lines(sources):
    sources = replace(sources, corpus=None)
    assert not any(one.scores for one in _table({"table3", "table4"}, sources, 1, quiet))


def test_written_lines_have_the_density_of_raw_ink_and_several_hands(writer, monkeypatch):
    corpus = stand_in_corpus(writer, 1)
    assert {*PRIMES, *HELD_OUT} <= {line.text for line in corpus.lines}
    for split in ("trainset", "testset_v"):
        assert any("under" in corpus.lines[i].text for i in corpus.select(split))
    characters = sum(len(line.text.replace(" ", "")) for line in corpus.lines)
    assert 15 < len(corpus.points) / characters < 40  # IAM-OnDB: 25
    slants = [corpus.ink(i).slant() for i in range(len(corpus.lines))]
    assert np.std(slants) > 0.1
    again = stand_in_corpus(writer, 1)
    assert np.array_equal(corpus.points, again.points)
    hands = gallery(writer.path)
    monkeypatch.setattr("nextstroke.paper.stand_in.gallery", lambda path: dict(list(hands.items())[:1]))
    alone = stand_in_corpus(writer, 1)
    alike = [corpus.ink(i).points.tolist() == alone.ink(i).points.tolist() for i in range(len(corpus.lines))]
    assert sum(alike) == 1  # the line in the first hand; each other line has a hand of its own


def test_measured_claims_are_drawn(tmp_path):
    claims = [
        Claim("bare", "not measured", "why"),
        Claim("drawn", "confirmed", "1 < 2", (Chart("one", {"a": 1.0, "b": 2.0}), Chart("two", {"c": 0.5}))),
    ]
    (picture,) = _charts(claims, tmp_path)
    assert picture.title == "Claim: drawn (confirmed)"
    assert picture.path.read_bytes().startswith(b"\x89PNG")
