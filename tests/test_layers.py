"""The layers of the package: who may import whom, where torch is loaded, who prints, what nothing is called."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

import nextstroke

SOURCE = Path(nextstroke.__file__).parent
# From the lowest. A part is a package or a module directly below nextstroke; it imports itself and lower layers.
LAYERS = [
    {"errors"},
    {"files"},
    {"ink", "alphabet", "config", "native"},
    {"formats", "nets", "runtime"},
    {"pages"},
    {"datasets", "text", "compression"},
    {"handwriting"},
    {"training"},
    {"paper"},
    {"web", "api"},
    {"cli"},
]
LEVELS = {part: level for level, parts in enumerate(LAYERS) for part in parts}
# What a part may not import although it is lower.
FORBIDDEN = {
    "nets": {"files"},
    "compression": {"nets"},
    "datasets": {"nets"},
    "handwriting": {"nets"},
    "text": {"nets"},
}
TORCH = {"torch", "nextstroke.nets", "nextstroke.training"}
TORCH_PARTS = {"nets", "training"}
PRINTING_PARTS = {"cli", "web"}
VAGUE = {"utils", "util", "helpers", "helper", "common", "misc", "manager"}


class File(NamedTuple):
    name: str
    part: str
    source: str

    @property
    def tree(self):
        return ast.parse(self.source)

    @property
    def module(self):
        return "nextstroke." + self.name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


class Import(NamedTuple):
    """An imported module; `lazy` where it is inside a function, so that nothing is loaded before the call."""

    module: str
    line: int
    lazy: bool


def read_package():
    for path in sorted(SOURCE.rglob("*.py")):
        place = path.relative_to(SOURCE)
        yield File(place.as_posix(), place.parts[0].removesuffix(".py"), path.read_text("utf-8"))


FILES = list(read_package())


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


def part_of(module):
    """The part of nextstroke that a module is in; None for other packages and for names of the package itself."""
    package, _, rest = module.partition(".")
    part = rest.split(".")[0]
    return part if package == "nextstroke" and part in LEVELS else None


def imports_upwards(file):
    """Imports from a higher layer, from another part of the same layer, or from a forbidden part."""
    for found in imports(file.tree):
        other = part_of(found.module)
        if found.module.startswith("."):
            yield f"{file.name}:{found.line}: {found.module} is relative; write it out"
        elif (
            other
            and other != file.part
            and (LEVELS[other] >= LEVELS[file.part] or other in FORBIDDEN.get(file.part, ()))
        ):
            yield f"{file.name}:{found.line}: {file.part} may not import {found.module}"


def loads_torch(file):
    for found in imports(file.tree):
        package = ".".join(found.module.split(".")[:2])
        if not found.lazy and {package, package.split(".")[0]} & TORCH:
            yield f"{file.name}:{found.line}: {found.module} loads torch; import it inside the function"


def prints(file):
    for node in ast.walk(file.tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "print":
            yield f"{file.name}:{node.lineno}: only {', '.join(sorted(PRINTING_PARTS))} print"


def vague_names(file):
    named = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    places = [(1, Path(file.name).stem)]
    places += [(node.lineno, node.name) for node in ast.walk(file.tree) if isinstance(node, named)]
    for line, name in places:
        if name.lower().strip("_") in VAGUE or name.endswith("Manager"):
            yield f"{file.name}:{line}: {name} does not say what it does"


def module_imports(files):
    """The modules of the package that each one imports, those in functions included."""
    modules = {file.module for file in files}
    graph = {}
    for file in files:
        found = set()
        for node in ast.walk(file.tree):
            if isinstance(node, ast.ImportFrom) and node.module:
                inner = {f"{node.module}.{alias.name}" for alias in node.names} & modules
                found |= inner or {node.module} & modules
            elif isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names} & modules
        graph[file.module] = found - {file.module, "nextstroke"}
    return graph


def repeated_names(files):
    """Module names that occur in two packages; a verb's file is called as the verb, whatever else is."""
    names = [Path(file.name).stem for file in files if file.part != "cli" and not file.name.endswith("__.py")]
    return {name for name in names if names.count(name) > 1}


def complaints(rule, files):
    return [complaint for file in files for complaint in rule(file)]


def test_every_part_has_its_layer():
    assert {file.part for file in FILES} - {"__init__", "__main__"} == LEVELS.keys()


def test_a_part_imports_itself_or_a_lower_layer():
    assert not complaints(imports_upwards, [file for file in FILES if file.part in LEVELS])


def test_no_modules_import_each_other_in_a_circle():
    TopologicalSorter(module_imports(FILES)).prepare()


def test_a_circle_is_found():
    files = [
        File("text/a.py", "text", "def f():\n    from nextstroke.text import b"),
        File("text/b.py", "text", "from nextstroke.text.a import f"),
    ]
    with pytest.raises(CycleError):
        TopologicalSorter(module_imports(files)).prepare()


def test_only_nets_and_training_load_torch():
    assert not complaints(loads_torch, [file for file in FILES if file.part not in TORCH_PARTS])


def test_only_the_command_line_and_the_server_print():
    assert not complaints(prints, [file for file in FILES if file.part not in PRINTING_PARTS])


def test_names_say_what_a_thing_does():
    assert not complaints(vague_names, FILES)


def test_no_two_modules_have_one_name():
    assert not repeated_names(FILES)
    assert repeated_names([File("text/a.py", "text", ""), File("nets/a.py", "nets", "")]) == {"a"}
    assert not repeated_names([File("text/write.py", "text", ""), File("cli/write.py", "cli", "")])


@pytest.mark.parametrize(
    ("rule", "part", "source"),
    [
        (imports_upwards, "ink", "from nextstroke.cli.main import main"),
        (imports_upwards, "runtime", "def f():\n    import nextstroke.nets.lstm"),
        (imports_upwards, "handwriting", "import nextstroke.nets.lstm"),
        (imports_upwards, "pages", "from nextstroke import handwriting"),
        (imports_upwards, "pages", "from .svg import draw"),
        (loads_torch, "runtime", "try:\n    from torch import nn\nexcept ImportError:\n    pass"),
        (loads_torch, "cli", "import nextstroke.training.run"),
        (prints, "runtime", "def f():\n    print(1)"),
        (vague_names, "runtime", "class StyleManager:\n    pass"),
        (vague_names, "runtime", "def _helpers():\n    pass"),
    ],
)
def test_a_broken_rule_is_reported_with_file_and_line(rule, part, source):
    (complaint,) = rule(File(f"{part}/broken.py", part, source))
    assert complaint.startswith(f"{part}/broken.py:")


@pytest.mark.parametrize(
    ("rule", "part", "source"),
    [
        (imports_upwards, "cli", "from nextstroke import __version__"),
        (imports_upwards, "text", "from nextstroke.text.generate import generate\nfrom nextstroke.ink import Ink"),
        (loads_torch, "cli", "def f():\n    from nextstroke.training.run import train"),
    ],
)
def test_what_is_allowed_passes(rule, part, source):
    assert not list(rule(File(f"{part}/fine.py", part, source)))
