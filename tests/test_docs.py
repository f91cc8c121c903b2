"""The pages of the documentation: what is generated is up to date, links lead somewhere, the notebook runs."""

import ast
import json
import re
import runpy
from pathlib import Path

import pytest

from nextstroke.cli import verbs
from tests.documentation import PAGES, ROOT, anchors, links, words

DOCS = Path(__file__).parent.parent / "docs"
# Pages that are read from the beginning to the end; graphs do not count.
MOST_WORDS = {
    "index.md": 400,
    "write.md": 1000,
    "plot.md": 500,
    "training-data.md": 500,
    "studio.md": 600,
    "api.md": 400,
    "text-compression.md": 500,
    "train.md": 900,
    "architecture.md": 2000,
    "format.md": 1100,
    "paper.md": 1500,
}


def without_signatures(page):
    """Pythons write annotations differently."""
    return [line for line in page.splitlines() if not line.startswith(("## ", "### "))]


def test_the_reference_is_what_the_docstrings_say():
    made = runpy.run_path(str(DOCS / "reference.py"))["reference"]()
    assert without_signatures(made) == without_signatures((DOCS / "reference.md").read_text("utf-8"))


NOTEBOOKS = sorted((DOCS / "tutorial").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_gives_what_is_stored_in_it(path):
    if path.stem == "train":
        pytest.importorskip("torch", reason="NOT TESTED: the notebook of training, for want of torch")
    stored = json.loads(path.read_text("utf-8"))
    made = runpy.run_path(str(DOCS / "notebooks.py"))["run_notebook"](stored)
    for before, after in zip(stored["cells"], made["cells"], strict=True):
        assert kinds_of_output(after) == kinds_of_output(before), after["source"]


def kinds_of_output(cell):
    return [sorted(output.get("data", {"stream": ""})) for output in cell.get("outputs", [])]


def test_the_tutorial_has_three_notebooks_with_pictures_and_text():
    assert [path.stem for path in NOTEBOOKS] == ["text", "train", "write"]
    pictures = [path.read_text("utf-8").count('"image/png"') for path in NOTEBOOKS]
    assert pictures == [0, 1, 4]


def test_the_list_of_modules_is_what_the_docstrings_say():
    made = runpy.run_path(str(DOCS / "modules.py"))["modules_page"]()
    assert made == (DOCS / "modules.md").read_text("utf-8"), "run: python docs/modules.py"


def test_the_page_of_commands_is_what_their_help_says():
    made = runpy.run_path(str(DOCS / "commands.py"))["commands_page"]()
    assert made == (DOCS / "cli.md").read_text("utf-8"), "run: python docs/commands.py"


def test_the_page_of_commands_has_every_command():
    page = (DOCS / "cli.md").read_text("utf-8")
    assert [verb for verb in verbs.VERBS if f"\n## {verb}\n" not in page] == []
    assert "| `--pen-down` | " in page


def test_the_graphs_of_the_architecture_are_those_of_the_imports():
    page = (DOCS / "architecture.md").read_text("utf-8")
    assert runpy.run_path(str(DOCS / "dataflow.py"))["page_with_graphs"](page) == page, "run: python docs/dataflow.py"
    assert page.count("```mermaid") == 3


def test_a_graph_leaves_out_what_a_longer_path_says():
    reduced = runpy.run_path(str(DOCS / "dataflow.py"))["reduced"]
    assert reduced({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == {"a": {"b"}, "b": {"c"}, "c": set()}


def test_the_graphs_have_lazy_imports_and_submodules():
    module = runpy.run_path(str(DOCS / "dataflow.py"))
    source = (
        "from nextstroke.a import b\nfrom nextstroke.a.b import name\n"
        "def f():\n    import nextstroke.d\n    from nextstroke import e\nimport json\n"
    )
    assert module["imported_modules"](ast.parse(source), {"a.b", "d", "e", "json"}) >= {"a.b", "d", "e"}


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page):
    text = page.read_text("utf-8")
    inside = [target for pair in links(text) for target in pair if target and "://" not in target]
    for target in inside:
        name, _, anchor = target.partition("#")
        file = page.parent / name if name else page
        assert file.exists(), target
        assert not anchor or anchor in anchors(file.read_text("utf-8")), target


def test_the_menu_of_the_site_has_every_page_of_the_documentation():
    menu = (ROOT / "mkdocs.yml").read_text("utf-8").partition("\nnav:\n")[2]
    assert {path.name for path in DOCS.glob("*.md")} <= set(re.findall(r": ([\w-]+\.md)$", menu, re.MULTILINE))


def test_the_readme_links_to_every_page_of_the_documentation():
    targets = {
        Path(target.partition("#")[0]).name
        for pair in links((ROOT / "README.md").read_text("utf-8"))
        for target in pair
    }
    assert {path.name for path in DOCS.glob("*.md")} <= targets


def test_each_picture_is_shown_somewhere_and_can_be_made_again():
    drawn = runpy.run_path(str(DOCS / "pictures.py"))["PICTURES"]
    files = {path.stem: path for path in (DOCS / "pictures").glob("*.png")}
    assert files.keys() == drawn.keys()
    shown = {target for page in PAGES for pair in links(page.read_text("utf-8")) for target in pair}
    assert [name for name in files if f"pictures/{name}.png" not in shown] == []
    assert max(path.stat().st_size for path in files.values()) < 100_000


def test_pages_name_no_module_that_is_not_there():
    files = {path.name for path in ROOT.glob("[bsdt]*/**/*.py")}
    for page in PAGES:
        named = set(re.findall(r"\b([a-z_]+\.py)\b", page.read_text("utf-8")))
        assert named <= files, page.name


@pytest.mark.parametrize("name", MOST_WORDS)
def test_a_page_is_not_too_long(name):
    text = re.sub(r"^```mermaid\n.*?^```$", "", (DOCS / name).read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    assert 50 < words(text) <= MOST_WORDS[name]
