"""nextstroke kernel: build the C++ loops of compression and training."""

import importlib.util
import json
from typing import Annotated

import typer

app = typer.Typer(help="Build the C++ loops that make compression and training faster.", no_args_is_help=True)


@app.command()
def build() -> None:
    """Compile the C++ loops for this machine, in less than a minute: compression, and training if torch is installed.

    Example: nextstroke kernel build
    """
    from nextstroke.native import compression_loops

    print(compression_loops.build())
    if importlib.util.find_spec("torch"):
        from nextstroke.native.lstm_loops import build as compile_loops

        print(compile_loops())


@app.command()
def status(as_json: Annotated[bool, typer.Option("--json", help="print as JSON")] = False) -> None:
    """Show whether compression and training use the C++ loops, or the slower ones in numpy and torch.

    Example: nextstroke kernel status
    """
    found = loops_in_use()
    if as_json:
        print(json.dumps({name: {"used": used, "library": path} for name, (used, path) in found.items()}))
        return
    for name, (used, path) in found.items():
        state = f"C++ loops: {path}" if used else "no C++ loops; nextstroke kernel build builds them"
        print(f"{name:11} {state}")


def loops_in_use() -> dict[str, tuple[bool, str]]:
    """Return, for compression and training, whether the compiled library is used, and its path."""
    from nextstroke.native import compression_loops

    path = compression_loops.found_library() or compression_loops.library()
    found = {"compressing": (compression_loops.loops() is not None, str(path))}
    if importlib.util.find_spec("torch"):
        from nextstroke.native.lstm_loops import library, switch_on

        found["training"] = switch_on(), str(library())
    return found
