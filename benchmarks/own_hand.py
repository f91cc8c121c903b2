"""How near a hand that was learned from a few lines comes to its writer.

    python benchmarks/own_hand.py CORPUS... --splits NAMES [--given 1,3,10] [--best-of K] [--plain] [--writers N]

From each writer of the splits with enough lines, a hand is learned from the first 1, 3 and 10 lines, in an order drawn
once. It writes the texts of HELD other lines. The distance of a hand is the mean over five traits (slant, width,
strokes, gap, tallness: handwriting/traits.py) of the difference between the mean over the written lines and the mean
over the real ones, in standard deviations of the trait over lines of all writers. The texts are the same, so letters
cancel out. `line` is the distance of a single written line from the mean of all of the writer's lines.

The last row is what the writer's own lines give: 10 other lines beside the same real ones. Nothing comes nearer but by
chance. `--plain` primes with all lines and adapts nothing, as before there was an adaptation.
"""

import argparse
import json
from collections import defaultdict
from pathlib import Path

import numpy as np

from nextstroke.datasets.packed_ink import InkCorpus
from nextstroke.errors import NextstrokeError
from nextstroke.handwriting.best_of import line_writer
from nextstroke.handwriting.fit_hand import SPREADS
from nextstroke.handwriting.hands import Hand, prime_hand
from nextstroke.handwriting.learn_hand import fitted_lines, joined_lines, known_size, learn_hand
from nextstroke.handwriting.request import line_requests
from nextstroke.handwriting.traits import Traits, traits_of
from nextstroke.ink import Ink
from nextstroke.runtime.model_file import Model, load_model

HELD = 5  # lines of each writer that hands are compared with
LENGTHS = (18, 60)  # characters of a line
LETTERS = 0.8  # share of letters among its characters, blanks left out
BIAS = 0.75
SEED = 7

LineOfWriter = tuple[Ink, str]


def main() -> None:
    """Measure the hands of all writers and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpora", type=Path, nargs="+", help="packed corpora whose lines have writers")
    parser.add_argument("--splits", required=True, help="names of splits, with commas between")
    parser.add_argument("--given", default="1,3,10", help="numbers of lines to learn from")
    parser.add_argument("--best-of", type=int, default=1, help="candidates of each line")
    parser.add_argument("--model", default="writer")
    parser.add_argument("--plain", action="store_true", help="prime only")
    parser.add_argument("--writers", type=int, default=1000, help="number of writers of each corpus at most")
    parser.add_argument("--skip", type=int, default=0, help="number of writers of each corpus to leave out first")
    parser.add_argument("-o", "--output", type=Path, help="JSON file of all distances")
    options = parser.parse_args()
    model = load_model(options.model, "writer")
    numbers = [int(number) for number in options.given.split(",")]
    found: dict[str, list[list[float]]] = defaultdict(list)
    for corpus in options.corpora:
        writers = lines_of_writers(InkCorpus.open(corpus), options.splits.split(","), HELD + max(numbers))
        for name in list(writers)[options.skip :][: options.writers]:
            measure(model, f"{corpus.stem} {name}", writers[name], numbers, options, found)
    for row, distances in found.items():
        print(row, summary(distances), flush=True)


def lines_of_writers(corpus: InkCorpus, splits: list[str], least: int) -> dict[int, list[LineOfWriter]]:
    """Return the usable lines of each writer that has `least` or more, in an order drawn once."""
    writers: dict[int, list[int]] = defaultdict(list)
    for i in corpus.select(*splits):
        text = corpus.lines[i].text
        inked = text.replace(" ", "")
        letters = sum(character.isalpha() for character in inked)
        if LENGTHS[0] <= len(text) <= LENGTHS[1] and text.count(" ") >= 2 and letters >= LETTERS * len(inked):
            writers[corpus.lines[i].writer].append(i)
    rng = np.random.default_rng(SEED)
    kept = {writer: rng.permutation(lines) for writer, lines in sorted(writers.items()) if writer >= 0}
    return {
        writer: [(corpus.ink(i), corpus.lines[i].text) for i in lines]
        for writer, lines in kept.items()
        if len(lines) >= least
    }


def measure(
    model: Model,
    name: str,
    lines: list[LineOfWriter],
    numbers: list[int],
    options: argparse.Namespace,
    found: dict[str, list[list[float]]],
) -> None:
    """Add the distances of one writer's hands to `found`, and print them."""
    held = lines[-HELD:]
    real = traits(held)
    usual = np.nanmean(traits(lines), axis=0)
    for number in numbers:
        try:
            hand = learned(model, lines[:number], options.plain)
        except NextstrokeError as error:
            print(f"{name}, {number}: refused: {error}", flush=True)
            found[f"refused from {number}"].append([1.0])
            continue
        requests = line_requests(model, [text for _, text in held], hand, BIAS, SEED)
        written = line_writer(options.best_of, model).write(model, requests)
        own = traits([(line.ink, line.written) for line in written])
        add(found, f"from {number}", own, real, usual)
        print(f"{name}, {number}: {summary(found[f'from {number}'][-1:])} {hand.adaptation.stored()}", flush=True)
    add(found, "the writer", traits(lines[: max(numbers)]), real, usual)
    if options.output:
        options.output.write_text(json.dumps(found))


def learned(model: Model, lines: list[LineOfWriter], plain: bool) -> Hand:
    """Return a hand as `style learn` makes it, or primed with the lines alone."""
    if not plain:
        return learn_hand(model, "own", lines)
    x_height = known_size(model)
    texts = [text for _, text in lines]
    fitted = fitted_lines(model, [ink for ink, _ in lines], texts, x_height)
    return prime_hand(model, "own", joined_lines(fitted, x_height), " ".join(texts))


def traits(lines: list[LineOfWriter]) -> np.ndarray:
    """Return the traits of each line, (lines, 5)."""
    return np.array([traits_of(ink, text) for ink, text in lines])


def add(found: dict[str, list[list[float]]], row: str, own: np.ndarray, real: np.ndarray, usual: np.ndarray) -> None:
    """Add the distance in each trait of a hand, and the mean distance of a single line."""
    hand = abs(np.nanmean(own, axis=0) - np.nanmean(real, axis=0)) / SPREADS
    line = float(np.nanmean(abs(own - usual) / SPREADS))
    found[row].append([*hand.tolist(), line])


def summary(distances: list[list[float]]) -> str:
    """Return the means over writers: each trait, all traits, and a single line."""
    if len(distances[0]) == 1:
        return str(len(distances))
    means = np.nanmean(distances, axis=0)
    shown = " ".join(f"{name} {value:.2f}" for name, value in zip(Traits._fields, means, strict=False))
    return f"distance {means[:5].mean():.3f} ({shown}), line {means[5]:.3f}, {len(distances)} hands"


if __name__ == "__main__":
    main()
