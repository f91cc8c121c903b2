"""Data-parallel work: each worker takes its share of the lines, gradients are summed once an update."""

import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, multiprocessing


@dataclass(frozen=True)
class Team:
    """The workers of a training; a team of one talks to nobody."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
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
        dist.all_reduce(flat)
        for tensor, summed in zip(tensors, flat.split([tensor.numel() for tensor in tensors]), strict=True):
            tensor.copy_(summed.view_as(tensor))


def gather_team(workers: int, work: Callable[..., None], *arguments) -> None:
    """Run `work(team, *arguments)` in `workers` processes of one thread each; returns when all have ended."""
    if workers == 1:
        work(Team(), *arguments)
        return
    multiprocessing.spawn(_join, (workers, _free_port(), work, arguments), workers)


def _join(rank: int, size: int, port: int, work: Callable[..., None], arguments: tuple) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", f"tcp://127.0.0.1:{port}", rank=rank, world_size=size)
    try:
        work(Team(rank, size), *arguments)
    finally:
        dist.destroy_process_group()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
