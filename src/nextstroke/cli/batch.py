"""nextstroke batch: many lines of handwriting, as training data for recognisers."""

import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from nextstroke.cli.panels import given_options, option
from nextstroke.cli.write import numbers

OUTPUT = "Output"
HAND = "Handwriting"
PICTURES = "Pictures"
SPREAD = "Work"
HEIGHT = 64  # pixels of a picture, where nothing is given
EVERY = 60.0  # seconds between two lines of progress where standard error is no terminal
PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp")
PICTURE_PARAMETERS = ("margin", "pen", "nib", "colour", "background", "noise", "drift", "boxes", "masks")


def batch(
    context: typer.Context,
    texts: Annotated[
        Path,
        typer.Argument(
            help='File of texts, - for standard input. Each row is JSON: "a text", or {"text": …} with style, bias, '
            "seed, and keys of your own, which are kept. In a .txt file each row is a text.",
            show_default=False,
        ),
    ],
    output: Annotated[Path, option(OUTPUT, "Folder to write; it is made.", "--output", "-o", show_default=False)],
    format: Annotated[
        str,
        option(
            OUTPUT,
            "ink: ink-*.npz and manifest.jsonl; imagefolder: PNG files and metadata.jsonl; webdataset: *.tar; "
            "parquet: *.parquet (extra parquet).",
        ),
    ] = "ink",
    strict: Annotated[
        bool,
        option(OUTPUT, "Fail at the first incomplete line; by default the record says complete: false.", "--strict"),
    ] = False,
    skip_bad: Annotated[
        bool,
        option(
            OUTPUT,
            "Leave out rows that cannot be written, and with --strict incomplete lines, naming each.",
            "--skip-bad",
        ),
    ] = False,
    style: Annotated[
        str, option(HAND, "Name of a style; several as a,b for the rows in turn; none for another in each line.")
    ] = "",
    bias: Annotated[
        str, option(HAND, "Sampling bias: 0 varies as much as real hands; several as .5,1 for the rows in turn.")
    ] = "0.75",
    seed: Annotated[int, option(HAND, "Random seed; the same seed gives the same files.", min=0)] = 1,
    best_of: Annotated[
        int, option(HAND, "Candidates of each line, of which the most legible is kept.", min=1, max=64)
    ] = 1,
    replace_: Annotated[
        str | None,
        option(
            HAND,
            "Text written in place of characters that cannot be written; by default they are refused.",
            "--replace",
        ),
    ] = None,
    slant: Annotated[
        str, option(HAND, "Degrees that lines are slanted to the right by, at random between two as -8:8.")
    ] = "0",
    model: Annotated[str, option(HAND, "Model file, or the name of a bundled model.")] = "writer",
    height: Annotated[
        int | None,
        option(
            PICTURES, f"Height of all pictures in pixels; by default {HEIGHT}, for ink no pictures.", min=8, max=2000
        ),
    ] = None,
    dpi: Annotated[
        float | None, option(PICTURES, "Dots per inch instead, with small letters 2.2 mm high.", min=10, max=2400)
    ] = None,
    margin: Annotated[float, option(PICTURES, "Border around the ink in mm.")] = 1.0,
    pen: Annotated[str, option(PICTURES, "Width of the pen in mm, at random between two as .2:.6.")] = "0.35",
    nib: Annotated[bool, option(PICTURES, "Broader where the pen is slow; by default one width.", "--nib")] = False,
    colour: Annotated[
        str, option(PICTURES, "Colour of the ink, a name or #rrggbb; several as a,b for the rows in turn.")
    ] = "#1a1a2e",
    background: Annotated[
        str | None,
        option(PICTURES, "Colour, picture or folder of pictures; several as a,b, one at random for each line."),
    ] = None,
    noise: Annotated[
        str, option(PICTURES, "Standard deviation of noise in grey levels of 255, at random between two as 0:12.")
    ] = "0",
    drift: Annotated[float, option(PICTURES, "Unsteadiness in slope and size; 1 is an unsteady hand.")] = 0.0,
    boxes: Annotated[bool, option(PICTURES, "Record the boxes of characters and words.", "--boxes")] = False,
    masks: Annotated[
        bool,
        option(
            PICTURES, "Write a second picture: 1 + the index of the character at each pixel, 0 for paper.", "--masks"
        ),
    ] = False,
    shard: Annotated[int, option(SPREAD, "Number of lines written together, and in a file.", min=1, max=4096)] = 256,
    workers: Annotated[int, option(SPREAD, "Number of processes; 0 is one for each core.", min=0)] = 0,
    cluster: Annotated[
        str | None, option(SPREAD, "Address of a Dask scheduler whose workers write; by default this machine does.")
    ] = None,
) -> None:
    """Write many lines of handwriting, as training data for recognisers.

    Example: nextstroke batch texts.jsonl -o lines --format imagefolder --style neat,none --height 64 --boxes
    """
    from nextstroke.errors import BadInput
    from nextstroke.handwriting.bulk import Defaults, cut_shards, raised, read_batch, write_bulk
    from nextstroke.handwriting.line_pictures import PictureOptions
    from nextstroke.handwriting.shards import BatchOptions, Folder, column_types
    from nextstroke.runtime.model_file import load_model

    pictures = None
    if format != "ink" or height is not None or dpi is not None:
        if height is None and dpi is None:
            height = HEIGHT
        colours = tuple(name.strip() for name in colour.split(","))
        backgrounds = _backgrounds(background)
        pens, noises = _range("pen", pen), _range("noise", noise)
        pictures = PictureOptions(dpi, height, margin, pens, nib, colours, backgrounds, noises, drift, boxes, masks)
    else:
        _refuse_unused(context)
    incomplete = "keep" if not strict else "leave out" if skip_bad else "refuse"
    slants = _range("slant", slant)
    options = BatchOptions(model, format, best_of, incomplete, slants, pictures)
    if format == "parquet":
        import pyarrow  # noqa: F401
    writer = load_model(model, "writer")
    defaults = Defaults([name.strip() for name in style.split(",")], numbers("bias", bias), seed, replace_)
    lines = list(read_batch(texts, writer, model, defaults, _skipped if skip_bad else raised))
    if not lines:
        raise BadInput(f"{texts}: has no lines{' that can be written' if skip_bad else ''}")
    options = replace(options, columns=column_types(line.extra for line in lines))
    folder = Folder(output, format)
    shards = cut_shards(lines, shard, options)
    write_bulk(shards, folder, workers or os.cpu_count() or 1, cluster, Progress("lines"))
    for path in folder.broken:
        print(f"nextstroke: warning: {path}: was lost or altered; its shard is written again", file=sys.stderr)
    for record in folder.left_out(len(shards)):
        row, text = record["number"] + 1, record["text"]
        print(f"nextstroke: warning: left out: {texts}:{row}: no attempt is complete: {text}", file=sys.stderr)
    print(folder.first_file, file=sys.stderr)


class Progress:
    """Progress with the time left: on a terminal in one line, elsewhere a line a minute.

    Args:
        unit: What is counted.
        seconds: Clock in seconds.
    """

    def __init__(self, unit: str, seconds: Callable[[], float] = time.monotonic):
        self.unit = unit
        self.seconds = seconds
        self.is_terminal = sys.stderr.isatty()
        self._start = self._last = seconds()
        self._before: int | None = None  # what was done before the start

    def __call__(self, done: int, total: int) -> None:
        """Report; the first call says what was done before."""
        now = self.seconds()
        if self._before is None:
            self._before = done
        new = done - self._before
        left = f", {_duration((now - self._start) / new * (total - done))} left" if new and done < total else ""
        line = f"{done} of {total} {self.unit}{left}"
        if self.is_terminal:
            print(f"\r\x1b[K{line}", end="\n" if done == total else "", file=sys.stderr, flush=True)
        elif now - self._last >= EVERY:
            self._last = now
            print(line, file=sys.stderr, flush=True)


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 2:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.1f} h"


def _range(name: str, text: str) -> tuple[float, float]:
    """Return the ends of a range, which are equal for a single number; raises UsageError."""
    from nextstroke.errors import UsageError

    try:
        ends = [float(number) for number in text.split(":")]
    except ValueError:
        ends = []
    if len(ends) not in (1, 2):
        raise UsageError(f"--{name} {text!r}: give a number, or two as LEAST:GREATEST")
    return ends[0], ends[-1]


def _backgrounds(text: str | None) -> tuple[str, ...]:
    """Return colours and names of pictures; a folder stands for the pictures in it."""
    from nextstroke.errors import BadInput

    found: list[str] = []
    for name in (part.strip() for part in (text or "").split(",") if part.strip()):
        if not Path(name).is_dir():
            found.append(name)
            continue
        inside = sorted(str(path) for path in Path(name).iterdir() if path.suffix.lower() in PICTURE_SUFFIXES)
        if not inside:
            raise BadInput(f"background {name!r}: the folder has no pictures ({', '.join(PICTURE_SUFFIXES)})")
        found += inside
    return tuple(found)


def _refuse_unused(context: typer.Context) -> None:
    """Raise UsageError for an option of pictures where there are none."""
    from nextstroke.errors import UsageError

    given = given_options(context)
    for name in PICTURE_PARAMETERS:
        if name in given:
            raise UsageError(f"--{name}: is for pictures; give --height or --dpi, or another --format than ink")


def _skipped(error: Exception) -> None:
    print(f"nextstroke: warning: left out: {error}", file=sys.stderr)
