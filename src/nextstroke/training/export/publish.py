"""Publication of a training: the model file and its gallery of styles."""

from pathlib import Path

from nextstroke.config import read_toml
from nextstroke.datasets.packed_ink import InkCorpus
from nextstroke.errors import BadRecipe
from nextstroke.handwriting.hands import Hand, prime_hand, save_hands
from nextstroke.runtime.model_file import Model, load_model
from nextstroke.training.evaluation.runs import open_run
from nextstroke.training.export.networks_export import export_model

INK, TEXT = ("alphabet", "normalisation", "points_per_character"), ("alphabet", "unit", "end")
RECORDED = ("update", "points", "seconds", "validation", "validation_point")


def publish_model(run: Path, path: Path, licence: str, note: str = "", integer: bool = True) -> str:
    """Export the averaged weights of a training; return a sentence on what was written.

    Args:
        run: Folder of the training, or one of its checkpoints.
        path: Model file to write.
        licence: Terms of use of the weights.
        note: A line about the model.
        integer: Store the large weights as int8 instead of float16.

    Raises:
        BadInput, CorruptFile, WrongModel: there is no training.
        UsageError, LimitExceeded: the file cannot be written.
    """
    network, recipe, metadata, _, noise = open_run(run)
    kept = {name: metadata[name] for name in (TEXT if recipe.kind == "text" else INK)}
    record = {name: metadata["progress"][name] for name in RECORDED} | noise.metrics()
    # The name of the start is published, not the folder where it was on some machine.
    published = recipe.dump() | {"start_from": Path(recipe.start_from).name}
    terms = {"recipe": published, "record": record, "licence": licence, "note": note}
    export_model(network, {"kind": recipe.kind, **kept, **terms}, path, integer)
    weights = sum(weight.numel() for weight in network.parameters())
    return f"{path}: {weights:,} weights, {path.stat().st_size / 1e6:.1f} MB"


def publish_styles(model_path: Path, primes: Path, corpus: Path) -> str:
    """Prime an exported model with the lines that `primes` names and store the states next to it.

    Args:
        primes: TOML file of pairs name = "line of the corpus".
        corpus: Packed corpus of ink.

    Raises:
        BadRecipe: `primes` cannot be read, or names a line that is not in the corpus.
        CorruptFile: the corpus cannot be read.
        WrongModel: the model is not one of handwriting synthesis.
    """
    wanted = read_toml(primes)
    model = load_model(str(model_path.absolute()), "writer")
    lines = InkCorpus.open(corpus)
    numbers = {line.name: i for i, line in enumerate(lines.lines)}
    styles = []
    for name, line in wanted.items():
        if not isinstance(line, str) or line not in numbers:
            raise BadRecipe(f"{primes}: style {name!r} names line {line!r}, which the corpus does not hold")
        styles.append(_style(model, name, lines, numbers[line]))
    path = model_path.with_suffix(".styles")
    save_hands(path, styles)
    return f"{path}: {len(styles)} styles"


def _style(model: Model, name: str, corpus: InkCorpus, i: int) -> Hand:
    return prime_hand(model, name, model.represented(corpus.ink(i)), corpus.lines[i].text)
