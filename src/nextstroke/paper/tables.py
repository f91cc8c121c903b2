"""Tables 3 and 4: the paper's numbers beside those measured now."""

import math
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

from nextstroke.datasets.packed_ink import InkCorpus
from nextstroke.errors import BadInput

HYPER = "−1162 (HyperLSTM, Ha et al. 2016; layer norm −1096)"


class Row(NamedTuple):
    """One row of a table.

    Attributes:
        name: Of its recipe, and of the folder of its training in `runs/`.
        table: 3 or 4.
        network: In words.
        nats, squared_error: The paper's; not a number for rows of our own.
        later: The best that was published since, with its source; `later_nats` the same as a number.
        weights: Name of its model file in `weights/`, or of a bundled model.
        recipe: Its path in the repository.
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
    Row("prediction-1x900", 3, "1 layer of 900", -1025.7, 0.40, "−1026 (LSTM 900, Ha et al. 2016)", -1026, "", "paper"),
    Row("prediction-3x400", 3, "3 layers of 400", -1041.0, 0.41, "−1039 (the same)", -1039, "", "paper"),
    Row("prediction-3x400-adaptive", 3, "3 × 400, adaptive noise", -1057.7, 0.41, HYPER, -1162, "", "paper"),
    Row(
        "prediction-900", 3, "1 layer of 900, our way", math.nan, math.nan, "−1026 (Ha et al. 2016)", -1026, "", "best"
    ),
    Row("prediction", 3, "our best recipe", math.nan, math.nan, HYPER, -1162, "pen", "best"),
    Row("prediction-adaptive", 3, "the same, adaptive noise", math.nan, math.nan, HYPER, -1162, "", "best"),
    Row("synthesis", 4, "3 layers of 400", -1096.9, 0.23, "none known", math.nan, "", "paper"),
    Row("synthesis-adaptive", 4, "3 × 400, adaptive noise", -1128.2, 0.23, "none known", math.nan, "", "paper"),
    Row("writer-raw", 4, "our best recipe", math.nan, math.nan, "none known", math.nan, "synthesis-raw", "best"),
    Row("writer-raw-adaptive", 4, "the same, adaptive noise", math.nan, math.nan, "none known", math.nan, "", "best"),
)


@dataclass(frozen=True)
class Measured:
    """A row with what was found.

    Attributes:
        row: The row.
        source: Folder or model file that was measured; None where there is none.
        figures: Scores by name.
        record: Command, commit, seed, data and hours, in words.
        points: How many it learned from; not a number where that was not recorded.
    """

    row: Row
    source: Path | None
    figures: dict[str, float]
    record: dict[str, str]
    points: float = math.nan

    @property
    def difference(self) -> float:
        """Ours less the paper's, in nats a line; below zero is better."""
        return self.figures.get("nats_per_line", math.nan) - self.row.nats

    @property
    def difference_to_later(self) -> float:
        """Ours less the best published later."""
        return self.figures.get("nats_per_line", math.nan) - self.row.later_nats


def find_source(row: Row, runs: Path, weights: Path, given: dict[str, Path]) -> Path | None:
    """Where a row's training or model file is: as given, else in `runs`, else in `weights`, else bundled.

    Raises:
        BadInput: what was given is not there.
    """
    if row.name in given:
        if not given[row.name].exists():
            raise BadInput(f"{given[row.name]}: not there, although it was given for {row.name}")
        return given[row.name]
    places = [runs / row.name, weights / f"{row.name}.onnx"]
    if row.weights:
        bundled = Path(str(resources.files("nextstroke") / "models"))
        places += [weights / f"{row.weights}.onnx", bundled / f"{row.weights}.onnx"]
    return next((place for place in places if place.is_file() or (place / "checkpoint.safetensors").is_file()), None)


def measure(row: Row, source: Path | None, corpus: Path, every: int, say: Callable[[str], None]) -> Measured:
    """Score a row's network now on every `every`-th line of the validation split."""
    if source is None:
        return Measured(row, None, {}, {})
    from nextstroke.training.evaluation.runs import open_examples, open_run, scoring_recipe

    say(f"measuring {row.name} ({source})")
    trained = open_run(source)
    examples, _ = open_examples(scoring_recipe(trained.recipe), corpus, trained.about)
    figures = examples.score(trained.network, every).figures()
    points = (trained.about.get("progress") or trained.about.get("record") or {}).get("points", math.nan)
    return Measured(row, source, figures, _record(row, trained.recipe, trained.about, examples), points)


def _record(row: Row, recipe: Any, about: dict, examples: Any) -> dict[str, str]:
    """What is known of how a network came to be; what is not, says so."""
    done = about.get("progress") or about.get("record") or {}
    origin = about.get("origin", {})
    splits, packed = ", ".join(recipe.data.train), origin.get("corpus", "not recorded")[:12]
    updates = f"{done['update']:,} of {recipe.training.updates:,} updates" if "update" in done else "not recorded"
    return {
        "command": f"nextstroke train recipes/{row.recipe}/{row.name}.toml",
        "recipe": f"SHA-256 {recipe.digest()[:12]}",
        "version": origin.get("version", "not recorded"),
        "commit of this measurement": commit(),
        "seed": str(recipe.seed),
        "data": f"{recipe.data.ink} ink, {examples.sequences} lines of {splits}, corpus {packed}",
        "hours": f"{done['seconds'] / 3600:.2f}" if "seconds" in done else "not recorded",
        "learned from": f"{done['points'] / 1e6:.2f} M points, {updates}" if "points" in done else "not recorded",
    }


def commit() -> str:
    """The commit of the code, where it lies in a repository of its own."""
    here = Path(__file__).parent
    command = ["git", "-C", str(here), "describe", "--always", "--dirty"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "not a repository"


def measure_all(
    rows: Sequence[Row],
    corpus: Path,
    runs: Path,
    weights: Path,
    given: dict[str, Path],
    every: int,
    say: Callable[[str], None],
) -> list[Measured]:
    """All rows; those without a source are kept, as not measured."""
    InkCorpus.open(corpus)
    return [measure(row, find_source(row, runs, weights, given), corpus, every, say) for row in rows]
