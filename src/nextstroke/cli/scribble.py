"""nextstroke scribble: samples of the prediction network, which takes no text."""

import sys
from typing import Annotated

import typer


def scribble(
    output: Annotated[str, typer.Option("--output", "-o", help="file to write, - for standard output")] = "-",
    lines: Annotated[int, typer.Option(help="number of lines", min=1)] = 5,
    points: Annotated[int, typer.Option(help="points of each line; the paper shows 700", min=1)] = 700,
    bias: Annotated[float, typer.Option(help="0: as varied as real handwriting; 1: smoother")] = 0.0,
    seed: Annotated[int, typer.Option(help="the same seed gives the same ink", min=0)] = 1,
    model: Annotated[str, typer.Option(help="prediction model: file, or the name of a bundled model")] = "pen",
    format: Annotated[str | None, typer.Option(help="format, as for write; default: by the suffix of the file")] = None,
    line_height: Annotated[float, typer.Option(help="distance between baselines in mm")] = 12.0,
    size: Annotated[float, typer.Option(help="height of small letters in mm")] = 2.2,
    pen: Annotated[float, typer.Option(help="width of the pen in mm")] = 0.35,
    colour: Annotated[str, typer.Option(help="colour of the ink: name or #rrggbb")] = "#1a1a2e",
    dpi: Annotated[
        float | None, typer.Option(help="resolution of a picture in dots per inch; default: as for write")
    ] = None,
) -> None:
    """Draw samples of the prediction network: strokes that look like handwriting, without text.

    Example: nextstroke scribble -o scribble.svg --lines 8
    """
    from nextstroke.files import check_writable
    from nextstroke.handwriting.scribble import scribble as draw
    from nextstroke.pages.appearance import Look
    from nextstroke.pages.layout import Page, level, place
    from nextstroke.pages.save import pick_format, save
    from nextstroke.runtime.model_file import load_model

    look = Look(pen, colour, dpi)
    kind = pick_format(output, format)
    check_writable(output)
    page = Page(margin=4.0, line_height=line_height, x_height=size)
    lines_of_ink = draw(load_model(model, "pen"), lines, points, bias, seed)
    metadata = {"seed": seed, "bias": bias, "model": model}
    for name in save(place(level(lines_of_ink, page), page), output, kind, look, metadata):
        print(name, file=sys.stderr)
