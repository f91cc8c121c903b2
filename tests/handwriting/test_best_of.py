import numpy as np
import pytest

from nextstroke.cli.main import main
from nextstroke.handwriting.best_of import Chooser, Wish, specks
from nextstroke.handwriting.hands import find_style
from nextstroke.handwriting.recogniser import Reader
from nextstroke.handwriting.sampler import write_lines
from nextstroke.ink import Ink
from nextstroke.runtime.model_file import load_model

TEXTS = ["a first line", "the second one"]


@pytest.fixture(scope="module")
def writer():
    return load_model("writer", "writer")


@pytest.fixture(scope="module")
def reader():
    return Reader(load_model("reader", "reader"))


def test_the_bundled_reader_reads_the_bundled_writer(writer, reader):
    lines = write_lines(writer, TEXTS, 2.0, 1, find_style("neat", "writer"))
    fitting = reader.misreading([line.ink for line in lines], TEXTS)
    assert (fitting < 0.7).all()
    assert (reader.misreading([line.ink for line in lines], TEXTS[::-1]) > 2).all()


def test_the_candidate_that_reads_best_is_kept(writer, reader):
    style = find_style("cursive", "writer")
    drawn = [write_lines(writer, TEXTS[:1], 0.3, 1, style, places=[(5, k)])[0] for k in range(4)]
    nats = reader.misreading([line.ink for line in drawn], TEXTS[:1] * 4)
    best = min(range(4), key=lambda k: (not drawn[k].sound, specks(drawn[k].ink, TEXTS[0]) > 0, nats[k]))
    (chosen,) = Chooser(reader, 4).write(writer, [Wish(TEXTS[0], 0.3, 1, style, 5)])
    np.testing.assert_allclose(chosen.ink.points, drawn[best].ink.points, atol=0.1)  # of an x-height of 200


def test_lines_do_not_depend_on_those_beside_them(writer, reader):
    style, chooser = find_style("none", "writer"), Chooser(reader, 3)
    together = chooser.write(writer, [Wish(text, 1.0, 1, style, number) for number, text in enumerate(TEXTS)])
    (alone,) = chooser.write(writer, [Wish(TEXTS[1], 1.0, 1, style, 1)])
    np.testing.assert_allclose(alone.ink.points, together[1].ink.points, atol=0.1)  # of an x-height of 200


def test_one_candidate_is_what_was_written_before(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["write", "one two", "-o", "a.json", "--best-of", "1"]) == 0
    assert main(["write", "one two", "-o", "b.json", "--best-of", "2"]) == 0
    assert main(["write", "one two", "-o", "c.json", "--best-of", "2"]) == 0
    assert (tmp_path / "b.json").read_bytes() == (tmp_path / "c.json").read_bytes()
    assert main(["write", "one two", "-o", "d.json", "--best-of", "0"]) == 2


def test_a_candidate_without_specks_comes_before_one_that_reads_better(writer, reader, monkeypatch):
    style, counts = find_style("none", "writer"), iter([1, 2, 0, 1])
    monkeypatch.setattr("nextstroke.handwriting.best_of.specks", lambda ink, text: next(counts))
    (chosen,) = Chooser(reader, 4).write(writer, [Wish(TEXTS[0], 1.0, 1, style, 5)])
    (third,) = write_lines(writer, TEXTS[:1], 1.0, 1, style, places=[(5, 2)])
    np.testing.assert_allclose(chosen.ink.points, third.ink.points, atol=0.1)  # of an x-height of 200


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
def test_specks_are_dots_apart_that_the_text_does_not_ask_for(dots, text, count):
    assert specks(Ink.from_strokes([*WORD, *(DOT + place for place in dots)]), text) == count


def test_ink_of_dots_alone_has_no_specks():
    assert specks(Ink.from_strokes([DOT, DOT + 50]), "abc") == 0
    assert specks(Ink.from_strokes([DOT]), "abc") == 0
