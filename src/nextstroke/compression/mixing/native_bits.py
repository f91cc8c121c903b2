"""The adaptive model of bit_model.py by the loops in C++, settled by the same constants."""

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np

from nextstroke.compression.mixing import bit_model, match
from nextstroke.compression.mixing.contexts import RATES, counter
from nextstroke.compression.mixing.history import WORD_CONTEXTS
from nextstroke.compression.mixing.mixer import LIMIT, squash_table, stretch_table
from nextstroke.compression.range_coder import RangeDecoder, RangeEncoder
from nextstroke.native.compression_loops import address, call

# A star is a pointer, all else a whole number.
_FIELDS = (
    "blocks length orders contexts *order *row_bits context_limit levels step seen second_limit *second *seen_of "
    "matches key_bits longest buckets match_limit match_begin *match selectors inputs opinions rate *choices *weights "
    "limit *squash *stretch *rates"
)


class _Settings(ctypes.Structure):
    """Mirrors native/compression/settings.h."""

    _fields_ = [(name.lstrip("*"), ctypes.c_void_p if "*" in name else ctypes.c_int64) for name in _FIELDS.split()]


class NativeBitModel:
    """As BitModel, number for number.

    Args:
        library: The loops.
        Others as in BitModel.
    """

    def __init__(self, library: ctypes.CDLL, blocks: int, length: int, network: bool = False):
        self._library, self._mixture = library, ctypes.c_void_p()
        values = _settle(blocks, length, network)
        # The arrays live as long as C++ reads them.
        self._arrays = {name: value for name, value in values.items() if isinstance(value, np.ndarray)}
        settings = _Settings(**values | {name: address(array) for name, array in self._arrays.items()})
        self._mixture = ctypes.c_void_p(library.mixture_new(ctypes.byref(settings)))
        if not self._mixture:
            raise MemoryError("no room for the adaptive model")
        self._bytes = np.zeros(blocks, np.int64)

    def __del__(self) -> None:
        self._library.mixture_delete(self._mixture)

    def begin(self, frequencies: np.ndarray | None = None) -> None:
        """Before each byte; as in BitModel."""
        told = None if frequencies is None else np.ascontiguousarray(frequencies, np.int64)
        call(self._library.mixture_begin, self._mixture, told)

    def encode(self, coder: RangeEncoder, byte: np.ndarray, active: int) -> None:
        """As in BitModel."""
        self._bytes[:] = byte
        self._code(self._library.mixture_encode, coder.lend(8), active)

    def decode(self, coder: RangeDecoder, active: int) -> np.ndarray:
        """As in BitModel."""
        self._code(self._library.mixture_decode, coder.lend(), active)
        return self._bytes.copy()

    def _code(self, loop: Callable, coder: list[np.ndarray], active: int) -> None:
        low, width, words, place = coder
        call(loop, self._mixture, low, width, words, words.shape[1], place, self._bytes, active)


def _settle(blocks: int, length: int, network: bool) -> dict[str, Any]:
    """The fields of _Settings: whole numbers, and arrays where it has pointers."""
    orders = bit_model.ORDERS[network]
    contexts, opinions = len(orders) + WORD_CONTEXTS, bit_model.OPINIONS * network
    weights = bit_model.first_weights(contexts, network)
    matches = [[one["keyed"], one["shortest"], one["looked_back"]] for one in bit_model.MATCHES]
    return {
        "blocks": blocks, "length": length, "orders": len(orders), "contexts": contexts,
        "order": np.array(orders, np.int64),
        "row_bits": np.array(bit_model.row_bits(blocks * length, orders), np.int64),
        "context_limit": bit_model.CONTEXT_LIMIT, "second_limit": bit_model.SECOND_LIMIT,
        "second": bit_model.second_opinions(contexts).entries, "levels": bit_model.LEVELS, "step": bit_model.STEP,
        "seen": bit_model.SEEN, "seen_of": bit_model.SEEN_OF,
        "matches": len(matches), "key_bits": match.KEY_BITS, "longest": match.LONGEST, "buckets": match.BUCKETS,
        "match_limit": match.LIMIT, "match_begin": int(counter(np.array(match.FIRST))),
        "match": np.array(matches, np.int64),
        "selectors": len(bit_model.SELECTORS), "inputs": len(weights), "opinions": opinions, "rate": bit_model.RATE,
        "choices": np.array(bit_model.SELECTORS, np.int64), "weights": weights,
        "limit": LIMIT, "squash": squash_table(), "stretch": stretch_table(), "rates": RATES,
    }  # fmt: skip
