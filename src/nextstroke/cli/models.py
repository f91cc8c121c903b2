"""nextstroke models: what is bundled."""

import json
from importlib import resources
from pathlib import Path
from typing import Annotated

import typer


def models(as_json: Annotated[bool, typer.Option("--json", help="print as JSON")] = False) -> None:
    """List the bundled models with their styles and licences.

    Example: nextstroke models
    """
    from nextstroke.engine.modelfile import Model
    from nextstroke.engine.styles import gallery

    rows = []
    for path in sorted(Path(str(resources.files("nextstroke") / "models")).glob("*.onnx")):
        about = Model(path).about
        record = {"name": path.stem, "kind": about["kind"], "licence": about["licence"], "note": about["note"]}
        rows.append(record | {"styles": list(gallery(path))})
    if as_json:
        print(json.dumps(rows))
        return
    for row in rows:
        print(f"{row['name']} ({row['kind']}, {row['licence']}): {', '.join(row['styles']) or 'no styles'}")
