"""The pages of docs/ that are made or run: the reference, the notebook."""

import ast
import json
import runpy
from pathlib import Path

DOCS = Path(__file__).parent.parent / "docs"


def without_signatures(page):
    """Pythons write annotations differently."""
    return [line for line in page.splitlines() if not line.startswith(("## ", "### "))]


def test_the_reference_is_what_the_docstrings_say():
    made = runpy.run_path(str(DOCS / "reference.py"))["reference"]()
    assert without_signatures(made) == without_signatures((DOCS / "reference.md").read_text("utf-8"))


def test_the_notebook_runs(capsys):
    cells = json.loads((DOCS / "example.ipynb").read_text("utf-8"))["cells"]
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
