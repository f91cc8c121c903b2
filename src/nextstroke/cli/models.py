"""nextstroke models: the bundled models and their styles."""

import json
import sys
from importlib import resources
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(invoke_without_command=True)


@app.callback()
def models(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print the list as JSON; by default as text.")] = False,
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
    output: Annotated[
        str,
        typer.Option("--output", "-o", help="File to write, its format that of the suffix; - is standard output, SVG."),
    ] = "-",
    text: Annotated[
        str, typer.Option(help="Text that each hand writes after its name.")
    ] = "we met by the old harbour, again",
    bias: Annotated[
        float, typer.Option(help="Sampling bias: 0 varies as much as real hands, 1 is very legible.")
    ] = 0.75,
    seed: Annotated[int, typer.Option(help="Random seed; the same seed gives the same ink.", min=0)] = 1,
    model: Annotated[str, typer.Option(help="Model file, or the name of a bundled model.")] = "writer",
) -> None:
    """Draw the gallery: a line in each style, which begins with the style's name.

    Example: nextstroke models styles -o gallery.png
    """
    from nextstroke.errors import UsageError
    from nextstroke.files import check_writable
    from nextstroke.handwriting.best_of import CANDIDATES, line_writer
    from nextstroke.handwriting.compose import TextRequest, compose_sheets
    from nextstroke.handwriting.hands import gallery
    from nextstroke.pages.appearance import Look
    from nextstroke.pages.layout import Page
    from nextstroke.pages.save import pick_format, save
    from nextstroke.runtime.model_file import find_model, load_model

    kind = pick_format(output, None)
    check_writable(output)
    writer = load_model(model, "writer")
    hands = list(gallery(find_model(model)).values())
    if not hands:
        raise UsageError(f"{model}: has no gallery of styles; name another --model")
    words = "\n".join(f"{hand.name}: {text}" for hand in hands)
    request = TextRequest(words, Page(margin=4), hands, [bias], seed)
    sheets = (sheet for sheet, _ in compose_sheets(writer, request, line_writer(CANDIDATES)))
    for name in save(sheets, output, kind, Look(), request.metadata(model)):
        print(name, file=sys.stderr)


def _rows() -> list[dict]:
    """Return name, kind, licence, note and styles of each bundled model."""
    from nextstroke.handwriting.hands import gallery
    from nextstroke.runtime.model_file import Model

    rows = []
    for path in sorted(Path(str(resources.files("nextstroke") / "models")).glob("*.onnx")):
        metadata = Model(path).metadata
        record = {"name": path.stem} | {key: metadata[key] for key in ("kind", "licence", "note")}
        rows.append(record | {"styles": list(gallery(path))})
    return rows
