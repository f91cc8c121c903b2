import platform
import subprocess
import sys

import pytest

FAULTS = """
import resource, sys, torch
from nextstroke.training.device import keep_memory
if sys.argv[1] == "kept":
    assert keep_memory()
for _ in range(10):  # the first ones lie apart, until their places have become one
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    torch.zeros(20_000_000)  # 80 MB
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def pages_fetched(how):
    command = [sys.executable, "-c", FAULTS, how]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="NOT TESTED: keeping memory, this is not glibc")
def test_memory_that_is_kept_is_not_fetched_again():
    assert pages_fetched("kept") < 100 < 5000 < pages_fetched("given back")
