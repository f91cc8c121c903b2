"""Apply a function to many files in several processes."""

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from nextstroke.errors import LimitExceeded

Item = TypeVar("Item")
Result = TypeVar("Result")
Progress = Callable[[int, int], None]


def map_files(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    workers: int = 1,
    progress: Progress | None = None,
) -> Iterator[Result]:
    """Yield `function(item)` for each item, in order.

    Args:
        function: Function at the top level of a module, so that other processes can import it.
        items: Arguments, one for each call.
        workers: Number of processes; more than 1 needs a main module that can be imported.
        progress: Callback of (items done, all items).

    Raises:
        LimitExceeded: A process was killed.
    """
    for done, result in enumerate(_results(function, items, workers), 1):
        if progress:
            progress(done, len(items))
        yield result


def _results(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    workers: int,
) -> Iterator[Result]:
    if workers <= 1:
        yield from map(function, items)
        return
    # Spawned, not forked: the libraries of the parent may have threads.
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        try:
            yield from pool.map(function, items, chunksize=64)
        except BrokenProcessPool as error:
            problem = "a reading process was killed, perhaps for memory; read with 1 worker"
            raise LimitExceeded(problem) from error
