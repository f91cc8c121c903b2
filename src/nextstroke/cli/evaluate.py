"""nextstroke evaluate: scores in the paper's units."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer


def evaluate(
    run: Annotated[
        Path,
        typer.Argument(help="folder of a training, RUN/best.safetensors, or a model file"),
    ],
    corpus: Annotated[Path, typer.Option(help="packed corpus made by `nextstroke data`")] = Path("data/iam.packed"),
    on: Annotated[str, typer.Option(help="validation or train; of a text any split it has")] = "validation",
    every: Annotated[int, typer.Option(help="take every n-th line only", min=1)] = 1,
    temperature: Annotated[float, typer.Option(help="of a text: logits are divided by it")] = 1.0,
    dynamic: Annotated[bool, typer.Option("--dynamic", help="learn on from the text that is scored")] = False,
    rule: Annotated[str | None, typer.Option(help="--dynamic: rms (the default), or sgd")] = None,
    rate: Annotated[float | None, typer.Option(help="--dynamic: step size; without it, one is chosen")] = None,
    choose: Annotated[
        int | None, typer.Option(help="--dynamic: symbols to choose on, at the validation text's end (20,000)")
    ] = None,
    decay: Annotated[float | None, typer.Option(help="rms: share of the way back at each step (.002)")] = None,
    epsilon: Annotated[float | None, typer.Option(help="rms: beside each divisor, in their mean (.1)")] = None,
    segment: Annotated[int | None, typer.Option(help="--dynamic: symbols of a segment; else the recipe's")] = None,
    symbols: Annotated[int | None, typer.Option(help="--dynamic: only the text's first so many")] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda, cuda:N or mps")] = "cpu",
    as_json: Annotated[bool, typer.Option("--json", help="print the figures as JSON")] = False,
) -> None:
    """Score a training: nats per line and per point, squared error, letter test. Nothing is clipped.

    Of a text: bits per character, perplexities, error; with --dynamic, beside the static ones, those of weights that
    go on learning, each symbol paid before it is learned from. What is stored stays as it is.

    Example: nextstroke evaluate runs/writer --corpus data/iam.packed --json
    """
    from nextstroke.training.evaluation.runs import evaluate_run

    given = {"rule": rule, "rate": rate, "choose": choose, "decay": decay, "epsilon": epsilon, "segment": segment}
    chosen = {name: value for name, value in (given | {"symbols": symbols}).items() if value is not None}
    if dynamic:
        if temperature != 1:
            _refuse({"temperature": temperature}, "does not go with --dynamic, whose weights find their own")
        figures = _evaluate_dynamically(run, corpus, on, every, device, chosen)
    else:
        _refuse(chosen, "goes with --dynamic only")
        figures = evaluate_run(run, corpus, on, every, device, temperature)
    if as_json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name.replace('_', ' '):36} {value:.4g}" if isinstance(value, float) else f"{name:36} {value}")


def _evaluate_dynamically(
    run: Path, corpus: Path, split: str, every: int, device: str, chosen: dict[str, Any]
) -> dict[str, float]:
    """The dynamic scores; `chosen` are the options that were given."""
    from nextstroke.training.evaluation.dynamic import DynamicEvalConfig, evaluate_dynamically

    _refuse({"every": every} if every > 1 else {}, "does not go with --dynamic, which reads on without a gap")
    symbols = chosen.pop("symbols", None)
    figures = evaluate_dynamically(run, corpus, split, DynamicEvalConfig(**chosen), symbols, device)
    if returns := figures["returns_to_the_trained_weights"]:
        typer.echo(f"diverged {returns} times: returned to the trained weights, the rate halved each time", err=True)
    return figures


def _refuse(options: dict[str, Any], why: str) -> None:
    from nextstroke.errors import UsageError

    for name in options:
        raise UsageError(f"--{name} {why}")
