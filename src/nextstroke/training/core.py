"""What makes one core fast."""

import ctypes

import torch

from nextstroke.training import kernel

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4  # of glibc's malloc.h


def prepare_core() -> bool:
    """One thread, memory that is kept, and the loops in C++; returns whether these are built."""
    torch.set_num_threads(1)
    keep_memory()
    return kernel.switch_on()


def keep_memory() -> bool:
    """Let this process keep what it frees, for its next step; returns whether its C library can do that.

    glibc gives arrays of more than 32 MB back to the system, which hands them out again page by page, each page set to
    zero: a fifth of the time of a step of 64 lines (docs/results.md).
    """
    try:
        tell = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # another C library; Windows
        return False
    return bool(tell(_MMAP_MAX, 0) and tell(_TRIM_THRESHOLD, -1))
