"""Writes docs/reference.md, the public names of nextstroke with their docstrings: python docs/reference.py."""

import inspect
from pathlib import Path

import nextstroke

HEAD = """# Reference

The names of `import nextstroke as ns`, from their docstrings (`python docs/reference.py` writes this page). The command
line explains itself: `nextstroke VERB --help`.
"""


def reference() -> str:
    """The whole page."""
    names = [name for name in sorted(nextstroke.__all__, key=str.lower) if name != "__version__"]
    return HEAD + "".join(entry(f"ns.{name}", getattr(nextstroke, name), "##") for name in names)


def entry(name: str, found: object, level: str) -> str:
    """A name with its signature and docstring, a class with its public methods."""
    text = f"\n{level} `{name}{signature(found)}`\n\n{described(found)}\n"
    return text + "".join(methods(name, found)) if inspect.isclass(found) else text


def methods(name: str, kind: type) -> list[str]:
    """Entries of a class's public methods and properties."""
    found = [(own, getattr(kind, own)) for own in vars(kind) if not own.startswith("_")]
    called = [(own, each) for own, each in found if callable(each) and inspect.getdoc(each)]
    told = [(own, each) for own, each in found if isinstance(each, property)]
    return [entry(f"{name.rpartition('.')[2]}.{own}", each, "###") for own, each in called + told]


def signature(found: object) -> str:
    """Arguments and result of what can be called; empty for errors."""
    if not callable(found) or (inspect.isclass(found) and issubclass(found, Exception)):
        return ""
    told = str(inspect.signature(found)).replace("nextstroke.", "").replace("collections.abc.", "")
    return told.replace("numpy.", "np.").replace("pathlib.", "").replace("typing.", "")


def described(found: object) -> str:
    """A docstring; its sections as code, which keeps their lines."""
    first, _, rest = (inspect.getdoc(found) or "").partition("\n\n")
    return f"{first}\n\n```text\n{rest.strip()}\n```" if rest.strip() else first


if __name__ == "__main__":
    (Path(__file__).parent / "reference.md").write_text(reference(), "utf-8")
