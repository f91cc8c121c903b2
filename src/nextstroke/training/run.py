"""A training as a folder: recipe, checkpoints, learning curve, lock."""

import fcntl
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
from nextstroke.training.device import open_device, prepare_core
from nextstroke.training.distributed import SIGNALS, Team, gather_team, launched, launched_team
from nextstroke.training.evaluation.runs import find_start, open_run
from nextstroke.training.loop import Learner, Progress
from nextstroke.training.optimisers import extend_alphabet
from nextstroke.training.tasks.protocol import open_examples

# The learning curve of a training: a file of JSON rows, and TensorBoard's where that is installed.

CURVE = "curve.jsonl"


class Curve:
    """Takes a row of figures at each evaluation.

    Args:
        folder: Of the training.
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
        """Append a row; its "update" is the place on TensorBoard's axis."""
        with (self.folder / CURVE).open("a") as curve:
            curve.write(json.dumps(row) + "\n")
        if self.board:
            for name, value in row.items():
                self.board.add_scalar(name, value, row["update"])
            self.board.flush()


Report = Callable[[Progress, str], None]

NO_BFLOAT16 = 'training.cpu_products="bfloat16": this processor has no bfloat16 products, float32 is used instead'


def train(recipe: Recipe, corpus: Path, folder: Path, resume: bool, report: Report, device: str = "cpu") -> None:
    """Train a recipe in `folder`, to its end or until a signal.

    Args:
        resume: Go on from the folder's checkpoint; else the folder must hold none.
        report: Called with the progress after every batch, and with a line of text on events.
    Raises:
        UsageError: no such device; the folder is in use, or holds a checkpoint and `resume` is not set.
        Stopped: a signal came; the state is saved.
    """
    device = open_device(device)
    if launched():
        with launched_team(device) as team, _led(team, folder, resume) as going_on:
            _work(team, recipe, corpus, folder, going_on, report, device)
        return
    if device != "cpu" and recipe.training.workers > 1:
        raise UsageError(f"device {device}: one process serves it; give --workers 1, or start torchrun for many GPUs")
    with _own(folder, resume):
        gather_team(recipe.training.workers, _work, recipe, corpus, folder, resume, report, device)


@contextmanager
def _own(folder: Path, resume: bool) -> Iterator[None]:
    """Hold the folder for one training, new or resumed."""
    with _locked(folder):
        if _begun(folder) and not resume:
            raise UsageError(f"{folder}: holds a training already; add --resume to go on, or name another --run")
        _sweep(folder)
        yield


@contextmanager
def _led(team: Team, folder: Path, resume: bool) -> Iterator[bool]:
    """Let the leader hold the folder; yields whether it goes on: as asked, or with what an attempt before began."""
    if not team.is_main:
        yield resume
        return
    restarted = team.begun()
    with _own(folder, resume or restarted):
        team.begin()
        yield resume or (restarted and _begun(folder))


def _begun(folder: Path) -> bool:
    """Whether the folder holds a checkpoint; of a save that was cut off, only the one before may be there."""
    return (folder / CHECKPOINT).exists() or bool(kept(folder / CHECKPOINT))


def _sweep(folder: Path) -> None:
    """Remove the unfinished files of trainings that were killed while saving."""
    for leftover in folder.glob(".*.part"):
        leftover.unlink(missing_ok=True)


def _work(team: Team, recipe: Recipe, corpus: Path, folder: Path, resume: bool, report: Report, device: str) -> None:
    """One worker's part of `train`."""
    prepare_core()
    # On a GPU products may use TF32; states and the mixture stay float32. Without effect on a CPU.
    torch.backends.cuda.matmul.allow_tf32 = True
    like = open_run(find_start(recipe)).metadata if recipe.data.alphabet in ("start", "extend") else None
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
    if team.is_main and origin.get("products", recipe.training.cpu_products) != recipe.training.cpu_products:
        report(learner.progress, NO_BFLOAT16)
    keeper = CheckpointCallback(folder, origin, report, learner.progress.update)
    with _noticing_signals(keeper):
        learner.run(keeper)
        keeper.finish(learner)


def _origin(learner: Learner, digest: str) -> dict[str, str | int]:
    """What a training's bits depend on beside its recipe, for its checkpoints."""
    return {
        "corpus": digest,
        "version": __version__,
        "torch": torch.__version__,
        "loops": "C++" if loaded() else "torch",
        "device": learner.device,
        "lines an update": learner.recipe.training.batch * learner.shares[0].size,
    }


def _restore(learner: Learner, origin: dict, folder: Path, report: Report) -> None:
    # Read by one, as the others may be on machines that do not see the folder.
    tensors, metadata, remark = learner.team.broadcast(
        load_newest(folder / CHECKPOINT) if learner.team.is_main else None
    )
    theirs = metadata.get("origin", {})
    _compare(metadata, learner, origin["corpus"], folder)
    learner.restore(tensors, metadata["progress"], folder)
    if learner.team.is_main:
        for sentence in filter(None, (remark, _changed(origin, theirs))):
            report(learner.progress, sentence)


def _changed(mine: dict, theirs: dict) -> str:
    """A sentence on what will make the bits differ from those of a training that never stopped; else empty."""
    names = [name for name in mine if theirs.get(name, mine[name]) != mine[name]]
    told = ", ".join(f"{name} {theirs[name]} before, {mine[name]} now" for name in names)
    return told and f"{told}: the result may differ in its last bits"


def _compare(metadata: dict, learner: Learner, corpus: str, folder: Path) -> None:
    """Raise WrongModel when a checkpoint is of another network, optimiser or corpus than the training's."""
    mine, theirs = learner.recipe.dump(), make_recipe(metadata["recipe"], folder).dump()
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
            raise WrongModel(
                f"{folder}: its checkpoint has another {what}: {found!r}, not {wanted!r}; name another --run"
            )


def _start_from(learner: Learner, source: Path, report: Report) -> None:
    """Begin with the averaged weights of another run or of a model file; order and counts begin anew."""
    network, _, metadata, remark, _ = open_run(source)
    mine, theirs = learner.examples.symbols, metadata["alphabet"]
    weights = network.state_dict()
    if learner.recipe.data.alphabet == "extend":
        weights = extend_alphabet(weights, len(theirs), len(mine))
    elif learner.recipe.kind != "pen" and mine != theirs:
        raise WrongModel(f"{source}: its alphabet is {theirs!r}, that of the corpus {mine!r}")
    learner.start_from(weights, source)
    if remark and learner.team.is_main:
        report(learner.progress, remark)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the folder; the system frees the lock when the process dies, so none is ever stale."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = (folder / "lock").open("w")
    except OSError as error:
        raise UsageError(f"{folder}: cannot be written ({error.strerror}); name another --run") from error
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UsageError(f"{folder}: another training is running there; name another --run") from None
        yield


class CheckpointCallback:
    """After every batch: save, evaluate and report when due, stop when asked."""

    def __init__(self, folder: Path, origin: dict, report: Report, reached: int):
        self.folder, self.origin, self.report, self.signal = folder, origin, report, 0
        self.saved = time.monotonic()
        self.reached = reached
        self.evaluated = -1
        self.curve: Curve | None = None

    def __call__(self, learner: Learner) -> None:
        """Save, evaluate, report and stop as due; raise Stopped for a signal."""
        settings, at = learner.recipe.training, learner.progress
        stop, save = self._asked(learner)
        before, self.reached = self.reached, at.update
        if at.update // settings.evaluate_every > before // settings.evaluate_every:
            self._evaluate(learner, settings.evaluate_lines_every)
        if learner.team.is_main:
            self.report(at, "")
        if stop or save:
            self._save(learner)
        if stop:
            raise Stopped(f"stopped at update {at.update}, saved in {self.folder}; go on with --resume", stop)

    def _asked(self, learner: Learner) -> tuple[int, bool]:
        """The signal to stop for, 0 for none, and whether to save: all workers do it after the same batch."""
        due = time.monotonic() - self.saved > 60 * learner.recipe.training.save_every_minutes
        flags = torch.tensor([float(self.signal), float(learner.team.is_main and due)])
        learner.team.sum([flags])
        stop, save = flags.tolist()
        return (self.signal or signal.SIGTERM) if stop else 0, bool(save)

    def finish(self, learner: Learner) -> None:
        """Evaluate once more, then on all validation lines, and save."""
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
            write_checkpoint(self.folder / BEST, learner.state(), self._about(learner))
        self.evaluated = at.update
        entry = asdict(at) | score.metrics() | learner.noise.metrics() | {"sgemm_gflops": sgemm_rate()}
        self.curve = self.curve or Curve(self.folder)
        self.curve.add(entry)
        self.report(at, "evaluated")

    def _about(self, learner: Learner) -> dict:
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
            metadata = self._about(learner)
            save_checkpoint(self.folder / CHECKPOINT, tensors, metadata, learner.recipe.training.keep)
            write_bytes(self.folder / "recipe.json", json.dumps(metadata["recipe"], indent=1).encode())


@contextmanager
def _noticing_signals(keeper: CheckpointCallback) -> Iterator[None]:
    """The first signal lets the batch end and saves; a second one of the kind stops at once."""

    def notice(number: int, frame: object) -> None:
        keeper.signal = number
        signal.signal(number, before[number])

    before: dict[int, Any] = {number: signal.signal(number, notice) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def sgemm_rate(size: int = 768, times: int = 8) -> float:
    """Float32 product rate of this process now, in GFLOP/s: what timings beside it are to be judged by."""
    a, b = torch.ones(size, size), torch.ones(size, size)
    a @ b
    began = time.perf_counter()
    for _ in range(times):
        a @ b
    return times * 2 * size**3 / (time.perf_counter() - began) / 1e9
