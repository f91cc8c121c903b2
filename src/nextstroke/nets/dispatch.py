"""Selection of compiled LSTM kernels, with the same values as the loops in torch.

On a CPU these are the loops over time in C++ (`native/lstm`), where `nextstroke kernel build` built
them. On a GPU they are the gates in Triton (`triton_kernels.py`), inside the loops in torch.
"""

import importlib
import importlib.util
from collections.abc import Callable
from functools import cache
from types import ModuleType

import torch
from torch import Tensor

from nextstroke.native.lstm_loops import loaded
from nextstroke.native.switch import is_paused

StepOutput = tuple[Tensor, Tensor | None]  # second destination of a step's output, and a factor


def select_loop(
    name: str,
    base: Callable[..., list[Tensor]],
    x: Tensor,
) -> Callable[..., list[Tensor]]:
    """Return the C++ loop `name` where it is built and supports `x`, else `base`, the loop in torch."""
    supported = x.device.type == "cpu" and x.dtype in (torch.float32, torch.float64)
    return getattr(torch.ops.nextstroke, name) if supported and loaded() and not is_paused() else base


def fused(x: Tensor) -> ModuleType | None:
    """Return the module of Triton kernels where it supports the device of `x`, else None."""
    return _fused_for(x.device.index) if x.is_cuda and not is_paused() else None


@cache
def _fused_for(index: int) -> ModuleType | None:
    # Triton supports GPUs from compute capability 8.0 on.
    supported = torch.cuda.get_device_capability(index) >= (8, 0)
    if not supported or importlib.util.find_spec("triton") is None:
        return None
    return importlib.import_module("nextstroke.nets.triton_kernels")
