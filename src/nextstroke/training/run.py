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

import numpy as np
import torch

from nextstroke.config import Recipe
from nextstroke.corpora.packed import InkCorpus
from nextstroke.errors import Stopped, UsageError, WrongModel
from nextstroke.files import write_bytes
from nextstroke.nets.networks import WriterNetwork
from nextstroke.training import kernel
from nextstroke.training.checkpoint import CHECKPOINT, load_newest, previous, save_checkpoint
from nextstroke.training.distributed import SIGNALS, Team, gather_team, launched, launched_team
from nextstroke.training.examples import make_examples
from nextstroke.training.loop import Learner, Progress
from nextstroke.training.trained import open_run

CURVE = "curve.jsonl"

Report = Callable[[Progress, str], None]


def train(recipe: Recipe, corpus: Path, folder: Path, resume: bool, report: Report, device: str = "cpu") -> None:
    """Train a recipe in `folder`, to its end or until a signal.

    Args:
        resume: Go on from the folder's checkpoint; else the folder must hold none.
        report: Called with the progress after every batch, and with a line of text on events.
    Raises:
        UsageError: the folder is in use, or holds a checkpoint and `resume` is not set.
        Stopped: a signal came; the state is saved.
    """
    if launched():
        with launched_team(device) as team, _led(team, folder, resume) as going_on:
            _work(team, recipe, corpus, folder, going_on, report, device)
        return
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
    if not team.leads:
        yield resume
        return
    restarted = team.begun()
    with _own(folder, resume or restarted):
        team.begin()
        yield resume or (restarted and _begun(folder))


def _begun(folder: Path) -> bool:
    """Whether the folder holds a checkpoint; of a save that was cut off, only the one before may be there."""
    return any(path.exists() for path in (folder / CHECKPOINT, previous(folder / CHECKPOINT)))


def _sweep(folder: Path) -> None:
    """Remove the unfinished files of trainings that were killed while saving."""
    for leftover in folder.glob(".*.part"):
        leftover.unlink(missing_ok=True)


def _work(team: Team, recipe: Recipe, corpus: Path, folder: Path, resume: bool, report: Report, device: str) -> None:
    """One worker's part of `train`."""
    torch.set_num_threads(1)
    kernel.switch_on()
    # On a GPU products may use TF32; states and the mixture stay float32. Without effect on a CPU.
    torch.backends.cuda.matmul.allow_tf32 = True
    examples = make_examples(InkCorpus.open(corpus), recipe.data)
    learner = Learner(recipe, examples, team, device)
    if team.tell(resume):
        _restore(learner, folder, report)
    elif recipe.start_from:
        _start_from(learner, Path(recipe.start_from), report)
    keeper = _Keeper(folder, report)
    with _noticing_signals(keeper):
        learner.run(keeper)
        keeper.finish(learner)


def _restore(learner: Learner, folder: Path, report: Report) -> None:
    # Read by one, as the others may be on machines that do not see the folder.
    tensors, about, remark = learner.team.tell(load_newest(folder / CHECKPOINT) if learner.team.leads else None)
    _compare(about, learner, folder)
    learner.restore(tensors, about["progress"], folder)
    if remark and learner.team.leads:
        report(learner.progress, remark)


def _compare(about: dict, learner: Learner, folder: Path) -> None:
    """Raise WrongModel when a checkpoint is of another network, optimiser or corpus than the training's."""
    mine, theirs = learner.recipe.dump(), about["recipe"]
    pairs = {
        "kind of network": (mine["kind"], theirs["kind"]),
        "network": (mine["network"], theirs["network"]),
        "optimiser": (mine["training"]["optimiser"], theirs["training"]["optimiser"]),
        "alphabet": (learner.examples.alphabet.characters, about["alphabet"]),
    }
    for what, (wanted, found) in pairs.items():
        if wanted != found:
            raise WrongModel(
                f"{folder}: its checkpoint has another {what}: {found!r}, not {wanted!r}; name another --run"
            )
    wanted, found = asdict(learner.examples.normalisation), about["normalisation"]
    # Sums may differ by their rounding from machine to machine.
    if not all(np.allclose(wanted[name], found[name], rtol=1e-5) for name in wanted):
        raise WrongModel(f"{folder}: its checkpoint is of another corpus: normalisation {found}, not {wanted}")


def _start_from(learner: Learner, source: Path, report: Report) -> None:
    """Begin with the averaged weights of another run or of a model file; order and counts begin anew."""
    network, _, about, remark = open_run(source)
    mine, theirs = learner.examples.alphabet.characters, about["alphabet"]
    if isinstance(learner.network, WriterNetwork) and mine != theirs:
        raise WrongModel(f"{source}: its alphabet is {theirs!r}, that of the corpus {mine!r}")
    learner.start_from(network.state_dict(), source)
    if remark and learner.team.leads:
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


class _Keeper:
    """After every batch: save, evaluate and report when due, stop when asked."""

    def __init__(self, folder: Path, report: Report):
        self.folder, self.report, self.signal = folder, report, 0
        self.saved = time.monotonic()
        self.due = 0

    def __call__(self, learner: Learner) -> None:
        settings, at = learner.recipe.training, learner.progress
        self.due = self.due or at.update // settings.evaluate_every + 1
        stop = self._stop(learner)
        if at.update >= self.due * settings.evaluate_every:
            self.due = at.update // settings.evaluate_every + 1
            self._evaluate(learner, settings.evaluate_lines_every)
        if learner.team.leads:
            self.report(at, "")
            if stop or time.monotonic() - self.saved > 60 * settings.save_every_minutes:
                self._save(learner)
        if stop:
            raise Stopped(f"stopped at update {at.update}, saved in {self.folder}; go on with --resume", stop)

    def _stop(self, learner: Learner) -> int:
        """The signal to stop for, 0 for none; one that came to any worker stops all after the same batch."""
        flag = torch.tensor([float(self.signal)])
        learner.team.sum([flag])
        return (self.signal or signal.SIGTERM) if flag.item() else 0

    def finish(self, learner: Learner) -> None:
        """Evaluate on all validation lines and save."""
        self._evaluate(learner, 1)
        if learner.team.leads:
            self._save(learner)

    def _evaluate(self, learner: Learner, every: int) -> None:
        if not learner.team.leads:
            return
        score = learner.score(every)
        entry = asdict(learner.progress) | {
            "validation_lines": score.lines,
            "squared_error": score.squared_error_per_point,
            "sgemm_gflops": sgemm_rate(),
        }
        with (self.folder / CURVE).open("a") as curve:
            curve.write(json.dumps(entry) + "\n")
        self.report(learner.progress, "evaluated")

    def _save(self, learner: Learner) -> None:
        about = {
            "recipe": learner.recipe.dump(),
            "progress": asdict(learner.progress),
            "alphabet": learner.examples.alphabet.characters,
            "normalisation": asdict(learner.examples.normalisation),
            "points_per_character": learner.examples.points_per_character,
        }
        save_checkpoint(self.folder / CHECKPOINT, learner.state(), about)
        write_bytes(self.folder / "recipe.json", json.dumps(about["recipe"], indent=1).encode())
        self.saved = time.monotonic()


@contextmanager
def _noticing_signals(keeper: _Keeper) -> Iterator[None]:
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
