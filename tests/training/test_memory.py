import subprocess
import sys

import pytest

from nextstroke.training import memory

REPEATED = """
import resource, torch
from nextstroke.training.memory import keep_memory
kept, seen = keep_memory(), []
for _ in range(5):
    torch.ones(2**24)
    seen.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
print(kept, seen[-1] - seen[1])
"""


def test_a_block_is_cleared_once():
    kept, faults = subprocess.run(
        [sys.executable, "-c", REPEATED], capture_output=True, text=True, check=True, timeout=60
    ).stdout.split()
    if kept == "False":
        pytest.skip("another C library than glibc")
    assert int(faults) < 1000  # one block of 64 MiB has 16,384 pages


def test_another_c_library_is_left_alone(monkeypatch):
    monkeypatch.setattr(memory.ctypes, "CDLL", lambda _: object())
    assert not memory.keep_memory()
