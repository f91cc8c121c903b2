"""Short messages in few bytes: one byte in front, a checksum of 0 to 2 bytes behind, between them the text.

The text model predicts each byte from those before it, as if a dialogue had gone on (PRIME). A range coder on whole
numbers of any length codes the bytes and the end. docs/format.md describes every byte; message.js of the npm
package is the same in JavaScript.
"""

from dataclasses import dataclass
from functools import cache
from threading import Lock

import numpy as np

from nextstroke.compression.base91 import ALPHABET
from nextstroke.compression.lm import activations, integer_matmul, lstm_layer, output_layer
from nextstroke.compression.lm.exact_network import ExactNetwork
from nextstroke.errors import CorruptFile, LimitExceeded, UsageError, WrongModel
from nextstroke.runtime.model_file import find_model
from nextstroke.runtime.onnx_weights import read_rounded_weights

MOST = 1024  # bytes of a message
CHECKS = (0, 1, 2)  # bytes of the checksum
PRIME = b'\n\n"Yes," he said.\n\n"'
NEWLINE = 10
QUOTE = 34
RARE = 11  # the end has at least about the 2^RARE-th part of the chances
# The first byte says how the text is kept and how long the checksum is: words of the extended Hamming code of 8 bits.
# Any two of them differ in 4 bits, so up to 3 altered bits in it are noticed.
CODED = (0x1E, 0x2D, 0x33)
STORED = (0x4B, 0x55, 0x66)
# Of CRC-8 and CRC-16-CCITT. They notice every altered bit, every odd number of altered bits and all alterations within
# 8 or 16 bits in a row; and every two altered bits in messages of up to 119 bits (CRC-8) or 32751 bits (CRC-16).
POLYNOMIALS = {1: 0x07, 2: 0x1021}
_SHIFT = 16
_LEAST_RANGE = 1 << 48
_FULL = 1 << 64
_NETWORK = Lock()  # a network has one state


@cache
def message_network() -> ExactNetwork:
    """Return the network of messages: the bundled text model as the npm package has it, rounded."""
    return ExactNetwork(read_rounded_weights(find_model("text")))


@cache
def _digest() -> bytes:
    return message_network().digest[:4]


def pack_message(data: bytes, check: int = 1) -> bytes:
    """Return a message as a frame, which `unpack_message` turns back into the same bytes on any machine.

    Args:
        data: At most MOST bytes; text in UTF-8 becomes shortest, any other bytes at most 1 + check longer.
        check: Bytes of the checksum: 0, 1 or 2.

    Raises:
        LimitExceeded: There are more bytes.
        UsageError: There is no such checksum.
    """
    if check not in CHECKS:
        raise UsageError(f"a checksum of {check} bytes: there is none; choose 0, 1 or 2")
    if len(data) > MOST:
        raise LimitExceeded(f"a message of {len(data)} bytes: at most {MOST} can be packed; leave out --message")
    coded = _encode(data) if data else data
    frame = bytes([CODED[check]]) + coded if len(coded) < len(data) else bytes([STORED[check]]) + data
    return frame + checksum(frame, check)


def unpack_message(frame: bytes, name: str = "message") -> bytes:
    """Return the message in a frame.

    Args:
        frame: What `pack_message` gave.
        name: What errors call it.

    Raises:
        CorruptFile: `pack_message` never gives that, or the checksum is wrong.
        WrongModel: The frame is of an unknown version.
    """
    if not frame or len(frame) > MOST + 3:
        raise CorruptFile(f"{name}: {len(frame)} bytes are no message; give what compress --message wrote, whole")
    head = frame[0]
    if head not in CODED + STORED:
        raise WrongModel(f"{name}: begins with {head:#04x}, no message of this version; take another copy")
    is_coded = head in CODED
    check = (CODED if is_coded else STORED).index(head)
    end = len(frame) - check
    if end < 1 or checksum(frame[:end], check) != frame[end:]:
        raise CorruptFile(f"{name}: was altered, or packed with another text model; take another copy")
    return _decode(frame[1:end], name) if is_coded else frame[1:end]


def checksum(data: bytes, count: int) -> bytes:
    """Return the CRC of the text model's digest and data, in `count` bytes."""
    if not count:
        return b""
    top = 8 * count
    value = 0
    for byte in _digest() + data:
        value ^= byte << (top - 8)
        for _ in range(8):
            value <<= 1
            if value >> top:
                value ^= 1 << top | POLYNOMIALS[count]
    return value.to_bytes(count, "big")


@dataclass
class _Interval:
    """Numbers that begin with what was coded so far: low ≤ x < low + range, in units of 2^−bits."""

    low: int = 0
    range: int = _FULL
    bits: int = 64

    def narrow(self, start: int, size: int, total: int) -> None:
        """Go on to the part from `start` on of this size, of a whole of `total`."""
        unit = self.range // total
        self.low += unit * start
        self.range = unit * size
        while self.range < _LEAST_RANGE:
            self.low <<= _SHIFT
            self.range <<= _SHIFT
            self.bits += _SHIFT

    def shortest(self) -> bytes:
        """Return the fewest bytes that lie in the interval when zeros are appended."""
        count = 0
        while True:
            unit = 1 << (self.bits - 8 * count)
            rounded = -(-self.low // unit)
            if rounded * unit < self.low + self.range:
                return rounded.to_bytes(count, "big")
            count += 1


class _Predictor:
    """Starts and sizes of the symbols that may follow: 256 bytes, then the end."""

    def __init__(self) -> None:
        self._network = message_network()
        self._network.start(1, learning=False)
        for byte in PRIME:
            self._network.predict()
            self.observe(byte)

    def predict(self) -> np.ndarray:
        """Return where the interval of each symbol begins, and the whole, (258,)."""
        frequencies = self._network.predict()[0, 0]
        end = 1 + (int(frequencies.sum()) >> RARE) + int(frequencies[NEWLINE] + frequencies[QUOTE])
        return np.cumsum([0, *frequencies.tolist(), end])

    def observe(self, byte: int) -> None:
        """Take a byte as said."""
        self._network.observe(np.array([byte], np.int64))


_END = 256


def _encode(data: bytes) -> bytes:
    with _NETWORK:
        predictor, interval = _Predictor(), _Interval()
        for symbol in [*data, _END]:
            starts = predictor.predict()
            interval.narrow(int(starts[symbol]), int(starts[symbol + 1] - starts[symbol]), int(starts[-1]))
            if symbol != _END:
                predictor.observe(symbol)
    return interval.shortest()


def _decode(coded: bytes, name: str) -> bytes:
    """Return the message; bytes that are not the shortest for it are refused, as no writer gives them."""
    message = bytearray()
    with _NETWORK:
        predictor, interval = _Predictor(), _Interval()
        while len(message) <= MOST:
            starts = predictor.predict()
            symbol = _symbol(coded, interval, starts)
            interval.narrow(int(starts[symbol]), int(starts[symbol + 1] - starts[symbol]), int(starts[-1]))
            if symbol == _END:
                break
            message.append(symbol)
            predictor.observe(symbol)
    if len(message) > MOST or interval.shortest() != coded:
        raise CorruptFile(f"{name}: is no message, or was packed with another text model; take another copy")
    return bytes(message)


def _symbol(coded: bytes, interval: _Interval, starts: np.ndarray) -> int:
    """Return the symbol whose interval holds what was coded."""
    shift = interval.bits - 8 * len(coded)
    number = int.from_bytes(coded, "big")
    value = number << shift if shift >= 0 else number >> -shift
    place = (value - interval.low) // (interval.range // int(starts[-1]))
    return min(int(np.searchsorted(starts, place, "right")) - 1, _END)


def message_constants() -> dict[str, object]:
    """Return all numbers that message.js of the npm package needs beside the text model, as JSON can hold them."""
    return {
        **{name: globals()[name] for name in ("MOST", "CODED", "STORED", "POLYNOMIALS", "RARE", "NEWLINE", "QUOTE")},
        "PRIME": list(PRIME),
        "ALPHABET": ALPHABET,
        "LEVELS": integer_matmul.LEVELS,
        "ONE": integer_matmul.ONE,
        "FAR": float(activations.FAR),
        "OVER": activations.OVER.tolist(),
        "UNDER": activations.UNDER.tolist(),
        "MOST_CELL": float(lstm_layer.MOST_CELL),
        **output_layer.constants(),
    }
