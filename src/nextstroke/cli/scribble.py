"""nextstroke scribble: handwriting that says nothing."""

import sys
from typing import Annotated

import typer


def scribble(
    output: Annotated[str, typer.Option("--output", "-o", help="file, - for standard output")] = "-",
    lines: Annotated[int, typer.Option(help="how many", min=1)] = 5,
    points: Annotated[int, typer.Option(help="of each line; the paper shows 700", min=1)] = 700,
    bias: Annotated[float, typer.Option(help="0 is as varied as real hands")] = 0.0,
    seed: Annotated[int, typer.Option(help="the same seed gives the same ink", min=0)] = 1,
    model: Annotated[str, typer.Option(help="pen model file, or the name of a bundled one")] = "pen",
    format: Annotated[str | None, typer.Option(help="as for write; by the suffix if not given")] = None,
    line_height: Annotated[float, typer.Option(help="from line to line in mm")] = 12.0,
    size: Annotated[float, typer.Option(help="height of small letters in mm")] = 2.2,
    pen: Annotated[float, typer.Option(help="width of the pen in mm")] = 0.35,
    colour: Annotated[str, typer.Option(help="name or #rrggbb")] = "#1a1a2e",
    dpi: Annotated[float, typer.Option(help="dots per inch of a PNG")] = 200,
) -> None:
    """Draw samples of the prediction network, which was never told any letters.

    Example: nextstroke scribble -o scribble.svg --model pen.onnx --lines 8
    """
    from nextstroke.files import check_writable
    from nextstroke.handwriting.scribble import scribble as draw
    from nextstroke.pages.appearance import Look
    from nextstroke.pages.layout import Page, level, place
    from nextstroke.pages.save import pick_format, save
    from nextstroke.runtime.model_file import load_model

    look, kind = Look(pen, colour, dpi), pick_format(output, format)
    check_writable(output)
    page = Page(margin=4.0, line_height=line_height, x_height=size)
    drawn = draw(load_model(model, "pen"), lines, points, bias, seed)
    about = {"seed": seed, "bias": bias, "model": model}
    for name in save(place(level(drawn, page), page), output, kind, look, about):
        print(name, file=sys.stderr)
