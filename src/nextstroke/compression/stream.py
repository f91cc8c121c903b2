"""Compress and decompress bytes, files and pipes; segment by segment, so that memory does not grow with them."""

import io
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import chain, islice
from multiprocessing import get_context
from threading import Lock
from typing import IO, Any, NamedTuple

import numpy as np

from nextstroke.compression.container import HASH, SEGMENT, Chain, Member, read_members
from nextstroke.compression.lm.exact_network import ExactNetwork
from nextstroke.compression.lm.load import DEFAULT, load_text_model
from nextstroke.compression.reduction import Reduction, reduce_segment
from nextstroke.compression.segment import Progress, count_blocks, decode_segment, encode_segment, lengths_of
from nextstroke.errors import CorruptFile, LimitExceeded, WrongModel

_HOPELESS = 4096  # bytes from which on zlib's opinion on what is no text is asked
_LEAST_SHARE = 1 << 17  # bytes: a smaller one would learn too little to be worth a process
# A loaded network has one state, so that threads of one process have to take turns.
_NETWORK = Lock()
_STRANGE = 6.0  # bits a byte
_LEAST_REPEATED = 4096  # bytes: what is shorter takes no time
_LEAST_BLOCK = 8  # bytes that every block costs: its length, its checksum and a stream


class Sizes(NamedTuple):
    """Bytes of data, and of the archive that holds them."""

    size: int
    packed: int


def compress(data: bytes, model: str = DEFAULT) -> bytes:
    """An archive of `data`, which `decompress` turns back into the same bytes on any machine.

    Args:
        model: File of a text model, or "none": slower models make smaller texts.
    """
    target = io.BytesIO()
    compress_stream(io.BytesIO(data), target, model)
    return target.getvalue()


def decompress(archive: bytes, model: str = DEFAULT, max_output: int | None = None) -> bytes:
    """The bytes in `archive`.

    Args:
        model: The one it was compressed with.
        max_output: More bytes than that are refused.

    Raises:
        CorruptFile: it is cut short or altered, or no archive.
        WrongModel: it needs another model or a newer program.
        LimitExceeded: there are more than `max_output` bytes in it.
    """
    target = io.BytesIO()
    decompress_stream(io.BytesIO(archive), target, model=model, max_output=max_output)
    return target.getvalue()


def compress_stream(
    source: IO[bytes],
    target: IO[bytes],
    model: str = DEFAULT,
    threads: int = 1,
    progress: Progress | None = None,
) -> Sizes:
    """Write an archive of all that `source` gives.

    Args:
        model: As in compress.
        threads: Segments that are worked on at once, each by a process of its own. What is shorter than one is cut
            into this number of parts, which may cost some of its size: none learns from the others.
        progress: Told how many bytes of data and of streams have been added since.
    """
    size = packed = 0

    def segments() -> Iterator[tuple[bytes, bool, str]]:
        nonlocal size
        for data, more in _segments(source, threads):
            size += len(data)
            yield data, more, model

    chain = Chain()
    for unplaced in _in_order(_pack, segments(), threads, progress):
        member = chain.place(unplaced)
        data = member.pack()
        target.write(data)
        chain.append(member, data)
        packed += len(data)
    return Sizes(size, packed)


def decompress_stream(
    source: IO[bytes],
    target: IO[bytes],
    name: str = "archive",
    model: str = DEFAULT,
    threads: int = 1,
    max_output: int | None = None,
    progress: Progress | None = None,
) -> Sizes:
    """Write what the archive in `source` holds; errors as decompress, `name` stands in their messages.

    The data of the whole members before a damaged one are written before the error is raised.
    """
    sizes, damage = rescue_stream(source, target, name, model, threads, max_output, progress)
    if damage:
        raise damage
    return sizes


def rescue_stream(
    source: IO[bytes],
    target: IO[bytes],
    name: str = "archive",
    model: str = DEFAULT,
    threads: int = 1,
    max_output: int | None = None,
    progress: Progress | None = None,
) -> tuple[Sizes, CorruptFile | None]:
    """Write the data of all members before the first damaged one; return their sizes and the damage, if there is any.

    Raises:
        WrongModel, LimitExceeded: As decompress.
    """
    claimed = 0
    packed: deque[int] = deque()
    damage: CorruptFile | None = None

    def members() -> Iterator[tuple[Member, str, str]]:
        nonlocal claimed, damage
        try:
            for member in read_members(source, name):
                claimed += member.size
                if max_output is not None and claimed > max_output:
                    more = f"holds more than {max_output} bytes"
                    raise LimitExceeded(f"{name}: {more}; raise --max-output if it is trusted")
                packed.append(len(member.pack()))
                yield member, name, model
        except CorruptFile as error:
            # Kept and not raised, so that members under way in other processes are still written.
            damage = error

    size = whole = 0
    try:
        for data in _in_order(_unpack, members(), threads, progress):
            target.write(data)
            size += len(data)
            whole += packed.popleft()
    except CorruptFile as error:
        damage = error
    return Sizes(size, whole), damage


def _segments(source: IO[bytes], threads: int) -> Iterator[tuple[bytes, bool]]:
    """Segments, and whether more follows; one empty segment where there is nothing."""
    data = _read_fully(source)
    if len(data) < SEGMENT:
        yield from _shares(data, min(threads, len(data) // _LEAST_SHARE))
        return
    while True:
        after = _read_fully(source) if len(data) == SEGMENT else b""
        yield data, bool(after)
        if not after:
            return
        data = after


def _shares(data: bytes, count: int) -> Iterator[tuple[bytes, bool]]:
    first = 0
    for length in lengths_of(len(data), max(count, 1)):
        yield data[first : first + length], first + length < len(data)
        first += length


def _read_fully(source: IO[bytes]) -> bytes:
    """A segment, or what is left; pipes give less than they are asked for."""
    pieces, left = [], SEGMENT
    while left and (piece := source.read(left)):
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)


def _in_order(work: Callable, items: Iterable, threads: int, progress: Progress | None) -> Iterator[Any]:
    """work(*item) of all items, in their order; on several processes if that is asked for and there are several."""
    items = iter(items)
    first = list(islice(items, 2)) if threads > 1 else []
    if len(first) < 2:
        yield from (work(*item, progress) for item in chain(first, items))
        return
    with ProcessPoolExecutor(threads, mp_context=get_context("spawn")) as executor:
        under_way: deque[Future] = deque()
        for item in chain(first, items):
            under_way.append(executor.submit(work, *item, None))
            # No more than that are held, so that memory stays bounded.
            if len(under_way) == 2 * threads:
                yield under_way.popleft().result()
        yield from (future.result() for future in under_way)


def _pack(data: bytes, more: bool, model: str, progress: Progress | None) -> Member:
    with _NETWORK:
        return _packed(data, more, model, progress)


def _packed(data: bytes, more: bool, model: str, progress: Progress | None) -> Member:
    """Return the smallest member for a segment; its position is not known yet."""
    checksum = zlib.crc32(data)
    stored = Member(len(data), checksum, [data], more, stored=True)
    if not data:
        return Member(0, checksum, [], more)
    period = _period(data)
    if period:
        return Member(len(data), checksum, [data[:period]], more, repeated=True)
    reduction = reduce_segment(data)
    if reduction:
        return min(_reduced(data, reduction, more, progress), stored, key=lambda member: len(member.pack()))
    if _is_hopeless(data):
        return stored
    network = load_text_model(model)
    if network and not knows(network, data):
        network = None
    known_by = network.digest[:HASH] if network else b""
    coded = Member(len(data), checksum, encode_segment(data, network, progress), more, model=known_by)
    return min(coded, stored, key=lambda member: len(member.pack()))


def _reduced(data: bytes, reduction: Reduction, more: bool, progress: Progress | None) -> Member:
    """Return the member for a segment in other words; a text model would take longer, and knows no such texts."""
    text = reduction.text
    streams = [reduction.planes] if reduction.has_columns else []
    streams += encode_segment(text, None, progress)
    if progress:
        progress(len(data) - len(text), len(reduction.planes))
    checksum = zlib.crc32(data)
    return Member(len(data), checksum, streams, more, reduced=len(text), has_columns=reduction.has_columns)


def _period(data: bytes) -> int:
    """Return the bytes that a segment repeats from its beginning to its end, such as 1 for zeros; 0 if it doesn't.

    Only so few that nothing else is shorter: any other member has a head and a stream for each of its blocks.
    """
    most = _LEAST_BLOCK * count_blocks(len(data))
    place = 0
    while len(data) >= _LEAST_REPEATED and 0 <= place < most:
        place = data.find(data[: _LEAST_REPEATED // 2], place + 1, most + _LEAST_REPEATED)
        if 0 < place <= most and data[place:] == data[:-place]:
            return place
    return 0


def _is_hopeless(data: bytes) -> bool:
    """Whether a quick look says random: already compressed data need not be tried."""
    return len(data) >= _HOPELESS and len(zlib.compress(data, 1)) >= len(data)


def knows(network: ExactNetwork, data: bytes) -> bool:
    """Whether a network finds a sample of `data` less strange than noise; if not, it only costs time."""
    blocks = min(16, -(-len(data) // 64))
    starts = np.linspace(0, max(len(data) - 64, 0), blocks).astype(np.int64)
    sample = np.frombuffer(data.ljust(64, b" "), np.uint8)[starts[:, None] + np.arange(64)]
    network.start(blocks)
    bits = 0.0
    for byte in sample.T:
        frequencies, _ = network.predict()
        bits -= float(np.log2(frequencies[np.arange(blocks), byte] / frequencies.sum(1)).sum())
        network.observe(byte)
    return bits < _STRANGE * sample.size


def _unpack(member: Member, name: str, model: str, progress: Progress | None) -> bytes:
    if member.stored or not member.size:
        data = b"".join(member.streams)
    elif member.repeated:
        (part,) = member.streams
        data = (part * -(-member.size // len(part)))[: member.size]
    elif member.reduced:
        data = _restored(member, name, progress)
    else:
        with _NETWORK:
            data = decode_segment(member.streams, member.size, _needed(member, name, model), progress)
    if zlib.crc32(data) != member.checksum:
        raise CorruptFile(f"{name}: the sum of what came out is wrong; take another copy, and tell us if it is sound")
    return data


def _restored(member: Member, name: str, progress: Progress | None) -> bytes:
    planes = member.streams[0] if member.has_columns else b""
    text = decode_segment(member.streams[member.has_columns :], member.reduced, None, progress)
    try:
        data = Reduction(text, planes, member.has_columns).restore(member.size)
    except CorruptFile as error:
        raise CorruptFile(f"{name}: {error}") from error
    if progress:
        progress(len(data) - len(text), len(planes))
    return data


def _needed(member: Member, name: str, model: str) -> ExactNetwork | None:
    """The network a member was coded with, or a refusal that names it."""
    if not member.model:
        return None
    network = load_text_model(model)
    here = network.digest[:HASH].hex() if network else "none"
    if here != member.model.hex():
        raise WrongModel(f"{name}: needs the text model {member.model.hex()}, here is {here}; give it with --model")
    return network
