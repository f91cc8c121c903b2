"""Data-parallel training: each worker has its shard of the lines; each update sums the gradients once."""

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

TIMEOUT = 1800  # seconds that workers wait for each other, the default of torch
SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True)
class Team:
    """The workers of a training; a team of one communicates with nobody.

    Attributes:
        rank: Number of this worker, from 0 on.
        size: Number of workers.
        store: Store that torchrun keeps from one attempt to the next; None without a launcher.
    """

    rank: int = 0
    size: int = 1
    store: dist.Store | None = None

    @property
    def is_main(self) -> bool:
        """Whether this worker writes files and reports."""
        return self.rank == 0

    def sum(self, tensors: Iterable[Tensor]) -> None:
        """Replace each tensor by its sum over the team, in one message.

        Raises:
            LostWorker: another worker cannot be reached.
        """
        if self.size == 1:
            return
        tensors = list(tensors)
        flat = torch.cat([tensor.flatten() for tensor in tensors])
        with self._connected():
            dist.all_reduce(flat)
        sums = flat.split([tensor.numel() for tensor in tensors])
        for tensor, summed in zip(tensors, sums, strict=True):
            tensor.copy_(summed.view_as(tensor))

    def broadcast(self, value: Any) -> Any:
        """Return the main worker's value: others need not see its files.

        Raises:
            LostWorker: another worker cannot be reached.
        """
        if self.size == 1:
            return value
        values = [value]
        with self._connected():
            dist.broadcast_object_list(values)
        return values[0]

    def barrier(self) -> None:
        """Wait until all workers are done; none may leave while another still communicates.

        Peers that already left are ignored: gloo also reports one that left right after this
        barrier.
        """
        with suppress(RuntimeError):
            dist.barrier()

    @contextmanager
    def _connected(self) -> Iterator[None]:
        try:
            yield
        except RuntimeError as error:
            problem = f"worker {self.rank} cannot reach the others; go on with --resume"
            raise LostWorker(problem) from error

    def begun(self) -> bool:
        """Return whether an earlier attempt of this launch began the training."""
        return self.store is not None and self.store.add("begun", 0) > 0

    def begin(self) -> None:
        """Record for later attempts of this launch that the training began."""
        if self.store is not None:
            self.store.add("begun", 1)


def launched() -> bool:
    """Return whether torchrun, or a launcher with its variables, started this process as one of a team."""
    return {"RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"} <= os.environ.keys()


@contextmanager
def launched_team(device: str) -> Iterator[Team]:
    """Join the team that a launcher started, on one machine or many; all leave together at the end."""
    torch.set_num_threads(1)
    store, rank, size = next(dist.rendezvous("env://"))
    own = dist.PrefixStore(_meet(store, rank, size), store)
    # nccl sums the gradients of GPUs; gloo sums tensors on the CPU, such as the flag to stop.
    backend = "cpu:gloo,cuda:nccl" if device.startswith("cuda") else "gloo"
    dist.init_process_group(backend, store=own, rank=rank, world_size=size)
    try:
        team = Team(rank, size, store)
        yield team
        team.barrier()
    finally:
        dist.destroy_process_group()


def _meet(store: dist.Store, rank: int, size: int) -> str:
    """Agree on a name for this attempt that no earlier attempt had.

    torchrun keeps one store for all attempts, which still holds the addresses of dead workers. Its
    count of restarts is not such a name: each machine's agent has a count of its own. So each
    worker writes a random name; the attempt's name is the digest of all of them, once all workers
    have read the same.
    """
    store.set(f"worker {rank}", uuid.uuid4().hex)
    limit = time.monotonic() + TIMEOUT
    while time.monotonic() < limit:
        names = b" ".join(store.get(f"worker {other}") for other in range(size))
        digest = hashlib.sha256(names).hexdigest()
        store.set(f"{digest} {rank}", "")
        if store.check([f"{digest} {other}" for other in range(size)]):
            return digest
        time.sleep(0.05)
    minutes = TIMEOUT // 60
    raise LostWorker(f"worker {rank}: the other {size - 1} did not start within {minutes} minutes")


def gather_team(workers: int, work: Callable[..., None], *arguments) -> None:
    """Run `work(team, *arguments)` in `workers` processes of one thread each, until all have ended.

    Raises:
        NextstrokeError: a worker raised it.
    """
    if workers == 1:
        work(Team(), *arguments)
        return
    raised = multiprocessing.get_context("spawn").SimpleQueue()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    common = (workers, port, raised, work, arguments)
    processes = multiprocessing.spawn(_join, common, workers, join=False)
    with passing_signals(processes.pids()) as passed:
        failure = _wait(processes)
    if not raised.empty():
        raise raised.get()
    if failure and passed:
        raise Stopped("stopped before the training began", passed[0])
    if isinstance(failure, ProcessExitedException):
        problem = f"worker {failure.error_index} is gone ({failure}); go on with --resume"
        raise LostWorker(problem) from failure
    if failure:
        raise failure


def _wait(processes: ProcessContext) -> ProcessException | None:
    """Wait for all workers; return the failure of one that died of no NextstrokeError."""
    try:
        while not processes.join():
            pass
    except ProcessException as failure:
        return failure
    return None


def _join(
    rank: int,
    size: int,
    port: int,
    raised,
    work: Callable[..., None],
    arguments: tuple,
) -> None:
    """Do one worker's part of `gather_team` in its process."""
    # A process group of its own, so that Ctrl-C reaches a worker only once, through its parent.
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
        raised.put(Stopped("stopped at once; the last checkpoint is kept", signal.SIGINT))
    finally:
        dist.destroy_process_group()
    # The process ends without the interpreter's shutdown: a thread of gloo that releases a tensor
    # during it would abort the process, and a training that is saved would be reported as lost.
    # Seen on a busy machine only.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


@contextmanager
def passing_signals(pids: Iterable[int]) -> Iterator[list[int]]:
    """Pass signals to stop on to the workers, which save and end; yield the list of signals that came."""
    passed: list[int] = []

    def pass_on(number: int, frame: object) -> None:
        """Record a signal and send it to the workers."""
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
