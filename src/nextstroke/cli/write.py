"""nextstroke write: text in, handwriting out."""

import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nextstroke.cli.panels import option as _option

if TYPE_CHECKING:
    from nextstroke.handwriting.sampler import Line
    from nextstroke.pages.layout import Sheet


OUTPUT = "Output"
HAND = "Handwriting"
PAGE = "Page"
PEN = "Pen and colour"
FILM = "Animations"
PLOTTER = "Plotters"


def write(
    text: Annotated[
        str | None,
        typer.Argument(
            help="Text to write; - reads standard input; each line end begins a paragraph.", show_default=False
        ),
    ] = None,
    output: Annotated[str, _option(OUTPUT, "File to write; - is standard output.", "--output", "-o")] = "-",
    format: Annotated[
        str | None,
        _option(
            OUTPUT,
            "File format: svg, png, pdf, gif, apng, inkml, xopp, json, gcode or hpgl; by default the suffix.",
        ),
    ] = None,
    strict: Annotated[
        bool, _option(OUTPUT, "Fail, and write nothing, if a line is incomplete; by default it is named.", "--strict")
    ] = False,
    memory: Annotated[
        int, _option(OUTPUT, "Memory in MiB that writing and drawing may take; more is refused at the start.", min=1)
    ] = 1024,
    style: Annotated[
        str,
        _option(
            HAND,
            "Name of a hand, or a file of ink or .style; several as a,b for the paragraphs in turn; none for another "
            "hand in each line; by default the first of the gallery.",
        ),
    ] = "",
    bias: Annotated[
        str,
        _option(
            HAND,
            "Sampling bias: 0 varies as much as real hands, 1 is very legible; several as .5,1 for the paragraphs in "
            "turn.",
        ),
    ] = "0.75",
    seed: Annotated[int, _option(HAND, "Random seed; the same seed gives the same ink.", min=0)] = 1,
    best_of: Annotated[
        int,
        _option(HAND, "Candidates of each line, of which the most legible is kept.", min=1, max=64),
    ] = 8,
    replace_: Annotated[
        str | None,
        _option(
            HAND,
            "Text written in place of characters that cannot be written; by default they are refused.",
            "--replace",
        ),
    ] = None,
    model: Annotated[str, _option(HAND, "Model file, or the name of a bundled model.")] = "writer",
    page: Annotated[
        str | None, _option(PAGE, "Page size: a4, a5, letter or WIDTHxHEIGHT in mm; by default cut to the ink.")
    ] = None,
    margin: Annotated[
        float | None, _option(PAGE, "Border on all sides in mm; by default 15, or 4 where the page is cut to the ink.")
    ] = None,
    line_height: Annotated[float, _option(PAGE, "Distance from baseline to baseline in mm.")] = 10.0,
    size: Annotated[float, _option(PAGE, "Height of small letters in mm.")] = 2.2,
    align: Annotated[str, _option(PAGE, "Alignment of the lines: left, center or right.")] = "left",
    ruled: Annotated[bool, _option(PAGE, "Draw the rules of the paper; by default it is blank.", "--ruled")] = False,
    drift: Annotated[
        float, _option(PAGE, "Unsteadiness of the lines, which rise, sink and change in size; 1 is an unsteady hand.")
    ] = 0.0,
    pen: Annotated[float, _option(PEN, "Width of the pen in mm.")] = 0.35,
    nib: Annotated[
        bool, _option(PEN, "Draw outlines that are broad where the pen is slow; by default centre lines.", "--nib")
    ] = False,
    colour: Annotated[
        str, _option(PEN, "Colour of the ink, a name or #rrggbb; several as a,b for the paragraphs in turn.")
    ] = "#1a1a2e",
    dpi: Annotated[
        float | None, _option(PEN, "Resolution in dots per inch; by default 200 for PNG, 100 for GIF and APNG.")
    ] = None,
    animate: Annotated[
        bool, _option(FILM, "Write an SVG that shows the writing; by default a still one.", "--animate")
    ] = False,
    speed: Annotated[float, _option(FILM, "Speed of GIF, APNG and --animate; 1 is that of a hand.")] = 1.0,
    shortest: Annotated[
        bool, _option(PLOTTER, "Reorder the strokes to travel less; by default as written.", "--shortest")
    ] = False,
    feed: Annotated[float, _option(PLOTTER, "Drawing speed of G-code in mm a minute.")] = 1500.0,
    pen_up: Annotated[str, _option(PLOTTER, "Line of G-code that lifts the pen.")] = "G0 Z5",
    pen_down: Annotated[str, _option(PLOTTER, "Line of G-code that lowers the pen.")] = "G1 Z0 F600",
) -> None:
    """Write text by hand.

    Example: nextstroke write "Hello world" -o hello.svg --style cursive --seed 7
    """
    from nextstroke.errors import UsageError
    from nextstroke.files import check_writable
    from nextstroke.handwriting.best_of import line_writer
    from nextstroke.handwriting.compose import TextRequest, compose_sheets
    from nextstroke.handwriting.glyphs.symbols import replaced
    from nextstroke.handwriting.learn_hand import find_hand
    from nextstroke.pages.appearance import Look
    from nextstroke.pages.budget import MIB, Budget, estimate
    from nextstroke.pages.layout import Page
    from nextstroke.pages.plotter import Plotter
    from nextstroke.pages.save import pick_format, save
    from nextstroke.runtime.model_file import load_model

    biases = numbers(bias)
    styles = [name.strip() for name in style.split(",")]
    if text is None:
        raise UsageError("missing argument 'TEXT'; see nextstroke write --help")
    look = Look(pen, colour, dpi, nib, animate, speed, Plotter(pen_up, pen_down, feed, shortest))
    kind = pick_format(output, format)
    check_writable(output)
    layout: dict[str, Any] = {"line_height": line_height, "x_height": size, "align": align}
    layout |= {"ruled": ruled, "drift": drift} | ({} if margin is None else {"margin": margin})
    sheet = Page(**{"margin": 4.0} | layout) if page is None else Page.named(page, **layout)
    words = _standard_input() if text == "-" else text
    writer = load_model(model, "writer")
    if replace_ is not None:
        words = replaced(words, writer.alphabet, replace_)
    rate = writer.metadata["points_per_character"]
    Budget(memory=memory * MIB).check(estimate(words, sheet, kind, look, rate, streamed=not strict))
    hands = [find_hand(name, writer, model) for name in styles]
    request = TextRequest(words, sheet, hands, biases, seed)
    incomplete: list[str] = []
    sheets = _watched(compose_sheets(writer, request, line_writer(best_of), _progress), incomplete, strict)
    for name in save(list(sheets) if strict else sheets, output, kind, look, request.metadata(model)):
        print(name, file=sys.stderr)
    for line in incomplete:
        print(f"nextstroke: warning: this line may not be right, try another --seed: {line}", file=sys.stderr)


def _watched(sheets: "Iterable[tuple[Sheet, list[Line]]]", incomplete: list[str], strict: bool) -> "Iterator[Sheet]":
    """Yield the sheets, and append the texts of incomplete lines; raise LimitExceeded for them if strict."""
    from nextstroke.errors import LimitExceeded
    from nextstroke.handwriting import compose

    for sheet, lines in sheets:
        incomplete += compose.incomplete(lines)
        if strict and incomplete:
            raise LimitExceeded(f"no attempt at this line is complete, try another --seed or --style: {incomplete[0]}")
        yield sheet


def numbers(text: str) -> tuple[float, ...]:
    """Return the numbers of an option, one or several separated by commas; raises UsageError."""
    from nextstroke.errors import UsageError

    try:
        return tuple(float(number) for number in text.split(","))
    except ValueError:
        raise UsageError(f"--bias {text!r}: give a number >= 0, or several as .5,1") from None


def _progress(done: int, total: int) -> None:
    """Report the characters written on a terminal, where there are many."""
    if total > 500 and sys.stderr.isatty():
        end = "\n" if done == total else ""
        print(f"\r{done} of {total} characters", end=end, file=sys.stderr, flush=True)


def _standard_input() -> str:
    """Return the text on standard input; raises BadInput, with the position, for bytes that are not UTF-8."""
    from nextstroke.errors import BadInput

    try:
        return sys.stdin.buffer.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(f"standard input: not UTF-8 at byte {error.start}; convert it first") from error
