"""Packed corpora on disk: safetensors files whose arrays are mapped into memory, never read whole."""

import json
import math
from pathlib import Path

import numpy as np

from nextstroke.errors import CorruptFile

DTYPES = {
    "F32": np.float32,
    "F16": np.float16,
    "I64": np.int64,
    "BOOL": np.bool_,
    "U8": np.uint8,
    "U16": np.uint16,
}
# What damaged headers raise.
DAMAGE = (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError)


def map_arrays(path: Path) -> tuple[dict, dict[str, np.ndarray]]:
    """Return the metadata of a packed corpus and its arrays by name, mapped into memory.

    Raises:
        CorruptFile: The file is not a packed corpus, or is truncated.
    """
    try:
        with path.open("rb") as stream:
            size = int.from_bytes(stream.read(8), "little")
            if size > path.stat().st_size:
                raise ValueError("header longer than the file")
            header = json.loads(stream.read(size))
        about = json.loads(header.pop("__metadata__")["nextstroke"])
        if "format" not in about:
            raise KeyError("format")
        return about, {name: _map_tensor(path, size + 8, tensor) for name, tensor in header.items()}
    except (OSError, *DAMAGE) as error:
        problem = f"not a packed corpus ({error}); make it with `nextstroke data`"
        raise CorruptFile(f"{path}: {problem}") from error


def _map_tensor(path: Path, base: int, tensor: dict) -> np.ndarray:
    begin, end = tensor["data_offsets"]
    dtype = DTYPES[tensor["dtype"]]
    shape = tuple(tensor["shape"])
    if not all(type(number) is int and number >= 0 for number in (begin, end, *shape)):
        raise ValueError("a tensor's shape or position is not of whole numbers")
    if end - begin != np.dtype(dtype).itemsize * math.prod(shape):
        raise ValueError("a tensor's size does not fit its shape")
    return np.memmap(path, dtype, "r", base + begin, shape)
