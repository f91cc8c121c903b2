"""The command `handwriting` of vpype: text as lines on a layer. vpype finds it by the entry point of the package."""

from collections.abc import Iterable

import click
import numpy as np
import vpype
import vpype_cli

from nextstroke.api import write
from nextstroke.errors import NextstrokeError
from nextstroke.pages.layout import Sheet
from nextstroke.pages.spline import polyline

PIXELS = 96 / 25.4  # vpype's units in a millimetre
MOST_LINES, LONGEST_PAGE = 5000, 90_000.0  # of a wrapped text; mm
DOT = 0.05  # mm: length of a dot, since vpype drops lines without length


@click.command()
@click.argument("text", type=vpype_cli.TextType())
@click.option(
    "-s", "--style", type=vpype_cli.TextType(), default="", help="Name of a style, or a file of ink or .style."
)
@click.option("-b", "--bias", type=vpype_cli.FloatType(), default=0.75, help="Sampling bias: 0 is varied, 1 legible.")
@click.option(
    "--seed", type=vpype_cli.IntegerType(), default=1, help="Random seed; the same seed gives the same lines."
)
@click.option("--best-of", type=vpype_cli.IntegerType(), default=8, help="Attempts, of which the most legible is kept.")
@click.option("--size", type=vpype_cli.LengthType(), default="2.2mm", help="Height of small letters.")
@click.option("--line-height", type=vpype_cli.LengthType(), default="10mm", help="From baseline to baseline.")
@click.option(
    "-w", "--wrap", type=vpype_cli.LengthType(), help="Width to wrap the lines at; else only line ends break."
)
@click.option(
    "-p", "--position", nargs=2, type=vpype_cli.LengthType(), default=("0", "0"), help="Upper left corner of the text."
)
@click.option("--align", type=click.Choice(["left", "center", "right"]), default="left", help="Alignment of the lines.")
@vpype_cli.generator
def handwriting(
    text: str,
    style: str,
    bias: float,
    seed: int,
    best_of: int,
    size: float,
    line_height: float,
    wrap: float | None,
    position: tuple[float, float],
    align: str,
) -> vpype.LineCollection:
    """Write TEXT by hand with nextstroke; line ends begin paragraphs.

    Example: vpype handwriting --style neat -p 2cm 2cm "Dear Anna" linesort write anna.svg
    """
    # A wrapped text stands on one long page.
    page = None if wrap is None else f"{wrap / PIXELS:.3f}x{min(MOST_LINES * line_height / PIXELS, LONGEST_PAGE):.3f}"
    try:
        written = write(
            text,
            style=style,
            bias=bias,
            seed=seed,
            best_of=best_of,
            page=page,
            margin=0.0,
            size=size / PIXELS,
            line_height=line_height / PIXELS,
            align=align,
        )
    except NextstrokeError as error:
        raise click.ClickException(str(error)) from error
    for line in written.letter.incomplete:
        click.echo(f"handwriting: warning: this line may not be right, try another --seed: {line}", err=True)
    return vpype.LineCollection(_lines(written.letter.sheets, complex(*position)))


handwriting.help_group = "Text"  # type: ignore[attr-defined]


def _lines(sheets: Iterable[Sheet], corner: complex) -> list[np.ndarray]:
    """Return the strokes as complex numbers in vpype's units, the upper left corner of the text at `corner`."""
    lines = []
    for sheet in sheets:
        for stroke in sheet.strokes():
            curve = polyline(stroke) if len(stroke) > 1 else stroke[0] + np.array([[0.0, 0.0], [DOT, 0.0]])
            lines.append(curve[:, 0] + 1j * curve[:, 1])
    drawn = np.concatenate(lines)
    origin = drawn.real.min() + 1j * drawn.imag.min()
    return [(line - origin) * PIXELS + corner for line in lines]
