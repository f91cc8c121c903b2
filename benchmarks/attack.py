"""Thousands of hostile tries at everything that takes something from outside; nothing may fall.

    python -m benchmarks.attack [--seed 1] [--jobs 2] [--report FILE] [--short] [--tries N] [GROUP ...]

Each try is judged: no answer of 500, no internal error, no other bytes with exit code 0, no more than
1 GB resident, no more than 30 s of processor time, no more than ten minutes in all. The exit code is 1 if one fell. A
try depends on the seed, the name of its group and its number only: `--only 17` makes it again.
"""

import argparse
import json
import multiprocessing
import os
import signal
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from importlib import import_module
from multiprocessing.connection import Connection, wait
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.attacks.judge import CPU_SECONDS, MEMORY, WALL_SECONDS, Group
from nextstroke.paper.tables import commit


@dataclass(frozen=True)
class Plan:
    """How a group is tried.

    Attributes:
        place: Module and class of the group.
        tries: Number of tries.
        short: Number of tries of the short form.
        loaded: Modules that are loaded before forks are made.
    """

    place: str
    tries: int
    short: int
    loaded: tuple[str, ...] = ("onnxruntime",)


ALL = ("torch", "onnxruntime", "matplotlib", "nextstroke.training.run")
# The longest first, so that the jobs end at about the same time.
PLANS = {
    "kills": Plan("commands:Kills", 500, 0, ALL),
    "memory": Plan("server:Memory", 3000, 0),
    "bodies": Plan("server:Bodies", 900, 12),
    "commands": Plan("commands:Commands", 700, 0, ALL),
    "corpora": Plan("files:Corpora", 200, 0, ALL),
    "batches": Plan("files:Batches", 120, 0),
    "models": Plan("files:Models", 200, 4),
    "inks": Plan("files:Inks", 350, 8),
    "sites": Plan("server:Sites", 7, 0),
    "surroundings": Plan("commands:Surroundings", 120, 0, ALL),
    "clocks": Plan("commands:Clocks", 25, 0, ALL),
    "trees": Plan("files:Trees", 250, 8),
    "parsers": Plan("files:Parsers", 1800, 108),
    "archives": Plan("files:Archives", 1500, 60),
    "heads": Plan("server:Heads", 700, 40),
    "styles": Plan("files:Styles", 400, 20),
}


@dataclass
class Result:
    """What came of the tries of a group.

    Attributes:
        tries: Number of tries made.
        faults: Of each that fell: its number, what was tried, and what was wrong.
        seconds: Seconds that all took.
        cpu: Seconds of processor time that they took, without those of servers.
        peak: Largest resident memory in MB of the process that made them, and of its servers.
        more: Further figures.
    """

    tries: int = 0
    faults: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0
    cpu: float = 0.0
    peak: float = 0.0
    more: dict[str, Any] = field(default_factory=dict)


def attack(name: str, seed: int, numbers: list[int], folder: Path, told: Connection) -> None:
    """Make the tries of a group in this process; send what comes of each."""
    os.setpgid(0, 0)
    # A fork of this process has them loaded; threads, which a fork would lose, are not started before.
    for module in PLANS[name].loaded:
        with suppress(ImportError):
            import_module(module)
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(1)
    module, kind = PLANS[name].place.split(":")
    folder.mkdir()
    group: Group = getattr(import_module(f"benchmarks.attacks.{module}"), kind)(folder)
    try:
        for number in numbers:
            told.send(("begin", number))
            told.send(("end", number, *_made(group, number, Random(f"{seed}/{name}/{number}"))))
        told.send(("done", group.figures(), sum(os.times()[:4])))
    finally:
        group.close()


def _made(group: Group, number: int, rng: Random) -> tuple[str, str, float]:
    """Make a try; return what it was, what was wrong, and the largest resident memory in MB."""
    watched = [os.getpid(), *group.servers]
    for process in watched:
        with suppress(OSError):
            Path(f"/proc/{process}/clear_refs").write_text("5")  # forgets the largest size so far
    began = time.process_time()
    wrong = ""
    try:
        group.attempt(number, rng)
    except Exception as error:
        wrong = f"{type(error).__name__}: {error}"
    spent = time.process_time() - began
    peak = max(map(_peak, watched))
    if not wrong and spent > CPU_SECONDS:
        wrong = f"{spent:.1f} s of processor time"
    if not wrong and peak > MEMORY:
        wrong = f"{peak:.0f} MB resident"
    return group.what, wrong, peak


def _peak(process: int) -> float:
    """Return the largest resident memory of a process in MB, 0 where there is none any more."""
    with suppress(OSError):
        status = Path(f"/proc/{process}/status").read_text()
        if "VmHWM:" in status:
            return int(status.split("VmHWM:")[1].split()[0]) * 1024 / 1e6
    return 0.0


class Job:
    """A process that makes the tries of a group, and is started again after a try that ended or stopped it."""

    def __init__(self, name: str, seed: int, numbers: list[int], folder: Path):
        self.name, self.seed, self.left, self.folder = name, seed, numbers, folder
        self.result = Result()
        self.starts = 0
        self.start()

    def start(self) -> None:
        """Start the process for the tries that are left."""
        context = multiprocessing.get_context("spawn")
        self.told, telling = context.Pipe(duplex=False)
        self.starts += 1
        self.began = self.since = time.monotonic()
        self.under_way: int | None = None
        place = self.folder / f"{self.name}-{self.starts}"
        self.process = context.Process(target=attack, args=(self.name, self.seed, self.left, place, telling))
        self.process.start()
        telling.close()

    def listen(self) -> bool:
        """Take in what the process says; return whether the group is done."""
        try:
            kind, *values = self.told.recv()
        except EOFError:
            return self._lost("the process that made the try died")
        self.since = time.monotonic()
        if kind == "done":
            self.result.more |= values[0]
            self.result.cpu += values[1]
            if "fault" in values[0]:
                self._add(-1, "all tries together", values[0]["fault"])
            return self._end()
        number = values[0]
        if kind == "begin":
            self.under_way = number
            return False
        _, what, wrong, peak = values
        self.left = self.left[1:]
        self.under_way = None
        self.result.tries += 1
        self.result.peak = max(self.result.peak, peak)
        if wrong:
            self._add(number, what, wrong)
        return False

    def check(self) -> bool:
        """Stop a try that takes too long; return whether the group is done."""
        # What a try runs has a limit of its own, which is met first and says more.
        if time.monotonic() - self.since < 2 * WALL_SECONDS:
            return False
        return self._lost(f"not done after {2 * WALL_SECONDS} s")

    def _lost(self, why: str) -> bool:
        self.kill()
        if self.under_way is None:
            self._add(-1, "the group could not be started", f"{why} (exit code {self.process.exitcode})")
            return self._end()
        self._add(self.under_way, "no description, the process is gone", f"{why} (exit code {self.process.exitcode})")
        self.result.tries += 1
        self.left = self.left[1:]
        if not self.left:
            return self._end()
        self.result.seconds += time.monotonic() - self.began
        self.start()
        return False

    def _end(self) -> bool:
        self.process.join(30)
        self.kill()
        self.result.seconds += time.monotonic() - self.began
        return True

    def kill(self) -> None:
        """End the process and all that it started."""
        with suppress(ProcessLookupError, TypeError):
            os.killpg(self.process.pid, signal.SIGKILL)  # type: ignore[arg-type]
        self.process.join(10)

    def _add(self, number: int, what: str, wrong: str) -> None:
        self.result.faults.append({"number": number, "what": what, "wrong": wrong})
        print(f"FELL {self.name} {number}: {what}\n     {wrong}", flush=True)


def run_all(numbers: dict[str, list[int]], seed: int, jobs: int, folder: Path) -> dict[str, Result]:
    """Make the tries of all groups, some groups at a time; return what came of them."""
    waiting = [name for name in numbers if numbers[name]]
    running: list[Job] = []
    results: dict[str, Result] = {}
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                name = waiting.pop(0)
                running.append(Job(name, seed, numbers[name], folder))
            ready = wait([job.told for job in running], timeout=5)
            done = [job for job in running if (job.listen() if job.told in ready else job.check())]
            for job in done:
                running.remove(job)
                results[job.name] = job.result
                print(_line(job.name, job.result), flush=True)
    finally:
        for job in running:  # none, unless interrupted
            job.kill()
            print(f"{_line(job.name, job.result)} (interrupted)", flush=True)
    return results


def _line(name: str, result: Result) -> str:
    times = f"{result.seconds:6.0f} s {result.cpu:6.0f} s of processor {result.peak:5.0f} MB"
    more = json.dumps(result.more) if result.more else ""
    return f"{name:14} {result.tries:5} tries {len(result.faults):3} fell {times} {more}".rstrip()


def _numbers(options: argparse.Namespace) -> dict[str, list[int]]:
    """Return the numbers of the tries of each group."""
    chosen = options.groups or list(PLANS)
    if options.only is not None:
        return {name: [options.only] for name in chosen}
    counts = {name: PLANS[name].short if options.short else PLANS[name].tries for name in chosen}
    if options.tries is not None:
        counts = dict.fromkeys(chosen, options.tries)
    return {name: list(range(count)) for name, count in counts.items()}


def main(arguments: list[str] | None = None) -> int:
    """Attack; return 1 if anything fell."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=f"of {', '.join(PLANS)}; default: all")
    parser.add_argument("--seed", type=int, default=1, help="another seed makes other tries")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="groups tried at a time")
    parser.add_argument("--short", action="store_true", help="a few tries of the groups that are quickly started")
    parser.add_argument("--tries", type=int, help="tries of each group")
    parser.add_argument("--only", type=int, help="only the try of this number")
    parser.add_argument("--report", type=Path, help="JSON file to write")
    options = parser.parse_args(arguments)
    unknown = set(options.groups) - set(PLANS)
    if unknown:
        parser.error(f"there is no group {', '.join(sorted(unknown))}; there are {', '.join(PLANS)}")
    os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # a fork loses threads
    signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGINT))  # ends the jobs as Ctrl-C does
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="attack-", ignore_cleanup_errors=True) as folder:
        results = run_all(_numbers(options), options.seed, options.jobs, Path(folder))
    seconds = time.monotonic() - began
    tries = sum(result.tries for result in results.values())
    fell = sum(len(result.faults) for result in results.values())
    print(f"{tries} tries in {seconds:.0f} s, {fell} fell")
    if options.report:
        about = {"commit": commit(), "seed": options.seed, "seconds": round(seconds), "tries": tries, "fell": fell}
        groups = {name: asdict(result) for name, result in results.items()}
        options.report.write_text(json.dumps(about | {"groups": groups}, indent=1, ensure_ascii=False) + "\n")
    return int(fell > 0)


if __name__ == "__main__":
    raise SystemExit(main())
