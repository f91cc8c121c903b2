"""nextstroke kernel: the C++ loops that make compressing and training faster."""

import importlib.util
import json
from typing import Annotated

import typer

app = typer.Typer(help="Build the C++ loops that make compressing and training faster.", no_args_is_help=True)


@app.command()
def build() -> None:
    """Compile the C++ loops for this machine (less than a minute): those of the compressor, and of training with torch.

    Example: nextstroke kernel build
    """
    from nextstroke.native import compression_loops

    print(compression_loops.build())
    if importlib.util.find_spec("torch"):
        from nextstroke.native.lstm_loops import build as compile_loops

        print(compile_loops())


@app.command()
def status(as_json: Annotated[bool, typer.Option("--json", help="print as JSON")] = False) -> None:
    """Say whether compressing and training here use the C++ loops, or those in numpy and torch.

    Example: nextstroke kernel status
    """
    found = _status()
    if as_json:
        print(json.dumps({name: {"used": used, "library": path} for name, (used, path) in found.items()}))
        return
    for name, (used, path) in found.items():
        told = f"C++ loops: {path}" if used else "slower loops; nextstroke kernel build makes those in C++"
        print(f"{name:11} {told}")


def _status() -> dict[str, tuple[bool, str]]:
    """Whether a library is used, and where it lies or would."""
    from nextstroke.native import compression_loops

    found = {"compressing": (compression_loops.loops() is not None, str(compression_loops.library()))}
    if importlib.util.find_spec("torch"):
        from nextstroke.native.lstm_loops import library, switch_on

        found["training"] = switch_on(), str(library())
    return found
