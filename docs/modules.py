"""Write docs/modules.md, every module with the first line of its docstring: python docs/modules.py."""

import ast
from pathlib import Path

ROOT = Path(__file__).parent.parent
HEAD = """# Modules

Every module with the first line of its docstring (`python docs/modules.py` writes this page).
"""


def modules_page() -> str:
    """Return the whole page: the package, its subpackages, the benchmarks."""
    source = ROOT / "src" / "nextstroke"
    folders = [source, *sorted(path.parent for path in source.rglob("*/__init__.py")), ROOT / "benchmarks"]
    return HEAD + "".join(section(folder) for folder in folders)


def section(folder: Path) -> str:
    """Return the heading of a package, its purpose, and a table of its modules."""
    name = folder.relative_to(ROOT).as_posix()
    rows = [f"| `{path.name}` | {summary(path)} |\n" for path in sorted(folder.glob("*.py")) if path.name[0] != "_"]
    table = "".join(["| module | contents |\n|---|---|\n", *rows]) if rows else ""
    return f"\n## {name}\n{summary(folder / '__init__.py')}\n\n{table}"


def summary(path: Path) -> str:
    """Return the first line of a module's docstring, which may be wrapped."""
    paragraph = (ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "").partition("\n\n")[0]
    return " ".join(paragraph.split()).replace("|", "\\|")


if __name__ == "__main__":
    (ROOT / "docs" / "modules.md").write_text(modules_page(), "utf-8")
