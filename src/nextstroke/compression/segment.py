"""One segment, forth and back: the loop of prediction and observation with the range coder as its source of symbols."""

from collections.abc import Callable
from typing import Protocol

import numpy as np

from nextstroke.compression.mixing.bit_model import MOST_BLOCKS, BitModel
from nextstroke.compression.mixing.native_bits import NativeBitModel
from nextstroke.compression.range_coder import RangeDecoder, RangeEncoder
from nextstroke.native.compression_loops import loops

Model = BitModel | NativeBitModel
Progress = Callable[[int, int], None]  # told what has been added since: bytes of data, bytes of streams


class Network(Protocol):
    """What knows text before it has seen any: exact_network.py holds one."""

    def start(self, blocks: int) -> None:
        """Begin that many blocks anew."""

    def predict(self) -> np.ndarray:
        """Its opinions, frequencies of the next byte: integers > 0, (opinions, blocks, 256)."""

    def observe(self, byte: np.ndarray) -> None:
        """The byte that came, (blocks,)."""


def count_blocks(size: int) -> int:
    """Blocks for a segment of `size` bytes: each costs some bytes, but all together are as fast as one."""
    return min(MOST_BLOCKS, -(-size // 4096))


def lengths_of(size: int, blocks: int) -> list[int]:
    """Bytes in each block: all the same, or one more in the first."""
    return [size // blocks + (block < size % blocks) for block in range(blocks)]


def encode_segment(data: bytes, network: Network | None = None, progress: Progress | None = None) -> list[bytes]:
    """Streams of the blocks of `data`, which is not empty."""
    blocks = count_blocks(len(data))
    lengths = lengths_of(len(data), blocks)
    rows = np.zeros((blocks, lengths[0]), np.int64)
    rows[np.arange(lengths[0]) < np.array(lengths)[:, None]] = np.frombuffer(data, np.uint8)
    encoder = _Encoder(rows, RangeEncoder(blocks))
    _run(encoder, lengths, network, progress)
    return encoder.coder.finish()


def decode_segment(
    streams: list[bytes], size: int, network: Network | None = None, progress: Progress | None = None
) -> bytes:
    """The `size` bytes whose blocks have these streams; bytes without a meaning for streams that never were."""
    lengths = lengths_of(size, len(streams))
    decoder = _Decoder(np.zeros((len(streams), lengths[0]), np.uint8), RangeDecoder(streams))
    _run(decoder, lengths, network, progress)
    return b"".join(row[:length].tobytes() for row, length in zip(decoder.rows, lengths, strict=True))


def _run(
    symbols: "_Encoder | _Decoder", lengths: list[int], network: Network | None, progress: Progress | None
) -> None:
    """Predict, code and observe every byte of all blocks in step."""
    library, shape = loops(), (len(lengths), lengths[0], network is not None)
    model: Model = NativeBitModel(library, *shape) if library else BitModel(*shape)
    if network:
        network.start(len(lengths))
    before = 0
    for step in range(lengths[0]):
        model.begin(network.predict() if network else None)
        active = len(lengths) if step < lengths[-1] else sum(length > step for length in lengths)
        byte = symbols.code(step, model, active)
        if network:
            network.observe(byte)
        if progress:
            progress(active, symbols.coder.written - before)
            before = symbols.coder.written


class _Encoder:
    """Takes bytes from the data and gives them to the coder; blocks that have ended go on with zeros, uncoded."""

    def __init__(self, rows: np.ndarray, coder: RangeEncoder):
        self.rows, self.coder = rows, coder

    def code(self, step: int, model: Model, active: int) -> np.ndarray:
        byte = self.rows[:, step]
        model.encode(self.coder, byte, active)
        return byte


class _Decoder:
    """Takes bytes from the coder and puts them into the data."""

    def __init__(self, rows: np.ndarray, coder: RangeDecoder):
        self.rows, self.coder = rows, coder

    def code(self, step: int, model: Model, active: int) -> np.ndarray:
        byte = model.decode(self.coder, active)
        self.rows[:, step] = byte
        return byte
