"""The network of exact_network.py by the loops in C++, with the same constants."""

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np

from nextstroke.compression.lm import adaptive_layer, lstm_layer, output_layer
from nextstroke.compression.lm.activations import FAR, OVER, UNDER
from nextstroke.compression.lm.integer_matmul import LEVELS, ONE, ZERO
from nextstroke.compression.lm.online_weights import Teaching
from nextstroke.native.compression_loops import address, call

SYMBOLS = output_layer.SYMBOLS
_TYPES: dict[str, Any] = {"*": ctypes.c_void_p, ".": ctypes.c_float, ":": ctypes.c_double}


def _fields(names: str) -> list[tuple[str, Any]]:
    """Fields of a structure: a star is a pointer, a dot a float32, a colon a float64, all else a whole number."""
    return [(name.lstrip("*.:"), _TYPES.get(name[0], ctypes.c_int64)) for name in names.split()]


# These mirror the structures in native/compression/network.cpp field by field.
class _Layer(ctypes.Structure):
    _fields_ = _fields("cells below *whole *scale *table *peepholes")


class _Teaching(ctypes.Structure):
    _fields_ = _fields("first steps :rate .unit")


class _Network(ctypes.Structure):
    _fields_ = [
        *_fields("layers symbols *layer *output *back *scale *bias .far *over *under"),
        *_fields(".most_cell .most_learned .one .zero .error .most_error"),
        ("top", _Teaching),
        ("last", _Teaching),
        *_fields(".logit_step .back_unit error_places logits *frequencies"),
    ]


class NativeNetwork:
    """As ExactNetwork, number for number.

    Args:
        library: The loops.
        layers, output: Of the ExactNetwork; their arrays are kept as long as C++ reads them.

    Raises:
        MemoryError: There is no room for the network.
    """

    def __init__(self, library: ctypes.CDLL, layers: Sequence[lstm_layer.Layer], output: output_layer.Output):
        self._library, self._handle = library, ctypes.c_void_p()
        self._arrays: list[np.ndarray] = []
        self._layers = (_Layer * len(layers))(*map(self._layer, layers))
        numbers = self._numbers(output)
        self._handle = ctypes.c_void_p(library.network_new(ctypes.byref(numbers)))
        if not self._handle:
            raise MemoryError("no room for the text network")

    def __del__(self) -> None:
        self._library.network_delete(self._handle)

    def start(self, blocks: int, learning: bool = True) -> None:
        """As in ExactNetwork."""
        self._shape = (1 + learning, blocks, SYMBOLS)
        call(self._library.network_start, self._handle, blocks, int(learning))

    def predict(self) -> np.ndarray:
        """As in ExactNetwork."""
        frequencies = np.empty(self._shape, np.int64)
        call(self._library.network_predict, self._handle, frequencies)
        return frequencies

    def observe(self, byte: np.ndarray) -> None:
        """As in ExactNetwork; int64."""
        call(self._library.network_observe, self._handle, byte)

    def _address(self, array: np.ndarray) -> int:
        array = np.ascontiguousarray(array)
        self._arrays.append(array)
        return address(array)

    def _layer(self, layer: lstm_layer.Layer) -> _Layer:
        cells, product = layer.peepholes.shape[1], layer.product
        arrays = (product.whole, product.scale, layer.table, layer.peepholes)
        return _Layer(cells, product.whole.shape[1] - cells, *map(self._address, arrays))

    def _numbers(self, output: output_layer.Output) -> _Network:
        table = output_layer.frequencies()
        pointers = {
            "output": output.product.whole, "back": output.back, "scale": output.product.scale, "bias": output.bias,
            "over": OVER, "under": UNDER, "frequencies": table,
        }  # fmt: skip
        return _Network(
            layers=len(self._layers), symbols=SYMBOLS, layer=ctypes.addressof(self._layers), far=FAR,
            most_cell=lstm_layer.MOST_CELL, most_learned=LEVELS, one=ONE, zero=ZERO,
            error=adaptive_layer.ERROR, most_error=LEVELS,
            top=_teaching(adaptive_layer.TEACHING), last=_teaching(output_layer.TEACHING),
            logit_step=output_layer.STEP, back_unit=output_layer.BACK_UNIT, error_places=output_layer.ERROR,
            logits=len(table), **{name: self._address(array) for name, array in pointers.items()},
        )  # fmt: skip


def _teaching(of: Teaching) -> _Teaching:
    return _Teaching(of.first, of.steps, of.step, of.unit)
