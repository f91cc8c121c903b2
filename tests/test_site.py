"""The documentation site builds without warning, and each reader finds their page within two clicks."""

import os
import re
import runpy
import subprocess
import sys

import pytest

from tests.documentation import PAGES, ROOT, links

pytest.importorskip("mkdocs", reason="NOT TESTED: the documentation site, for want of mkdocs (extra docs)")
pytest.importorskip("mkdocstrings", reason="NOT TESTED: the documentation site, for want of mkdocstrings (extra docs)")
# What a reader comes for, with a heading of the page that has it.
READERS = {
    "letter": "Write a letter",
    "plotter": "Use a pen plotter",
    "training data": "Make training data for a recogniser",
    "python": "Write from Python",
    "teacher": "Where we had to choose",
}


def build(config, site):
    return subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--config-file", config, "--site-dir", site],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    done = build(ROOT / "mkdocs.yml", folder)
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    return folder


def test_the_site_has_every_page(site):
    built = {path.stem for path in site.rglob("*.html")}
    assert {path.stem for path in (ROOT / "docs").glob("*.md")} <= built
    assert {"experiments", "log", "contributing", "writer"} <= built


def test_the_menu_has_every_page_from_outside_of_docs():
    outside = runpy.run_path(str(ROOT / "docs" / "site_hooks.py"))["OUTSIDE"]
    menu = (ROOT / "mkdocs.yml").read_text("utf-8").partition("\nnav:\n")[2]
    linked = set(re.findall(r": ([\w/-]+\.md)$", menu, re.MULTILINE))
    assert {place for place in outside.values() if place.endswith(".md")} <= linked


def test_the_reference_has_signatures_and_arguments(site):
    page = (site / "reference.html").read_text("utf-8")
    assert re.search(r'id="nextstroke\.api\.write"', page)
    assert page.count("doc-heading") > 50


def test_the_tutorial_has_its_pictures(site):
    assert (site / "tutorial" / "write.html").read_text("utf-8").count("data:image/png") == 4


def test_pages_load_nothing_from_other_hosts(site):
    for path in site.rglob("*.html"):
        assert not re.search(r'<(?:script|img)[^>]* src="https?://|<link[^>]* href="https?://', path.read_text("utf-8"))


@pytest.mark.parametrize("heading", READERS.values(), ids=READERS)
def test_a_reader_finds_their_page_within_two_clicks(heading):
    (page,) = (path for path in PAGES if re.search(rf"^#+ {heading}$", path.read_text("utf-8"), re.MULTILINE))
    readme = ROOT / "README.md"
    one = clicks(readme)
    two = set().union(*(clicks(path) for path in one))
    assert page.resolve() in one | two


def clicks(page):
    targets = [target.partition("#")[0] for pair in links(page.read_text("utf-8")) for target in pair]
    found = {(page.parent / target).resolve() for target in targets if target.endswith(".md") and "://" not in target}
    return {path for path in found if path.is_file()}


def test_a_broken_link_ends_the_build(tmp_path):
    """The strict mode of mkdocs.yml, on a copy of two pages."""
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "index.md").write_text("# Start\n\n[gone](gone.md)\n", "utf-8")
    (docs / "a.py").write_text("", "utf-8")
    text = (ROOT / "mkdocs.yml").read_text("utf-8")
    text = re.sub(r"^hooks:\n.*\n", "", text, flags=re.MULTILINE)
    text = text.partition("\nnav:")[0] + "\nnav:\n  - Start: index.md\n"
    (tmp_path / "mkdocs.yml").write_text(text, "utf-8")
    done = build(tmp_path / "mkdocs.yml", tmp_path / "site")
    assert done.returncode == 1
    assert "gone.md" in done.stderr + done.stdout
