from dataclasses import replace

import numpy as np
import pytest

from nextstroke.api import write_lines
from nextstroke.cli.main import main
from nextstroke.errors import UsageError
from nextstroke.handwriting.best_of import BestOfN, line_writer, stray_dots
from nextstroke.handwriting.hands import gallery_hand
from nextstroke.handwriting.recogniser import Recogniser
from nextstroke.handwriting.request import line_requests
from nextstroke.handwriting.sampler import Line, write
from nextstroke.ink import Ink
from nextstroke.runtime.model_file import load_model

TEXTS = ["a first line", "the second one"]


@pytest.fixture(scope="module")
def writer():
    return load_model("writer", "writer")


@pytest.fixture(scope="module")
def reader():
    return Recogniser(load_model("reader", "reader"))


def test_the_bundled_reader_reads_the_bundled_writer(writer, reader):
    lines = write_lines(writer, TEXTS, 2.0, 1, gallery_hand("neat", "writer"))
    fitting = reader.ctc_nll([line.ink for line in lines], TEXTS)
    assert (fitting < 0.7).all()
    assert (reader.ctc_nll([line.ink for line in lines], TEXTS[::-1]) > 2).all()


def test_the_candidate_that_reads_best_is_kept(writer, reader):
    (request,) = line_requests(writer, TEXTS[:1], gallery_hand("cursive", "writer"), 0.3)
    drawn = [write(writer, [replace(request, attempt=k)], attempts=1)[0] for k in range(4)]
    nats = reader.ctc_nll([line.ink for line in drawn], TEXTS[:1] * 4)
    assert all(line.complete and stray_dots(line.ink, TEXTS[0]) == 0 for line in drawn)
    (chosen,) = BestOfN(reader, 4).write(writer, [request])
    assert chosen.request.attempt == nats.argmin()
    np.testing.assert_allclose(chosen.ink.points, drawn[nats.argmin()].ink.points, atol=0.1)  # of an x-height of 200


def test_lines_do_not_depend_on_the_others_of_the_batch(writer, reader):
    requests = line_requests(writer, TEXTS, bias=1.0)
    together = BestOfN(reader, 3).write(writer, requests)
    (alone,) = BestOfN(reader, 3).write(writer, requests[1:])
    np.testing.assert_allclose(alone.ink.points, together[1].ink.points, atol=0.1)  # of an x-height of 200


def test_one_candidate_is_what_was_written_before(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["write", "one two", "-o", "a.json", "--best-of", "1"]) == 0
    assert main(["write", "one two", "-o", "b.json", "--best-of", "2"]) == 0
    assert main(["write", "one two", "-o", "c.json", "--best-of", "2"]) == 0
    assert (tmp_path / "b.json").read_bytes() == (tmp_path / "c.json").read_bytes()
    assert main(["write", "one two", "-o", "d.json", "--best-of", "0"]) == 2


def test_a_candidate_without_stray_dots_comes_before_one_that_reads_better(writer, reader, monkeypatch):
    counts = iter([1, 2, 0, 1])
    (request,) = line_requests(writer, TEXTS[:1], bias=1.0)
    monkeypatch.setattr("nextstroke.handwriting.best_of.stray_dots", lambda ink, text: next(counts))
    (chosen,) = BestOfN(reader, 4).write(writer, [request])
    (third,) = write(writer, [replace(request, attempt=2)], attempts=1)
    np.testing.assert_allclose(chosen.ink.points, third.ink.points, atol=0.1)  # of an x-height of 200


def test_a_complete_candidate_comes_before_any_other(writer, reader, monkeypatch):
    (request,) = line_requests(writer, TEXTS[:1], bias=1.0)
    for attempt in range(3):
        monkeypatch.setattr(Line, "complete", property(lambda line, good=attempt: line.request.attempt == good))
        (chosen,) = BestOfN(reader, 3).write(writer, [request])
        assert chosen.request.attempt == attempt


def test_a_line_without_a_complete_candidate_is_tried_again(writer, reader, monkeypatch):
    (request,) = line_requests(writer, TEXTS[:1], bias=1.0)
    monkeypatch.setattr(Line, "complete", property(lambda line: line.request.attempt == 4))
    (chosen,) = BestOfN(reader, 3).write(writer, [request])
    assert chosen.request.attempt == 4
    monkeypatch.setattr(Line, "complete", property(lambda line: False))
    (chosen,) = BestOfN(reader, 3).write(writer, [request])
    assert chosen.request.attempt < 3


@pytest.mark.parametrize("n", [0, -1, 65, 2.0, True, "8", None])
def test_an_invalid_number_of_candidates_is_refused(n, writer):
    with pytest.raises(UsageError, match=f"best_of {n!r}"):
        line_writer(n, writer)


WORD = [np.array([[x, 0.0], [x + 3, 10], [x + 5, 5], [x + 6, 0]]) for x in (0, 8, 16)]
DOT = np.array([[0.0, 0], [0.5, 0.5]])


@pytest.mark.parametrize(
    ("dots", "text", "count"),
    [
        ([], "abc", 0),
        ([(9, -6)], "abc", 1),
        ([(9, -6)], "aic", 0),
        ([(9, -6), (30, 9)], "aic", 1),
        ([(9, 1)], "abc", 0),  # it touches a letter
        ([(30, 0), (30, 9)], "a:", 0),
        ([(9, -6)], "abcdefghij", 1),  # the dot of another place
        ([(18, -6), (21, -6)], "abcdefghij", 0),
        ([(9, -6), (18, -6), (21, -6)], "abcdefghij", 1),
        ([(9, -6)], "a.c", 1),  # the text's dot is below
        ([(9, -6), (10, -6)], "abc", 2),  # near each other only
    ],
)
def test_stray_dots_are_dots_apart_that_the_text_does_not_ask_for(dots, text, count):
    assert stray_dots(Ink.from_strokes([*WORD, *(DOT + place for place in dots)]), text) == count


def test_ink_of_dots_alone_has_no_stray_dots():
    assert stray_dots(Ink.from_strokes([DOT, DOT + 50]), "abc") == 0
    assert stray_dots(Ink.from_strokes([DOT]), "abc") == 0
