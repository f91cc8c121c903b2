"""A training as a folder: recipe, checkpoints, learning curve, lock."""

import json
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from nextstroke import __version__
from nextstroke.config import Recipe, make_recipe
from nextstroke.errors import Stopped, UsageError, WrongModel
from nextstroke.files import write_bytes
from nextstroke.native.lstm_loops import loaded
from nextstroke.nets.matmul import use_bfloat16
from nextstroke.training.checkpoint import BEST, CHECKPOINT, kept, load_newest, save_checkpoint, write_checkpoint
from nextstroke.training.checkpoint_metadata import check_metadata
from nextstroke.training.device import open_device, prepare_core
from nextstroke.training.distributed import SIGNALS, Team, gather_team, launched, launched_team
from nextstroke.training.evaluation.runs import find_start, open_run
from nextstroke.training.loop import Learner, Progress
from nextstroke.training.optimisers import EXTENSIBLE
from nextstroke.training.random_streams import OLDER_STREAMS, STREAMS
from nextstroke.training.tasks.protocol import open_examples

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

CURVE = "curve.jsonl"


class Curve:
    """Learning curve of a training: a file of JSON rows, and TensorBoard's where that is installed.

    Args:
        folder: Folder of the training.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            self.board = None
        else:
            self.board = SummaryWriter(str(folder / "tensorboard"))

    def add(self, row: dict[str, float]) -> None:
        """Append a row; its "update" is the position on TensorBoard's axis."""
        with (self.folder / CURVE).open("a") as curve:
            curve.write(json.dumps(row) + "\n")
        if self.board:
            for name, value in row.items():
                self.board.add_scalar(name, value, row["update"])
            self.board.flush()


Report = Callable[[Progress, str], None]

NO_BFLOAT16 = 'training.cpu_products="bfloat16": this processor has no bfloat16 products, float32 is used instead'


def train(
    recipe: Recipe,
    corpus: Path,
    folder: Path,
    resume: bool,
    report: Report,
    device: str = "cpu",
) -> None:
    """Train a recipe in a folder, to its end or until a signal.

    Args:
        recipe: Recipe of the training.
        corpus: Packed corpus.
        folder: Folder of the training.
        resume: Whether to resume the folder's checkpoint; otherwise the folder must have none.
        report: Callback of the progress after every batch, and of a line of text on events.
        device: cpu, cuda, cuda:N or mps.

    Raises:
        UsageError: The device is not available; the system is not POSIX; the folder is in use, or
            holds a checkpoint and `resume` is not set.
        Stopped: A signal came; the state is saved.
    """
    if fcntl is None:
        raise UsageError("training needs Linux or macOS: this system has no locks of folders (fcntl)")
    device = open_device(device)
    if launched():
        with launched_team(device) as team, _main_worker_holds(team, folder, resume) as going_on:
            _work(team, recipe, corpus, folder, going_on, report, device)
        return
    if device != "cpu" and recipe.training.workers > 1:
        advice = "give --workers 1, or start torchrun for many GPUs"
        raise UsageError(f"device {device}: one process serves it; {advice}")
    with _hold(folder, resume):
        gather_team(recipe.training.workers, _work, recipe, corpus, folder, resume, report, device)


@contextmanager
def _hold(folder: Path, resume: bool) -> Iterator[None]:
    """Hold the folder for one training, new or resumed."""
    with _locked(folder):
        for path in (folder / CHECKPOINT, folder / BEST, *kept(folder / CHECKPOINT)):
            if path.is_dir():
                problem = "is a folder where a checkpoint belongs"
                raise UsageError(f"{path}: {problem}; move it away, or name another --run")
        if _begun(folder) and not resume:
            advice = "add --resume to go on, or name another --run"
            raise UsageError(f"{folder}: holds a training already; {advice}")
        # Unfinished files of trainings that were killed while saving.
        for leftover in folder.glob(".*.part"):
            leftover.unlink(missing_ok=True)
        yield


@contextmanager
def _main_worker_holds(team: Team, folder: Path, resume: bool) -> Iterator[bool]:
    """Let the main worker hold the folder; yield whether to resume.

    That is as asked, or because an earlier attempt of this launch began the training.
    """
    if not team.is_main:
        yield resume
        return
    restarted = team.begun()
    with _hold(folder, resume or restarted):
        team.begin()
        yield resume or (restarted and _begun(folder))


def _begun(folder: Path) -> bool:
    """Return whether the folder holds a checkpoint; after a killed save there may be only the previous one."""
    return (folder / CHECKPOINT).exists() or bool(kept(folder / CHECKPOINT))


def _work(
    team: Team,
    recipe: Recipe,
    corpus: Path,
    folder: Path,
    resume: bool,
    report: Report,
    device: str,
) -> None:
    """Do one worker's part of `train`."""
    prepare_core()
    # On a GPU products may use TF32; states and the mixture stay float32. No effect on a CPU.
    torch.backends.cuda.matmul.allow_tf32 = True
    like = None
    if recipe.data.alphabet in ("start", "extend"):
        like = open_run(find_start(recipe)).metadata
    examples, digest = open_examples(recipe, corpus, like)
    use_bfloat16("cuda", recipe.training.gpu_products == "bfloat16")
    cpu_bfloat16 = use_bfloat16("cpu", recipe.training.cpu_products == "bfloat16")
    learner = Learner(recipe, examples, team, device)
    origin = _origin(learner, digest)
    if device == "cpu":
        origin["products"] = "bfloat16" if cpu_bfloat16 else "float32"
    if team.broadcast(resume):
        _restore(learner, origin, folder, report)
    elif recipe.start_from:
        _start_from(learner, find_start(recipe), report)
    wanted = recipe.training.cpu_products
    if team.is_main and origin.get("products", wanted) != wanted:
        report(learner.progress, NO_BFLOAT16)
    callback = CheckpointCallback(folder, origin, report, learner.progress.update)
    with _noticing_signals(callback):
        learner.run(callback)
        callback.finish(learner)


def _origin(learner: Learner, digest: str) -> dict[str, str | int]:
    """Return everything but the recipe that a training's exact result depends on."""
    return {
        "corpus": digest,
        "version": __version__,
        "torch": torch.__version__,
        "loops": "C++" if loaded() else "torch",
        "device": learner.device,
        "lines an update": learner.recipe.training.batch * learner.shard_count,
        "random streams": STREAMS,
    }


def _restore(learner: Learner, origin: dict, folder: Path, report: Report) -> None:
    """Load the newest checkpoint and report what differs from it."""
    # The main worker reads, because others may be on machines without the folder.
    newest = load_newest(folder / CHECKPOINT) if learner.team.is_main else None
    tensors, metadata, remark = learner.team.broadcast(newest)
    check_metadata(metadata, folder)
    before = {"random streams": OLDER_STREAMS, **metadata.get("origin", {})}
    _check_same_training(metadata, learner, origin["corpus"], folder)
    learner.restore(tensors, metadata["progress"], folder)
    if learner.team.is_main:
        for sentence in [remark, *_changes(learner.recipe, origin, before)]:
            if sentence:
                report(learner.progress, sentence)


def _changes(recipe: Recipe, now: dict, before: dict) -> Iterator[str]:
    """Yield sentences on the changes that make the result differ from that of a training never stopped."""
    streams = "random streams"
    names = [name for name in now if name != streams and before.get(name, now[name]) != now[name]]
    if names:
        changes = ", ".join(f"{name} {before[name]} before, {now[name]} now" for name in names)
        yield f"{changes}: the result may differ in its last bits"
    draws = recipe.network.dropout > 0 or recipe.training.noise != "none"
    if draws and before[streams] != now[streams]:
        change = f"{streams} by {before[streams]} before, by {now[streams]} now"
        yield f"{change}: dropout and weight noise draw other numbers"


def _check_same_training(metadata: dict, learner: Learner, corpus: str, folder: Path) -> None:
    """Raise WrongModel if a checkpoint has another network, optimiser or corpus than the training."""
    mine = learner.recipe.dump()
    theirs = make_recipe(metadata["recipe"], folder).dump()
    pairs = {
        "kind of network": (mine["kind"], theirs["kind"]),
        "network": (mine["network"], theirs["network"]),
        "optimiser": (mine["training"]["optimiser"], theirs["training"]["optimiser"]),
        "noise on the weights": (mine["training"]["noise"], theirs["training"]["noise"]),
        "alphabet": (learner.examples.symbols, metadata["alphabet"]),
        "choice of data": (mine["data"], theirs["data"]),
        "corpus": (corpus, metadata.get("origin", {}).get("corpus", corpus)),
    }
    for what, (wanted, found) in pairs.items():
        if wanted != found:
            problem = f"its checkpoint has another {what}: {found!r}, not {wanted!r}"
            raise WrongModel(f"{folder}: {problem}; name another --run")


def _start_from(learner: Learner, source: Path, report: Report) -> None:
    """Load the averaged weights of another training or of a model file; order and counts start anew."""
    trained = open_run(source)
    mine = learner.examples.symbols
    theirs = trained.metadata["alphabet"]
    weights = trained.network.state_dict()
    if learner.recipe.data.alphabet == "extend":
        weights = EXTENSIBLE[learner.recipe.kind](weights, len(theirs), len(mine))
    elif learner.recipe.kind != "pen" and mine != theirs:
        raise WrongModel(f"{source}: its alphabet is {theirs!r}, that of the corpus {mine!r}")
    learner.start_from(weights, source)
    if trained.remark and learner.team.is_main:
        report(learner.progress, trained.remark)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Lock the folder; the system frees the lock when the process dies, so that it is never stale."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = (folder / "lock").open("w")
    except OSError as error:
        problem = f"cannot be written ({error.strerror}); name another --run"
        raise UsageError(f"{folder}: {problem}") from error
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            problem = "another training is running there; name another --run"
            raise UsageError(f"{folder}: {problem}") from None
        yield


class CheckpointCallback:
    """Callback that saves, evaluates, reports and stops after a batch, as due.

    Args:
        folder: Folder of the training.
        origin: Entries that the exact result depends on, for the checkpoints.
        report: Report of `train`.
        update: Updates done before the first batch.
    """

    def __init__(self, folder: Path, origin: dict, report: Report, update: int):
        self.folder = folder
        self.origin = origin
        self.report = report
        self.signal = 0
        self.saved = time.monotonic()
        self.reached = update
        self.evaluated = -1
        self.curve: Curve | None = None

    def __call__(self, learner: Learner) -> None:
        """Save, evaluate and report as due; raise Stopped for a signal."""
        settings = learner.recipe.training
        at = learner.progress
        stop, save = self._due(learner)
        before = self.reached
        self.reached = at.update
        if at.update // settings.evaluate_every > before // settings.evaluate_every:
            self._evaluate(learner, settings.evaluate_lines_every)
        if learner.team.is_main:
            self.report(at, "")
        if stop or save:
            self._save(learner)
        if stop:
            where = f"stopped at update {at.update}, saved in {self.folder}"
            raise Stopped(f"{where}; go on with --resume", stop)

    def _due(self, learner: Learner) -> tuple[int, bool]:
        """Return the signal to stop for, 0 for none, and whether to save, the same for all workers."""
        due = time.monotonic() - self.saved > 60 * learner.recipe.training.save_every_minutes
        flags = torch.tensor([float(self.signal), float(learner.team.is_main and due)])
        learner.team.sum([flags])
        stop, save = flags.tolist()
        return (self.signal or signal.SIGTERM) if stop else 0, bool(save)

    def finish(self, learner: Learner) -> None:
        """Evaluate on the usual lines if that is due, then on all validation lines, and save."""
        every = learner.recipe.training.evaluate_lines_every
        if every > 1 and self.evaluated < learner.progress.update:
            self._evaluate(learner, every)
        self._evaluate(learner, 1)
        self._save(learner)

    def _evaluate(self, learner: Learner, every: int) -> None:
        if not learner.team.is_main:
            return
        at = learner.progress
        score = learner.score(every)
        # Scores on other lines cannot be compared.
        if every == learner.recipe.training.evaluate_lines_every and score.selection_metric < at.best:
            at.best = score.selection_metric
            write_checkpoint(self.folder / BEST, learner.state(), self._metadata(learner))
        self.evaluated = at.update
        row = asdict(at) | score.metrics() | learner.noise.metrics() | {"sgemm_gflops": sgemm_rate()}
        self.curve = self.curve or Curve(self.folder)
        self.curve.add(row)
        self.report(at, "evaluated")

    def _metadata(self, learner: Learner) -> dict:
        return {
            "recipe": learner.recipe.dump(),
            "origin": self.origin,
            "progress": asdict(learner.progress),
            **learner.examples.metadata(),
        }

    def _save(self, learner: Learner) -> None:
        self.saved = time.monotonic()
        tensors = learner.state() | learner.stream_state()
        if learner.team.is_main:
            metadata = self._metadata(learner)
            save_checkpoint(self.folder / CHECKPOINT, tensors, metadata, learner.recipe.training.keep)
            write_bytes(self.folder / "recipe.json", json.dumps(metadata["recipe"], indent=1).encode())


@contextmanager
def _noticing_signals(callback: CheckpointCallback) -> Iterator[None]:
    """Handle signals: the first one ends the batch and saves, a second one of its kind stops at once."""

    def notice(number: int, frame: object) -> None:
        """Record a signal, and restore its handler for the second one."""
        callback.signal = number
        signal.signal(number, before[number])

    before: dict[int, Any] = {number: signal.signal(number, notice) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def sgemm_rate(size: int = 768, times: int = 8) -> float:
    """Return the current rate of float32 products in GFLOP/s, a reference for timings."""
    a = torch.ones(size, size)
    b = torch.ones(size, size)
    a @ b
    began = time.perf_counter()
    for _ in range(times):
        a @ b
    return times * 2 * size**3 / (time.perf_counter() - began) / 1e9
