"""nextstroke figure: draw the figures of the paper and some further ones."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Draw a figure of the paper (extra: figures).", no_args_is_help=True)

Output = Annotated[Path, typer.Option("--output", "-o", help="picture to write: png, svg or pdf")]
Corpus = Annotated[Path, typer.Option(help="packed corpus made by `nextstroke data iam`")]
Writer = Annotated[str, typer.Option(help="model file, or the name of a bundled one")]
Bias = Annotated[float, typer.Option(help="sampling bias; 0 is unbiased")]
Seed = Annotated[int, typer.Option(help="random seed", min=0)]
Built = Annotated[Path, typer.Argument(help="folder of a training, or a model file")]
Style = Annotated[str, typer.Option(help="name of a style; none lets the network choose")]
PACKED = Path("data/iam.packed")


@app.callback()
def figures() -> None:
    """Draw a figure of the paper (extra: figures).

    Example: nextstroke figure window "more of national temperament" -o window.png
    """


def _check(output: Path) -> None:
    """Raise before any work if the picture cannot be written, or has an unknown suffix."""
    from nextstroke.files import check_writable
    from nextstroke.paper.plots import figure_kind

    check_writable(output)
    figure_kind(output)


@app.command()
def architecture(
    network: Annotated[Path, typer.Argument(help="folder of a training, a model file or a recipe of the paper")],
    output: Output,
) -> None:
    """Draw Figures 1 and 12: layers, skip connections, window, delays and weights of a network.

    Example: nextstroke figure architecture recipes/paper/synthesis.toml -o figure-12.svg
    """
    _check(output)
    from nextstroke.paper import figures

    figures.architecture(network, output)
    print(output)


@app.command()
def cell(network: Built, output: Output) -> None:
    """Draw Figure 2: the memory cell with its peepholes.

    Example: nextstroke figure cell runs/writer -o figure-2.svg
    """
    _check(output)
    from nextstroke.paper import figures

    figures.cell(network, output)
    print(output)


@app.command()
def training(
    output: Output,
    corpus: Corpus = PACKED,
    lines: Annotated[int, typer.Option(help="number of lines", min=1, max=50)] = 8,
    seed: Seed = 1,
) -> None:
    """Draw Figure 9: lines of the training set.

    Example: nextstroke figure training -o figure-9.png --seed 3
    """
    _check(output)
    from nextstroke.datasets.iam import TRAINING
    from nextstroke.datasets.packed_ink import InkCorpus
    from nextstroke.paper import figures

    figures.training_samples(InkCorpus.open(corpus), TRAINING, lines, seed, output)
    print(output)


@app.command()
def density(
    output: Output,
    model: Annotated[str, typer.Option(help="writer or pen model")] = "writer",
    aligner: Annotated[
        str,
        typer.Option(
            help="writer model that finds the word for a pen model; it must have learned from the same kind of ink"
        ),
    ] = "",
    word: Annotated[str, typer.Option(help="a word of the validation lines")] = "under",
    corpus: Corpus = PACKED,
) -> None:
    """Draw Figures 10 and 14: predicted densities along a real word, and the weights of the components.

    Example: nextstroke figure density --model pen.onnx --aligner weights/synthesis-raw.onnx -o figure-10.png
    """
    _check(output)
    from nextstroke.datasets.iam import VALIDATION
    from nextstroke.datasets.packed_ink import InkCorpus
    from nextstroke.paper import figures
    from nextstroke.runtime.model_file import Model, find_model, load_model

    network = Model(find_model(model))
    finder = load_model(aligner or model, "writer")
    figures.density(network, finder, InkCorpus.open(corpus), VALIDATION, word, output)
    print(output)


@app.command()
def scribbles(
    output: Output,
    model: Annotated[str, typer.Option(help="pen model file, or the name of a bundled one")] = "pen",
    lines: Annotated[int, typer.Option(help="number of lines", min=1, max=50)] = 10,
    bias: Bias = 0.0,
    seed: Seed = 1,
) -> None:
    """Draw Figure 11: samples of the prediction network, 700 points a line.

    Example: nextstroke figure scribbles --model pen.onnx -o figure-11.png
    """
    _check(output)
    from nextstroke.paper import figures
    from nextstroke.runtime.model_file import load_model

    figures.scribbles(load_model(model, "pen"), lines, bias, seed, output)
    print(output)


@app.command()
def window(
    text: Annotated[str, typer.Argument(help="text to write")],
    output: Output,
    style: Style = "none",
    bias: Bias = 0.5,
    seed: Seed = 1,
    model: Writer = "writer",
) -> None:
    """Draw Figure 13: the window's position in the text over time; it is one rising line for a trained network.

    Example: nextstroke figure window "more of national temperament" -o window.png
    """
    _check(output)
    from nextstroke.handwriting.hands import gallery_hand
    from nextstroke.handwriting.request import line_requests
    from nextstroke.handwriting.sampler import write
    from nextstroke.paper.plots import window_figure
    from nextstroke.runtime.model_file import load_model

    writer = load_model(model, "writer")
    (line,) = write(writer, line_requests(writer, [text], gallery_hand(style, model), bias, seed), attempts=1)
    window_figure(line.phi, line.written, line.ink, output)
    print(output)


@app.command()
def samples(
    output: Output, bias: Bias = 0.0, seed: Seed = 1, model: Writer = "writer", corpus: Corpus = PACKED
) -> None:
    """Draw Figures 15 and 17 (--bias 0.15): real lines in red and samples of their texts.

    Example: nextstroke figure samples -o figure-17.png --bias 0.15
    """
    _check(output)
    from nextstroke.datasets.packed_ink import InkCorpus
    from nextstroke.paper import figures
    from nextstroke.runtime.model_file import load_model

    figures.samples(load_model(model, "writer"), InkCorpus.open(corpus), bias, seed, output)
    print(output)


@app.command()
def bias(output: Output, seed: Seed = 1, model: Writer = "writer") -> None:
    """Draw Figure 16: samples with a bias rising from 0 to 10.

    Example: nextstroke figure bias -o figure-16.png
    """
    _check(output)
    from nextstroke.paper import figures
    from nextstroke.runtime.model_file import load_model

    figures.rising_bias(load_model(model, "writer"), seed, output)
    print(output)


@app.command()
def primed(
    output: Output,
    bias: Bias = 0.0,
    seed: Seed = 1,
    prime: Annotated[
        list[str], typer.Option(help="text of a real line to use as prime  [default: the paper's four]")
    ] = [],  # noqa: B006
    model: Writer = "writer",
    corpus: Corpus = PACKED,
) -> None:
    """Draw Figures 18 to 21 (--bias 1 for the last two): real lines in red, and other texts in their hands.

    Example: nextstroke figure primed -o figure-20.png --bias 1 --prime "He dismissed the idea"
    """
    _check(output)
    from nextstroke.datasets.packed_ink import InkCorpus
    from nextstroke.paper import figures
    from nextstroke.runtime.model_file import load_model

    primes = prime or figures.PRIMES
    figures.primed(load_model(model, "writer"), InkCorpus.open(corpus), primes, bias, seed, output)
    print(output)


@app.command()
def curve(
    runs: Annotated[list[Path], typer.Argument(help="folders of trainings, or their curve.jsonl")], output: Output
) -> None:
    """Draw learning curves: validation log-loss over the points learned from.

    Example: nextstroke figure curve runs/prediction-3x400 runs/synthesis -o curves.svg
    """
    _check(output)
    from nextstroke.paper import figures

    figures.learning_curves(runs, output)
    print(output)


@app.command()
def film(
    text: Annotated[str, typer.Argument(help="text to write")],
    output: Annotated[Path, typer.Option("--output", "-o", help="gif to write")],
    style: Style = "none",
    seed: Seed = 1,
    model: Writer = "writer",
) -> None:
    """Draw an animation of one line with one seed while the bias grows from 0 to 3.

    Example: nextstroke figure film "more of national temperament" -o bias.gif
    """
    from nextstroke.files import check_writable
    from nextstroke.handwriting.hands import gallery_hand
    from nextstroke.paper import figures
    from nextstroke.runtime.model_file import load_model

    check_writable(output)
    figures.bias_film(load_model(model, "writer"), text, gallery_hand(style, model), seed, output)
    print(output)


@app.command()
def profile(output: Output) -> None:
    """Draw the shares of time in a training step on this machine, on one core.

    Example: nextstroke figure profile -o profile.png
    """
    _check(output)
    from nextstroke.paper.plots import bars_figure
    from nextstroke.training.profile import profile_step

    bars_figure(profile_step(), "A training step of the writer: share of its time", output)
    print(output)
