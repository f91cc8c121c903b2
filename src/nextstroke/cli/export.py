"""nextstroke export: from a training to a model file."""

from pathlib import Path
from typing import Annotated

import typer


def export(
    run: Annotated[Path, typer.Argument(help="folder of a training")],
    output: Annotated[Path, typer.Option("--output", "-o", help="model file to write, such as mine.onnx")],
    licence: Annotated[str, typer.Option(help="terms the weights may be used under")] = "research, non-commercial",
    note: Annotated[str, typer.Option(help="a line about the model, kept in it")] = "",
) -> None:
    """Write a model file that needs no torch: for `nextstroke write --model FILE` and for the browser.

    Example: nextstroke export runs/writer -o mine.onnx
    """
    from nextstroke.training.export import export_run

    print(export_run(run, output, licence, note))
