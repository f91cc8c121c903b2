"""The compressor's loops in C++ (`native/compression`): building them, and finding what was built.

They give the same numbers as numpy does, so that an archive does not depend on them. A wheel that was built where there
is a compiler brings them; elsewhere `nextstroke kernel build` makes them. Nothing compiles unasked.
"""

import ctypes
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from nextstroke.native.build import find_library, library_path
from nextstroke.native.compression_sources import PACKAGED, PARTS, SOURCE, compile_to
from nextstroke.native.switch import is_paused


def library() -> Path:
    """Where the library for this source and processor lies once `build` has made it."""
    return library_path("compressor", PARTS, SOURCE)


def build() -> Path:
    """Compile the library, which takes some seconds; raises as `compile_library`."""
    return compile_to(library())


def found_library() -> Path | None:
    """The library that `loops` loads: the one that was built here, else the one that came with the wheel."""
    return find_library(library) or find_library(lambda: PACKAGED)


def loops() -> ctypes.CDLL | None:
    """The library, if there is one and it is not paused."""
    path = None if is_paused() else found_library()
    return _load(path) if path else None


@cache
def _load(path: Path) -> ctypes.CDLL | None:
    try:
        found = ctypes.CDLL(str(path))
    except OSError as error:
        warnings.warn(f"{path}: cannot be loaded, numpy is used ({error})", stacklevel=2)
        return None
    found.mixture_new.restype = ctypes.c_void_p
    found.network_new.restype = ctypes.c_void_p
    found.product_name.restype = ctypes.c_char_p
    found.product_chosen.restype = ctypes.c_char_p
    return found


def call(loop: Callable, *arguments: Any) -> Any:
    """Call a loop with whole numbers, float32 and arrays; each array must lie in one piece."""
    return loop(*map(_passed, arguments))


def address(array: np.ndarray) -> int:
    """Where the numbers of an array lie, one after the other; it must be kept as long as they are used."""
    assert array.flags.c_contiguous
    return array.ctypes.data


def _passed(argument: Any) -> Any:
    if isinstance(argument, np.ndarray):
        return ctypes.c_void_p(address(argument))
    if isinstance(argument, np.float32):
        return ctypes.c_float(float(argument))
    return ctypes.c_int64(argument) if isinstance(argument, int) else argument
