"""Write the graphs of docs/architecture.md, from the imports of the package: python docs/dataflow.py."""

import ast
from pathlib import Path

DOCS = Path(__file__).parent
SOURCE = DOCS.parent / "src" / "nextstroke"
PAGE = DOCS / "architecture.md"
BEGIN = "<!-- graphs: made by python docs/dataflow.py -->\n"
END = "<!-- end of graphs -->\n"
# The packages whose modules are shown one by one; every other package is one node.
COMMANDS = {"write": {"handwriting", "pages"}, "train": {"training", "nets"}, "compress": {"compression"}}
# Modules that nearly all others use do not show how data flow.
OMITTED = {"errors", "files", "alphabet", "ink", "config"}

Graph = dict[str, set[str]]


def read_imports() -> Graph:
    """Return the modules that each module of the package imports, imports inside functions included."""
    modules = {
        ".".join(path.relative_to(SOURCE).with_suffix("").parts): ast.parse(path.read_text("utf-8"))
        for path in SOURCE.rglob("*.py")
        if path.name != "__init__.py"
    }
    return {name: imported_modules(tree, set(modules)) - {name} for name, tree in modules.items()}


def imported_modules(tree: ast.Module, modules: set[str]) -> set[str]:
    """Return the modules of the package that a syntax tree imports, as `handwriting.sampler`."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "nextstroke":
            base = str(node.module).removeprefix("nextstroke").removeprefix(".")
            members = {f"{base}.{alias.name}".removeprefix(".") for alias in node.names} & modules
            found |= members or {base} & modules
        elif isinstance(node, ast.Import):
            found |= {alias.name.removeprefix("nextstroke.") for alias in node.names} & modules
    return found


def shown_graph(command: str, imports: Graph) -> Graph:
    """Return the graph of a command: modules reached from it, packages outside its own merged into one node each."""

    def node(module: str) -> str:
        package = module.split(".")[0]
        return module if package in COMMANDS[command] | {"cli"} else package

    graph: Graph = {}
    waiting = [f"cli.{command}"]
    seen = set()
    while waiting:
        module = waiting.pop()
        if module in seen:
            continue
        seen.add(module)
        targets = {target for target in imports[module] if target.split(".")[0] not in OMITTED}
        waiting += sorted(targets)
        graph.setdefault(node(module), set()).update(node(target) for target in targets)
    return reduced({name: targets - {name} for name, targets in graph.items()})


def reduced(graph: Graph) -> Graph:
    """Return the graph without the edges that a longer path replaces."""

    def reached(start: str) -> set[str]:
        found: set[str] = set()
        waiting = sorted(graph[start])
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting += sorted(graph[name])
        return found

    below = {name: reached(name) for name in graph}
    return {
        name: {target for target in targets if not any(target in below[other] for other in targets - {target})}
        for name, targets in graph.items()
    }


def drawn(command: str, graph: Graph) -> str:
    """Return a graph in the language of Mermaid, a box for each package whose modules are shown."""
    lines = [f"### {command}", "", "```mermaid", "flowchart LR"]
    packages: dict[str, list[str]] = {}
    for name in sorted(graph):
        packages.setdefault(name.split(".")[0] if "." in name else "", []).append(name)
    for package, names in packages.items():
        nodes = [f'    {name}["{name.partition(".")[2] or name}"]' for name in names]
        lines += [f"  subgraph {package}_package [{package}]", *nodes, "  end"] if package else nodes
    lines += [f"  {name} --> {target}" for name in sorted(graph) for target in sorted(graph[name])]
    return "\n".join([*lines, "```", ""]) + "\n"


def graphs() -> str:
    """Return the graphs of all commands."""
    imports = read_imports()
    return "".join(drawn(command, shown_graph(command, imports)) for command in COMMANDS)


def page_with_graphs(page: str) -> str:
    """Return the page with the text between the marks replaced by the graphs."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{graphs()}{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(page_with_graphs(PAGE.read_text("utf-8")), "utf-8")
