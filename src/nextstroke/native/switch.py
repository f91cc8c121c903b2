"""Temporarily disable the compiled kernels, to compare them with numpy and torch."""

from collections.abc import Iterator
from contextlib import contextmanager

_paused = False


def is_paused() -> bool:
    """Return whether the C++ loops and Triton kernels are disabled."""
    return _paused


@contextmanager
def paused() -> Iterator[None]:
    """Run a block with numpy and torch only, without compiled kernels."""
    global _paused
    before = _paused
    _paused = True
    try:
        yield
    finally:
        _paused = before
