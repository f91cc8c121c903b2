"""The archive: members one after the other, byte by byte as docs/format.md says.

A member holds one segment of at most SEGMENT bytes; all but an archive's last say that more follows, so that archives
can be joined and none can lose its end unnoticed. What a member claims is checked before anything is decoded: its head
by a sum of its own, every block by the sum of its stream; and then what came out by the sum of the whole.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO
from zlib import crc32

from nextstroke.compression.mixing.bit_model import MOST_BLOCKS
from nextstroke.errors import CorruptFile, WrongModel

MAGIC = b"\x89NST"
VERSION = 4
SEGMENT = 2**21
STORED, MORE, NETWORK = 1, 2, 4
HASH = 4


@dataclass(frozen=True)
class Member:
    """One segment as it stands in an archive.

    Args:
        size: Bytes of the segment.
        checksum: CRC-32 of the segment.
        streams: One for each block; if `stored`, one: the segment itself.
        more: Whether the next member goes on with the same data.
        stored: Whether nothing was gained and the bytes stand as they are.
        model: First HASH bytes of the hash of the network that is needed; empty for none.
    """

    size: int
    checksum: int
    streams: list[bytes]
    more: bool = False
    stored: bool = False
    model: bytes = b""

    def pack(self) -> bytes:
        """The member as bytes."""
        flags = STORED * self.stored | MORE * self.more | NETWORK * bool(self.model)
        head = MAGIC + bytes([VERSION, flags, len(self.streams)]) + _varint(self.size)
        head += _word(self.checksum) + self.model
        head += b"".join(_varint(len(stream)) + _word(crc32(stream)) for stream in self.streams)
        return head + _word(crc32(head)) + b"".join(self.streams)


def read_members(stream: IO[bytes], name: str) -> Iterator[Member]:
    """All members up to the end of `stream`, at least one.

    Args:
        stream: Its read(n) gives fewer bytes only at the end.
        name: What messages call it.

    Raises:
        CorruptFile: not an archive, cut short or altered.
        WrongModel: of a newer version.
    """
    magic = stream.read(len(MAGIC))
    while True:
        if magic != MAGIC:
            raise CorruptFile(f"{name}: {_strange(magic)}; give a file that nextstroke compress wrote, whole")
        member = _read_member(_Head(stream, name))
        yield member
        magic = stream.read(len(MAGIC))
        if not magic and not member.more:
            return


def _strange(magic: bytes) -> str:
    if not magic:
        return "ends where a member should begin"
    return "cut short" if MAGIC.startswith(magic) else f"not an archive of nextstroke (it begins with {magic.hex()})"


class _Head:
    """Reads the head of a member behind its magic and sums it up."""

    def __init__(self, stream: IO[bytes], name: str):
        self.stream, self.name, self.sum = stream, name, crc32(MAGIC)

    def take(self, length: int) -> bytes:
        data = self.stream.read(length)
        if len(data) < length:
            raise CorruptFile(f"{self.name}: cut short; take another copy")
        self.sum = crc32(data, self.sum)
        return data

    def byte(self) -> int:
        return self.take(1)[0]

    def word(self) -> int:
        return int.from_bytes(self.take(4), "little")

    def varint(self) -> int:
        """At most five bytes: more is nonsense that the sum would only find later."""
        value = 0
        for place in range(5):
            byte = self.byte()
            value |= (byte & 127) << (7 * place)
            if byte < 128:
                break
        return value

    def refuse(self, what: str) -> CorruptFile:
        return CorruptFile(f"{self.name}: {what}; take another copy")


def _read_member(head: _Head) -> Member:
    version = head.byte()
    if version != VERSION:
        told = f"{head.name}: archive of version {version}, this program reads version {VERSION}"
        raise WrongModel(f"{told}; decompress it with a nextstroke that knows that version")
    flags, blocks = head.byte(), head.byte()
    size, checksum = head.varint(), head.word()
    model = head.take(HASH * bool(flags & NETWORK))
    table = [(head.varint(), head.word()) for _ in range(blocks)]
    summed = head.sum
    if head.word() != summed:
        raise head.refuse("the head of a member was altered")
    _check_claims(head, flags, size, [length for length, _ in table])
    streams = [_read_block(head, length, checksum) for length, checksum in table]
    return Member(size, checksum, streams, bool(flags & MORE), bool(flags & STORED), model)


def _check_claims(head: _Head, flags: int, size: int, lengths: list[int]) -> None:
    """Refuse what no writer of this version writes, before memory is taken for it."""
    if flags & STORED:
        sound = lengths == [size]
    else:
        sound = (len(lengths) > 0) == (size > 0) and len(lengths) <= min(MOST_BLOCKS, size) and sum(lengths) <= size
    if not sound or flags > 7 or size > SEGMENT:
        raise head.refuse(f"a member claims {size} bytes in {len(lengths)} blocks, which version {VERSION} never does")


def _read_block(head: _Head, length: int, checksum: int) -> bytes:
    data = head.take(length)
    if crc32(data) != checksum:
        raise head.refuse("a block was altered")
    return data


def _word(value: int) -> bytes:
    return value.to_bytes(4, "little")


def _varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first, all but the last with the eighth bit set."""
    data = bytearray()
    while value > 127:
        data.append(value & 127 | 128)
        value >>= 7
    return bytes([*data, value])
