"""nextstroke kernel: the C++ loops that make training faster."""

import json
from typing import Annotated

import typer

app = typer.Typer(help="Build the C++ loops that make training faster.", no_args_is_help=True)


@app.command()
def build() -> None:
    """Compile the C++ loops for this machine (less than a minute); training takes them from then on.

    Example: nextstroke kernel build
    """
    from nextstroke.training.kernel import build as compile_loops

    print(compile_loops())


@app.command()
def status(as_json: Annotated[bool, typer.Option("--json", help="print as JSON")] = False) -> None:
    """Say whether training here uses the C++ loops or those in torch.

    Example: nextstroke kernel status
    """
    from nextstroke.training.kernel import library, switch_on

    path, used = library(), switch_on()
    if as_json:
        print(json.dumps({"used": used, "library": str(path)}))
    else:
        print(f"C++ loops: {path}" if used else "torch loops; nextstroke kernel build makes the faster ones")
