"""The compressor's C++ loops (`native/compression`): build, find and call them.

They give the same numbers as numpy, so that an archive does not depend on them. A wheel that was
built with a compiler contains them; otherwise `nextstroke kernel build` compiles them. Nothing is
compiled without being asked for.
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
    """Return the path of the library for this source and processor, which `build` writes."""
    return library_path("compressor", PARTS, SOURCE)


def build() -> Path:
    """Compile the library, which takes some seconds; raises as `compile_library`."""
    return compile_to(library())


def found_library() -> Path | None:
    """Return the path of the library that `loops` loads: the one built here, or that of the wheel."""
    return find_library(library) or find_library(lambda: PACKAGED)


def loops() -> ctypes.CDLL | None:
    """Return the loaded library; None if there is none or it is paused."""
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
    """Call a loop with integers, float32 numbers and arrays; the arrays must be contiguous."""
    return loop(*map(_passed, arguments))


def address(array: np.ndarray) -> int:
    """Return the address of a contiguous array, which must be kept as long as the address is used."""
    assert array.flags.c_contiguous
    return array.ctypes.data


def _passed(argument: Any) -> Any:
    """Return an argument as the type of ctypes that is passed to C++."""
    if isinstance(argument, np.ndarray):
        return ctypes.c_void_p(address(argument))
    if isinstance(argument, np.float32):
        return ctypes.c_float(float(argument))
    return ctypes.c_int64(argument) if isinstance(argument, int) else argument
