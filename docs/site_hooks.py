"""Hooks of the documentation site: pages from outside docs/, links out of the site, references from docstrings."""

import inspect
import json
import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parent.parent
# Files outside docs/ that are pages of the site, with their place in it.
OUTSIDE = {
    "CHANGELOG.md": "changes.md",
    "CODE_OF_CONDUCT.md": "code-of-conduct.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    **{f"notes/{path.name}": f"notes/{path.name}" for path in sorted((ROOT / "notes").glob("*.md"))},
    "notes/README.md": "notes/index.md",
    "weights/README.md": "weights.md",
    "integrations/npm/README.md": "npm.md",
    **{f"src/nextstroke/models/{name}.md": f"models/{name}.md" for name in ("writer", "reader", "text", "pen")},
    "src/nextstroke/models/LICENSE-MODELS.txt": "models/LICENSE-MODELS.txt",
    "LICENSE": "LICENSE.txt",
}
LINK = re.compile(r"(\]\()([^)\s]+)(\))")


def on_files(files: Any, config: Any) -> Any:
    """Add the pages that are kept outside docs/."""
    for source, place in OUTSIDE.items():
        files.append(File.generated(config, place, content=(ROOT / source).read_text("utf-8")))
    for notebook in sorted((ROOT / "docs" / "tutorial").glob("*.ipynb")):
        page = notebook_page(json.loads(notebook.read_text("utf-8")))
        files.append(File.generated(config, f"tutorial/{notebook.stem}.md", content=page))
    return files


def notebook_page(notebook: dict[str, Any]) -> str:
    """Return a notebook as Markdown: its text, its code, and the outputs that are stored in it."""
    parts = []
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        parts.append(source if cell["cell_type"] == "markdown" else f"```python\n{source}\n```")
        parts += [shown_output(output) for output in cell.get("outputs", [])]
    return "\n\n".join(parts) + "\n"


def shown_output(output: dict[str, Any]) -> str:
    """Return an output of a cell as Markdown: a picture where there is one, or else text."""
    data = output.get("data", {})
    if "image/png" in data:
        return f'<img alt="output of the cell" src="data:image/png;base64,{"".join(data["image/png"]).strip()}">'
    text = "".join(output.get("text", data.get("text/plain", "")))
    return f"```text\n{text.rstrip()}\n```"


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Return the page with links that work on the site, and the reference as directives of mkdocstrings."""
    places = {place: source for source, place in OUTSIDE.items()}
    source = places.get(page.file.src_uri, f"docs/{page.file.src_uri}")
    if page.file.src_uri == "reference.md":
        markdown = markdown.partition("\n## ")[0] + reference_directives()
    here = posixpath.dirname(page.file.src_uri)
    return LINK.sub(lambda found: found[1] + site_link(found[2], source, here) + found[3], markdown)


def site_link(target: str, source: str, here: str) -> str:
    """Return a link of the repository's file `source` as one of the page in the folder `here` of the site.

    A link to a file that is no page of the site is returned as it is; MkDocs then reports it.
    """
    if "://" in target or target.startswith(("#", "mailto:")):
        return target
    path, hash_sign, anchor = target.partition("#")
    in_repository = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
    place = OUTSIDE.get(in_repository, in_repository.removeprefix("docs/"))
    if place.endswith(".ipynb"):
        place = place.removesuffix(".ipynb") + ".md"
    return posixpath.relpath(place, here or ".") + hash_sign + anchor


def reference_directives() -> str:
    """Return a heading and a directive of mkdocstrings for each public name."""
    import nextstroke

    text = ""
    for name in sorted(nextstroke.__all__, key=str.lower):
        found = getattr(nextstroke, name)
        if inspect.isclass(found) or inspect.isfunction(found):
            text += f"\n::: {found.__module__}.{found.__qualname__}\n"
    return text
