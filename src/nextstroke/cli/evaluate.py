"""nextstroke evaluate: scores in the paper's units."""

import json
from pathlib import Path
from typing import Annotated

import typer


def evaluate(
    run: Annotated[
        Path,
        typer.Argument(help="folder of a training, RUN/best.safetensors, or a model file"),
    ],
    corpus: Annotated[Path, typer.Option(help="packed corpus made by `nextstroke data`")] = Path("data/iam.packed"),
    on: Annotated[str, typer.Option(help="validation or train")] = "validation",
    every: Annotated[int, typer.Option(help="take every n-th line only", min=1)] = 1,
    device: Annotated[str, typer.Option(help="cpu, cuda, cuda:N or mps")] = "cpu",
    as_json: Annotated[bool, typer.Option("--json", help="print the figures as JSON")] = False,
) -> None:
    """Score a training: nats per line and per point, squared error, letter test. Nothing is clipped.

    Example: nextstroke evaluate runs/writer --corpus data/iam.packed --json
    """
    from nextstroke.training.trained import evaluate_run

    figures = evaluate_run(run, corpus, on, every, device)
    if as_json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name.replace('_', ' '):24} {value:.4f}" if isinstance(value, float) else f"{name:24} {value}")
