"""Batch the lines of many HTTP requests: one network step serves them all."""

import queue
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from typing import NamedTuple

from nextstroke.errors import LimitExceeded
from nextstroke.handwriting.best_of import SIDE_BY_SIDE, BestOfN, FirstValid, LineWriter
from nextstroke.handwriting.recogniser import Recogniser
from nextstroke.handwriting.request import LineRequest
from nextstroke.handwriting.sampler import Cancelled, Line
from nextstroke.runtime.model_file import Model

CHUNK = 4  # lines that one HTTP request has in the queue, so that a letter does not keep a word waiting


class TimeOver(LimitExceeded):
    """The work for one request takes too long."""


class Gone(Exception):
    """The client has left, or the server stops: nobody waits for the lines."""


@dataclass(eq=False)
class Ticket:
    """The time limit and the cancellation of one HTTP request.

    Attributes:
        seconds: Seconds that it may take.
        gone: Set when the client has left.
        began: Monotonic time of its beginning, in seconds.
    """

    seconds: float
    gone: threading.Event = field(default_factory=threading.Event)
    began: float = field(default_factory=time.monotonic)

    @property
    def refusal(self) -> Gone | TimeOver | None:
        """Why the request is cancelled; None while it is not."""
        if self.gone.is_set():
            return Gone()
        if time.monotonic() - self.began > self.seconds:
            return TimeOver(f"this takes longer than {self.seconds:g} s; ask for less at once")
        return None

    def check(self) -> None:
        """Raise Gone, or TimeOver."""
        if refusal := self.refusal:
            raise refusal


class _Task(NamedTuple):
    """A line in the queue."""

    request: LineRequest
    candidates: int
    ticket: Ticket
    result: "Future[Line]"


class Batcher:
    """Threads that take lines from one queue and write the waiting ones side by side.

    Args:
        model: A writer.
        recogniser: Judges the candidates.
        threads: Number of threads, one for each core.
    """

    def __init__(self, model: Model, recogniser: Recogniser, threads: int = 1):
        self.model = model
        self.recogniser = recogniser
        self.tasks: queue.Queue[_Task | None] = queue.Queue()
        self.threads = [threading.Thread(target=self._work, daemon=True) for _ in range(threads)]
        for thread in self.threads:
            thread.start()

    def stop(self) -> None:
        """Let the threads end."""
        for _ in self.threads:
            self.tasks.put(None)

    def _work(self) -> None:
        while (first := self.tasks.get()) is not None:
            some = [first]
            while sum(task.candidates for task in some) < SIDE_BY_SIDE:
                try:
                    task = self.tasks.get_nowait()
                except queue.Empty:
                    break
                if task is None:
                    self.tasks.put(None)
                    break
                some.append(task)
            self._write(some)

    def _write(self, tasks: list[_Task]) -> None:
        for candidates, group in groupby(sorted(tasks, key=_candidates), key=_candidates):
            self._write_batch([task for task in group if _wanted(task)], candidates)

    def _write_batch(self, tasks: list[_Task], candidates: int) -> None:
        """Write lines of any number of requests; an error goes to the request that caused it, and to no other."""
        try:
            lines = self._lines(tasks, candidates)
        except Exception as error:
            requests = _by_request(tasks)
            if len(requests) == 1:
                for task in tasks:
                    task.result.set_exception(task.ticket.refusal or error)
                return
            # The error does not say whose it is: each request is written by itself.
            for own in requests:
                self._write_batch([task for task in own if _wanted(task)], candidates)
            return
        for task, line in zip(tasks, lines, strict=True):
            task.result.set_result(line)

    def _lines(self, tasks: list[_Task], candidates: int) -> list[Line]:
        cancelled = partial(_raise_if_nobody_waits, tasks)
        writer: LineWriter = FirstValid(cancelled)
        if candidates > 1:
            writer = BestOfN(self.recogniser, candidates, cancelled)
        return writer.write(self.model, [task.request for task in tasks]) if tasks else []


def _candidates(task: _Task) -> int:
    return task.candidates


def _by_request(tasks: Sequence[_Task]) -> list[list[_Task]]:
    """The tasks of each request."""
    requests: dict[int, list[_Task]] = {}
    for task in tasks:
        requests.setdefault(id(task.ticket), []).append(task)
    return list(requests.values())


def _wanted(task: _Task) -> bool:
    refusal = task.ticket.refusal
    if refusal:
        task.result.set_exception(refusal)
    return not refusal


def _raise_if_nobody_waits(tasks: list[_Task]) -> None:
    """Raise Gone if nobody waits for any of the lines.

    Otherwise all are written on, since the ink of a line must not depend on who has left.
    """
    if all(task.ticket.refusal for task in tasks):
        raise Gone


@dataclass(frozen=True)
class QueuedWriter:
    """Writes the lines of one HTTP request through the batcher's queue; a LineWriter.

    Attributes:
        batcher: Writes the lines.
        candidates: Number of candidates of each line.
        ticket: Of the HTTP request.
    """

    batcher: Batcher
    candidates: int
    ticket: Ticket

    @property
    def cancelled(self) -> Cancelled:
        """Raises Gone, TimeOver."""
        return self.ticket.check

    def write(self, model: Model, requests: Sequence[LineRequest]) -> list[Line]:
        """Return one line for each request, by the batcher's model, which is `model`. Raises Gone, TimeOver."""
        lines: list[Line] = []
        for first in range(0, len(requests), CHUNK):
            self.ticket.check()
            tasks = [
                _Task(request, self.candidates, self.ticket, Future()) for request in requests[first : first + CHUNK]
            ]
            for task in tasks:
                self.batcher.tasks.put(task)
            lines += [task.result.result() for task in tasks]
        return lines
