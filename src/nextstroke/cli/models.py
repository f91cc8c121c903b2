"""nextstroke models: the bundled models and their styles."""

import json
import sys
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from nextstroke.handwriting.hands import Hand

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
        print(f"{row['name']} ({row['kind']}, {row['licence']}): {'' if row['styles'] else 'no styles'}".rstrip())
        for group, names in row["groups"].items():
            print(f"  {group or 'styles'}: {', '.join(names)}")


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
    """Draw the gallery: a line in each style that begins with the style's name, each group below a heading.

    Example: nextstroke models styles -o gallery.png
    """
    from dataclasses import replace

    from nextstroke.errors import UsageError
    from nextstroke.files import check_writable
    from nextstroke.handwriting.best_of import CANDIDATES, line_writer
    from nextstroke.handwriting.compose import TextRequest, compose_sheets
    from nextstroke.handwriting.hands import gallery, hands_by_group
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
    # Lines of one name share their scale. A heading in the name of the first hand would set the scale of that hand.
    heading = replace(hands[0], name="heading")
    rows: list[tuple[str, Hand]] = []
    for group, members in hands_by_group(hands).items():
        if group:
            rows += [("", heading)] if rows else []
            rows.append((f"{group.capitalize()}:", heading))
        rows += [(_specimen(hand, text), hand) for hand in members]
    words = "\n".join(line for line, _ in rows)
    request = TextRequest(words, Page(margin=4), [hand for _, hand in rows], [bias], seed)
    sheets = (sheet for sheet, _ in compose_sheets(writer, request, line_writer(CANDIDATES, writer)))
    metadata = request.metadata(model) | {"style": ",".join(hand.name for hand in hands)}
    for name in save(sheets, output, kind, Look(), metadata):
        print(name, file=sys.stderr)


def _specimen(hand: "Hand", text: str) -> str:
    """Return the line of a hand in the picture of the gallery, in capitals where the hand's prime is in capitals."""
    line = f"{hand.name}: {text}"
    return line.upper() if hand.text.isupper() else line


def _rows() -> list[dict]:
    """Return name, kind, licence, note, styles and groups of styles of each bundled model."""
    from nextstroke.handwriting.hands import gallery, hands_by_group
    from nextstroke.runtime.model_file import Model

    rows = []
    for path in sorted(Path(str(resources.files("nextstroke") / "models")).glob("*.onnx")):
        metadata = Model(path).metadata
        record = {"name": path.stem} | {key: metadata[key] for key in ("kind", "licence", "note")}
        hands = gallery(path)
        groups = {group: [hand.name for hand in some] for group, some in hands_by_group(hands.values()).items()}
        rows.append(record | {"styles": list(hands), "groups": groups})
    return rows
