"""The studio as a folder of files: any web host can serve them, the networks run in the browser."""

import json
import posixpath
import re
import zlib
from collections.abc import Callable, Iterator
from functools import cache, partial
from importlib import resources
from pathlib import Path

from nextstroke.files import write_bytes
from nextstroke.runtime.model_file import find_model
from nextstroke.runtime.onnx_weights import rounded
from nextstroke.web.engine_constants import engine_json

GZIP = "application/gzip"
IMPORT = re.compile(
    r'^import [^;"]* from "(\.{1,2}/[^"]+)";', re.M
)  # not import("…"), which is loaded when it is needed
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
    ".gz": GZIP,
    ".webmanifest": "application/manifest+json",
}
MODELS = ("writer.onnx", "writer.styles", "reader.onnx", "text.onnx")


def site_files() -> dict[str, Path]:
    """The files as they lie here, by their place below the page's address."""
    static = Path(str(resources.files("nextstroke") / "web" / "static"))
    files = {str(path.relative_to(static)): path for path in sorted(static.rglob("*")) if path.suffix in TYPES}
    folder = find_model("writer").parent
    return files | {f"models/{name}": folder / name for name in MODELS}


def site_sources() -> dict[str, Path | Callable[[], bytes]]:
    """Return all of the site by its path below the page's address: files, and functions that make the rest.

    The models are packed here and unpacked by the page: few hosts pack files of their types.
    """
    models = {f"models/{name}": partial(packed_model, name) for name in MODELS}
    others: dict[str, Path | Callable[[], bytes]] = {
        name: path for name, path in site_files().items() if name not in models
    }
    others["index.html"] = page_html
    sources = others | {f"{name}.gz": source for name, source in models.items()} | {"engine.json": engine_json}
    # What the service worker keeps; the page itself is kept by the name under which it is opened.
    kept = ["./", *sorted(name for name in sources if name not in ("index.html", "sw.js"))]
    return sources | {"files.json": json.dumps(kept).encode}


def page_html() -> bytes:
    """Return the page with a link to each module of the studio, so that none waits for the one that imports it."""
    files = site_files()
    links = "".join(f'<link rel="modulepreload" href="{name}">\n' for name in imported_modules("studio.js", files))
    head, end, rest = files["index.html"].read_text("utf-8").partition("</head>")
    return (head + links + end + rest).encode()


def imported_modules(entry: str, files: dict[str, Path]) -> list[str]:
    """Return the modules that a module imports, itself or through others, nearest first.

    Args:
        entry: Its path in the site.
        files: Files of the site by path.
    """
    found = [entry]
    for name in found:  # grows
        for target in IMPORT.findall(files[name].read_text("utf-8")):
            path = posixpath.normpath(posixpath.join(posixpath.dirname(name), target))
            if path not in found:
                found.append(path)
    return found[1:]


@cache
def packed_model(name: str) -> bytes:
    """Return a model file as gzip; the text model is rounded, as the site would else take more than 8 MB."""
    path = find_model("writer").parent / name
    data = rounded(find_model("text")) if name == "text.onnx" else path.read_bytes()
    # Weights repeat no sequences: without most of the search for them the Huffman codes are shorter.
    strategy = zlib.Z_FILTERED if name.endswith(".onnx") else zlib.Z_DEFAULT_STRATEGY
    packer = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS, 8, strategy)
    return packer.compress(data) + packer.flush()


def export_site(folder: Path) -> Iterator[Path]:
    """Write the whole site into a folder; gives each file as it is written."""
    for name, source in site_sources().items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_bytes(folder / name, source.read_bytes() if isinstance(source, Path) else source())
        yield folder / name
