"""The studio in Firefox: what is typed is written, and its ink is Python's."""

import re

import pytest

from nextstroke.api import write
from tests.web.firefox import Firefox, find_firefox

READY = "document.getElementById('pages')?.dataset.ready?.includes(arguments[0])"
PATHS = "return [...document.querySelectorAll('#pages .line path')].map((path) => path.getAttribute('d'))"
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


@pytest.fixture(scope="module")
def firefox(tmp_path_factory):
    program = find_firefox()
    if not program:
        pytest.skip("NOT TESTED in Firefox: it is missing; on Debian: apt-get install firefox-esr")
    browser = Firefox(program, tmp_path_factory.mktemp("profile"))
    yield browser
    browser.close()


def written(firefox, fragment):
    """Wait for the ink of a state whose fragment holds `fragment`; return the strokes' paths."""
    firefox.wait(READY, fragment)
    # What is drawn "at once" is drawn in the next frame.
    firefox.wait("[...document.querySelectorAll('#pages .line path')].every((path) => path.getAttribute('d'))")
    return firefox.run(PATHS)


def test_typing_writes_the_ink_of_python(firefox, served, tmp_path):
    firefox.open(f"{served.address}/#text=hello&style=neat&seed=3&candidates=1")
    written(firefox, "text=hello&")
    firefox.type("#text", " again")
    drawn = written(firefox, "hello+again")
    assert firefox.run("return document.getElementById('status').textContent") == "1 line"
    write("hello again", style="neat", seed=3, best_of=1).save(tmp_path / "python.svg")
    python = re.findall(r' d="(M[^"]+)"', (tmp_path / "python.svg").read_text("utf-8"))
    assert len(drawn) == len(python) > 5
    for browsers, own in zip(drawn, python, strict=True):
        assert [float(value) for value in NUMBER.findall(browsers)] == pytest.approx(
            [float(value) for value in NUMBER.findall(own)], abs=0.0015
        )


def test_another_one_is_undone_and_downloads_are_offered(firefox, served):
    firefox.open(f"{served.address}/#text=good+day&seed=5&candidates=2")
    first = written(firefox, "good+day")
    firefox.click("#another")
    firefox.wait("!document.getElementById('pages').dataset.ready.includes('seed=5&')")
    assert written(firefox, "seed=") != first
    firefox.click("#undo")
    assert written(firefox, "seed=5&") == first
    firefox.click("#download")
    assert firefox.run("return document.activeElement.dataset.format") == "svg"
    firefox.run("document.getElementById('tab-hand').click()")
    assert firefox.wait("document.querySelectorAll('#hand canvas, #hand svg').length > 0")
