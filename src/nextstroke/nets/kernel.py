"""The loops over time in C++ (the folder `native`): the values of those in torch, in one pass between two products.

Nothing here compiles; `load` takes a library that `nextstroke kernel build` made. Without one the torch loops work.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor

SOURCE = Path(__file__).parent / "native"

_libraries: list[Path] = []
_paused = False


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
    return getattr(torch.ops.nextstroke, name) if _libraries and suits and not _paused else base


@contextmanager
def paused() -> Iterator[None]:
    """A block in which the torch loops work, built or not: for comparing the two."""
    global _paused
    before, _paused = _paused, True
    try:
        yield
    finally:
        _paused = before
