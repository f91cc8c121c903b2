"""The memory that all requests together may take."""

import ctypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from nextstroke.errors import LimitExceeded
from nextstroke.pages.budget import MIB

LARGE = 32 * MIB  # of a request after which freed memory goes back to the system
_ARENA_MAX = -8  # of glibc's malloc.h


def share_arenas() -> None:
    """Let the threads of this process take memory from two arenas; each keeps what it once had.

    glibc gives each thread its own, up to eight a core. Does nothing with another C library.
    """
    if mallopt := _function("mallopt"):
        mallopt(_ARENA_MAX, 2)


def return_freed() -> None:
    """Give the memory that was freed back to the system; does nothing with another C library than glibc."""
    if trim := _function("malloc_trim"):
        trim(0)


def _function(name: str) -> Any:
    """Return a function of the C library, None where it has none of that name."""
    try:
        return getattr(ctypes.CDLL(None), name, None)
    except (OSError, TypeError):  # Windows
        return None


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
            if size >= LARGE:
                return_freed()

    def _take(self, size: int) -> None:
        if size > self.total:
            raise LimitExceeded(
                f"this takes {size // MIB} MiB of memory, there are {self.total // MIB} for all requests"
            )
        with self.lock:
            if size > self.free:
                raise Busy("other requests take the memory; try again in a while")
            self.free -= size
