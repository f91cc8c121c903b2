"""Networks and scores of trainings, finished or stopped."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from nextstroke.config import Recipe, make_recipe
from nextstroke.errors import UsageError, WrongModel
from nextstroke.nets.networks import Network, SynthesisNetwork, TextNetwork, TiedTextNetwork
from nextstroke.nets.weight_noise import AdaptiveNoise, NoNoise, WeightNoise
from nextstroke.runtime.model_file import Model, find_model
from nextstroke.runtime.onnx_weights import read_weights
from nextstroke.training.checkpoint import CHECKPOINT, load_checkpoint, load_newest
from nextstroke.training.checkpoint_metadata import check_metadata
from nextstroke.training.device import open_device
from nextstroke.training.evaluation.handwriting import letter_test
from nextstroke.training.loop import strip_prefix
from nextstroke.training.optimisers import build_network, build_noise, load_noise, load_weights
from nextstroke.training.random_streams import Stream, stream_seed
from nextstroke.training.tasks.ink_task import InkExamples
from nextstroke.training.tasks.protocol import Examples, open_examples
from nextstroke.training.tasks.text_task import TextExamples


class Trained(NamedTuple):
    """A training as it was last saved, or a model file.

    Attributes:
        network: Network with the averaged weights.
        recipe: Recipe of the training.
        metadata: Metadata of the checkpoint or the model file.
        remark: A sentence where an older checkpoint had to be loaded, else empty.
        noise: Weight noise of the training; a model file holds the means alone.
    """

    network: Network
    recipe: Recipe
    metadata: dict
    remark: str
    noise: WeightNoise


def find_start(recipe: Recipe) -> Path:
    """Return the path of the weights that a recipe starts from: a path, or a bundled model by its name."""
    path = Path(recipe.start_from)
    return path if path.exists() else find_model(recipe.start_from)


def open_run(path: Path) -> Trained:
    """Load the averaged network of a training, or the network of a model file.

    Args:
        path: Folder of a training, one of its checkpoints, a model file, or the name of a bundled model.

    Raises:
        BadInput, CorruptFile, WrongModel: there is no readable one.
    """
    if not path.exists():
        path = find_model(str(path))
    tensors: dict[str, Tensor] = {}
    weights: Mapping[str, Any]
    remark = ""
    if path.is_file() and path.suffix != Path(CHECKPOINT).suffix:
        metadata = Model(path).metadata
        weights = read_weights(path)
    else:
        if path.is_file():
            tensors, metadata = load_checkpoint(path)
        else:
            tensors, metadata, remark = load_newest(path / CHECKPOINT)
        check_metadata(metadata, path)
        weights = strip_prefix("average.", tensors)
    recipe = make_recipe(metadata["recipe"], path)
    network = build_network(recipe, len(metadata["alphabet"]))
    load_weights(network, weights, path)
    noise = build_noise(network, recipe.training, 1) if tensors else NoNoise()
    load_noise(noise, strip_prefix("noise.", tensors), path)
    return Trained(network.eval(), recipe, metadata, remark, noise)


def evaluate_run(
    run: Path,
    corpus: Path,
    split: str = "validation",
    every: int = 1,
    device: str = "cpu",
    temperature: float = 1.0,
) -> dict[str, float]:
    """Return the scores of a training by name, on each `every`-th part of a split, in the paper's units.

    Args:
        run: Folder of a training, one of its checkpoints, or a model file.
        corpus: Packed corpus.
        split: "validation", or "train", or for a text the name of another split.
        temperature: Divisor of the logits of a text network, above 0. A network that has memorised
            its text is overconfident.

    Raises:
        UsageError: the device is not available, or the temperature is not possible, or given for
            ink.
    """
    device = open_device(device)
    network, recipe, metadata, _, noise = open_run(run)
    if temperature != 1:
        _apply_temperature(network, temperature, run)
    network.to(device)
    examples, _ = open_examples(scoring_recipe(recipe, split), corpus, metadata)
    check_alphabet(examples, metadata, corpus)
    examples = examples.on(split)
    metrics = examples.score(network, every).metrics()
    if isinstance(network, SynthesisNetwork) and isinstance(examples, InkExamples):
        letters = [i for i, character in enumerate(metadata["alphabet"]) if character.isalpha()]
        lines = examples.validation[::every]
        metrics["letter_test"] = letter_test(network, lines, examples.normalisation, letters)
    if isinstance(noise, AdaptiveNoise):
        noise.sigma.to(device)
        with noise.sampled(stream_seed(recipe.seed, Stream.EVALUATION)):
            sample = examples.score(network, every)
        for name, value in sample.metrics().items():
            if isinstance(value, float):
                metrics[f"{name}_at_a_sample"] = value
        metrics |= noise.metrics()
        if split == "train":
            metrics["description_length_nats"] = every * sample.log_loss + metrics["complexity_nats"]
    return metrics


def scoring_recipe(recipe: Recipe, split: str = "validation") -> Recipe:
    """Return a recipe to score a network with: its own alphabet and normalisation, of a text one split.

    The split that a text network learned from need not be in the corpus to score another.
    """
    own: dict[str, Any] = {"alphabet": "start"}
    if recipe.kind == "text":
        own = {"train": [split], "validation": [split]}
    return recipe.model_copy(update={"data": recipe.data.model_copy(update=own)})


def _apply_temperature(network: Network, temperature: float, run: Path) -> None:
    if not isinstance(network, TextNetwork | TiedTextNetwork):
        problem = "--temperature is for text networks only, this is one of handwriting"
        raise UsageError(f"{run}: {problem}")
    if not 0 < temperature < math.inf:
        wanted = "give a number above 0; 1 leaves the network unchanged"
        raise UsageError(f"temperature {temperature}: {wanted}")
    network.apply_temperature(temperature)


def check_alphabet(examples: Examples, metadata: Mapping[str, Any], corpus: Path) -> None:
    """Raise WrongModel where the ids of a packed text are of other symbols than the network's."""
    if isinstance(examples, TextExamples) and list(examples.symbols) != list(metadata["alphabet"]):
        problem = "its symbols are not those that the network learned"
        raise WrongModel(f"{corpus}: {problem}; pack the text as its corpus was")
