"""Compress and decompress bytes, files and pipes; segment by segment, so that memory does not grow with them."""

import io
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import nullcontext
from typing import IO, Any

from nextstroke.codec.archive import SEGMENT, Member, read_members
from nextstroke.codec.segment import decode_segment, encode_segment
from nextstroke.errors import CorruptFile, LimitExceeded

_HOPELESS = 4096  # bytes from which on zlib's opinion on what is no text is asked


def compress(data: bytes) -> bytes:
    """An archive of `data`, which `decompress` turns back into the same bytes on any machine."""
    target = io.BytesIO()
    compress_stream(io.BytesIO(data), target)
    return target.getvalue()


def decompress(archive: bytes, max_output: int | None = None) -> bytes:
    """The bytes in `archive`.

    Raises:
        CorruptFile: it is cut short or altered, or no archive.
        WrongModel: it needs another model or a newer program.
        LimitExceeded: there are more than `max_output` bytes in it.
    """
    target = io.BytesIO()
    decompress_stream(io.BytesIO(archive), target, max_output=max_output)
    return target.getvalue()


def compress_stream(
    source: IO[bytes], target: IO[bytes], threads: int = 1, progress: Callable[[int, int], None] | None = None
) -> None:
    """Write an archive of all that `source` gives.

    Args:
        threads: Segments of SEGMENT bytes that are worked on at once, each by a process of its own.
        progress: Told bytes taken and bytes written, after each segment.
    """
    for size, packed in _in_order(_pack, _segments(source), threads):
        target.write(packed)
        if progress:
            progress(size, len(packed))


def decompress_stream(
    source: IO[bytes],
    target: IO[bytes],
    name: str = "archive",
    threads: int = 1,
    max_output: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write what the archive in `source` holds; errors as decompress, `name` stands in their messages."""
    left = float("inf") if max_output is None else max_output

    def members() -> Iterator[tuple[Member, str]]:
        nonlocal left
        for member in read_members(source, name):
            left -= member.size
            if left < 0:
                raise LimitExceeded(f"{name}: holds more than {max_output} bytes; raise --max-output if it is trusted")
            yield member, name

    for packed, data in _in_order(_unpack, members(), threads):
        target.write(data)
        if progress:
            progress(packed, len(data))


def _segments(source: IO[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Segments, and whether more follows; one empty segment where there is nothing."""
    data = _read_fully(source)
    while True:
        after = _read_fully(source) if len(data) == SEGMENT else b""
        yield data, bool(after)
        if not after:
            return
        data = after


def _read_fully(source: IO[bytes]) -> bytes:
    """A segment, or what is left; pipes give less than they are asked for."""
    pieces, left = [], SEGMENT
    while left and (piece := source.read(left)):
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)


def _in_order(work: Callable, items: Iterable, threads: int) -> Iterator[Any]:
    """work(*item) of all items, in their order, on several processes if there are several items."""
    items = iter(items)
    first = [item for _, item in zip(range(2), items, strict=False)] if threads > 1 else []
    pool: Any = ProcessPoolExecutor(threads) if len(first) > 1 else nullcontext()
    with pool as executor:
        if executor is None:
            yield from (work(*item) for source in (first, items) for item in source)
        else:
            yield from _ahead(work, [*first], items, executor, 2 * threads)


def _ahead(work: Callable, first: list, items: Iterator, executor: Executor, most: int) -> Iterator[Any]:
    """Results in order with at most `most` items under way, so that memory stays bounded."""
    under_way = deque(executor.submit(work, *item) for item in first)
    for item in items:
        under_way.append(executor.submit(work, *item))
        if len(under_way) >= most:
            yield under_way.popleft().result()
    while under_way:
        yield under_way.popleft().result()


def _pack(data: bytes, more: bool) -> tuple[int, bytes]:
    checksum = zlib.crc32(data)
    stored = Member(len(data), checksum, [data], more, stored=True)
    if _is_hopeless(data):
        return len(data), stored.pack()
    streams = encode_segment(data) if data else []
    coded = Member(len(data), checksum, streams, more)
    return len(data), min(coded.pack(), stored.pack(), key=len)


def _is_hopeless(data: bytes) -> bool:
    """Whether a quick look says random: already compressed data need not be tried."""
    return len(data) >= _HOPELESS and len(zlib.compress(data, 1)) >= len(data)


def _unpack(member: Member, name: str) -> tuple[int, bytes]:
    packed = sum(len(stream) for stream in member.streams)
    if member.stored or not member.size:
        data = b"".join(member.streams)
    else:
        data = decode_segment(member.streams, member.size)
    if zlib.crc32(data) != member.checksum:
        raise CorruptFile(f"{name}: the sum of what came out is wrong; take another copy, and tell us if it is sound")
    return packed, data
