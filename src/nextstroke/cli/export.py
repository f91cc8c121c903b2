"""nextstroke export: write the model file of a training."""

from pathlib import Path
from typing import Annotated, Literal

import typer

Weights = Literal["int8", "float16"]


def export(
    run: Annotated[Path, typer.Argument(help="folder of a training, or RUN/best.safetensors")],
    output: Annotated[Path, typer.Option("--output", "-o", help="model file to write, such as mine.onnx")],
    licence: Annotated[str, typer.Option(help="terms of use of the weights")] = "research, non-commercial",
    note: Annotated[str, typer.Option(help="a line about the model, stored in it")] = "",
    weights: Annotated[
        Weights, typer.Option(help="storage of the large weights: int8, half the size and twice as fast, or float16")
    ] = "int8",
    styles: Annotated[
        Path | None, typer.Option(help="TOML file of primes; also writes the gallery of styles next to the model")
    ] = None,
    corpus: Annotated[Path, typer.Option(help="--styles: packed corpus that holds the primes")] = Path(
        "data/iam.packed"
    ),
) -> None:
    """Write a model file that needs no torch: for `nextstroke write --model FILE` and for the browser.

    Example: nextstroke export runs/writer -o mine.onnx
    """
    from nextstroke.files import check_writable

    check_writable(output)
    from nextstroke.training.export.publish import publish_model, publish_styles

    print(publish_model(run, output, licence, note, weights == "int8"))
    if styles is not None:
        print(publish_styles(output, styles, corpus))
