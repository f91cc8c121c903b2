"""nextstroke write: text in, handwriting out."""

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nextstroke.cli.panels import given_options
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
    context: typer.Context,
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
            "File format: svg, png, jpg, pdf, gif, apng, inkml, xopp, json, gcode or hpgl; by default by the suffix.",
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
        str | None,
        _option(
            PAGE,
            "Page size: a3, a4, a5, a6, letter or legal, with -landscape if it lies on its side, or WIDTHxHEIGHT in "
            "mm, or as 10x15cm or 4x6in; by default cut to the ink.",
        ),
    ] = None,
    margin: Annotated[
        str | None,
        _option(
            PAGE,
            "Border in mm: of all sides, or TOP_AND_BOTTOM,LEFT_AND_RIGHT, or TOP,RIGHT,BOTTOM,LEFT; by default 15, or "
            "4 where the page is cut to the ink.",
        ),
    ] = None,
    line_height: Annotated[float, _option(PAGE, "Distance from baseline to baseline in mm.")] = 10.0,
    size: Annotated[float, _option(PAGE, "Height of small letters in mm.")] = 2.2,
    align: Annotated[
        str,
        _option(
            PAGE, "Alignment of the lines: left, center or right; several as right,left for the paragraphs in turn."
        ),
    ] = "left",
    letter_spacing: Annotated[
        float, _option(PAGE, "Space added between letters in mm; below 0 they are closer.")
    ] = 0.0,
    word_spacing: Annotated[float, _option(PAGE, "Space added between words in mm; below 0 they are closer.")] = 0.0,
    indent: Annotated[float, _option(PAGE, "Indent of the first line of each paragraph in mm.")] = 0.0,
    tab: Annotated[float, _option(PAGE, "Distance of the tab stops in mm.")] = 12.0,
    markup: Annotated[
        bool,
        _option(
            PAGE,
            "Read ~~word~~ as struck out, __word__ as underlined, ->line<- as centred and ->line-> as aligned to the "
            "right; by default all characters are written.",
            "--markup",
        ),
    ] = False,
    paper: Annotated[str, _option(PAGE, "Paper: blank, ruled, grid or dots.")] = "blank",
    ruled: Annotated[bool, _option(PAGE, "The same as --paper ruled; by default --paper decides.", "--ruled")] = False,
    drift: Annotated[
        float, _option(PAGE, "Unsteadiness of the lines, which rise, sink and change in size; 1 is an unsteady hand.")
    ] = 0.0,
    slant: Annotated[
        float, _option(PAGE, "Degrees by which letters are slanted further, to the right where it is above 0.")
    ] = 0.0,
    pen: Annotated[float, _option(PEN, "Width of the pen in mm.")] = 0.35,
    nib: Annotated[
        bool, _option(PEN, "Draw outlines that are broad where the pen is slow; by default centre lines.", "--nib")
    ] = False,
    colour: Annotated[
        str,
        _option(
            PEN,
            "Colour of the ink, a name or #rrggbb; several as a,b for the paragraphs in turn.",
            "--colour",
            "--color",
        ),
    ] = "#1a1a2e",
    background: Annotated[
        str,
        _option(
            PEN,
            "Colour of the paper, a PNG or JPEG file that fills it, or none for a transparent picture; by default "
            "pictures are white.",
        ),
    ] = "",
    dpi: Annotated[
        float | None,
        _option(PEN, "Resolution in dots per inch; by default 200 for PNG and JPEG, 100 for GIF and APNG."),
    ] = None,
    animate: Annotated[
        bool, _option(FILM, "Write an SVG that shows the writing; by default a still one.", "--animate")
    ] = False,
    speed: Annotated[float, _option(FILM, "Speed of GIF, APNG and --animate; 1 is that of a hand.")] = 1.0,
    shortest: Annotated[
        bool,
        _option(
            PLOTTER, "Reorder the strokes of SVG, G-code and HPGL to travel less; by default as written.", "--shortest"
        ),
    ] = False,
    machine: Annotated[
        str,
        _option(
            PLOTTER,
            "Kind of plotter: grbl-servo, grbl-z or marlin-servo for G-code, axidraw for SVG; by default G-code is for "
            "any machine with a Z axis.",
        ),
    ] = "",
    feed: Annotated[float, _option(PLOTTER, "Drawing speed of G-code in mm a minute.")] = 1500.0,
    pen_up: Annotated[
        str | None, _option(PLOTTER, "Lines of G-code that lift the pen; by default those of the machine, or G0 Z5.")
    ] = None,
    pen_down: Annotated[
        str | None,
        _option(PLOTTER, "Lines of G-code that lower the pen; by default those of the machine, or G1 Z0 F600."),
    ] = None,
    dwell: Annotated[
        float | None,
        _option(PLOTTER, "Wait after the pen was lifted or lowered, in ms; by default 150 for servos and else none."),
    ] = None,
    header: Annotated[
        str | None,
        _option(PLOTTER, "Lines of G-code at the beginning; by default those of the machine, or G21 and G90."),
    ] = None,
    footer: Annotated[
        str | None,
        _option(PLOTTER, "Lines of G-code at the end; by default those of the machine, or G0 X0 Y0 and M2."),
    ] = None,
    tolerance: Annotated[
        float, _option(PLOTTER, "Largest distance in mm of G-code and HPGL from the curve; more saves points.")
    ] = 0.03,
    bed: Annotated[
        str | None,
        _option(
            PLOTTER,
            "Size of the machine's bed as WIDTHxHEIGHT in mm, in whose middle the page is placed; by default the page "
            "is at its origin.",
        ),
    ] = None,
    offset: Annotated[str, _option(PLOTTER, "Millimetres that the page is moved on the machine, as RIGHT,UP.")] = "0,0",
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
    from nextstroke.pages.background import background as background_of
    from nextstroke.pages.budget import MIB, Budget, estimate
    from nextstroke.pages.layout import CUT_MARGIN, Page, printed_paper
    from nextstroke.pages.plotter import Plotter
    from nextstroke.pages.save import check_look, check_options, pick_format, save
    from nextstroke.runtime.model_file import load_model

    biases = numbers("bias", bias)
    styles = [name.strip() for name in style.split(",")]
    if text is None:
        raise UsageError("missing argument 'TEXT'; see nextstroke write --help")
    kind = pick_format(output, format)
    check_options(kind, given_options(context), lambda name: f"--{name.replace('_', '-')}")
    commands = {"pen_up": pen_up, "pen_down": pen_down, "header": header, "footer": footer}
    settings: dict[str, Any] = {name: _lines(lines) for name, lines in commands.items() if lines is not None}
    settings |= {"feed": feed, "tolerance": tolerance} | ({"shortest": True} if shortest else {})
    settings |= {} if dwell is None else {"dwell": dwell}
    settings |= {"offset": numbers("offset", offset, 2), "bed": None if bed is None else numbers("bed", bed, 2, "x")}
    plotter = Plotter.of(machine, **settings)
    look = Look(pen, colour, dpi, nib, animate, background_of(background), speed, plotter)
    check_look(kind, look)
    check_writable(output)
    layout: dict[str, Any] = {
        "line_height": line_height,
        "x_height": size,
        "align": align,
        "drift": drift,
        "slant": slant,
    }
    layout |= {"letter_spacing": letter_spacing, "word_spacing": word_spacing, "indent": indent, "tab": tab}
    layout |= {"paper": printed_paper(paper, ruled)} | ({} if margin is None else {"margin": numbers("margin", margin)})
    sheet = Page(**{"margin": CUT_MARGIN} | layout) if page is None else Page.named(page, **layout)
    words = _standard_input() if text == "-" else text
    writer = load_model(model, "writer")
    if replace_ is not None:
        words = replaced(words, writer.alphabet, replace_)
    rate = writer.metadata["points_per_character"]
    Budget(memory=memory * MIB).check(estimate(words, sheet, kind, look, rate, streamed=not strict))
    hands = [find_hand(name, writer, model) for name in styles]
    request = TextRequest(words, sheet, hands, biases, seed, markup)
    _warn_of_name(text)
    for warning in request.warnings():
        print(f"nextstroke: warning: {warning}", file=sys.stderr)
    incomplete: list[str] = []
    sheets = _watched(compose_sheets(writer, request, line_writer(best_of, writer), _progress), incomplete, strict)
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


def numbers(option: str, text: str, count: int | None = None, separator: str = ",") -> tuple[float, ...]:
    """Return the numbers of an option; raises UsageError.

    Args:
        option: Name of the option.
        count: How many there have to be; default: any number.
    """
    from nextstroke.errors import UsageError

    try:
        found = tuple(float(number) for number in text.split(separator))
    except ValueError:
        found = ()
    if not found or (count and len(found) != count):
        example = {"bias": "a number >= 0, or several as .5,1", "bed": "WIDTHxHEIGHT as 300x200"}
        wanted = example.get(option, "a number, or several as 10,20" if count is None else "two numbers as 10,20")
        raise UsageError(f"--{option} {text!r:.60}: give {wanted}")
    return found


def _lines(commands: str) -> str:
    r"""Return lines of G-code, in which \n may stand for the end of a line."""
    return commands.replace("\\n", "\n")


def _warn_of_name(text: str) -> None:
    """Warn where a text looks like the name of a file, whose content was meant."""
    name = text.strip()
    if len(name) < 256 and (re.fullmatch(r"\S+\.(txt|md|text)", name) or ("." in name and Path(name).is_file())):
        told = f"writes the words {name!r}; to write what the file says: nextstroke write - < {name}"
        print(f"nextstroke: warning: {told}", file=sys.stderr)


def _progress(done: int, total: int) -> None:
    """Report the characters written on a terminal, where there are many."""
    if total > 500 and sys.stderr.isatty():
        end = "\n" if done == total else ""
        print(f"\r{done} of {total} characters", end=end, file=sys.stderr, flush=True)


def _standard_input() -> str:
    """Return the text on standard input; raises BadInput, with the position, for bytes that are not UTF-8.

    More than the budget allows anyway is not read.
    """
    from nextstroke.errors import BadInput
    from nextstroke.files import read_stream_at_most
    from nextstroke.pages.budget import BUDGET

    try:
        longest = 4 * BUDGET.characters + 3  # bytes of UTF-8, and a byte order mark
        return read_stream_at_most(sys.stdin.buffer, longest, "standard input").decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(f"standard input: not UTF-8 at byte {error.start}; convert it first") from error
