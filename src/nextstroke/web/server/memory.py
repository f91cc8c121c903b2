"""The memory that all requests together may take."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from nextstroke.errors import LimitExceeded
from nextstroke.pages.budget import MIB


class Busy(LimitExceeded):
    """Other requests hold what this one needs; it may be sent again later."""


class MemoryPool:
    """Memory that requests reserve, by estimates of what they take.

    Args:
        total: Bytes.
    """

    def __init__(self, total: int):
        self.total, self.free = total, total
        self.lock = threading.Lock()

    @contextmanager
    def reserved(self, size: int) -> Iterator[None]:
        """Hold `size` bytes.

        Raises:
            Busy: other requests hold too much.
            LimitExceeded: it is more than there is for all.
        """
        self._take(size)
        try:
            yield
        finally:
            with self.lock:
                self.free += size

    def _take(self, size: int) -> None:
        if size > self.total:
            raise LimitExceeded(
                f"this takes {size // MIB} MiB of memory, there are {self.total // MIB} for all requests"
            )
        with self.lock:
            if size > self.free:
                raise Busy("other requests take the memory; try again in a while")
            self.free -= size
