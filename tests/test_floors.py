"""The rules of the house, by name: a floor imports its own floor or a lower one."""

import ast
import statistics
from pathlib import Path

import nextstroke

HOUSE = Path(nextstroke.__file__).parent
FLOORS = {
    "errors": 0, "files": 0,
    "alphabet": 1, "ink": 1, "config": 1,
    "nets": 2, "corpora": 2, "engine": 2,
    "training": 3, "codec": 3,
    "pages": 4,
    "compose": 5,
    "web": 6, "cli": 7,
}  # fmt: skip
# Rooms of one height that still may not look into each other.
APART = {("nets", "corpora"), ("nets", "engine"), ("corpora", "engine"), ("pages", "engine"), ("pages", "training"),
         ("pages", "corpora"), ("pages", "nets"), ("engine", "training"), ("corpora", "nets"), ("engine", "nets"),
         ("engine", "corpora")}  # fmt: skip
NO_TORCH = {"engine", "codec", "pages", "corpora", "web", "cli", "compose", "errors", "files", "ink", "alphabet"}
BAD_NAMES = {"utils", "helpers", "common", "misc"}


def rooms():
    for path in sorted(HOUSE.rglob("*.py")):
        place = path.relative_to(HOUSE)
        yield path, place.parts[0].removesuffix(".py"), ast.parse(path.read_text("utf-8"))


def imported(node):
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module or ""] if isinstance(node, ast.ImportFrom) else []


def test_a_floor_imports_its_own_or_a_lower_one():
    broken = []
    for path, room, tree in rooms():
        if room == "__init__":
            continue
        for node in ast.walk(tree):
            for name in imported(node):
                other = name.split(".")[1] if name.startswith("nextstroke.") else None
                if other and other != room and (FLOORS[other] > FLOORS[room] or (room, other) in APART):
                    broken.append(f"{path.name}:{node.lineno} in {room} imports {name}")
    assert not broken


def test_nothing_outside_the_learning_floors_loads_torch():
    broken = [
        f"{path}:{node.lineno}"
        for path, room, tree in rooms()
        if room in NO_TORCH
        for node in tree.body
        for name in imported(node)
        if name.split(".")[0] == "torch" or name.startswith(("nextstroke.nets", "nextstroke.training"))
    ]
    assert not broken


def test_only_the_faces_print():
    broken = [
        f"{path}:{node.lineno}"
        for path, room, tree in rooms()
        if room not in ("cli", "web")
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "print"
    ]
    assert not broken


def test_files_and_functions_are_small_and_well_named():
    long = [path.name for path, *_ in rooms() if len(path.read_text("utf-8").splitlines()) > 300]
    vague = [path.name for path, *_ in rooms() if path.stem in BAD_NAMES]
    functions = [
        node
        for _, _, tree in rooms()
        for node in ast.walk(tree)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    ]
    vague += [node.name for node in functions if node.name.strip("_") in BAD_NAMES]
    assert not long
    assert not vague
    assert statistics.median(body_lines(node) for node in functions) <= 10


def body_lines(node):
    """Lines of code of a function: its docstring is no code."""
    body = node.body[1:] if ast.get_docstring(node) else node.body
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0
