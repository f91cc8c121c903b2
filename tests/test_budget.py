"""Products of fields are bounded before work begins, whoever asks; what is let through fits into its memory."""

import re
import subprocess
import sys

import numpy as np
import pytest

from nextstroke.api import Handwriting, write
from nextstroke.cli.main import main
from nextstroke.errors import LimitExceeded, NextstrokeError, UsageError
from nextstroke.handwriting.compose import TextRequest, compose_rows
from nextstroke.handwriting.hands import Hand, gallery_hand
from nextstroke.handwriting.request import line_requests
from nextstroke.handwriting.sampler import MAX_BYTES, LineSampler, grouped, line_bytes
from nextstroke.handwriting.sampler import write as write_requests
from nextstroke.ink import Ink
from nextstroke.pages import png
from nextstroke.pages.appearance import Look
from nextstroke.pages.budget import MIB, Budget, estimate, measure
from nextstroke.pages.layout import MAX_LINE, Page, Sheet
from nextstroke.pages.plotter import Plotter
from nextstroke.pages.png import picture
from nextstroke.pages.save import FORMATS, render
from nextstroke.runtime.model_file import load_model
from nextstroke.web.server.batcher import Ticket
from nextstroke.web.server.request_limits import Limits
from nextstroke.web.server.schemas import WriteBody
from nextstroke.web.server.service import Service

# Each asks for too much by at least two fields together, or by one at its edge.
BOMBS = [
    {"page": "330x330", "dpi": 300, "format": "gif"},
    {"page": "9999999999999999999x9999999999999999999"},
    {"page": "99x" + 37 * "9"},
    {"page": "a4", "line_height": 1e-5},
    {"page": "a4", "line_height": 1e-300},
    {"page": "a4", "line_height": 5e-324},
    {"page": "100x99999", "line_height": 0.5},
    {"page": "a4", "size": 1e-300},
    {"page": "99999x99999", "format": "png"},
    {"page": "a4", "dpi": 300, "format": "png", "text": "a\n" * 2500, "line_height": 200},
    {"page": "450x450", "dpi": 300, "format": "gif"},
    {"text": "a\n" * 2500, "line_height": 400, "format": "png"},
]
OPTIONS = {"line_height": "--line-height", "page": "--page", "size": "--size", "format": "--format", "dpi": "--dpi"}


@pytest.fixture(scope="module")
def service():
    return Service(Limits(), threads=0)  # nobody writes: what is not refused would wait for ever


@pytest.fixture
def idle(monkeypatch):
    """No model may take a step."""

    def step(self, inputs):
        raise AssertionError("work has begun")

    monkeypatch.setattr("nextstroke.runtime.model_file.Model.step", step)


@pytest.mark.parametrize("bomb", BOMBS)
def test_products_of_fields_are_refused_by_the_server_before_work_begins(service, idle, bomb):
    with pytest.raises((NextstrokeError, ValueError)):  # ValueError: by the description of the field itself
        service.write(WriteBody.model_validate({"text": "hello", "best_of": 1} | bomb), Ticket(5))
    assert service.memory.free == service.memory.total
    assert service.batcher.tasks.empty()


@pytest.mark.parametrize("bomb", [bomb for bomb in BOMBS if bomb.get("dpi") != 300] + [BOMBS[-2]])
def test_products_of_fields_are_refused_by_the_command_before_work_begins(idle, tmp_path, capsys, bomb):
    options = [word for name, value in bomb.items() if name != "text" for word in (OPTIONS[name], str(value))]
    line = ["write", bomb.get("text", "hello"), "-o", str(tmp_path / "a.svg"), "--best-of", "1", *options]
    assert main(line) in (2, 5)
    assert re.fullmatch(r"nextstroke: .*\n", capsys.readouterr().err)
    assert not list(tmp_path.iterdir())


def test_products_of_fields_are_refused_in_python_before_work_begins(idle):
    with pytest.raises(LimitExceeded, match="MiB of memory"):
        write("one two three " * 700, page="5000x300", budget=Budget(memory=20 * MIB))
    with pytest.raises(LimitExceeded, match="pages"):
        write("a\n" * 9000, page="50x45")


def test_drawing_in_python_is_refused_by_the_sheet_that_is_there(tmp_path):
    line = Ink.from_strokes([np.array([[1.0, 1], [2, 2]])])
    drawn = Handwriting(type("Letter", (), {"sheets": [Sheet(420, 420, [line])]}), {})
    with pytest.raises(LimitExceeded, match="MiB"):
        drawn.render("gif", Look(dpi=300))
    with pytest.raises(LimitExceeded, match="MiB"):
        drawn.save(str(tmp_path / "a.gif"), Look(dpi=300))
    assert drawn.render("png", Look(dpi=20)).startswith(b"\x89PNG")


@pytest.mark.parametrize("changes", [{"line_height": float("nan")}, {"x_height": 0.0}, {"width": 1e300, "height": 50}])
def test_pages_without_measure_are_refused(changes):
    with pytest.raises(UsageError):
        Page(**changes)


def test_a_line_has_an_end_however_wide_the_page(monkeypatch):
    writer = load_model("writer", "writer")

    class Asked(Exception):
        pass

    class Asks:
        cancelled = None

        def write(self, model, requests):
            asked.extend(request.text.shown for request in requests)
            raise Asked

    for text in ("word " * 2000, "i" * 9000):
        asked = []
        with pytest.raises(Asked):
            next(compose_rows(writer, TextRequest(text, Page(99_000, 50), [Hand.none()], [1.0], 1), Asks()))
        assert MAX_LINE / 2 < max(map(len, asked)) < 1.6 * MAX_LINE  # narrow letters: their width counts


def test_a_line_that_is_too_long_is_refused_and_long_ones_are_not_written_side_by_side():
    writer = load_model("writer", "writer")
    with pytest.raises(LimitExceeded, match="break it"):
        write_requests(writer, line_requests(writer, ["a" * 5000]))
    size = line_bytes(writer, *line_requests(writer, ["a" * 600]))
    first, *_ = grouped([size] * 30, 30)
    assert first.stop - first.start == MAX_BYTES // size < 30
    assert grouped([1] * 5, 2) == [slice(0, 2), slice(2, 4), slice(4, 5)]
    assert grouped([], 2) == []


def test_a_line_keeps_no_weights_but_its_own():
    writer = load_model("writer", "writer")
    sampler = LineSampler(writer, line_requests(writer, ["ab"] * 2, gallery_hand("neat", "writer"), 1.0))
    sampler.draw(np.full((2, 4), 0.5))
    assert all(row.base is None for line in sampler.lines for row in line.phi)


@pytest.mark.parametrize("nib", [False, True])
def test_where_strips_begin_does_not_matter(monkeypatch, nib):
    rng = np.random.default_rng(1)
    strokes = [rng.normal(0, 1.5, (12, 2)).cumsum(0) + (30, 20) for _ in range(12)] + [np.array([[5.0, 5]])]
    sheet = Sheet(60, 40, [Ink.from_strokes(strokes), Ink.from_strokes(strokes[:2])], [7.0, 20.0, 39.9], [0, 1])
    whole = picture(sheet, 120, 0.7, ("navy", "red"), nib)
    monkeypatch.setattr(png, "STRIP_BYTES", 90_000)
    assert np.array_equal(np.asarray(picture(sheet, 120, 0.7, ("navy", "red"), nib)), np.asarray(whole))


class Enough(Exception):
    pass


def enough_after(count):
    """Return a callback that raises Enough when it is called for the count-th time."""
    asked = []

    def check():
        asked.append(1)
        if len(asked) == count:
            raise Enough

    return check


@pytest.mark.parametrize("format", [name for name in FORMATS if name not in {"inkml", "json"}])
def test_drawing_is_broken_off(format):
    lines = [Ink.from_strokes([np.array([[1.0, y], [20, y + 1]])]) for y in range(1, 20)]
    with pytest.raises(Enough):
        render(Sheet(30, 30, lines), format, Look(dpi=50), {}, enough_after(3))


@pytest.mark.parametrize("format", ["svg", "gcode", "hpgl"])
def test_ordering_the_strokes_is_broken_off(format):
    strokes = [np.array([[x, y], [x + 1.0, y]]) for x in range(1, 9) for y in range(1, 9)]
    sheet = Sheet(30, 30, [Ink.from_strokes(strokes)])
    with pytest.raises(Enough):
        render(sheet, format, Look(plotter=Plotter(shortest=True)), {}, enough_after(60))


def test_layout_is_broken_off_between_lines():
    asked, written = [], []

    class Asks:
        def cancelled(self):
            asked.append(1)
            if len(asked) == 50:
                raise Enough

        def write(self, model, requests):
            written.extend(requests)
            return write_requests(model, requests)

    text = "a" + "\n" * 100 + "b"
    with pytest.raises(Enough):
        list(compose_rows(load_model("writer", "writer"), TextRequest(text, Page(), [Hand.none()], [9.0], 1), Asks()))
    assert [request.text.shown for request in written] == ["a"]


# Draws what its budget allows, in an address space that has no more room than that. Each drawing has a process of its
# own: malloc and the libraries keep memory of a drawing that ended, and the next one would have to do with the rest.
WITHIN = """
import os, resource, sys
import numpy as np
from nextstroke.ink import Ink
from nextstroke.pages.budget import MIB, measure
from nextstroke.pages.layout import Sheet
from nextstroke.pages.appearance import Look
from nextstroke.pages.plotter import Plotter
from nextstroke.pages.save import render

rng = np.random.default_rng(1)
def sheet(width, height, lines):
    levels = np.linspace(5, height - 60, lines)
    inks = [Ink.from_strokes([rng.normal(0, 2, (60, 2)).cumsum(0) % 50 + (5, y)]) for y in levels]
    return Sheet(width, height, inks)

short = [rng.normal(0, 1, (rng.integers(1, 8), 2)).cumsum(0) + (50, 50) for _ in range(3000)]
dotted = Sheet(210, 297, [Ink.from_strokes(short)])
for format in ("svg", "pdf", "png", "gif", "apng", "gcode"):
    render(sheet(60, 80, 1), format, Look(dpi=30), {})
np.ones((2000, 2)) @ np.ones(2)  # OpenBLAS keeps 32 MB from its first large product on
size = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
for format, page, look in [
    ("png", sheet(330, 500, 20), Look(dpi=200)), ("png", sheet(200, 300, 20), Look(dpi=300, nib=True)),
    ("gif", sheet(210, 297, 20), Look(dpi=80)), ("apng", sheet(210, 297, 20), Look(dpi=100)),
    ("svg", sheet(210, 297, 150), Look(nib=True)), ("pdf", sheet(210, 297, 150), Look(nib=True)),
    ("json", sheet(210, 297, 500), Look()), ("hpgl", sheet(210, 297, 500), Look()),
    ("gcode", sheet(210, 297, 80), Look(plotter=Plotter(tolerance=0))),
    ("gcode", dotted, Look(plotter=Plotter(pen_up="a\\n" * 100, pen_down="b\\n" * 100, dwell=9))),
    ("hpgl", sheet(210, 297, 80), Look(plotter=Plotter(tolerance=0, shortest=True))),
]:
    needed = measure([page], format, look).memory
    assert needed < int(sys.argv[1]) * MIB, (format, needed // MIB)
    child = os.fork()
    if child:
        assert os.waitpid(child, 0)[1] == 0, (format, needed // MIB)
        continue
    resource.setrlimit(resource.RLIMIT_AS, (size + needed, resource.RLIM_INFINITY))
    sys.exit(len(render(page, format, look, {})) <= 1000)
"""


def test_drawing_takes_no_more_memory_than_estimated():
    command = [sys.executable, "-c", WITHIN, str(Limits().memory)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr


def test_the_estimate_before_writing_is_not_far_below_that_of_the_finished_sheets():
    writer = load_model("writer", "writer")
    for text, page, format in [("a few words of a line " * 6, "a5", "png"), ("I\nI\nI", "60x30", "gif")]:
        rate = writer.metadata["points_per_character"]
        before = estimate(text, Page.named(page, margin=5), format, Look(), rate)
        after = measure(write(text, page=Page.named(page, margin=5), best_of=1).letter.sheets, format, Look())
        assert before.pages >= after.pages
        assert before.page_pixels >= after.page_pixels
        assert before.memory >= 0.95 * after.memory
