"""Lines of many requests written side by side: one network step serves them all."""

import queue
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from itertools import groupby
from typing import NamedTuple

from nextstroke.engine.choose import SIDE_BY_SIDE, Chooser, FirstSound, Wish
from nextstroke.engine.modelfile import Model
from nextstroke.engine.reading import Reader
from nextstroke.engine.write import Written
from nextstroke.errors import LimitExceeded

CHUNK = 4  # lines that one request has in the queue, so that a letter does not keep a word waiting


class TimeOver(LimitExceeded):
    """The work for one request takes too long."""


class Gone(Exception):
    """The client has left, or the server stops: nobody waits for the lines."""


@dataclass
class Ticket:
    """One request's leave to be worked on.

    Attributes:
        seconds: How long.
        gone: Set when nobody waits any more.
    """

    seconds: float
    gone: threading.Event = field(default_factory=threading.Event)
    began: float = field(default_factory=time.monotonic)

    def check(self) -> None:
        """Raise Gone, or TimeOver."""
        if self.gone.is_set():
            raise Gone
        if time.monotonic() - self.began > self.seconds:
            raise TimeOver(f"this takes longer than {self.seconds:g} s; ask for less at once")


class _Task(NamedTuple):
    wish: Wish
    candidates: int
    ticket: Ticket
    result: Future


class Scribe:
    """Threads that take lines from one queue and write as many as there are side by side.

    Args:
        model: A writer.
        reader: Judges the candidates.
        threads: One for each core.
    """

    def __init__(self, model: Model, reader: Reader, threads: int = 1):
        self.model, self.reader = model, reader
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
        wanted = sorted((task for task in tasks if _wanted(task)), key=lambda task: task.candidates)
        for candidates, group in groupby(wanted, key=lambda task: task.candidates):
            some = list(group)
            try:
                for task, line in zip(some, self._lines(some, candidates), strict=True):
                    task.result.set_result(line)
            except Exception as error:
                for task in some:
                    task.result.set_exception(error)

    def _lines(self, tasks: list[_Task], candidates: int) -> list[Written]:
        writer = Chooser(self.reader, candidates) if candidates > 1 else FirstSound()
        return writer.write(self.model, [task.wish for task in tasks])


def _wanted(task: _Task) -> bool:
    try:
        task.ticket.check()
    except (Gone, TimeOver) as error:
        task.result.set_exception(error)
        return False
    return True


@dataclass(frozen=True)
class Turn:
    """One request's way to the scribe; a LineWriter."""

    scribe: Scribe
    candidates: int
    ticket: Ticket

    def write(self, model: Model, wishes: Sequence[Wish]) -> list[Written]:
        """One line for each wish, by the scribe's model, which is `model`. Raises Gone, TimeOver."""
        chunks = (wishes[first : first + CHUNK] for first in range(0, len(wishes), CHUNK))
        return [line for chunk in chunks for line in self._chunk(chunk)]

    def _chunk(self, wishes: Sequence[Wish]) -> list[Written]:
        self.ticket.check()
        tasks = [_Task(wish, self.candidates, self.ticket, Future()) for wish in wishes]
        for task in tasks:
            self.scribe.tasks.put(task)
        return [task.result.result() for task in tasks]
