"""nextstroke style: learn the style of a given line of ink."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from nextstroke.cli.placement import Flip, Mirror, Turn

app = typer.Typer(no_args_is_help=True, help="Learn a hand from ink.")


@app.callback()
def style() -> None:
    """Learn a hand from ink."""


@app.command("learn")
def learn(
    files: Annotated[
        list[Path],
        typer.Argument(
            help="Files of ink, lines or pages, in any format of docs/ink-formats.md; the text in the file, or in "
            "FILE.txt with a row for each line."
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write, such as me.style.")],
    text: Annotated[
        str | None, typer.Option(help="Text of the ink, where there is one file; by default that in the file.")
    ] = None,
    mirror: Mirror = False,
    flip: Flip = False,
    turn: Turn = 0,
    model: Annotated[str, typer.Option(help="Model file, or the name of a bundled model.")] = "writer",
) -> None:
    """Learn a hand from lines or pages of ink; for: nextstroke write --style me.style.

    Ink that is turned or mirrored, is no writing, or does not say its whole text is refused; the message says which.

    Example: nextstroke style learn line.inkml -o me.style --text "the words of the line"
    """
    from nextstroke.errors import UsageError
    from nextstroke.files import check_writable
    from nextstroke.formats.detect import read_all_with_text
    from nextstroke.handwriting.hands import save_hands
    from nextstroke.handwriting.ink_check import Placement
    from nextstroke.handwriting.learn_hand import STYLE, learn_hand
    from nextstroke.runtime.model_file import load_model

    check_writable(output)
    if output.suffix != STYLE:
        raise UsageError(f"{output}: give an --output that ends in {STYLE}, by which write --style knows it")
    if text is not None and len(files) > 1:
        raise UsageError(f"one --text for {len(files)} files; put the text of each into FILE.txt next to it")
    placement = Placement(mirror, flip, turn)
    pages = [drawing for path in files for drawing in read_all_with_text(path)]
    if text is not None and len(pages) > 1:
        raise UsageError(f"one --text for {len(pages)} drawings in {files[0]}; give a row for each in {files[0]}.txt")
    lines = [(placement.apply(ink), own if text is None else text) for ink, own in pages]
    save_hands(output, [learn_hand(load_model(model, "writer"), output.stem, lines)])
    print(output, file=sys.stderr)
