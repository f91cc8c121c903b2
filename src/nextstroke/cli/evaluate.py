"""nextstroke evaluate: scores in the paper's units."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer


def evaluate(
    run: Annotated[
        Path,
        typer.Argument(help="folder of a training, RUN/best.safetensors, a model file, or the name of a bundled model"),
    ],
    corpus: Annotated[Path, typer.Option(help="packed corpus, made by `nextstroke data`")] = Path("data/iam.packed"),
    on: Annotated[
        str, typer.Option(help="split to score: validation or train; of a text any split it has")
    ] = "validation",
    every: Annotated[int, typer.Option(help="score each n-th line only", min=1)] = 1,
    temperature: Annotated[float, typer.Option(help="text networks: divisor of the logits")] = 1.0,
    dynamic: Annotated[
        bool, typer.Option("--dynamic", help="text networks: also learn from the text while it is scored")
    ] = False,
    rule: Annotated[str | None, typer.Option(help="--dynamic: update rule, rms or sgd; default: rms")] = None,
    rate: Annotated[
        float | None, typer.Option(help="--dynamic: step size; default: chosen on the validation text")
    ] = None,
    choose: Annotated[
        int | None,
        typer.Option(
            help="--dynamic: symbols at the end of the validation text to choose a step size on; default: 20,000"
        ),
    ] = None,
    decay: Annotated[
        float | None,
        typer.Option(help="--rule rms: mean share of the way back to the trained weights at each step; default: .002"),
    ] = None,
    epsilon: Annotated[
        float | None, typer.Option(help="--rule rms: number added to each divisor, in units of their mean; default: .1")
    ] = None,
    segment: Annotated[
        int | None, typer.Option(help="--dynamic: symbols scored before each update; default: the recipe's")
    ] = None,
    symbols: Annotated[
        int | None,
        typer.Option(help="--dynamic: number of symbols to score from the beginning of the text; default: all"),
    ] = None,
    device: Annotated[str, typer.Option(help="device of the evaluation: cpu, cuda, cuda:N or mps")] = "cpu",
    as_json: Annotated[bool, typer.Option("--json", help="print the scores as JSON")] = False,
) -> None:
    """Score a training: nats per line and per point, squared error, letter test. Nothing is clipped.

    For a text: bits per character, perplexities, error. With --dynamic also those of weights that learn from the
    text, where each symbol is scored before it is learned from. The stored weights are not changed.

    Example: nextstroke evaluate runs/writer --corpus data/iam.packed --json
    """
    from nextstroke.training.evaluation.runs import evaluate_run

    given = {"rule": rule, "rate": rate, "choose": choose, "decay": decay, "epsilon": epsilon, "segment": segment}
    chosen = {name: value for name, value in (given | {"symbols": symbols}).items() if value is not None}
    if dynamic:
        if temperature != 1:
            _refuse({"temperature": temperature}, "cannot be used with --dynamic")
        scores = _evaluate_dynamically(run, corpus, on, every, device, chosen)
    else:
        _refuse(chosen, "needs --dynamic")
        scores = evaluate_run(run, corpus, on, every, device, temperature)
    if as_json:
        print(json.dumps(scores))
        return
    for name, value in scores.items():
        print(f"{name.replace('_', ' '):36} {value:.4g}" if isinstance(value, float) else f"{name:36} {value}")


def _evaluate_dynamically(
    run: Path, corpus: Path, split: str, every: int, device: str, chosen: dict[str, Any]
) -> dict[str, float]:
    """Return the dynamic scores.

    Args:
        chosen: Options that were given, by name.
    """
    from nextstroke.training.evaluation.dynamic import DynamicEvalConfig, evaluate_dynamically

    _refuse({"every": every} if every > 1 else {}, "cannot be used with --dynamic, which reads the whole text")
    symbols = chosen.pop("symbols", None)
    scores = evaluate_dynamically(run, corpus, split, DynamicEvalConfig(**chosen), symbols, device)
    if returns := scores["returns_to_the_trained_weights"]:
        typer.echo(f"diverged {returns} times: returned to the trained weights, the rate halved each time", err=True)
    return scores


def _refuse(options: dict[str, Any], why: str) -> None:
    from nextstroke.errors import UsageError

    for name in options:
        raise UsageError(f"--{name} {why}")
