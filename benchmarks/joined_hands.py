"""How well the recogniser reads joined hands as the writer writes them, beside real lines of the same writers.

    python -m benchmarks.joined_hands CORPUS... --splits NAMES [--strokes .5] [--best-of K] [--bias B] [--writers N]

From each writer of the splits whose lines have few strokes a character, a hand is learned from three lines. It writes
the texts of up to HELD other lines of the writer. The bundled recogniser, which has no dictionary, reads the real lines
and the written ones; the figures are shares of characters wrong. The recogniser learned from joined ink of other
writers. With --best-of above 1 it also chose the lines; with 1, the default, it did not.
"""

import argparse
from pathlib import Path

import numpy as np

from benchmarks.own_hand import LineOfWriter, lines_of_writers
from nextstroke.datasets.packed_ink import InkCorpus
from nextstroke.errors import NextstrokeError
from nextstroke.handwriting.best_of import line_writer
from nextstroke.handwriting.learn_hand import learn_hand
from nextstroke.handwriting.recogniser import Recogniser
from nextstroke.handwriting.request import line_requests
from nextstroke.handwriting.traits import mean_traits
from nextstroke.ink import Ink
from nextstroke.runtime.model_file import Model, load_model
from nextstroke.text.edit_distance import edit_distance

GIVEN = 3  # lines that a hand is learned from
HELD = 6  # lines that are written again
SEED = 7


def main() -> None:
    """Measure all writers and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpora", type=Path, nargs="+", help="packed corpora whose lines have writers")
    parser.add_argument("--splits", required=True, help="names of splits, with commas between")
    parser.add_argument("--strokes", type=float, default=0.5, help="strokes a character of a joined hand at most")
    parser.add_argument("--best-of", type=int, default=1, help="candidates of each line")
    parser.add_argument("--bias", type=float, default=0.75)
    parser.add_argument("--model", default="writer")
    parser.add_argument("--writers", type=int, default=1000, help="number of writers of each corpus at most")
    options = parser.parse_args()
    model = load_model(options.model, "writer")
    recogniser = Recogniser(load_model("reader", "reader"))
    rows = []
    for path in options.corpora:
        writers = lines_of_writers(InkCorpus.open(path), options.splits.split(","), GIVEN + 2)
        joined = [name for name, lines in writers.items() if strokes(lines) <= options.strokes]
        for name in joined[: options.writers]:
            row = measure(model, recogniser, writers[name], options)
            if row:
                print(f"{path.stem} {name}: " + described(row), flush=True)
                rows.append(row)
    print(f"{len(rows)} writers: " + described(list(np.mean(rows, axis=0))))


def strokes(lines: list[LineOfWriter]) -> float:
    """Return the mean number of strokes for each character of a writer's lines."""
    return float(mean_traits([ink for ink, _ in lines], [text for _, text in lines])[2])


def measure(
    model: Model, recogniser: Recogniser, lines: list[LineOfWriter], options: argparse.Namespace
) -> list[float] | None:
    """Return strokes a character and the share of wrong characters, of real and of written lines; None if refused."""
    held = lines[GIVEN : GIVEN + HELD]
    texts = [text for _, text in held]
    try:
        hand = learn_hand(model, "own", lines[:GIVEN])
    except NextstrokeError as error:
        print(f"refused: {error}", flush=True)
        return None
    requests = line_requests(model, texts, hand, options.bias, SEED)
    written = [line.ink for line in line_writer(options.best_of, model).write(model, requests)]
    real = [model.represented(ink) for ink, _ in held]
    return [
        strokes(held),
        strokes(list(zip(written, texts, strict=True))),
        wrong(recogniser, real, texts),
        wrong(recogniser, written, texts),
    ]


def wrong(recogniser: Recogniser, inks: list[Ink], texts: list[str]) -> float:
    """Return the edits between what is read and what the lines should say, for each character of these."""
    edits = sum(edit_distance(text, found) for text, found in zip(texts, recogniser.read(inks), strict=True))
    return edits / sum(map(len, texts))


def described(row: list[float]) -> str:
    """Return a row of figures in words."""
    return "strokes a character {:.2f} real, {:.2f} written; wrong {:.3f} real, {:.3f} written".format(*row)


if __name__ == "__main__":
    main()
