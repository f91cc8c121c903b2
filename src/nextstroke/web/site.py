"""The studio as a folder of files: any web host can serve them, the networks run in the browser."""

from collections.abc import Callable, Iterator
from functools import cache
from importlib import resources
from pathlib import Path

from nextstroke.files import write_bytes
from nextstroke.runtime.model_file import find_model
from nextstroke.runtime.onnx_weights import rounded
from nextstroke.web.engine_constants import engine_json

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
    ".onnx": "application/octet-stream",
    ".styles": "application/octet-stream",
}
MODELS = ("writer.onnx", "writer.styles", "reader.onnx", "text.onnx")


def site_files() -> dict[str, Path]:
    """The files as they lie here, by their place below the page's address."""
    static = Path(str(resources.files("nextstroke") / "web" / "static"))
    files = {str(path.relative_to(static)): path for path in sorted(static.rglob("*")) if path.suffix in TYPES}
    folder = find_model("writer").parent
    return files | {f"models/{name}": folder / name for name in MODELS}


def site_sources() -> dict[str, Path | Callable[[], bytes]]:
    """All of the site by its place below the page's address: files, and what makes the rest."""
    return {**site_files(), "models/text.onnx": light_text, "engine.json": engine_json}


@cache
def light_text() -> bytes:
    """The text model, rounded: with it as it is, the site would take more than 8 MB."""
    return rounded(find_model("text"))


def export_site(folder: Path) -> Iterator[Path]:
    """Write the whole site into a folder; gives each file as it is written."""
    for name, source in site_sources().items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_bytes(folder / name, source.read_bytes() if isinstance(source, Path) else source())
        yield folder / name
