"""Finished or resting trainings: their networks and their scores."""

from pathlib import Path
from typing import NamedTuple

from nextstroke.config import Recipe, make_recipe
from nextstroke.corpora.packed import InkCorpus
from nextstroke.engine.modelfile import Model
from nextstroke.errors import UsageError
from nextstroke.nets.networks import PenNetwork, WriterNetwork
from nextstroke.training.build import build_network, load_weights
from nextstroke.training.checkpoint import CHECKPOINT, load_checkpoint, load_newest
from nextstroke.training.evaluate import evaluate, letter_test
from nextstroke.training.examples import make_examples
from nextstroke.training.export import import_weights
from nextstroke.training.loop import under


class Trained(NamedTuple):
    """A training as it was last saved, or a model file.

    Attributes:
        network: The averaged network.
        recipe: What it was made by.
        about: What the checkpoint or the model file says of it.
        remark: A sentence where an older checkpoint had to be taken, else empty.
    """

    network: PenNetwork
    recipe: Recipe
    about: dict
    remark: str = ""


def open_run(path: Path) -> Trained:
    """Load the averaged network of a run's folder or of one of its checkpoints, or the network of a model file.

    Raises:
        BadInput, CorruptFile, WrongModel: there is nothing of the kind.
    """
    if path.is_file() and path.suffix != Path(CHECKPOINT).suffix:
        about = Model(path).about
        weights, remark = import_weights(path), ""
    else:
        tensors, about, remark = (*load_checkpoint(path), "") if path.is_file() else load_newest(path / CHECKPOINT)
        weights = under("average.", tensors)
    recipe = make_recipe(about["recipe"], path)
    network = build_network(recipe, len(about["alphabet"]))
    load_weights(network, weights, path)
    return Trained(network.eval(), recipe, about, remark)


def evaluate_run(folder: Path, corpus: Path, split: str = "validation", every: int = 1) -> dict[str, float]:
    """Scores of a run by name, on every `every`-th line of "validation" or "train", in the paper's units."""
    if split not in ("validation", "train"):
        raise UsageError(f"split {split!r}: give validation or train")
    network, recipe, about, _ = open_run(folder)
    examples = make_examples(InkCorpus.open(corpus), recipe.data)
    lines = getattr(examples, split)[::every]
    score = evaluate(network, lines, examples.normalisation)
    figures = {
        "lines": score.lines,
        "nats_per_line": score.nats_per_line,
        "nats_per_point": score.nats_per_point,
        "squared_error_per_point": score.squared_error_per_point,
    }
    if isinstance(network, WriterNetwork):
        letters = [i for i, character in enumerate(about["alphabet"]) if character.isalpha()]
        figures["letter_test"] = letter_test(network, lines, examples.normalisation, letters)
    return figures
