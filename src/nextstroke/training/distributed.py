"""Data-parallel work: each worker takes its share of the lines, gradients are summed once an update."""

import hashlib
import os
import signal
import socket
import sys
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, multiprocessing
from torch.multiprocessing.spawn import ProcessContext, ProcessException, ProcessExitedException

from nextstroke.errors import LostWorker, NextstrokeError, Stopped

PATIENCE = 1800  # seconds that workers wait for each other; what torch itself takes
SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True)
class Team:
    """The workers of a training; a team of one talks to nobody.

    Attributes:
        store: What torchrun keeps from one attempt to the next; only teams of a launcher have it.
    """

    rank: int = 0
    size: int = 1
    store: dist.Store | None = None

    @property
    def is_main(self) -> bool:
        """Whether this worker writes files and reports."""
        return self.rank == 0

    def share(self, rows):
        """This worker's rows of an array or a list."""
        return rows[self.rank :: self.size]

    def sum(self, tensors: Iterable[Tensor]) -> None:
        """Replace each tensor by its sum over the team, as one message."""
        if self.size == 1:
            return
        tensors = list(tensors)
        flat = torch.cat([tensor.flatten() for tensor in tensors])
        with self._reaching():
            dist.all_reduce(flat)
        for tensor, summed in zip(tensors, flat.split([tensor.numel() for tensor in tensors]), strict=True):
            tensor.copy_(summed.view_as(tensor))

    def broadcast(self, thing: Any) -> Any:
        """What the leader holds, told to all: they need not see its files."""
        if self.size == 1:
            return thing
        told = [thing]
        with self._reaching():
            dist.broadcast_object_list(told)
        return told[0]

    def barrier(self) -> None:
        """Wait until all have done their work; none may leave while another still has something to say.

        That one is gone already is no loss any more: gloo also says so when it left right after this very barrier.
        """
        with suppress(RuntimeError):
            dist.barrier()

    @contextmanager
    def _reaching(self) -> Iterator[None]:
        try:
            yield
        except RuntimeError as error:
            raise LostWorker(f"worker {self.rank} cannot reach the others; go on with --resume") from error

    def begun(self) -> bool:
        """Whether an earlier attempt of this launch has begun the training."""
        return self.store is not None and self.store.add("begun", 0) > 0

    def begin(self) -> None:
        """Note for later attempts of this launch that the training has begun."""
        if self.store is not None:
            self.store.add("begun", 1)


def launched() -> bool:
    """Whether torchrun, or another launcher that speaks as it does, started this process as one of a team."""
    return {"RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"} <= os.environ.keys()


@contextmanager
def launched_team(device: str) -> Iterator[Team]:
    """The team that a launcher has started, on one machine or many; all leave together at the end."""
    torch.set_num_threads(1)
    store, rank, size = next(dist.rendezvous("env://"))
    own = dist.PrefixStore(_meet(store, rank, size), store)
    # Gradients of GPUs go by nccl; what is on the CPU even there, such as the flag to stop, by gloo.
    backend = "cpu:gloo,cuda:nccl" if device.startswith("cuda") else "gloo"
    dist.init_process_group(backend, store=own, rank=rank, world_size=size)
    try:
        team = Team(rank, size, store)
        yield team
        team.barrier()
    finally:
        dist.destroy_process_group()


def _meet(store: dist.Store, rank: int, size: int) -> str:
    """A name for this attempt: all its workers come to the same one, no earlier attempt had it.

    torchrun keeps one store for all attempts, in which the addresses of dead workers still stand. Its count of restarts
    is no such name: each machine's agent has a count of its own. So each worker signs with a name never used before,
    and what they all have read alike, and countersigned, is the attempt's.
    """
    store.set(f"worker {rank}", uuid.uuid4().hex)
    limit = time.monotonic() + PATIENCE
    while time.monotonic() < limit:
        signed = b" ".join(store.get(f"worker {other}") for other in range(size))
        roll = hashlib.sha256(signed).hexdigest()
        store.set(f"{roll} {rank}", "")
        if store.check([f"{roll} {other}" for other in range(size)]):
            return roll
        time.sleep(0.05)
    raise LostWorker(f"worker {rank} has waited for the other {size - 1} in vain")


def gather_team(workers: int, work: Callable[..., None], *arguments) -> None:
    """Run `work(team, *arguments)` in `workers` processes of one thread each; returns when all have ended.

    Raises:
        NextstrokeError: what a worker raised.
    """
    if workers == 1:
        work(Team(), *arguments)
        return
    raised = multiprocessing.get_context("spawn").SimpleQueue()
    setting = workers, _free_port(), raised, work, arguments
    processes = multiprocessing.spawn(_join, setting, workers, join=False)
    with passing_signals(processes.pids()) as passed:
        failure = _wait(processes)
    if not raised.empty():
        raise raised.get()
    if failure and passed:
        raise Stopped("stopped before the training began", passed[0])
    if isinstance(failure, ProcessExitedException):
        raise LostWorker(f"worker {failure.error_index} is gone ({failure}); go on with --resume") from failure
    if failure:
        raise failure


def _wait(processes: ProcessContext) -> ProcessException | None:
    """Wait for all workers; what a worker died of, if it was none of our errors."""
    try:
        while not processes.join():
            pass
    except ProcessException as failure:
        return failure
    return None


def _join(rank: int, size: int, port: int, raised, work: Callable[..., None], arguments: tuple) -> None:
    # A process group of its own: a Ctrl-C on the terminal reaches a worker once, by way of its parent.
    os.setpgid(0, 0)
    torch.set_num_threads(1)
    dist.init_process_group("gloo", f"tcp://127.0.0.1:{port}", rank=rank, world_size=size)
    try:
        team = Team(rank, size)
        work(team, *arguments)
        team.barrier()
    except NextstrokeError as error:
        raised.put(error)
    except KeyboardInterrupt:
        raised.put(Stopped("stopped at once; the last checkpoint stands", signal.SIGINT))
    finally:
        dist.destroy_process_group()
    _leave()


def _leave() -> None:
    """End this process, whose work is done, without taking Python down.

    A thread of gloo that lets go of a tensor just then would abort it, and a training that is whole and saved would be
    told of as lost. Seen on a busy machine only.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


@contextmanager
def passing_signals(pids: Iterable[int]) -> Iterator[list[int]]:
    """Pass signals that ask to stop on to the workers, which save and end; yields a list of those that came."""
    passed: list[int] = []

    def pass_on(number: int, frame: object) -> None:
        passed.append(number)
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    before: dict[int, Any] = {number: signal.signal(number, pass_on) for number in SIGNALS}
    try:
        yield passed
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
