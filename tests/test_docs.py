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
    "studio-api.md": 700,
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


def test_the_notebook_runs(capsys):
    cells = json.loads((DOCS / "tutorial" / "write.ipynb").read_text("utf-8"))["cells"]
    names: dict[str, object] = {}
    for cell in (cell for cell in cells if cell["cell_type"] == "code"):
        tree = ast.parse("".join(cell["source"]))
        *body, last = tree.body
        exec(compile(ast.Module(body, []), "notebook", "exec"), names)
        if isinstance(last, ast.Expr):
            shown = eval(compile(ast.Expression(last.value), "notebook", "eval"), names)
            assert not hasattr(shown, "_repr_svg_") or shown._repr_svg_().count("<path") >= 1
        else:
            exec(compile(ast.Module([last], []), "notebook", "exec"), names)
    assert len(capsys.readouterr().out) > 250  # the generated text


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


def test_the_readme_links_to_every_page_of_the_documentation():
    targets = {
        Path(target.partition("#")[0]).name
        for pair in links((ROOT / "README.md").read_text("utf-8"))
        for target in pair
    }
    assert {path.name for path in DOCS.glob("*.md")} <= targets


def test_pages_name_no_module_that_is_not_there():
    files = {path.name for path in ROOT.glob("[bsdt]*/**/*.py")}
    for page in PAGES:
        named = set(re.findall(r"\b([a-z_]+\.py)\b", page.read_text("utf-8")))
        assert named <= files, page.name


@pytest.mark.parametrize("name", MOST_WORDS)
def test_a_page_is_not_too_long(name):
    text = re.sub(r"^```mermaid\n.*?^```$", "", (DOCS / name).read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    assert 50 < words(text) <= MOST_WORDS[name]
