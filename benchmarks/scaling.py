"""What more workers bring, and what larger batches and longer chunks cost in memory."""

import resource
import statistics
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import torch
from torch import multiprocessing

from benchmarks.train import PLACES, STEPS, SYMBOLS, shaken, text_step
from nextstroke.nets.mixture import Mixture
from nextstroke.nets.networks import GradientClips, SynthesisNetwork
from nextstroke.training.device import prepare_core
from nextstroke.training.distributed import Team, gather_team

BATCH = 16
JOINED = (64, 128)  # lines of a whole team: few for each worker, whose products are then smaller than one's, and more
ROOT = Path(__file__).parents[1]
MEMORY_CASES = ((16, 100), (32, 100), (64, 100), (16, 200), (16, 400))


def bench_workers(workers: int, rounds: int = 7, steps: int = 3) -> dict[str, float]:
    """A team against one worker with the joined batch: the same work, in turn, in the same processes."""
    seen, figures = multiprocessing.get_context("spawn").SimpleQueue(), {}
    for lines in JOINED:
        gather_team(workers, _race, lines, rounds, steps, seen)
        times, name = seen.get(), f"{workers} workers, {lines} lines in all"
        figures[f"{name}, speed against one"] = statistics.median(alone / team for alone, team, _ in times)
        figures[f"{name}, summing and waiting over a step, time"] = statistics.median(
            waited / team for _, team, waited in times
        )
    return figures


def _race(team: Team, lines: int, rounds: int, steps: int, seen) -> None:
    """One worker's part: while the leader works alone, the others wait; then all do."""
    prepare_core()
    joined, own = _Step(lines, STEPS), _Step(lines // team.size, STEPS)
    times = []
    for _ in range(rounds + 1):
        began = _met(team)
        if team.is_main:
            for _ in range(steps):
                joined.learn(Team())
        between, own.waited = _met(team), 0.0
        for _ in range(steps):
            own.learn(team)
        times.append((between - began, _met(team) - between, own.waited))
    if team.is_main:
        seen.put(times[1:])  # the first round does not count


def _met(team: Team) -> float:
    """The time at which all workers have come here."""
    team.sum([torch.zeros(1)])
    return time.perf_counter()


class _Step:
    """A writer's step on `batch` lines of `steps` points, gradients summed over a team."""

    def __init__(self, batch: int, steps: int):
        self.network = shaken(SynthesisNetwork(SYMBOLS, clips=GradientClips(10.0, 100.0)))
        self.optimiser = torch.optim.AdamW(self.network.parameters(), 1e-5, fused=True)
        self.text, self.x = torch.randint(0, SYMBOLS, (batch, PLACES)), torch.randn(batch, steps, 3)
        self.target = torch.cat([torch.randn(batch, steps, 2), torch.zeros(batch, steps, 1)], 2)
        self.waited = 0.0

    def learn(self, team: Team) -> None:
        y = self.network(self.x, self.text, self.network.start(len(self.x)))[0]
        Mixture.of(y).log_loss(self.target).sum().backward()
        began = time.perf_counter()
        team.sum([weight.grad for weight in self.network.parameters() if weight.grad is not None])
        self.waited += time.perf_counter() - began
        self.optimiser.step()
        self.optimiser.zero_grad()


def bench_memory() -> dict[str, float]:
    """Peak memory in MB of a writer's training step, and its growth, and of the text network's; each in a process."""
    peaks = {case: _peak_of(*case) for case in MEMORY_CASES}
    figures = {f"batch {batch}, chunk {steps}, peak MB": peak for (batch, steps), peak in peaks.items()}
    for (batch, steps), (more, longer) in pairwise(MEMORY_CASES[:3]):
        grown = (peaks[more, longer] - peaks[batch, steps]) / (more * longer - batch * steps)
        figures[f"from batch {batch} to {more}, KB a point"] = 1000 * grown
    for steps, longer in ((100, 200), (200, 400)):
        grown = (peaks[BATCH, longer] - peaks[BATCH, steps]) / (BATCH * (longer - steps))
        figures[f"from chunk {steps} to {longer}, KB a point"] = 1000 * grown
    return figures | {"text, batch 64, chunk 100, peak MB": _told("tell_text_peak()")}


def _peak_of(batch: int, steps: int) -> float:
    return _told(f"tell_peak({batch}, {steps})")


def _told(call: str) -> float:
    """What a function of this file writes in a process of its own."""
    program = f"from benchmarks import scaling; scaling.{call}"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return float(done.stdout)


def tell_peak(batch: int, steps: int) -> None:
    """Take three steps and write this process's peak memory in MB to standard output."""
    prepare_core()
    work = _Step(batch, steps)
    for _ in range(3):
        work.learn(Team())
    sys.stdout.write(f"{peak_memory()}\n")


def tell_text_peak() -> None:
    """The same for the paper's largest text network."""
    prepare_core()
    case = text_step()
    for _ in range(2):
        case.work()
    sys.stdout.write(f"{peak_memory()}\n")


def peak_memory() -> float:
    """The most memory that this process has had resident, in MB."""
    try:
        # Linux hands a new program its parent's peak on in getrusage; not so here.
        lines = Path("/proc/self/status").read_text().splitlines()
        (peak,) = (line.split()[1] for line in lines if line.startswith("VmHWM"))
        return int(peak) * 1024 / 1e6
    except (OSError, ValueError):
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
