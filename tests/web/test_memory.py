"""Memory that a request took goes back to the system."""

import subprocess
import sys

import pytest

PINNED = """
import numpy as np
from nextstroke.web.server.memory import MemoryPool, share_arenas

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096 >> 20

share_arenas()
pool = MemoryPool(1 << 30)
with pool.reserved(1 << 28):
    pieces = [np.ones(100_000, np.uint8) for _ in range(2500)]
    taken = resident()
    del pieces[:-1]  # the last one lies at the end, and keeps the rest from being given back
    kept = resident()
left = resident()
print(taken, kept, left)
assert kept > taken - 50, "the C library gives freed memory back by itself"
assert left < kept - 200
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="measured in /proc")
def test_what_a_large_request_freed_goes_back_to_the_system():
    done = subprocess.run([sys.executable, "-c", PINNED], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr
