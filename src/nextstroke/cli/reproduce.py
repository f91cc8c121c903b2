"""nextstroke reproduce: rebuild the paper's tables, figures and claims."""

import sys
from pathlib import Path
from typing import Annotated

import typer

PACKED = Path("data/iam.packed")
STAND_IN = (
    f"no IAM-OnDB at {PACKED}: lines of the bundled writer stand in for real ones, and Tables 3 and 4 are left out; "
    "--corpus names a packed corpus"
)
# Printed before the error line where the data are missing.
DATA = """IAM-OnDB is not on this computer. It is free for research:
1. register at https://fki.tic.heia-fr.ch/databases/iam-on-line-handwriting-database and unpack the files in IAM-OnDB
2. nextstroke data iam IAM-OnDB -o data/iam.packed
3. nextstroke reproduce --corpus data/iam.packed"""


def reproduce(
    what: Annotated[
        list[str] | None,
        typer.Argument(
            help="parts: tables, claims, figures, samples, pages, table3, figure16 …  [default: everything]"
        ),
    ] = None,
    corpus: Annotated[
        Path | None,
        typer.Option(
            help="packed corpus made by `nextstroke data iam`; default: data/iam.packed, "
            "or lines of the bundled writer where that is not there"
        ),
    ] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="folder to write to")] = Path("reproduction"),
    runs: Annotated[Path, typer.Option(help="folder of trainings, each named after its recipe")] = Path("runs"),
    weights: Annotated[Path, typer.Option(help="folder of model files")] = Path("weights"),
    row: Annotated[
        list[str], typer.Option(metavar="NAME=PATH", help="training or model file of a row, such as synthesis=a.onnx")
    ] = [],  # noqa: B006
    model: Annotated[str, typer.Option(help="model of the samples: file, or name of a bundled one")] = "writer",
    text: Annotated[Path, typer.Option(help="packed text of Wikipedia made by `nextstroke data text`")] = Path(
        "data/text.packed"
    ),
    text_model: Annotated[
        str, typer.Option(help="model of the generated text: file, or name of a bundled one")
    ] = "text",
    text_run: Annotated[
        Path | None, typer.Option(help="training of that model, for dynamic evaluation of the pages")
    ] = None,
    every: Annotated[int, typer.Option(help="measure on every n-th validation line only", min=1)] = 1,
    seed: Annotated[int, typer.Option(help="random seed of all samples", min=0)] = 1,
) -> None:
    """Rebuild the paper's Tables 3 and 4 and Figures 1 to 21, check its claims, and write report.html.

    Example: nextstroke reproduce figures -o reproduction
    """
    from nextstroke.errors import BadInput, UsageError
    from nextstroke.paper.reproduce import OF_TEXT, Sources, wanted
    from nextstroke.paper.reproduce import reproduce as rebuild
    from nextstroke.paper.tables import ROWS

    pairs = [tuple(pair.split("=", 1)) for pair in row]
    names = [known.name for known in ROWS]
    for pair in pairs:
        if len(pair) != 2 or pair[0] not in names:
            raise UsageError(f"--row {'='.join(pair)}: give NAME=PATH with a name of {', '.join(names)}")
    given = {name: Path(path) for name, path in pairs}
    if corpus is None and PACKED.is_file():
        corpus = PACKED
    if corpus is None and wanted(what or []) - OF_TEXT:
        print(f"nextstroke: {STAND_IN}", file=sys.stderr)
    sources = Sources(corpus, output, runs, weights, given, model, seed, text, text_model, text_run)
    try:
        written = rebuild(what or [], sources, every, _report)
    except BadInput as error:
        if corpus is not None and str(error).startswith(f"{corpus}: no packed"):
            print(DATA, file=sys.stderr)
        raise
    for path in written:
        print(path)


def _report(step: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\x1b[K{step}", end="", file=sys.stderr, flush=True)
