"""Exact products of bytes and int8 weights, by whatever is fastest on a machine.

The runtime multiplies bytes several times as fast as any BLAS floats. Its sums are 32 bits wide, and so exact; but on
processors without instructions for it some add pairs in 16 bits, which can flow over. That is tried out once: where it
happens, or where there is no runtime, the same whole numbers are multiplied as float32, so few at a time that every sum
on the way is exact. The loops in C++ have products of their own (native/compression/product.h).
"""

from collections.abc import Callable
from functools import cache, cached_property

import numpy as np

from nextstroke.compression.varint import varint
from nextstroke.errors import CorruptFile
from nextstroke.runtime.onnx_session import open_session

ZERO, ONE = 128, 127  # an h of n / ONE is the byte ZERO + n
LEVELS = 127  # a row's weights are whole numbers up to it
_MOST = 1 / 32  # of a scale, so that its product with any sum is a number
_AT_ONCE = 1024  # inputs: their sums are below 2^24, and so exact in float32

# Fields and types of ONNX's protocol buffers: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
_UINT8, _INT8, _INT32 = 2, 3, 6
_IR_VERSION, _OPERATORS = 8, 13


class Product:
    """h · W, as whole numbers that `scale` makes float32.

    Args:
        weight: Real numbers, (rows, inputs). Each row becomes whole numbers up to LEVELS and a scale.
        first: Number of leading inputs that are multiplied apart from the rest.

    Raises:
        CorruptFile: a weight is not finite or too large.
    """

    def __init__(self, weight: np.ndarray, first: int = 0):
        weight = weight.astype(np.float64)
        if not np.isfinite(weight).all():
            raise CorruptFile("the text model holds weights that are not finite; take another copy")
        step = np.abs(weight).max(1, initial=0) / LEVELS
        self.whole = np.rint(weight / np.where(step, step, 1)[:, None]).astype(np.int8)
        self.scale = (step / ONE).astype(np.float32)
        self._first = first
        if not (self.scale < _MOST).all():
            raise CorruptFile("the text model: a weight is too large; export it anew")

    def sums(self, h: np.ndarray, first: bool = False) -> np.ndarray:
        """int32 (blocks, rows) of bytes (blocks, inputs): the first inputs alone, or the rest."""
        return self._products[not first](h)

    @cached_property
    def _products(self) -> list[Callable[[np.ndarray], np.ndarray]]:
        return [fixed_product(part) for part in (self.whole[:, : self._first], self.whole[:, self._first :])]


def fixed_product(whole: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Return what takes bytes (blocks, inputs) to (h − ZERO) · W, for a W of int8, (rows, inputs)."""
    return by_runtime(whole) if whole.size and runtime_is_exact() else by_floats(whole)


def multiply(h: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """(h − ZERO) · W, whole numbers (blocks, rows), of bytes (blocks, inputs) and a W that changes.

    Args:
        h: Bytes, (blocks, inputs).
        whole: Whole numbers of −LEVELS to LEVELS, (inputs, rows); no copy is made of what is of `kind_of_changing`.
    """
    if runtime_is_exact():
        return _any_product()(h, whole)
    return _sums_of_floats(h, whole.astype(np.float32, copy=False))


def kind_of_changing() -> type:
    """Type of the numbers that `multiply` takes as they are."""
    return np.int8 if runtime_is_exact() else np.float32


def by_floats(whole: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Sums by numpy's products of floats for a W of int8, (rows, inputs)."""
    factor = np.ascontiguousarray(whole.T, np.float32)
    return lambda h: _sums_of_floats(h, factor)


def _sums_of_floats(h: np.ndarray, factor: np.ndarray) -> np.ndarray:
    real = h.astype(np.float32) - np.float32(ZERO)
    sums = (real[:, :_AT_ONCE] @ factor[:_AT_ONCE]).astype(np.int32)
    for first in range(_AT_ONCE, len(factor), _AT_ONCE):
        part = slice(first, first + _AT_ONCE)
        sums += (real[:, part] @ factor[part]).astype(np.int32)
    return sums


def by_runtime(whole: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Sums by onnxruntime, int32, for a W of int8, (rows, inputs)."""
    session = open_session(_graph(_part(5, _tensor(b"weight", _INT8, np.ascontiguousarray(whole.T)))))
    return lambda h: session.run(None, {"h": h})[0]


@cache
def _any_product() -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """As `by_runtime`, but W comes with every call."""
    session = open_session(_graph(_part(11, _matrix(b"weight", _INT8))))
    return lambda h, whole: session.run(None, {"h": h, "weight": whole})[0]


@cache
def runtime_is_exact() -> bool:
    """Whether the runtime is there and its sums of the largest terms are right."""
    largest, h = np.full((64, 64), LEVELS, np.int8), np.full((64, 64), ZERO + ONE, np.uint8)
    try:
        sums = by_runtime(largest)(h)
    except Exception:  # whatever the runtime cannot do here, floats can
        return False
    return bool((sums == 64 * ONE * LEVELS).all())


def _graph(weight: bytes) -> bytes:
    """An ONNX model of one node: (h − ZERO) · W as int32; the weight is a field of the graph."""
    names = b"".join(_part(1, name) for name in (b"h", b"weight", b"zero"))
    node = names + _part(2, b"sums") + _part(4, b"MatMulInteger")
    zero = _part(5, _tensor(b"zero", _UINT8, np.array(ZERO, np.uint8)))
    ends = _part(11, _matrix(b"h", _UINT8)) + _part(12, _matrix(b"sums", _INT32))
    graph = _part(1, node) + _part(2, b"product") + zero + ends + weight
    return _number(1, _IR_VERSION) + _part(8, _number(2, _OPERATORS)) + _part(7, graph)


def _tensor(name: bytes, kind: int, array: np.ndarray) -> bytes:
    shape = b"".join(_number(1, size) for size in array.shape)
    return shape + _number(2, kind) + _part(8, name) + _part(9, array.tobytes())


def _matrix(name: bytes, kind: int) -> bytes:
    any_size = _part(1, b"") * 2
    return _part(1, name) + _part(2, _part(1, _number(1, kind) + _part(2, any_size)))


def _number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def _part(field: int, content: bytes) -> bytes:
    return varint(field << 3 | 2) + varint(len(content)) + content
