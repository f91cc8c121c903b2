"""nextstroke export: write the model file of a training."""

from pathlib import Path
from typing import Annotated, Literal

import typer

Weights = Literal["int8", "float16"]
Recogniser = Literal["reader", "reader-unipen"]


def export(
    run: Annotated[Path, typer.Argument(help="folder of a training, or RUN/best.safetensors")],
    output: Annotated[Path, typer.Option("--output", "-o", help="model file to write, such as mine.onnx")],
    licence: Annotated[str, typer.Option(help="terms of use of the weights")] = "research, non-commercial",
    note: Annotated[str, typer.Option(help="a line about the model, stored in it")] = "",
    weights: Annotated[
        Weights, typer.Option(help="storage of the large weights: int8, half the size and twice as fast, or float16")
    ] = "int8",
    average: Annotated[
        Path | None,
        typer.Option(help="another training or model file; the mean of its weights and those of the run is written"),
    ] = None,
    share: Annotated[
        float | None, typer.Option(help="--average: its share of the mean, 0 to 1; default: .5", min=0.0, max=1.0)
    ] = None,
    styles: Annotated[
        Path | None, typer.Option(help="TOML file of primes; also writes the gallery of styles next to the model")
    ] = None,
    recogniser: Annotated[
        Recogniser | None,
        typer.Option(help="of a writer: bundled recogniser that chooses among its candidates; default: reader"),
    ] = None,
    corpus: Annotated[Path, typer.Option(help="--styles: packed corpus that holds the primes")] = Path(
        "data/iam.packed"
    ),
) -> None:
    """Write a model file that needs no torch: for `nextstroke write --model FILE` and for the browser.

    Example: nextstroke export runs/writer -o mine.onnx
    """
    from nextstroke.errors import UsageError
    from nextstroke.files import check_writable

    if share is not None and average is None:
        raise UsageError("--share is the share of --average; name that training")
    check_writable(output)
    from nextstroke.training.export.publish import Average, publish_model, publish_styles

    mean = Average(average, 0.5 if share is None else share) if average else None
    print(publish_model(run, output, licence, note, weights == "int8", mean, recogniser))
    if styles is not None:
        print(publish_styles(output, styles, corpus))
