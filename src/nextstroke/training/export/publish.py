"""Publication of a training: the model file and its gallery of styles."""

import copy
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import torch
from torch import nn

from nextstroke.config import read_toml
from nextstroke.datasets.packed_ink import InkCorpus
from nextstroke.errors import BadRecipe, UsageError, WrongModel
from nextstroke.handwriting.hands import prime_hand, save_hands
from nextstroke.runtime.model_file import load_model
from nextstroke.training.evaluation.runs import open_run
from nextstroke.training.export.networks_export import export_model
from nextstroke.training.optimisers import EXTENSIBLE, load_weights

# Entries of a checkpoint's metadata that a model file keeps.
INK = ("alphabet", "normalisation", "points_per_character")
TEXT = ("alphabet", "unit", "end")
RECORDED = ("update", "points", "seconds", "validation", "validation_point")  # of the progress


class Average(NamedTuple):
    """Another training whose weights are averaged with those of the one that is published.

    Attributes:
        other: Folder of a training, one of its checkpoints, or a model file.
        share: Weight of `other` in the mean, 0 to 1.
    """

    other: Path
    share: float


def publish_model(
    run: Path,
    path: Path,
    licence: str,
    note: str = "",
    integer: bool = True,
    average: Average | None = None,
    recogniser: str | None = None,
) -> str:
    """Export the averaged weights of a training; return a sentence on what was written.

    Args:
        run: Folder of the training, or one of its checkpoints.
        path: Model file to write.
        licence: Terms of use of the weights.
        note: A line about the model.
        integer: Store the large weights as int8 instead of float16.
        average: Another training to take the mean of weights with; None to publish the training as
            it is.
        recogniser: Bundled recogniser that chooses among candidates of a writer; None for the usual
            one.

    Raises:
        BadInput, CorruptFile, WrongModel: There is no training, or the other one is of another
            network.
        UsageError, LimitExceeded: The file cannot be written; `licence` or `note` is not Unicode
            text.
    """
    for name, text in (("licence", licence), ("note", note)):
        # Python decodes arguments that are not UTF-8 to surrogates.
        if any("\ud800" <= character <= "\udfff" for character in text):
            raise UsageError(f"--{name} {text!r}: not UTF-8")
    network, recipe, metadata, _, noise = open_run(run)
    if recogniser is not None and recipe.kind != "writer":
        raise UsageError(f"--recogniser is for writers; {run} is of the kind {recipe.kind!r}")
    if average:
        _average(network, recipe.kind, metadata["alphabet"], average)
    kept = {name: metadata[name] for name in (TEXT if recipe.kind == "text" else INK)}
    record = {name: metadata["progress"][name] for name in RECORDED} | noise.metrics()
    # Publish the name of the start only, not its folder on some machine.
    published = recipe.dump() | {"start_from": Path(recipe.start_from).name}
    terms = {"recipe": published, "record": record, "licence": licence, "note": note}
    if recogniser is not None:
        terms["recogniser"] = recogniser
    export_model(network, {"kind": recipe.kind, **kept, **terms}, path, integer)
    weights = sum(weight.numel() for weight in network.parameters())
    return f"{path}: {weights:,} weights, {path.stat().st_size / 1e6:.1f} MB"


def _average(network: nn.Module, kind: str, alphabet: Sequence[str], average: Average) -> None:
    """Move a network's weights towards those of another training, which it or both started from.

    Means of trainings with a common start keep what each learned (Wortsman et al., "Model soups",
    ICML 2022).
    """
    other = open_run(average.other)
    theirs = other.metadata["alphabet"]
    if list(theirs) != list(alphabet[: len(theirs)]):
        problem = f"its alphabet {theirs!r} does not begin that of the training, {alphabet!r}"
        raise WrongModel(f"{average.other}: {problem}")
    weights = other.network.state_dict()
    if len(theirs) < len(alphabet):
        if kind not in EXTENSIBLE:
            problem = "its alphabet is smaller than that of the training"
            raise WrongModel(f"{average.other}: {problem}")
        weights = EXTENSIBLE[kind](weights, len(theirs), len(alphabet))
    towards = copy.deepcopy(network)
    load_weights(towards, weights, average.other)
    with torch.no_grad():
        for mine, wanted in zip(network.parameters(), towards.parameters(), strict=True):
            mine.lerp_(wanted, average.share)


def publish_styles(model_path: Path, primes: Path, corpus: Path) -> str:
    """Prime an exported model with lines of a corpus and store the states next to it.

    Args:
        model_path: Model file.
        primes: TOML file of pairs name = "line of the corpus", at the top level or in tables; a
            table's name is the group of its hands.
        corpus: Packed corpus of ink.

    Raises:
        BadRecipe: `primes` cannot be read, gives two hands the same name, or names a line that is
            not in the corpus.
        CorruptFile: The corpus cannot be read.
        WrongModel: The model is not one of handwriting synthesis.
    """
    model = load_model(str(model_path.absolute()), "writer")
    lines = InkCorpus.open(corpus)
    numbers = {line.name: i for i, line in enumerate(lines.lines)}
    wanted: dict[str, tuple[str, int]] = {}
    for group, name, line in read_primes(primes):
        if not isinstance(line, str) or line not in numbers:
            problem = f"style {name!r} names line {line!r}, which the corpus does not hold"
            raise BadRecipe(f"{primes}: {problem}")
        if name in wanted:
            problem = f"two styles are called {name!r}; give each its own name"
            raise BadRecipe(f"{primes}: {problem}")
        wanted[name] = (group, numbers[line])
    hands = []
    for name, (group, i) in wanted.items():
        hand = prime_hand(model, name, model.represented(lines.ink(i)), lines.lines[i].text)
        hands.append(replace(hand, group=group))
    path = model_path.with_suffix(".styles")
    save_hands(path, hands, half=True)
    return f"{path}: {len(hands)} styles, {path.stat().st_size / 1000:.0f} kB"


def read_primes(path: Path) -> list[tuple[str, str, object]]:
    """Return the group, name and line of each prime of a TOML file; the top level has no group.

    Raises:
        BadRecipe: The file cannot be read.
    """
    primes: list[tuple[str, str, object]] = []
    for key, value in read_toml(path).items():
        if isinstance(value, dict):
            primes += [(key, name, line) for name, line in value.items()]
        else:
            primes.append(("", key, value))
    return primes
