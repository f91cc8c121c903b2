"""Bounds on the work a test causes, which is the same on every machine; seconds are not."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def calls_at_most(limit: int) -> Iterator[None]:
    """Fail where the block calls more than `limit` functions, those in C included."""
    calls = 0

    def count(frame, event, argument):
        nonlocal calls
        calls += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        yield
    finally:
        sys.setprofile(before)
    assert calls <= limit, f"{calls} calls, at most {limit} are expected"
