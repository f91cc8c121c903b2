"""Recipes: typed and strict TOML. An unknown key or an impossible value is an error with its dotted path."""

import difflib
import hashlib
import json
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from nextstroke.errors import BadRecipe
from nextstroke.files import read_at_most

MAX_BYTES = 1 << 20  # of a TOML file; the longest that is shipped has 2 kB


def _none(value: Any) -> Any:
    """Return None for the word "none", which removes a bound: TOML has no null."""
    return None if value == "none" else value


Finite = Annotated[float, Field(allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
LessThanOne = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]
Updates = Annotated[int, Field(ge=0)]
Bound = Annotated[Positive | None, BeforeValidator(_none)]
Splits = Annotated[list[str], Field(min_length=1)]
Steps = Annotated[Count | None, BeforeValidator(_none)]


class _Section(BaseModel):
    """A table of a recipe: unknown keys are errors, and no value is converted to another type."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Data(_Section):
    """Training and validation data.

    Attributes:
        ink: "raw" points, or "simplified" ones (about a third as many).
        alphabet: "full", all characters of the corpus; "paper", the 57 labels of section 5.2; "start",
            that of the network this one starts from, with its normalisation, for a few lines of one hand;
            "extend", as "start", then the characters of the corpus that it lacks, for other ink.
        train, validation: Names of official splits.
        clip: Bound of the training offsets, ± units of the corpus; "none" for no clipping.
        phases: Number of forms of each line of simplified ink, which differ in which of every three
            points are kept.
        sequences: How a text is read: as parallel "streams", in order, with the state carried on, or as
            "sentences", each with a fresh state.
        reset: Number of chunks of a stream after which its state begins anew; "none" for never.
    """

    ink: Literal["raw", "simplified"] = "raw"
    alphabet: Literal["full", "paper", "start", "extend"] = "full"
    train: Splits = ["trainset", "testset_t", "testset_f"]
    validation: Splits = ["testset_v"]
    clip: Bound = None
    phases: Annotated[int, Field(ge=1, le=3)] = 1
    sequences: Literal["streams", "sentences"] = "streams"
    reset: Steps = None


class Network(_Section):
    """Sizes, initial weights and bounds of the gradients; "none" removes an optional bound.

    Attributes:
        layers, cells: Number of hidden layers, and of memory cells in each.
        vector: Length of a symbol's vector that input and output of a text network share; "none" for
            separate ones.
        components: Number M of Gaussians of the output.
        window_components: Number K of Gaussians of the window; of handwriting synthesis only.
        start_step: Characters per point at which the window starts; "none" for biases as all others.
        forget_bias: Number added to the initial bias of the forget gates.
        init: "uniform" in ±0.1, or "orthogonal" recurrence with inputs scaled by their width.
        derivative_clip, output_clip, window_clip: Bounds of the gradients w.r.t. the gates'
            pre-activations, y-hat and the logarithms of the window's parameters, for the sum over a line.
        dropout: Share of each layer's outputs dropped on the way up and out.
    """

    layers: Count = 3
    cells: Count = 400
    vector: Steps = None
    components: Count = 20
    window_components: Count = 10
    start_step: Bound = None
    forget_bias: Finite = 0.0
    init: Literal["uniform", "orthogonal"] = "uniform"
    derivative_clip: Positive = 10.0
    output_clip: Bound = 100.0
    window_clip: Bound = None
    dropout: LessThanOne = 0.0


class Training(_Section):
    """Optimisation, noise and augmentation, evaluation and checkpoints.

    Attributes:
        batch: Number of lines in a batch of each worker.
        accumulate: Number of such batches of each worker that make an update, one after another: 2 on
            one worker learn the same as 1 on two.
        chunk: Steps of truncated backpropagation, with the state carried on; "none" for whole lines.
        optimiser, learning_rate, weight_decay, second_decay: AdamW with its β2, or the paper's RMSProp.
        momentum: Momentum of "sgd", the paper's optimiser for text.
        warm_up: Number of updates in which the rate grows linearly.
        fall_share, final_rate_fraction: Share of the updates, at the end, in which the rate falls along a
            cosine, and the fraction it falls to.
        norm_clip: Bound of the norm of the whole gradient; "none" for no clipping.
        loss: The "mean" over points, or the "sum" over a line (mean over the lines).
        updates: Number of all updates.
        average_decay: Decay of the running average of the weights, which is evaluated and exported.
        noise: Noise on the weights, one sample a batch: "none", "fixed", "adaptive", whose deviations
            are learned by description length, or "drop", dropout of recurrent weights. Adaptive noise
            needs whole lines (no `chunk`) and `loss` "sum".
        noise_sigma: Deviation of the noise, initial deviation of adaptive noise.
        noise_share: Share of the recurrent weights that are dropped.
        augment_scale, augment_stretch, augment_shear, augment_slope: Standard deviations of log size, of
            log width alone, of slant and of the slope of the baseline, drawn for each line.
        evaluate_every: Updates between evaluations on every `evaluate_lines_every`-th validation line.
        save_every_minutes: Minutes between checkpoints.
        keep: Number of the last checkpoints that are kept, besides the best by validation.
        workers: Number of processes that share the work.
        gpu_products, cpu_products: Operands of the layers' products on a GPU, and on a CPU that has
            instructions for them.
    """

    batch: Count = 16
    accumulate: Count = 1
    chunk: Steps = None
    optimiser: Literal["adamw", "rmsprop", "sgd"] = "adamw"
    learning_rate: Positive = 1e-4
    weight_decay: NotNegative = 0.0
    second_decay: LessThanOne = 0.999
    momentum: LessThanOne = 0.9
    warm_up: Updates = 0
    fall_share: Share = 0.0
    final_rate_fraction: Share = 0.02
    norm_clip: Bound = None
    loss: Literal["mean", "sum"] = "mean"
    updates: Count = 10_000
    average_decay: LessThanOne = 0.0
    noise: Literal["none", "fixed", "adaptive", "drop"] = "none"
    noise_sigma: Positive = 0.075
    noise_share: LessThanOne = 0.2
    augment_scale: NotNegative = 0.0
    augment_stretch: NotNegative = 0.0
    augment_shear: NotNegative = 0.0
    augment_slope: NotNegative = 0.0
    evaluate_every: Count = 1000
    evaluate_lines_every: Count = 6
    save_every_minutes: NotNegative = 5.0
    keep: Count = 2
    workers: Count = 1
    gpu_products: Literal["tf32", "bfloat16"] = "tf32"
    cpu_products: Literal["float32", "bfloat16"] = "float32"

    @model_validator(mode="after")
    def _whole_lines(self) -> "Training":
        if self.noise == "adaptive" and (self.loss != "sum" or self.chunk is not None):
            raise ValueError('adaptive noise needs whole lines: set loss = "sum" and leave training.chunk out')
        return self


class Recipe(_Section):
    """All settings of a training.

    Attributes:
        kind: "writer" (handwriting synthesis), "pen" (handwriting prediction), "text", or "reader"
            (handwriting recognition, which judges what is written).
        note: Purpose of the recipe.
        seed: Random seed of initial weights, order, augmentation, dropout and weight noise.
        start_from: Training, checkpoint, model file or name of a bundled model whose weights are the
            initial ones; empty for random weights.
    """

    kind: Literal["writer", "pen", "text", "reader"]
    note: str = ""
    seed: int = 1
    start_from: str = ""
    data: Data = Data()
    network: Network = Network()
    training: Training = Training()

    @model_validator(mode="after")
    def _check_sections(self) -> "Recipe":
        if self.kind == "reader" and self.training.chunk is not None:
            raise ValueError("a recogniser (reader) needs whole lines: leave training.chunk out")
        if self.data.alphabet in ("start", "extend") and not self.start_from:
            raise ValueError(f'data.alphabet = "{self.data.alphabet}" needs start_from')
        if self.data.alphabet == "extend" and self.kind not in ("writer", "reader"):
            raise ValueError('data.alphabet = "extend" is for kind = "writer" or "reader"')
        return self

    def dump(self) -> dict[str, Any]:
        """Return the recipe as plain values with all defaults, for checkpoints and model files."""
        return self.model_dump()

    def digest(self) -> str:
        """Return the SHA-256 of `dump()`, hexadecimal, equal for recipes with equal values."""
        return hashlib.sha256(json.dumps(self.dump(), sort_keys=True).encode()).hexdigest()


def load_recipe(path: Path, settings: list[str] | None = None) -> Recipe:
    """Read a recipe, change it by `settings` ("a.b=value") and check all of it at once.

    Raises:
        BadRecipe: there is no such file, it is not TOML, or keys, values or settings are wrong; names all.
    """
    table = read_toml(path)
    return make_recipe(table, path, _apply(table, settings or []))


def make_recipe(table: dict[str, Any], source: object, faults: list[str] | None = None) -> Recipe:
    """Return a recipe of plain values.

    Args:
        source: File or folder for the error message.
        faults: Faults found before.

    Raises:
        BadRecipe: something is wrong; names all faults, those found before included.
    """
    found = list(faults or [])
    try:
        recipe = Recipe.model_validate(table)
    except ValidationError as error:
        found += [_fault(fault) for fault in error.errors()]
    if found:
        raise BadRecipe(f"{source}: {'; '.join(found)}")
    return recipe


def recipe_folder() -> Path:
    """Return the folder of the recipes that are shipped: in the installed package, or in the clone."""
    installed = Path(__file__).parent / "recipes"
    return installed if installed.is_dir() else Path(__file__).parents[2] / "recipes"


def find_recipe(path: Path) -> Path:
    """Return the file of a recipe given by path or by the name of a shipped one.

    `writer`, `best/writer` and `recipes/best/writer.toml` are the same shipped recipe. A file at `path` comes first; a
    name without a folder is looked up in `best`, then in `paper`. Where there is none, `path` is returned as it is.
    """
    if path.exists():
        return path
    name = path.as_posix().removeprefix("recipes/").removesuffix(".toml") + ".toml"
    shipped = recipe_folder()
    candidates = [folder / name for folder in (shipped, shipped / "best", shipped / "paper")]
    return next((candidate for candidate in candidates if candidate.is_file()), path)


def read_toml(path: Path) -> dict[str, Any]:
    """Return the content of a TOML file, which `find_recipe` finds.

    Raises:
        BadRecipe: the file is missing or is not TOML.
        LimitExceeded: it is longer than MAX_BYTES.
    """
    try:
        return tomllib.loads(read_at_most(find_recipe(path), MAX_BYTES).decode())
    except FileNotFoundError as error:
        shipped = sorted(file.relative_to(recipe_folder()) for file in recipe_folder().glob("*/*.toml"))
        names = ", ".join(file.with_suffix("").as_posix() for file in shipped)
        raise BadRecipe(f"{path}: cannot be read (no such file); give a file or a shipped recipe: {names}") from error
    except OSError as error:
        raise BadRecipe(f"{path}: cannot be read ({error.strerror or error})") from error
    # Not only TOMLDecodeError: also bytes that are not UTF-8, and integers or nestings of thousands of
    # digits or brackets.
    except (ValueError, RecursionError) as error:
        raise BadRecipe(f"{path}: not TOML: {error}") from error


def _apply(table: dict[str, Any], settings: list[str]) -> list[str]:
    """Put each "a.b=value" into the nested `table`; return the faults of those that cannot be put."""
    faults = []
    seen: list[str] = []
    for setting in settings:
        path = setting.partition("=")[0].strip()
        fault = _clash(path, seen) or _set(table, path.split("."), setting)
        seen.append(path)
        faults += [f"--set {setting}: {fault}"] if fault else []
    return faults


def _clash(path: str, seen: list[str]) -> str:
    """Return the fault where `path`, or a part of it, was set before, else an empty string."""
    for other in seen:
        if other == path:
            return "is set twice; keep one of the two"
        if other.startswith(f"{path}.") or path.startswith(f"{other}."):
            return f"{other!r} is set too, and one is a part of the other; keep one of the two"
    return ""


def _set(table: dict[str, Any], path: list[str], setting: str) -> str:
    """Set one value; return the fault if that cannot be done, else an empty string."""
    if "=" not in setting or not all(path):
        return "give key=value with a dotted key, such as training.updates=500"
    for parent in path[:-1]:
        table = table.setdefault(parent, {})
        if not isinstance(table, dict):
            return f"{parent!r} is a value, not a table"
    table[path[-1]] = _value(setting.partition("=")[2].strip())
    return ""


def _value(text: str) -> Any:
    """Return the value of a setting: TOML, or else a bare string."""
    try:
        table = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        return text
    # A line break in the text could add further keys.
    return table["value"] if len(table) == 1 else text


def _fault(found: Any) -> str:
    """Return one fault as "path: what is wrong (value given)", with the nearest known key for an unknown one."""
    path = ".".join(map(str, found["loc"]))
    if found["type"] == "extra_forbidden":
        return f"{path}: unknown key (got {_short(found['input'])}){_hint(found['loc'])}"
    if found["type"] == "missing":
        return f"{path}: missing"
    if found["type"] == "model_type":
        return f"{path}: should be a table, [{path}] (got {_short(found['input'])})"
    return f"{path}: {found['msg'][0].lower()}{found['msg'][1:]} (got {_short(found['input'])})"


def _hint(path: tuple[Any, ...]) -> str:
    """Return the known key nearest to an unknown one, in its own section or else in another."""
    near = difflib.get_close_matches(str(path[-1]), _keys(path[:-1]), 1)
    if near:
        return f", did you mean {near[0]!r}?"
    sections = [section for section in ("data", "network", "training") if path[-1] in _keys((section,))]
    return f", it belongs in [{sections[0]}]" if sections else ""


def _short(value: Any, most: int = 60) -> str:
    shown = repr(value)
    return shown if len(shown) <= most else f"{shown[:most]}…"


def _keys(path: tuple[Any, ...]) -> list[str]:
    """Return the keys of the section at `path`."""
    section: Any = Recipe
    for part in path:
        section = section.model_fields[part].annotation
    return list(section.model_fields)
