"""nextstroke models: what is bundled."""

import json
import sys
from importlib import resources
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(invoke_without_command=True)


@app.callback()
def models(
    context: typer.Context, as_json: Annotated[bool, typer.Option("--json", help="print as JSON")] = False
) -> None:
    """List the bundled models with their styles and licences.

    Example: nextstroke models
    """
    if context.invoked_subcommand:
        return
    rows = _rows()
    if as_json:
        print(json.dumps(rows))
        return
    for row in rows:
        print(f"{row['name']} ({row['kind']}, {row['licence']}): {', '.join(row['styles']) or 'no styles'}")


@app.command("styles")
def styles(
    output: Annotated[str, typer.Option("--output", "-o", help="file, as for write; - for standard output")] = "-",
    text: Annotated[
        str, typer.Option(help="what each hand writes after its name")
    ] = "we met by the old harbour, again",
    bias: Annotated[float, typer.Option(help="0 is as varied as real hands, 1 very legible")] = 0.75,
    seed: Annotated[int, typer.Option(help="the same seed gives the same ink", min=0)] = 1,
    model: Annotated[str, typer.Option(help="model file, or the name of a bundled one")] = "writer",
) -> None:
    """Draw the gallery: a line in each style, which begins with the style's name.

    Example: nextstroke models styles -o gallery.png
    """
    from nextstroke.errors import UsageError
    from nextstroke.files import check_writable
    from nextstroke.handwriting.best_of import CANDIDATES, chooser_among
    from nextstroke.handwriting.compose import compose
    from nextstroke.handwriting.hands import gallery
    from nextstroke.pages.appearance import Look
    from nextstroke.pages.layout import Page
    from nextstroke.pages.save import pick_format, save
    from nextstroke.runtime.model_file import find_model, load_model

    kind = pick_format(output, None)
    check_writable(output)
    writer, hands = load_model(model, "writer"), list(gallery(find_model(model)).values())
    if not hands:
        raise UsageError(f"{model}: has no styles")
    words = "\n".join(f"{hand.name}: {text}" for hand in hands)
    letter = compose(writer, words, Page(margin=4), hands, bias, seed, chooser_among(CANDIDATES))
    for name in save(letter.sheets, output, kind, Look(), {"text": words, "seed": seed, "bias": bias}):
        print(name, file=sys.stderr)


def _rows() -> list[dict]:
    """What is known of each bundled model."""
    from nextstroke.handwriting.hands import gallery
    from nextstroke.runtime.model_file import Model

    rows = []
    for path in sorted(Path(str(resources.files("nextstroke") / "models")).glob("*.onnx")):
        about = Model(path).about
        record = {"name": path.stem, "kind": about["kind"], "licence": about["licence"], "note": about["note"]}
        rows.append(record | {"styles": list(gallery(path))})
    return rows
