"""What a layer does between two products, by the loop in C++."""

import ctypes
from typing import TYPE_CHECKING, Any

import numpy as np

from nextstroke.codec.gates import FAR, OVER, UNDER
from nextstroke.codec.kernel import address, call

if TYPE_CHECKING:
    from nextstroke.codec.layer import Layer

# A star is a pointer, a dot a float32, all else a whole number.
_FIELDS = (
    "rows blocks cells *scale *table *byte .unit *before *peepholes .far *over *under .most .one .zero *after *h *gates"
)
_TYPES: dict[str, Any] = {"*": ctypes.c_void_p, ".": ctypes.c_float}


class _Step(ctypes.Structure):
    """Mirrors native/network.cpp's Step."""

    _fields_ = [(name.lstrip("*."), _TYPES.get(name[0], ctypes.c_int64)) for name in _FIELDS.split()]


class NativeLayer:
    """The steps of a layer.

    Args:
        library: The loops.
        layer: Its weights; its state is changed.
    """

    def __init__(self, library: ctypes.CDLL, layer: "Layer"):
        self._advance, self._layer = library.layer_advance, layer
        constants = {
            "scale": layer.product.scale, "table": layer.table, "peepholes": layer.peepholes,
            "over": OVER, "under": UNDER,
        }  # fmt: skip
        self._step = _Step(cells=layer.peepholes.shape[1], far=FAR, **layer.numbers(), **_addresses(constants))

    def advance(self, byte: np.ndarray, below: np.ndarray | None, learned: np.ndarray | None) -> None:
        """As Layer.advance."""
        layer, step = self._layer, self._step
        gates = np.empty((5, len(byte), layer.c.shape[1]), np.float32)
        h, after = np.empty_like(layer.h), np.empty_like(layer.c)
        arrays = {"before": layer.c, "byte": byte, "h": h, "after": after, "gates": gates}
        for name, place in _addresses(arrays).items():
            setattr(step, name, place)
        step.rows, step.blocks, step.unit = len(h), len(byte), layer.learned_unit
        call(self._advance, ctypes.byref(step), *layer.sums(below), learned)
        layer.h, layer.c, layer.gates = h, after, gates


def _addresses(arrays: dict[str, np.ndarray]) -> dict[str, int]:
    return {name: address(array) for name, array in arrays.items()}
