"""Recipes: typed and strict TOML. An unknown key or an impossible value is an error with its dotted path."""

import difflib
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, ValidationError

from nextstroke.errors import BadRecipe

Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]
Updates = Annotated[int, Field(ge=0)]


class _Section(BaseModel, extra="forbid", frozen=True):
    """A table of a recipe: no key but those named here."""


class Data(_Section):
    """What is learned from.

    Attributes:
        ink: "raw" points, or "simplified" ones (about a third as many).
        alphabet: "full", all characters of the corpus, or "paper", the 57 labels of section 5.2.
        train, validation: Names of official splits.
        clip: Offsets are clipped to ± this many units of the corpus while learning; nothing is clipped without it.
    """

    ink: Literal["raw", "simplified"] = "raw"
    alphabet: Literal["full", "paper"] = "full"
    train: list[str] = ["trainset", "testset_t", "testset_f"]
    validation: list[str] = ["testset_v"]
    clip: Positive | None = None


class Network(_Section):
    """Sizes, first weights and bounds of the derivatives.

    Attributes:
        layers, cells: Hidden layers, and memory cells in each.
        components: Gaussians of the output (M).
        window_components: Gaussians of the window (K); writers only.
        start_step: Characters per point at which the window starts; without it its biases are as all others.
        forget_bias: Added to the first bias of the forget gates.
        init: "uniform" in ±0.1, or "orthogonal" recurrence with inputs scaled by their width.
        derivative_clip, output_clip, window_clip: Bounds of the derivatives by the pre-activations of the gates, by
            y-hat and by the window's parameters; no bound without them. They hold for the sum over a line.
        dropout: Share of each layer's outputs dropped on their way up and out.
    """

    layers: Count = 3
    cells: Count = 400
    components: Count = 20
    window_components: Count = 10
    start_step: Positive | None = None
    forget_bias: float = 0.0
    init: Literal["uniform", "orthogonal"] = "uniform"
    derivative_clip: Positive = 10.0
    output_clip: Positive | None = 100.0
    window_clip: Positive | None = None
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0


class Training(_Section):
    """How it is learned.

    Attributes:
        batch: Lines of each worker side by side.
        chunk: Steps of truncated backpropagation, state carried on; whole lines without it.
        optimiser, learning_rate, weight_decay, second_decay: AdamW with its β2, or the paper's RMSProp.
        warm_up: Updates of linear growth of the rate.
        fall_updates, final_rate_fraction: The last updates, over which the rate falls along a cosine to this share.
        norm_clip: Bound of the whole gradient's norm.
        loss: What the gradient is of: the "mean" over points, or the "sum" over a line (mean over the lines).
        updates: How many in all.
        average_decay: Of the running average of the weights, which is what is evaluated and exported.
        augment_scale, augment_shear: Standard deviations of log size and slant, drawn for each line.
        evaluate_every: Updates between evaluations on every `evaluate_lines_every`-th validation line.
        save_every_minutes: Minutes between checkpoints.
        workers: Processes that share the work.
    """

    batch: Count = 16
    chunk: Count | None = None
    optimiser: Literal["adamw", "rmsprop"] = "adamw"
    learning_rate: Positive = 1e-4
    weight_decay: NotNegative = 0.0
    second_decay: Share = 0.999
    warm_up: Updates = 0
    fall_updates: Updates = 0
    final_rate_fraction: Share = 0.02
    norm_clip: Positive | None = None
    loss: Literal["mean", "sum"] = "mean"
    updates: Count = 10_000
    average_decay: Share = 0.0
    augment_scale: NotNegative = 0.0
    augment_shear: NotNegative = 0.0
    evaluate_every: Count = 1000
    evaluate_lines_every: Count = 6
    save_every_minutes: NotNegative = 5.0
    workers: Count = 1


class Recipe(_Section):
    """Everything that decides a training.

    Attributes:
        kind: "writer" (synthesis) or "pen" (prediction).
        note: What it is for.
        seed: Of first weights, order, augmentation and dropout.
        start_from: Folder of a training whose weights this one begins with.
    """

    kind: Literal["writer", "pen"]
    note: str = ""
    seed: int = 1
    start_from: str = ""
    data: Data = Data()
    network: Network = Network()
    training: Training = Training()

    def dump(self) -> dict[str, Any]:
        """The recipe as plain values, every default spelled out: what records keep."""
        return self.model_dump()


def load_recipe(path: Path, settings: list[str] | None = None) -> Recipe:
    """Read a recipe, change it by `settings` ("a.b=value") and check all of it at once.

    Raises:
        BadRecipe: no such file, not TOML, or wrong keys and values; all of them are named.
    """
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise BadRecipe(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from error
    except tomllib.TOMLDecodeError as error:
        raise BadRecipe(f"{path}: not TOML: {error}") from error
    for setting in settings or []:
        _set(table, setting)
    return make_recipe(table, path)


def make_recipe(table: dict[str, Any], source: object) -> Recipe:
    """Check plain values; raises BadRecipe with everything that is wrong."""
    try:
        return Recipe.model_validate(table)
    except ValidationError as error:
        faults = "; ".join(_fault(found) for found in error.errors())
        raise BadRecipe(f"{source}: {faults}") from error


def _set(table: dict[str, Any], setting: str) -> None:
    """Put "a.b=value" into a nested table; the value is TOML, or a bare string."""
    path, equals, value = setting.partition("=")
    *parents, key = path.strip().split(".")
    if not equals or not all([*parents, key]):
        raise BadRecipe(f"--set {setting!r}: give key=value with a dotted key, such as training.updates=500")
    for parent in parents:
        table = table.setdefault(parent, {})
        if not isinstance(table, dict):
            raise BadRecipe(f"--set {setting!r}: {parent!r} is a value, not a table")
    table[key] = _value(value.strip())


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _fault(found: Any) -> str:
    """One mistake as "path: what is wrong (value met)", with the nearest known key for an unknown one."""
    path = ".".join(map(str, found["loc"]))
    if found["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(found["loc"][-1]), _keys(found["loc"][:-1]), 1)
        return f"{path}: unknown key" + (f", did you mean {near[0]!r}?" if near else "")
    if found["type"] == "missing":
        return f"{path}: missing"
    return f"{path}: {found['msg'][0].lower()}{found['msg'][1:]} (got {found['input']!r})"


def _keys(path: tuple[Any, ...]) -> list[str]:
    """The keys that the section at `path` knows."""
    section: Any = Recipe
    for part in path:
        section = section.model_fields[part].annotation
    return list(section.model_fields)
