"""Run the notebooks of docs/tutorial and store their outputs in them: python docs/notebooks.py [NAME ...].

A cell runs as Jupyter runs it: its last expression is shown, as a picture where it has one. No Jupyter is needed.
"""

import ast
import base64
import contextlib
import io
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

TUTORIAL = Path(__file__).resolve().parent / "tutorial"


def run_notebook(notebook: dict[str, Any]) -> dict[str, Any]:
    """Return a notebook with the outputs of its cells, run one after the other in an empty folder.

    Raises:
        Exception: What a cell raises.
    """
    names: dict[str, Any] = {}
    with working_folder():
        cells = [run_cell(cell, names) if cell["cell_type"] == "code" else cell for cell in notebook["cells"]]
    return notebook | {"cells": cells}


@contextlib.contextmanager
def working_folder() -> Iterator[None]:
    """Work in a temporary folder."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(before)


def run_cell(cell: dict[str, Any], names: dict[str, Any]) -> dict[str, Any]:
    """Return a code cell with its outputs; `names` are the variables of the notebook."""
    *body, last = ast.parse("".join(cell["source"])).body
    is_expression = isinstance(last, ast.Expr)
    value = None
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        statements = body if is_expression else [*body, last]
        exec(compile(ast.Module(statements, []), "notebook", "exec"), names)
        if is_expression:
            value = eval(compile(ast.Expression(last.value), "notebook", "eval"), names)
    outputs = []
    if printed.getvalue():
        outputs.append({"output_type": "stream", "name": "stdout", "text": lines(printed.getvalue())})
    if value is not None:
        outputs.append({"output_type": "execute_result", "execution_count": None, "metadata": {}, "data": shown(value)})
    return cell | {"outputs": outputs}


def shown(value: Any) -> dict[str, Any]:
    """Return the forms of a value that Jupyter shows: a picture where it has one, else text."""
    if hasattr(value, "render"):
        picture = value.render("png", replace(value.look, dpi=110))
    elif hasattr(value, "_repr_png_"):
        picture = value._repr_png_()
    else:
        return {"text/plain": lines(repr(value))}
    return {"image/png": base64.b64encode(picture).decode(), "text/plain": ["a picture"]}


def lines(text: str) -> list[str]:
    """Return lines with their ends, as notebooks store text."""
    return text.splitlines(keepends=True)


def main() -> None:
    """Run the notebooks that are named, or all."""
    names = sys.argv[1:] or sorted(path.stem for path in TUTORIAL.glob("*.ipynb"))
    for name in names:
        path = TUTORIAL / f"{name}.ipynb"
        notebook = run_notebook(json.loads(path.read_text("utf-8")))
        path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
