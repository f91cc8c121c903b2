"""nextstroke write: text in, handwriting out."""

import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer


def write(
    text: Annotated[
        str | None, typer.Argument(help="what to write; - reads standard input; each line end begins a paragraph")
    ] = None,
    output: Annotated[str, typer.Option("--output", "-o", help="file, - for standard output")] = "-",
    style: Annotated[
        str,
        typer.Option(
            help="hand, or a file of ink or .style; several as a,b for the paragraphs in turn; the first if not given"
        ),
    ] = "",
    bias: Annotated[
        str, typer.Option(help="0 is as varied as real hands, 1 very legible; or several as .5,1 for the paragraphs")
    ] = "0.75",
    seed: Annotated[int, typer.Option(help="the same seed gives the same ink", min=0)] = 1,
    model: Annotated[str, typer.Option(help="model file, or the name of a bundled one")] = "writer",
    format: Annotated[
        str | None,
        typer.Option(help="svg, png, pdf, gif, apng, inkml, json, gcode or hpgl; by the suffix if not given"),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="fail if a line may not be right, writing nothing")] = False,
    page: Annotated[
        str | None, typer.Option(help="a4, a5, letter or WIDTHxHEIGHT in mm; cut to the ink if not given")
    ] = None,
    margin: Annotated[float | None, typer.Option(help="border in mm")] = None,
    line_height: Annotated[float, typer.Option(help="from baseline to baseline in mm")] = 10.0,
    size: Annotated[float, typer.Option(help="height of small letters in mm")] = 2.2,
    align: Annotated[str, typer.Option(help="left, center or right")] = "left",
    ruled: Annotated[bool, typer.Option("--ruled", help="draw the lines of the paper")] = False,
    drift: Annotated[float, typer.Option(help="lines rise, sink and change in size; 1 is an unsteady hand")] = 0.0,
    pen: Annotated[float, typer.Option(help="width of the pen in mm")] = 0.35,
    nib: Annotated[bool, typer.Option("--nib", help="broad where the pen is slow: outlines, not centre lines")] = False,
    colour: Annotated[str, typer.Option(help="name or #rrggbb, or several as a,b for the paragraphs")] = "#1a1a2e",
    dpi: Annotated[float | None, typer.Option(help="dots per inch; 200 for PNG, 100 for films if not given")] = None,
    animate: Annotated[bool, typer.Option("--animate", help="an SVG that shows the writing")] = False,
    speed: Annotated[float, typer.Option(help="of GIF, APNG and --animate; 1 is a hand's")] = 1.0,
    shortest: Annotated[bool, typer.Option("--shortest", help="plotters: reorder strokes to travel less")] = False,
    feed: Annotated[float, typer.Option(help="G-code: speed of drawing in mm a minute")] = 1500.0,
    pen_up: Annotated[str, typer.Option(help="G-code: line that lifts the pen")] = "G0 Z5",
    pen_down: Annotated[str, typer.Option(help="G-code: line that lowers it")] = "G1 Z0 F600",
    replace_: Annotated[
        str | None, typer.Option("--replace", help="written for characters that cannot be; without it they are refused")
    ] = None,
    best_of: Annotated[
        int, typer.Option(help="candidates of each line, the most legible is taken; 1 in a batch", min=1, max=64)
    ] = 8,
    batch: Annotated[
        Path | None, typer.Option(help='many texts: JSON lines, "a text" or {"text": …, "style": …, "bias": …}')
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="folder for --batch: ink-*.npz, manifest.jsonl, with --dpi a PNG of each line")
    ] = None,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="leave out rows of --batch that cannot be written, naming each")
    ] = False,
    shard: Annotated[int, typer.Option(help="lines in a file of --batch", min=1, max=4096)] = 256,
    workers: Annotated[int, typer.Option(help="processes for --batch; 0 for one a core", min=0)] = 0,
    memory: Annotated[
        int, typer.Option(help="MiB that writing and drawing may take; more is refused before it begins", min=1)
    ] = 1024,
    cluster: Annotated[str | None, typer.Option(help="Dask scheduler whose workers write --batch")] = None,
) -> None:
    """Write text by hand.

    Example: nextstroke write "Hello world" -o hello.svg --style cursive --seed 7
    """
    from nextstroke.errors import UsageError
    from nextstroke.files import check_writable
    from nextstroke.handwriting.best_of import chooser_among
    from nextstroke.handwriting.compose import compose_sheets
    from nextstroke.handwriting.glyphs.symbols import replaced
    from nextstroke.handwriting.learn_hand import find_hand
    from nextstroke.pages.appearance import Look
    from nextstroke.pages.budget import MIB, Budget, estimate
    from nextstroke.pages.layout import Page
    from nextstroke.pages.plotter import Plotter
    from nextstroke.pages.save import pick_format, save
    from nextstroke.runtime.model_file import load_model

    biases, styles = numbers(bias), [name.strip() for name in style.split(",")]
    if batch is not None or out is not None:
        _batch(text, batch, out, styles, biases, seed, model, shard, dpi, workers, cluster, skip_bad)
        return
    if text is None:
        raise UsageError("missing argument 'TEXT'; see nextstroke write --help")
    look = Look(pen, colour, dpi, nib, animate, speed, Plotter(pen_up, pen_down, feed, shortest))
    kind = pick_format(output, format)
    check_writable(output)
    sheet = Page(margin=4.0) if page is None else Page.named(page)
    sheet = replace(sheet, line_height=line_height, x_height=size, align=align, ruled=ruled, drift=drift)
    if margin is not None:
        sheet = replace(sheet, margin=margin)
    words = _standard_input() if text == "-" else text
    writer = load_model(model, "writer")
    if replace_ is not None:
        words = replaced(words, writer.alphabet, replace_)
    rate = writer.about["points_per_character"]
    Budget(memory=memory * MIB).check(estimate(words, sheet, kind, look, rate, streamed=not strict))
    hands = [find_hand(name, writer, model) for name in styles]
    warn = _Doubts(strict)
    pages = compose_sheets(writer, words, sheet, hands, biases, seed, _progress, chooser_among(best_of))
    sheets = warn.watching(pages)
    named = ",".join(hand.name or "none" for hand in hands)
    about = {"text": words, "seed": seed, "bias": biases, "style": named, "model": model}
    for name in save(list(sheets) if strict else sheets, output, kind, look, about):
        print(name, file=sys.stderr)
    warn.tell()


def _batch(text, batch, out, styles, biases, seed, model, size, dpi, workers, cluster, skip_bad) -> None:
    """Many texts into a folder."""
    from nextstroke.errors import BadInput, UsageError
    from nextstroke.handwriting.bulk import check_orders, cut_shards, raised, read_orders, write_bulk
    from nextstroke.handwriting.shards import Folder

    if text is not None or batch is None or out is None:
        raise UsageError("--batch FILE and --out FOLDER go together, and without TEXT")
    bad = _skipped if skip_bad else raised
    found = read_orders(batch, styles, biases if isinstance(biases, list) else [biases], bad)
    orders = check_orders(found, batch, model, bad)
    if not orders:
        raise BadInput(f"{batch}: has no lines{' that can be written' if skip_bad else ''}")
    folder = Folder(out)
    shards = list(cut_shards(orders, size, model, seed, dpi))
    write_bulk(shards, folder, workers or os.cpu_count() or 1, cluster, _shards_done)
    for path in folder.broken:
        print(f"nextstroke: warning: {path}: was lost or altered; its shard is written again", file=sys.stderr)
    print(out / "manifest.jsonl", file=sys.stderr)


def _skipped(error: Exception) -> None:
    print(f"nextstroke: warning: left out: {error}", file=sys.stderr)


def _shards_done(done: int, total: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{done} of {total} shards", end="\n" if done == total else "", file=sys.stderr, flush=True)


class _Doubts:
    """The lines that may not be right, told at the end or, if strict, raised."""

    def __init__(self, strict: bool):
        self.strict = strict
        self.lines: list[str] = []

    def watching(self, sheets) -> Iterator:
        """The sheets alone; their doubtful lines are kept."""
        from nextstroke.errors import LimitExceeded
        from nextstroke.handwriting.compose import doubtful

        for sheet, lines in sheets:
            self.lines += doubtful(lines)
            if self.strict and self.lines:
                raise LimitExceeded(f"no attempt at this line is sound, try another seed or style: {self.lines[0]}")
            yield sheet

    def tell(self) -> None:
        for line in self.lines:
            print(f"nextstroke: warning: this line may not be right, try another seed: {line}", file=sys.stderr)


def numbers(text: str) -> float | list[float]:
    """One number, or several parted by commas."""
    from nextstroke.errors import UsageError

    try:
        return [float(number) for number in text.split(",")] if "," in text else float(text)
    except ValueError:
        raise UsageError(f"bias {text!r}: give a number >= 0, or several as .5,1") from None


def _progress(done: int, total: int) -> None:
    """How far long work is, on a terminal."""
    if total > 500 and sys.stderr.isatty():
        end = "\n" if done == total else ""
        print(f"\r{done} of {total} characters", end=end, file=sys.stderr, flush=True)


def _standard_input() -> str:
    """Text from standard input; bytes that are not UTF-8 are refused with their place."""
    from nextstroke.errors import BadInput

    try:
        return sys.stdin.buffer.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(f"standard input: not UTF-8 at byte {error.start}; convert it first") from error
