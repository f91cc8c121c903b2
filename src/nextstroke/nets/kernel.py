"""What stands in for the loops over time in torch where there is something faster, with the same values.

On a CPU the loops in C++ (the folder `native`), one pass between two products; nothing here compiles, `load` takes a
library that `nextstroke kernel build` made. On a GPU the gates in Triton (`fused.py`), inside the loops in torch.
"""

import importlib
import importlib.util
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType

import torch
from torch import Tensor

from nextstroke.pause import is_paused

Out = tuple[Tensor, Tensor | None]  # where a step's output goes as well, and what it is multiplied by there

SOURCE = Path(__file__).parent / "native"

_libraries: list[Path] = []


def load(library: Path) -> None:
    """Use the loops of a built library from now on; a second library is not taken beside the first."""
    if not _libraries:
        torch.ops.load_library(library)
        _libraries.append(library)


def loaded() -> Path | None:
    """The library in use, if there is one."""
    return _libraries[0] if _libraries else None


def chosen(name: str, base: Callable[..., list[Tensor]], x: Tensor) -> Callable[..., list[Tensor]]:
    """The loop `name` in C++ where it was built and suits `x`, else `base`, the one in torch."""
    suits = x.device.type == "cpu" and x.dtype in (torch.float32, torch.float64)
    return getattr(torch.ops.nextstroke, name) if _libraries and suits and not is_paused() else base


def fused(x: Tensor) -> ModuleType | None:
    """The gates in Triton where they suit the device of `x`, else None: those in torch do."""
    return _fused_for(x.device.index) if x.is_cuda and not is_paused() else None


@cache
def _fused_for(index: int) -> ModuleType | None:
    # Triton serves cards from compute capability 8.0 on.
    able = torch.cuda.get_device_capability(index) >= (8, 0) and importlib.util.find_spec("triton") is not None
    return importlib.import_module("nextstroke.nets.fused") if able else None
