"""The rules of the house, by name: who may import whom, who may print, what nothing is called, how long a thing is."""

import ast
import statistics
from pathlib import Path
from typing import NamedTuple

import pytest

import nextstroke

HOUSE = Path(nextstroke.__file__).parent
FLOORS = {
    "errors": 0, "files": 0, "pause": 0,
    "alphabet": 1, "distance": 1, "ink": 1, "config": 1, "native": 1,
    "nets": 2, "corpora": 2, "engine": 2,
    "training": 3, "codec": 3,
    "pages": 4,
    "letter": 5, "hand": 5, "bulk": 5, "recombine": 5, "report": 5,
    "web": 6, "session": 6, "cli": 7,
}  # fmt: skip
# What a room may not look into although it is no higher, at all or (LEARNING) while it is being loaded.
APART = {
    "nets": {"files", "corpora", "engine"},
    "corpora": {"nets", "engine"},
    "engine": {"nets", "corpora", "training"},
    "pages": {"nets", "corpora", "engine", "training", "codec"},
}
LEARNING = {"torch", "nextstroke.nets", "nextstroke.training"}
LEARNERS = {"nets", "training"}
FACES = {"cli", "web"}
VAGUE = {"utils", "util", "helpers", "helper", "common", "misc", "manager"}


class File(NamedTuple):
    name: str
    room: str
    source: str

    @property
    def tree(self):
        return ast.parse(self.source)


class Import(NamedTuple):
    """Where a module is imported; `lazy` inside a function, when nothing is loaded before it is called."""

    module: str
    line: int
    lazy: bool


def read_house():
    for path in sorted(HOUSE.rglob("*.py")):
        place = path.relative_to(HOUSE)
        yield File(str(place), place.parts[0].removesuffix(".py"), path.read_text("utf-8"))


FILES = list(read_house())


def imports(node, lazy=False):
    """All imports under `node`; `from nextstroke import x` counts as one of nextstroke.x."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (Import(alias.name, child.lineno, lazy) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            names = [f"nextstroke.{alias.name}" for alias in child.names]
            relative = "." * child.level
            for name in names if child.module == "nextstroke" else [relative + (child.module or "")]:
                yield Import(name, child.lineno, lazy)
        else:
            inside = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
            yield from imports(child, lazy or inside)


def room_of(module):
    """The room of the house that a module is in; None for other packages and for names of the package itself."""
    package, _, rest = module.partition(".")
    room = rest.split(".")[0]
    return room if package == "nextstroke" and room in FLOORS else None


def steps_upstairs(file):
    """Imports from a higher floor, or from a room that this one may not look into."""
    for found in imports(file.tree):
        other = room_of(found.module)
        if found.module.startswith("."):
            yield f"{file.name}:{found.line}: {found.module} is relative; write it out"
        elif other and (FLOORS[other] > FLOORS[file.room] or other in APART.get(file.room, ())):
            yield f"{file.name}:{found.line}: {file.room} may not import {found.module}"


def loads_learning(file):
    for found in imports(file.tree):
        package = ".".join(found.module.split(".")[:2])
        if not found.lazy and {package, package.split(".")[0]} & LEARNING:
            yield f"{file.name}:{found.line}: {found.module} loads torch; import it inside the function"


def prints(file):
    for node in ast.walk(file.tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "print":
            yield f"{file.name}:{node.lineno}: only the faces print"


def vague_names(file):
    named = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    places = [(1, Path(file.name).stem)]
    places += [(node.lineno, node.name) for node in ast.walk(file.tree) if isinstance(node, named)]
    for line, name in places:
        if name.lower().strip("_") in VAGUE or name.endswith("Manager"):
            yield f"{file.name}:{line}: {name} says nothing of what it does"


def functions(file):
    return [node for node in ast.walk(file.tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]


def length(function):
    """Lines of code of a function: its signature and docstring are none."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0


def found_by(rule, files):
    return [complaint for file in files for complaint in rule(file)]


def test_every_room_has_its_floor():
    assert {file.room for file in FILES} - {"__init__", "__main__"} <= FLOORS.keys()


def test_a_floor_imports_its_own_or_a_lower_one():
    assert not found_by(steps_upstairs, [file for file in FILES if file.room in FLOORS])


def test_nothing_outside_the_learning_floors_loads_torch():
    assert not found_by(loads_learning, [file for file in FILES if file.room not in LEARNERS])


def test_only_the_faces_print():
    assert not found_by(prints, [file for file in FILES if file.room not in FACES])


def test_names_say_what_a_thing_does():
    assert not found_by(vague_names, FILES)


def test_no_file_is_longer_than_300_lines():
    lengths = {file.name: len(file.source.splitlines()) for file in FILES}
    assert not {name: lines for name, lines in lengths.items() if lines > 300}


def test_half_of_all_functions_have_at_most_10_lines():
    assert statistics.median(length(function) for file in FILES for function in functions(file)) <= 10


@pytest.mark.parametrize(
    ("rule", "room", "source"),
    [
        (steps_upstairs, "ink", "from nextstroke.cli.main import main"),
        (steps_upstairs, "engine", "def f():\n    import nextstroke.nets.lstm"),
        (steps_upstairs, "pages", "from nextstroke import engine"),
        (steps_upstairs, "pages", "from .svg import draw"),
        (loads_learning, "engine", "try:\n    from torch import nn\nexcept ImportError:\n    pass"),
        (loads_learning, "cli", "import nextstroke.training.run"),
        (prints, "engine", "def f():\n    print(1)"),
        (vague_names, "engine", "class StyleManager:\n    pass"),
        (vague_names, "engine", "def _helpers():\n    pass"),
    ],
)
def test_a_broken_rule_is_told_with_file_and_line(rule, room, source):
    (complaint,) = rule(File(f"{room}/broken.py", room, source))
    assert complaint.startswith(f"{room}/broken.py:")


@pytest.mark.parametrize(
    ("rule", "room", "source"),
    [
        (steps_upstairs, "cli", "from nextstroke import __version__"),
        (steps_upstairs, "engine", "from nextstroke.engine.draw import draw\nfrom nextstroke.ink import Ink"),
        (loads_learning, "cli", "def f():\n    from nextstroke.training.run import train"),
    ],
)
def test_what_is_allowed_is_let_through(rule, room, source):
    assert not list(rule(File(f"{room}/fine.py", room, source)))
