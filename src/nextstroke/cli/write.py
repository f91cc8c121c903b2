"""nextstroke write: text in, handwriting out."""

import sys
from dataclasses import replace
from typing import Annotated

import typer


def write(
    text: Annotated[
        str, typer.Argument(help="what to write; - reads standard input; each line end begins a paragraph")
    ],
    output: Annotated[str, typer.Option("--output", "-o", help="file, - for standard output")] = "-",
    style: Annotated[
        str, typer.Option(help="hand, or several as a,b,c for the paragraphs in turn; the first there is if not given")
    ] = "",
    bias: Annotated[float, typer.Option(help="0 is as varied as real hands, 1 very legible")] = 0.75,
    seed: Annotated[int, typer.Option(help="the same seed gives the same ink", min=0)] = 1,
    model: Annotated[str, typer.Option(help="model file, or the name of a bundled one")] = "writer",
    format: Annotated[str | None, typer.Option(help="svg, png or json; by the suffix if not given")] = None,
    page: Annotated[
        str | None, typer.Option(help="a4, a5, letter or WIDTHxHEIGHT in mm; cut to the ink if not given")
    ] = None,
    margin: Annotated[float | None, typer.Option(help="border in mm")] = None,
    line_height: Annotated[float, typer.Option(help="from baseline to baseline in mm")] = 10.0,
    size: Annotated[float, typer.Option(help="height of small letters in mm")] = 2.2,
    align: Annotated[str, typer.Option(help="left, center or right")] = "left",
    ruled: Annotated[bool, typer.Option("--ruled", help="draw the lines of the paper")] = False,
    pen: Annotated[float, typer.Option(help="width of the pen in mm")] = 0.35,
    colour: Annotated[str, typer.Option(help="name or #rrggbb")] = "#1a1a2e",
    dpi: Annotated[float, typer.Option(help="dots per inch of a PNG")] = 200,
) -> None:
    """Write text by hand.

    Example: nextstroke write "Hello world" -o hello.svg --style cursive --seed 7
    """
    from nextstroke.engine.modelfile import load_model
    from nextstroke.engine.styles import find_style
    from nextstroke.files import check_writable
    from nextstroke.letter import compose
    from nextstroke.pages.layout import Page
    from nextstroke.pages.save import Look, pick_format, save

    look, kind = Look(pen, colour, dpi), pick_format(output, format)
    check_writable(output)
    sheet = Page(margin=4.0) if page is None else Page.named(page)
    sheet = replace(sheet, line_height=line_height, x_height=size, align=align, ruled=ruled)
    if margin is not None:
        sheet = replace(sheet, margin=margin)
    words = _standard_input() if text == "-" else text
    writer = load_model(model, "writer")
    hands = [find_style(name.strip(), model) for name in style.split(",")]
    letter = compose(writer, words, sheet, hands, bias, seed)
    named = ",".join(hand.name or "none" for hand in hands)
    about = {"text": words, "seed": seed, "bias": bias, "style": named, "model": model}
    for name in save(letter.sheets, output, kind, look, about):
        print(name, file=sys.stderr)
    for line in letter.doubtful:
        print(f"nextstroke: warning: this line may not be right, try another seed: {line}", file=sys.stderr)


def _standard_input() -> str:
    """Text from standard input; bytes that are not UTF-8 are refused with their place."""
    from nextstroke.errors import BadInput

    try:
        return sys.stdin.buffer.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(f"standard input: not UTF-8 at byte {error.start}; convert it first") from error
