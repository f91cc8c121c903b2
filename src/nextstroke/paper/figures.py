"""Figures of the paper: compute what each shows, and draw it with `plots`."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from nextstroke.datasets.packed_ink import InkCorpus
from nextstroke.errors import BadInput, UsageError, WrongModel
from nextstroke.files import read_at_most, write_bytes
from nextstroke.handwriting.density import follow, points_of, summed_density
from nextstroke.handwriting.hands import Hand, prime_hand
from nextstroke.handwriting.request import NO_HAND, LineRequest, line_requests, prepare
from nextstroke.handwriting.sampler import Line, write
from nextstroke.handwriting.scribble import scribble
from nextstroke.ink import Ink
from nextstroke.pages.animation import animated
from nextstroke.pages.layout import Page, level, place
from nextstroke.paper.plots import InkRow, architecture_figure, cell_figure, curves_figure, density_figure, lines_figure
from nextstroke.paper.real_lines import find_line, find_word
from nextstroke.runtime.model_file import Model

MAX_CURVE = 64 << 20  # bytes of a learning curve
# Figures 15 and 17; both texts are in the validation split.
HELD_OUT = ("from his travels it might have been", "more of national temperament")
# Figure 16: bias and text; the biases are read off the figure.
RISING = (
    (0.0, "when the samples are biased"),
    (0.1, "towards more probable sequences"),
    (0.5, "they get easier to read"),
    (2.0, "but less diverse"),
    (5.0, "until they all look"),
    (10.0, "exactly the same"),
    (10.0, "exactly the same"),
    (10.0, "exactly the same"),
)
# Figures 18 to 21; the texts written after the primes are quoted from memory.
PRIMES = (
    "take the breath away when they are",
    "She looked closely as she",
    "He dismissed the idea",
    "prison welfare Officer complement",
)
PRIMED = ("when the network is primed", "with a real sequence", "the samples mimic", "the writer's style")
CLEANED = ("when the network is primed and biased", "it writes in a cleaned up version", "of the original style")


def architecture(path: Path, output: Path) -> None:
    """Draw Figures 1 and 12: the parts and connections of a training, model file or recipe."""
    from nextstroke.training.export.architecture import open_architecture

    built = open_architecture(path)
    kind = "synthesis" if "window" in built.sizes else "prediction"
    title = f"Handwriting {kind}: {path.stem}, three steps of time"
    architecture_figure(built.sizes, built.connections, built.own, title, output)


def cell(path: Path, output: Path) -> None:
    """Draw Figure 2: the memory cell of a training or model file."""
    from nextstroke.training.evaluation.runs import open_run
    from nextstroke.training.export.architecture import gates_look_at

    trained = open_run(path)
    sizes = trained.recipe.network
    cell_figure(gates_look_at(trained.network), sizes.cells, sizes.derivative_clip, output)


def training_samples(corpus: InkCorpus, splits: Sequence[str], lines: int, seed: int, output: Path) -> None:
    """Draw Figure 9: random lines of the training set."""
    there = corpus.select(*splits)
    if not there:
        raise BadInput(f"the corpus has no sound lines of {', '.join(splits)}")
    chosen = np.random.default_rng(seed).choice(there, min(lines, len(there)), replace=False)
    lines_figure([InkRow(corpus.ink(i), corpus.lines[i].name, True) for i in chosen], output)


def density(model: Model, aligner: Model, corpus: InkCorpus, splits: Sequence[str], word: str, output: Path) -> None:
    """Draw Figures 10 and 14: the densities that a network predicts along a real word.

    Args:
        model: Prediction or synthesis network.
        aligner: Synthesis network of the same ink, whose window finds the points of the word; it may be `model`.
        corpus: Real lines.
        splits: Splits to search.
        word: Word to find.
        output: Picture to write.

    Raises:
        BadInput: no line has the word, or the aligner finds no points of it.
        WrongModel: model and aligner have different representations of ink.
    """
    if aligner.representation != model.representation:
        raise WrongModel("the aligner learned from another representation of ink than the model; name another")
    line, first = find_word(corpus, model, word, splits)
    window = follow(aligner, line.ink, line.text).phi
    points = points_of(window[:, :-1], first, first + len(word) - 1)
    if not len(points):
        raise BadInput(f"the aligner finds no points of {word!r} in {line.name}; try another word")
    seen = follow(model, line.ink, line.text)
    own = slice(points.start, points.stop)
    size = np.ptp(line.ink.points[own], axis=0).max()
    heat, extent = summed_density(seen, line.ink, points, size / 700, 0.12 * size)
    drawn = Ink.from_strokes(_cut(line.ink, points))
    density_figure(heat, extent, drawn, seen.mixture.pi[points.start - 1 : points.stop - 1], output)


def _cut(ink: Ink, points: range) -> list[np.ndarray]:
    """Return the strokes of a range of a line's points."""
    own = slice(points.start, points.stop)
    return np.split(ink.points[own], np.flatnonzero(ink.end_of_stroke[own]) + 1)


def scribbles(model: Model, lines: int, bias: float, seed: int, output: Path) -> None:
    """Draw Figure 11: samples of the prediction network, 700 points each."""
    lines_figure([InkRow(ink) for ink in scribble(model, lines, 700, bias, seed)], output)


def samples(model: Model, corpus: InkCorpus, bias: float, seed: int, output: Path, each: int = 4) -> None:
    """Draw Figures 15 (bias 0) and 17 (bias 0.15): real lines, and below each `each` samples of its text."""
    rows: list[InkRow] = []
    for text in HELD_OUT:
        real = find_line(corpus, model, text)
        rows.append(InkRow(real.ink, real.name, True, bool(rows)))
        rows += [InkRow(line.ink) for line in _first_attempts(model, [real.text] * each, bias, seed)]
    lines_figure(rows, output)


def rising_bias(model: Model, seed: int, output: Path) -> None:
    """Draw Figure 16: samples with rising bias."""
    requests = [LineRequest(prepare(text, model.alphabet), bias=bias, seed=seed) for bias, text in RISING]
    lines = write(model, requests, attempts=1)
    lines_figure([InkRow(line.ink, f"{line.request.bias:g}") for line in lines], output)


def _first_attempts(model: Model, texts: Sequence[str], bias: float, seed: int, hand: Hand = NO_HAND) -> list[Line]:
    return write(model, line_requests(model, texts, hand, bias, seed), attempts=1)


def primed(model: Model, corpus: InkCorpus, primes: Sequence[str], bias: float, seed: int, output: Path) -> None:
    """Draw Figures 18 and 19 (bias 0), 20 and 21 (bias 1): real lines, and other texts in their hands."""
    rows: list[InkRow] = []
    for prime in primes:
        real = find_line(corpus, model, prime)
        style = prime_hand(model, real.name, real.ink, real.text)
        rows.append(InkRow(real.ink, real.name, True, bool(rows)))
        rows += [InkRow(line.ink) for line in _first_attempts(model, CLEANED if bias else PRIMED, bias, seed, style)]
    lines_figure(rows, output)


def learning_curves(folders: Sequence[Path], output: Path) -> None:
    """Draw the validation log-loss of trainings over the points they learned from."""
    curves_figure({folder.name: _curve(folder) for folder in folders}, "million points", "nats a line", output)


def _curve(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    path = folder / "curve.jsonl" if folder.is_dir() else folder
    try:
        rows = [json.loads(row) for row in read_at_most(path, MAX_CURVE).decode().splitlines()]
        return np.array([row["points"] / 1e6 for row in rows]), np.array([row["validation"] for row in rows])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{path}: not a learning curve ({error}); name the folder of a training") from error


def bias_film(model: Model, text: str, style: Hand, seed: int, output: Path, frames: int = 31) -> None:
    """Write an animation of one line with one seed while the bias grows from 0 to 3."""
    if output.suffix.lower() != ".gif":
        raise UsageError(f"{output}: an animation is a gif")
    biases = np.linspace(0, 3, frames)
    prepared = prepare(text, model.alphabet)
    written = write(model, [LineRequest(prepared, style, bias, seed) for bias in biases], attempts=1)
    page = Page(margin=4.0, x_height=4.0)
    sheets = [place([line], page)[0] for line in level([line.ink for line in written], page)]
    write_bytes(output, animated(sheets, [f"bias {bias:.1f}" for bias in biases]))
