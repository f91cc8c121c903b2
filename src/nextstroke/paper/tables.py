"""Tables 3 and 4: the paper's numbers and those measured now."""

import math
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

from nextstroke.datasets.packed_ink import InkCorpus
from nextstroke.errors import BadInput, WrongModel

HYPER = "−1162 (HyperLSTM, Ha et al. 2016; layer norm −1096)"


class TableRow(NamedTuple):
    """One row of a table.

    Attributes:
        name: Name of its recipe and of the folder of its training in `runs/`.
        table: 3 or 4.
        network: Description of the network.
        nats, squared_error: The paper's results; not a number for rows of our own.
        later: The best result published since, with its source.
        later_nats: The same as a number.
        weights: Name of its model file in `weights/`, or of a bundled model; empty if it is the row's name.
        recipe: Folder of its recipe in `recipes/`.
    """

    name: str
    table: int
    network: str
    nats: float
    squared_error: float
    later: str
    later_nats: float
    weights: str
    recipe: str


ROWS = (
    TableRow(
        "prediction-1x900", 3, "1 layer of 900", -1025.7, 0.40, "−1026 (LSTM 900, Ha et al. 2016)", -1026, "", "paper"
    ),
    TableRow("prediction-3x400", 3, "3 layers of 400", -1041.0, 0.41, "−1039 (the same)", -1039, "", "paper"),
    TableRow("prediction-3x400-adaptive", 3, "3 × 400, adaptive noise", -1057.7, 0.41, HYPER, -1162, "", "paper"),
    TableRow(
        "prediction-900", 3, "1 layer of 900, our way", math.nan, math.nan, "−1026 (Ha et al. 2016)", -1026, "", "best"
    ),
    TableRow("prediction", 3, "our best recipe", math.nan, math.nan, HYPER, -1162, "pen", "best"),
    TableRow("prediction-adaptive", 3, "the same, adaptive noise", math.nan, math.nan, HYPER, -1162, "", "best"),
    TableRow("synthesis", 4, "3 layers of 400", -1096.9, 0.23, "none known", math.nan, "", "paper"),
    TableRow("synthesis-adaptive", 4, "3 × 400, adaptive noise", -1128.2, 0.23, "none known", math.nan, "", "paper"),
    TableRow("writer-raw", 4, "our best recipe", math.nan, math.nan, "none known", math.nan, "synthesis-raw", "best"),
    TableRow(
        "writer-raw-adaptive", 4, "the same, adaptive noise", math.nan, math.nan, "none known", math.nan, "", "best"
    ),
)


@dataclass(frozen=True)
class Scores:
    """Mean scores of a network on the validation lines.

    Attributes:
        nats_per_line, nats_per_point: Log-loss.
        squared_error_per_point: Squared distance to the mean of the mixture, in normalised units.
    """

    nats_per_line: float
    nats_per_point: float
    squared_error_per_point: float


@dataclass(frozen=True)
class Provenance:
    """How a network came to be, and on what it was measured; "not recorded" for what is not known."""

    command: str
    recipe: str
    version: str
    commit: str
    seed: int
    data: str
    hours: str
    learned_from: str

    def __str__(self) -> str:
        return (
            f"command: {self.command}; recipe: {self.recipe}; version: {self.version}; "
            f"commit of this measurement: {self.commit}; seed: {self.seed}; data: {self.data}; hours: {self.hours}; "
            f"learned from: {self.learned_from}"
        )


@dataclass(frozen=True)
class Measured:
    """A row with its measurement.

    Attributes:
        row: The row.
        source: Folder or model file that was measured; None where there is none.
        scores: What was measured; None where there is no source.
        provenance: How the network came to be; None where there is no source.
        points: Number of points it learned from; not a number where that was not recorded.
    """

    row: TableRow
    source: Path | None = None
    scores: Scores | None = None
    provenance: Provenance | None = None
    points: float = math.nan

    @property
    def nats_per_line(self) -> float:
        """Log-loss in nats a line; not a number where it was not measured."""
        return self.scores.nats_per_line if self.scores else math.nan

    @property
    def nats_per_point(self) -> float:
        """Log-loss in nats a point; not a number where it was not measured."""
        return self.scores.nats_per_point if self.scores else math.nan

    @property
    def squared_error_per_point(self) -> float:
        """Squared error; not a number where it was not measured."""
        return self.scores.squared_error_per_point if self.scores else math.nan

    @property
    def difference(self) -> float:
        """Ours less the paper's, in nats a line; below zero is better."""
        return self.nats_per_line - self.row.nats

    @property
    def difference_to_later(self) -> float:
        """Ours less the best published later, in nats a line."""
        return self.nats_per_line - self.row.later_nats


def find_source(row: TableRow, runs: Path, weights: Path, given: dict[str, Path]) -> Path | None:
    """Find a row's training or model file: as given, else among the trainings, else among the weights,
    else among the bundled models.

    Args:
        row: The row.
        runs: Folder of trainings, each named as its recipe.
        weights: Folder of model files.
        given: Trainings or model files by the row's name.

    Raises:
        BadInput: a given path does not exist.
    """
    if row.name in given:
        if not given[row.name].exists():
            raise BadInput(f"{given[row.name]}: not there, although it was given for {row.name}")
        return given[row.name]
    candidates = [runs / row.name, weights / f"{row.name}.onnx"]
    if row.weights:
        bundled = Path(str(resources.files("nextstroke") / "models"))
        candidates += [weights / f"{row.weights}.onnx", bundled / f"{row.weights}.onnx"]
    return next((path for path in candidates if path.is_file() or (path / "checkpoint.safetensors").is_file()), None)


def measure(row: TableRow, source: Path | None, corpus: Path, every: int, report: Callable[[str], None]) -> Measured:
    """Score a row's network on every `every`-th line of the validation split."""
    if source is None:
        return Measured(row)
    from nextstroke.training.evaluation.metrics import InkScore
    from nextstroke.training.evaluation.runs import open_examples, open_run, scoring_recipe

    report(f"measuring {row.name} ({source})")
    trained = open_run(source)
    examples, _ = open_examples(scoring_recipe(trained.recipe), corpus, trained.metadata)
    score = examples.score(trained.network, every)
    if not isinstance(score, InkScore):
        raise WrongModel(f"{source}: not a network of ink, which {row.name} needs; give another by --row")
    scores = Scores(score.nats_per_line, score.nats_per_point, score.squared_error_per_point)
    points = (trained.metadata.get("progress") or trained.metadata.get("record") or {}).get("points", math.nan)
    return Measured(row, source, scores, _provenance(row, trained.recipe, trained.metadata, examples), points)


def _provenance(row: TableRow, recipe: Any, about: dict, examples: Any) -> Provenance:
    done = about.get("progress") or about.get("record") or {}
    origin = about.get("origin", {})
    splits = ", ".join(recipe.data.train)
    packed = origin.get("corpus", "not recorded")[:12]
    updates = f"{done['update']:,} of {recipe.training.updates:,} updates" if "update" in done else "not recorded"
    return Provenance(
        command=f"nextstroke train recipes/{row.recipe}/{row.name}.toml",
        recipe=f"SHA-256 {recipe.digest()[:12]}",
        version=origin.get("version", "not recorded"),
        commit=commit(),
        seed=recipe.seed,
        data=f"{recipe.data.ink} ink, {examples.sequences} lines of {splits}, corpus {packed}",
        hours=f"{done['seconds'] / 3600:.2f}" if "seconds" in done else "not recorded",
        learned_from=f"{done['points'] / 1e6:.2f} M points, {updates}" if "points" in done else "not recorded",
    )


def commit() -> str:
    """Return the commit of the code, or that it is not in a repository."""
    here = Path(__file__).parent
    command = ["git", "-C", str(here), "describe", "--always", "--dirty"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "not a repository"


def measure_all(
    rows: Sequence[TableRow],
    corpus: Path,
    runs: Path,
    weights: Path,
    given: dict[str, Path],
    every: int,
    report: Callable[[str], None],
) -> list[Measured]:
    """Measure all rows; those without a source are kept as not measured."""
    InkCorpus.open(corpus)
    return [measure(row, find_source(row, runs, weights, given), corpus, every, report) for row in rows]
