"""nextstroke train: learn from a packed corpus what a recipe says."""

import os
import sys
import time
from math import log
from pathlib import Path
from typing import Annotated

import typer


def train(
    recipe: Annotated[Path, typer.Argument(help="TOML file, or the name of a shipped recipe, such as writer")],
    corpus: Annotated[Path, typer.Option(help="packed corpus made by `nextstroke data`")] = Path("data/iam.packed"),
    set_: Annotated[list[str], typer.Option("--set", metavar="A.B=C", help="change a value of the recipe")] = [],  # noqa: B006
    run: Annotated[
        Path | None, typer.Option(help="folder of the training; runs/NAME of the recipe if not given")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="go on from the folder's checkpoint")] = False,
    workers: Annotated[int | None, typer.Option(help="processes that share each batch's lines")] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda, cuda:N or mps")] = "cpu",
) -> None:
    """Train a network; stop it with Ctrl-C at any time and go on with --resume.

    Example: nextstroke train writer --corpus data/iam.packed --set training.updates=500
    """
    from nextstroke.config import load_recipe

    workers_too = [] if workers is None else [f"training.workers={workers}"]
    settings = load_recipe(recipe, [*set_, *workers_too])
    # Only now: loading torch takes seconds that a wrong recipe need not wait for.
    from nextstroke.training.run import train as train_run

    folder = run or Path("runs") / recipe.stem
    train_run(settings, corpus, folder, resume, Reporter(settings.training.updates, settings.kind), device)
    if os.environ.get("RANK", "0") == "0":  # of a team that a launcher started, one speaks
        print(f"done; export it with: nextstroke export {folder} -o {folder.name}.onnx")


class Reporter:
    """Shows the progress of a training: one line rewritten on a terminal, one line a minute elsewhere.

    Args:
        updates: How many there will be.
        kind: What is learned, which decides the units.
    """

    def __init__(self, updates: int, kind: str = "writer") -> None:
        self.updates, self.kind, self.shown = updates, kind, 0.0

    def __call__(self, progress, event: str) -> None:
        """Show where the training stands; an event gets a line of its own."""
        pause = 0.5 if sys.stderr.isatty() else 60
        if not event and time.monotonic() - self.shown < pause:
            return
        self.shown = time.monotonic()
        rate = progress.points / max(progress.seconds, 1e-9)
        left = max(0, self.updates - progress.update) * progress.seconds / max(progress.update, 1)
        line = f"update {progress.update} of {self.updates}, {left / 60:.0f} min left, "
        line += f"{progress.points / 1e6:.2f} M {self._scores(progress, rate)}"
        end = "\n" if event or not sys.stderr.isatty() else "\r"
        print(f"{line}{', ' + event if event else ''}", end=end, file=sys.stderr, flush=True)

    def _scores(self, progress, rate: float) -> str:
        """How fast and how well, in the units of the kind."""
        known = progress.validation == progress.validation
        if self.kind == "text":
            line = f"symbols, {rate:.0f} symbols/s, train {progress.train / log(2):.4f} bits a symbol"
            return line + f", validation {progress.validation:.4f} bits a character" * known
        if self.kind == "reader":
            line = f"characters, {rate:.0f} characters/s, train {progress.train:.4f} nats a character"
            return line + f", validation {progress.validation:.4f} of the characters wrong" * known
        line = f"points, {rate:.0f} points/s, train {progress.train:.4f} nats a point"
        validation = f", validation {progress.validation:.2f} nats a line ({progress.validation_point:.4f} a point)"
        return line + validation * known
