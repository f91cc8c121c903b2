"""Finished or resting trainings: their networks and their scores."""

from pathlib import Path
from typing import Any, NamedTuple

from nextstroke.config import Recipe, make_recipe
from nextstroke.engine.modelfile import Model
from nextstroke.nets.networks import WriterNetwork
from nextstroke.training.build import build_network, load_weights
from nextstroke.training.checkpoint import CHECKPOINT, load_checkpoint, load_newest
from nextstroke.training.device import open_device
from nextstroke.training.evaluate import letter_test
from nextstroke.training.examples import InkExamples
from nextstroke.training.export import import_weights
from nextstroke.training.loop import under
from nextstroke.training.task import open_examples


class Trained(NamedTuple):
    """A training as it was last saved, or a model file.

    Attributes:
        network: The averaged network.
        recipe: What it was made by.
        about: What the checkpoint or the model file says of it.
        remark: A sentence where an older checkpoint had to be taken, else empty.
    """

    network: Any
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


def evaluate_run(
    folder: Path, corpus: Path, split: str = "validation", every: int = 1, device: str = "cpu"
) -> dict[str, float]:
    """Scores of a run by name, on every `every`-th part of a split, in the paper's units.

    Args:
        split: "validation", or "train", or for a text another split's name.
    """
    device = open_device(device)
    network, recipe, about, _ = open_run(folder)
    network.to(device)
    examples, _ = open_examples(recipe, corpus)
    examples = examples.on(split)
    figures = examples.score(network, every).figures()
    if isinstance(network, WriterNetwork) and isinstance(examples, InkExamples):
        letters = [i for i, character in enumerate(about["alphabet"]) if character.isalpha()]
        lines = examples.validation[::every]
        figures["letter_test"] = letter_test(network, lines, examples.normalisation, letters)
    return figures
