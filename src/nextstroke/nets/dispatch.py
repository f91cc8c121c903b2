"""What stands in for the loops over time in torch where there is something faster, with the same values.

On a CPU the loops in C++ (`native/lstm`), one pass between two products, where `nextstroke kernel build` made
them. On a GPU the gates in Triton (`triton_kernels.py`), inside the loops in torch.
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

Out = tuple[Tensor, Tensor | None]  # where a step's output goes as well, and what it is multiplied by there


def select_loop(name: str, base: Callable[..., list[Tensor]], x: Tensor) -> Callable[..., list[Tensor]]:
    """The loop `name` in C++ where it was built and suits `x`, else `base`, the one in torch."""
    suits = x.device.type == "cpu" and x.dtype in (torch.float32, torch.float64)
    return getattr(torch.ops.nextstroke, name) if suits and loaded() and not is_paused() else base


def fused(x: Tensor) -> ModuleType | None:
    """The gates in Triton where they suit the device of `x`, else None: those in torch do."""
    return _fused_for(x.device.index) if x.is_cuda and not is_paused() else None


@cache
def _fused_for(index: int) -> ModuleType | None:
    # Triton serves cards from compute capability 8.0 on.
    able = torch.cuda.get_device_capability(index) >= (8, 0) and importlib.util.find_spec("triton") is not None
    return importlib.import_module("nextstroke.nets.triton_kernels") if able else None
