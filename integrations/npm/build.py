"""Put the npm package into a folder: python integrations/npm/build.py FOLDER && npm pack FOLDER."""

import json
import sys
from pathlib import Path

from nextstroke import __version__
from nextstroke.compression.message import message_constants
from nextstroke.web.site import site_sources

HERE = Path(__file__).parent
CLONE = HERE.parents[1]


def build(folder: Path) -> None:
    """Write all files of the package: those here, the engine with its constants, and the packed models."""
    for name, source in site_sources().items():
        if name.startswith(("engine", "models/")):
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read_bytes() if isinstance(source, Path) else source())
    (folder / "message.json").write_text(json.dumps(message_constants()), "utf-8")
    for name in ("index.js", "index.d.ts", "message.js", "README.md"):
        (folder / name).write_bytes((HERE / name).read_bytes())
    (folder / "LICENSE").write_bytes((CLONE / "LICENSE").read_bytes())
    terms = CLONE / "src" / "nextstroke" / "models" / "LICENSE-MODELS.txt"
    (folder / "LICENSE-MODELS.txt").write_bytes(terms.read_bytes())
    about = json.loads((HERE / "package.json").read_text("utf-8")) | {"version": __version__}
    (folder / "package.json").write_text(json.dumps(about, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    build(Path(sys.argv[1]))
