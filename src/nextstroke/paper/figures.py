"""The paper's figures: what each shows is worked out here and handed to `pages` as ink and arrays."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from nextstroke.datasets.packed_ink import InkCorpus
from nextstroke.errors import BadInput, UsageError, WrongModel
from nextstroke.files import write_bytes
from nextstroke.handwriting.density import follow, points_of, summed_density
from nextstroke.handwriting.hands import Hand, prime_hand
from nextstroke.handwriting.request import NO_HAND, LineRequest, line_requests, prepare
from nextstroke.handwriting.sampler import Line, write
from nextstroke.handwriting.scribble import scribble
from nextstroke.ink import Ink
from nextstroke.pages.animation import animated
from nextstroke.pages.layout import Page, level, place
from nextstroke.paper.plots import Row, architecture_figure, cell_figure, curves_figure, density_figure, lines_figure
from nextstroke.paper.real_lines import find_line, find_word
from nextstroke.runtime.model_file import Model

# Figures 15 and 17; both texts are of the validation split.
HELD_OUT = ("from his travels it might have been", "more of national temperament")
# Figure 16: a bias and what is written with it; the biases are read off the figure.
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
# Figures 18 to 21; what is written after the primes is quoted from memory.
PRIMES = (
    "take the breath away when they are",
    "She looked closely as she",
    "He dismissed the idea",
    "prison welfare Officer complement",
)
PRIMED = ("when the network is primed", "with a real sequence", "the samples mimic", "the writer's style")
CLEANED = ("when the network is primed and biased", "it writes in a cleaned up version", "of the original style")


def architecture(path: Path, output: Path) -> None:
    """Figures 1 and 12: a training, model file or recipe as parts and connections."""
    from nextstroke.training.export.architecture import open_architecture

    built = open_architecture(path)
    kind = "synthesis" if "window" in built.sizes else "prediction"
    title = f"Handwriting {kind}: {path.stem}, three steps of time"
    architecture_figure(built.sizes, built.connections, built.own, title, output)


def cell(path: Path, output: Path) -> None:
    """Figure 2: the memory cell of a training or model file."""
    from nextstroke.training.evaluation.runs import open_run
    from nextstroke.training.export.architecture import gates_look_at

    trained = open_run(path)
    sizes = trained.recipe.network
    cell_figure(gates_look_at(trained.network), sizes.cells, sizes.derivative_clip, output)


def training_samples(corpus: InkCorpus, splits: Sequence[str], lines: int, seed: int, output: Path) -> None:
    """Figure 9: lines of the training set, drawn at random."""
    there = corpus.select(*splits)
    if not there:
        raise BadInput(f"the corpus has no sound lines of {', '.join(splits)}")
    chosen = np.random.default_rng(seed).choice(there, min(lines, len(there)), replace=False)
    lines_figure([Row(corpus.ink(i), corpus.lines[i].name, True) for i in chosen], output)


def density(model: Model, aligner: Model, corpus: InkCorpus, splits: Sequence[str], word: str, output: Path) -> None:
    """Figures 10 and 14: what a network expects while a real word is written.

    Args:
        aligner: A writer model of the same ink, whose window tells which points make the word; it may be `model`.
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
    """The strokes of some of a line's points."""
    own = slice(points.start, points.stop)
    return np.split(ink.points[own], np.flatnonzero(ink.end_of_stroke[own]) + 1)


def scribbles(model: Model, lines: int, bias: float, seed: int, output: Path) -> None:
    """Figure 11: samples of the prediction network, 700 points each."""
    lines_figure([Row(ink) for ink in scribble(model, lines, 700, bias, seed)], output)


def samples(model: Model, corpus: InkCorpus, bias: float, seed: int, output: Path, each: int = 4) -> None:
    """Figures 15 (bias 0) and 17 (bias 0.15): a real line and first attempts at the same text under it."""
    rows: list[Row] = []
    for text in HELD_OUT:
        real = find_line(corpus, model, text)
        rows.append(Row(real.ink, real.name, True, bool(rows)))
        rows += [Row(line.ink) for line in _first_attempts(model, [real.text] * each, bias, seed)]
    lines_figure(rows, output)


def rising_bias(model: Model, seed: int, output: Path) -> None:
    """Figure 16: the larger the bias, the tidier and the more alike."""
    requests = [LineRequest(prepare(text, model.alphabet), bias=bias, seed=seed) for bias, text in RISING]
    lines = write(model, requests, attempts=1)
    lines_figure([Row(line.ink, f"{line.request.bias:g}") for line in lines], output)


def _first_attempts(model: Model, texts: Sequence[str], bias: float, seed: int, hand: Hand = NO_HAND) -> list[Line]:
    return write(model, line_requests(model, texts, hand, bias, seed), attempts=1)


def primed(model: Model, corpus: InkCorpus, primes: Sequence[str], bias: float, seed: int, output: Path) -> None:
    """Figures 18 and 19 (bias 0), 20 and 21 (bias 1): real lines, and other texts in their hands."""
    rows: list[Row] = []
    for prime in primes:
        real = find_line(corpus, model, prime)
        style = prime_hand(model, real.name, real.ink, real.text)
        rows.append(Row(real.ink, real.name, True, bool(rows)))
        rows += [Row(line.ink) for line in _first_attempts(model, CLEANED if bias else PRIMED, bias, seed, style)]
    lines_figure(rows, output)


def learning_curves(folders: Sequence[Path], output: Path) -> None:
    """Validation log-loss of trainings over the points they learned from."""
    curves_figure({folder.name: _curve(folder) for folder in folders}, "million points", "nats a line", output)


def _curve(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    path = folder / "curve.jsonl" if folder.is_dir() else folder
    try:
        rows = [json.loads(row) for row in path.read_text("utf-8").splitlines()]
        return np.array([row["points"] / 1e6 for row in rows]), np.array([row["validation"] for row in rows])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{path}: not a learning curve ({error}); name the folder of a training") from error


def bias_film(model: Model, text: str, style: Hand, seed: int, output: Path, frames: int = 31) -> None:
    """Our own: one line under one seed while the bias grows from 0 to 3."""
    if output.suffix.lower() != ".gif":
        raise UsageError(f"{output}: an animation is a gif")
    biases = np.linspace(0, 3, frames)
    prepared = prepare(text, model.alphabet)
    written = write(model, [LineRequest(prepared, style, bias, seed) for bias in biases], attempts=1)
    page = Page(margin=4.0, x_height=4.0)
    sheets = [place([line], page)[0] for line in level([line.ink for line in written], page)]
    write_bytes(output, animated(sheets, [f"bias {bias:.1f}" for bias in biases]))
