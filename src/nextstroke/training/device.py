"""Device of a training or an evaluation, and settings that make one CPU core fast."""

import ctypes
import os

import torch

from nextstroke.errors import UsageError
from nextstroke.native import lstm_loops


def open_device(name: str) -> str:
    """Make a device the current one and return its name; each of torchrun's workers takes one GPU.

    Args:
        name: cpu, cuda, cuda:N or mps.

    Raises:
        UsageError: The name is none of these, or the device is not available.
    """
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise UsageError(f"device {name!r}: give cpu, cuda, cuda:N or mps") from error
    if device.type == "cuda":
        local_rank = int(os.environ.get("LOCAL_RANK", "0"))
        return _open_gpu(local_rank if device.index is None else device.index)
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise UsageError("device mps: not available here; leave --device out to work on the CPU")
    if device.type not in ("cpu", "mps"):
        raise UsageError(f"device {name!r}: give cpu, cuda, cuda:N or mps")
    return device.type


def _open_gpu(index: int) -> str:
    found = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if index >= found:
        available = "no GPU here, or this torch is built without CUDA"
        if found:
            available = f"{found} GPU{'s' if found > 1 else ''} here"
        raise UsageError(f"device cuda:{index}: {available}; leave --device out to work on the CPU")
    torch.cuda.set_device(index)
    return f"cuda:{index}"


# Parameters of glibc's mallopt, from malloc.h.
_TRIM_THRESHOLD = -1
_MMAP_MAX = -4


def prepare_core() -> bool:
    """Use one thread, keep freed memory, load the C++ loops; return whether these are built."""
    torch.set_num_threads(1)
    keep_memory()
    return lstm_loops.switch_on()


def keep_memory() -> bool:
    """Let this process keep the memory that it frees; return whether its C library can do that.

    glibc returns arrays of more than 32 MB to the system, which hands them out again page by page,
    each page set to zero: a fifth of the time of a step of 64 lines (docs/results.md).
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # another C library; Windows
        return False
    return bool(mallopt(_MMAP_MAX, 0) and mallopt(_TRIM_THRESHOLD, -1))
