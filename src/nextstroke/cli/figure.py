"""nextstroke figure: the paper's pictures, made by our own models, and one of our own."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Draw a figure of the paper (extra: figures).", no_args_is_help=True)


@app.callback()
def figures() -> None:
    """Draw a figure of the paper (extra: figures).

    Example: nextstroke figure window "more of national temperament" -o window.png
    """


@app.command()
def window(
    text: Annotated[str, typer.Argument(help="what is written while the window is watched")],
    output: Annotated[Path, typer.Option("--output", "-o", help="picture to write: png, svg or pdf")],
    style: Annotated[str, typer.Option(help="a hand of the gallery; none lets the network choose")] = "none",
    bias: Annotated[float, typer.Option(help="0 is unbiased")] = 0.5,
    seed: Annotated[int, typer.Option(help="random seed", min=0)] = 1,
    model: Annotated[str, typer.Option(help="model file, or the name of a bundled one")] = "writer",
) -> None:
    """Figure 13: where the window looks while the text is written. A network that reads shows one rising line.

    Example: nextstroke figure window "more of national temperament" -o window.png
    """
    from nextstroke.engine.modelfile import load_model
    from nextstroke.engine.styles import find_style
    from nextstroke.engine.write import write_lines
    from nextstroke.files import check_writable
    from nextstroke.pages.figures import window_figure

    check_writable(output)
    written = write_lines(load_model(model, "writer"), [text], bias, seed, find_style(style, model))[0]
    window_figure(written.phi, text, written.ink, output)
    print(output)


@app.command()
def profile(
    output: Annotated[Path, typer.Option("--output", "-o", help="picture to write: png, svg or pdf")],
) -> None:
    """Where the time of a training step goes on this machine, on one core.

    Example: nextstroke figure profile -o profile.png
    """
    from nextstroke.files import check_writable
    from nextstroke.pages.figures import figure_kind, shares_figure

    check_writable(output)
    figure_kind(output)
    from nextstroke.training.profile import profile_step

    shares_figure(profile_step(), "A training step of the writer: share of its time", output)
    print(output)
