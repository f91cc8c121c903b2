"""Finished or resting trainings: their networks and their scores."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor, nn

from nextstroke.config import Recipe, make_recipe
from nextstroke.errors import UsageError, WrongModel
from nextstroke.nets.networks import TextNetwork, WriterNetwork
from nextstroke.nets.weight_noise import AdaptiveNoise, NoNoise
from nextstroke.runtime.model_file import Model, find_model
from nextstroke.runtime.onnx_weights import read_weights
from nextstroke.training.checkpoint import CHECKPOINT, load_checkpoint, load_newest
from nextstroke.training.device import open_device
from nextstroke.training.evaluation.handwriting import letter_test
from nextstroke.training.loop import under
from nextstroke.training.optimisers import build_network, build_noise, load_noise, load_weights
from nextstroke.training.tasks.ink_task import InkExamples
from nextstroke.training.tasks.protocol import Examples, open_examples
from nextstroke.training.tasks.text_task import TextExamples


class Trained(NamedTuple):
    """A training as it was last saved, or a model file.

    Attributes:
        network: The averaged network.
        recipe: What it was made by.
        about: What the checkpoint or the model file says of it.
        remark: A sentence where an older checkpoint had to be taken, else empty.
        noise: What lay on the weights while it learned; a model file knows only their means.
    """

    network: Any
    recipe: Recipe
    about: dict
    remark: str
    noise: NoNoise


def find_start(recipe: Recipe) -> Path:
    """Where the weights are that a recipe starts from: a place, or a bundled model by its name."""
    path = Path(recipe.start_from)
    return path if path.exists() else find_model(recipe.start_from)


def open_run(path: Path) -> Trained:
    """Load the averaged network of a run's folder or of one of its checkpoints, or the network of a model file.

    Raises:
        BadInput, CorruptFile, WrongModel: there is nothing of the kind.
    """
    tensors: dict[str, Tensor] = {}
    weights: Mapping[str, Any]
    if path.is_file() and path.suffix != Path(CHECKPOINT).suffix:
        about = Model(path).metadata
        weights, remark = read_weights(path), ""
    else:
        tensors, about, remark = (*load_checkpoint(path), "") if path.is_file() else load_newest(path / CHECKPOINT)
        weights = under("average.", tensors)
    recipe = make_recipe(about["recipe"], path)
    network = build_network(recipe, len(about["alphabet"]))
    load_weights(network, weights, path)
    noise = build_noise(network, recipe.training, 1) if tensors else NoNoise(network)
    load_noise(noise, under("noise.", tensors), path)
    return Trained(network.eval(), recipe, about, remark, noise)


def evaluate_run(
    run: Path,
    corpus: Path,
    split: str = "validation",
    every: int = 1,
    device: str = "cpu",
    temperature: float = 1.0,
) -> dict[str, float]:
    """Scores of a run by name, on every `every`-th part of a split, in the paper's units.

    Args:
        run: Folder of a training, one of its checkpoints, or a model file.
        split: "validation", or "train", or for a text another split's name.
        temperature: What y-hat of a text network is divided by: one that knows its text by heart is too sure of itself.
    Raises:
        UsageError: no such device; no such temperature, or one for ink.
    """
    device = open_device(device)
    network, recipe, about, _, noise = open_run(run)
    if temperature != 1:
        _temper(network, temperature, run)
    network.to(device)
    examples, _ = open_examples(scoring_recipe(recipe, split), corpus, about)
    check_alphabet(examples, about, corpus)
    examples = examples.on(split)
    figures = examples.score(network, every).figures()
    if isinstance(network, WriterNetwork) and isinstance(examples, InkExamples):
        letters = [i for i, character in enumerate(about["alphabet"]) if character.isalpha()]
        lines = examples.validation[::every]
        figures["letter_test"] = letter_test(network, lines, examples.normalisation, letters)
    if isinstance(noise, AdaptiveNoise):
        noise.sigma.to(device)
        with noise.sampled(recipe.seed):
            sample = examples.score(network, every)
        told = {name: value for name, value in sample.figures().items() if isinstance(value, float)}
        figures |= {f"{name}_at_a_sample": value for name, value in told.items()} | noise.figures()
        if split == "train":
            figures["description_length_nats"] = every * sample.log_loss + figures["complexity_nats"]
    return figures


def scoring_recipe(recipe: Recipe, split: str = "validation") -> Recipe:
    """Return a recipe to score a network with: its own alphabet and normalisation, and of a text one split only.

    What a text was learned from need not be there to score another split.
    """
    own = {"train": [split], "validation": [split]} if recipe.kind == "text" else {"alphabet": "start"}
    return recipe.model_copy(update={"data": recipe.data.model_copy(update=own)})


def _temper(network: nn.Module, temperature: float, run: Path) -> None:
    if not isinstance(network, TextNetwork):
        raise UsageError(f"{run}: a temperature is of text, this network writes or reads")
    if not 0 < temperature < math.inf:
        raise UsageError(f"temperature {temperature}: give a number above 0; as learned is 1")
    network.temper(temperature)


def check_alphabet(examples: Examples, about: Mapping[str, Any], corpus: Path) -> None:
    """Raise WrongModel where the numbers of a packed text mean other symbols than those the network learned."""
    if isinstance(examples, TextExamples) and list(examples.symbols) != list(about["alphabet"]):
        raise WrongModel(f"{corpus}: its symbols are not those the network learned; pack the text as its corpus was")
