"""The archive: members one after the other, byte by byte as docs/format.md says.

A member holds one segment of at most SEGMENT bytes. All members of an archive but the last say that more follows; all
but the first hold their number and a digest of the member before them, which holds one of the member before that.
A member that is lost, moved, repeated or taken from another archive is therefore noticed, and archives can still be
joined: after a last member only a first one may follow.
Everything is checked before a member is decoded: its head by a checksum, its streams by one checksum each, its
position by number and digest. What was decoded is checked by a checksum of the data.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import IO
from zlib import crc32

from nextstroke.compression.mixing.bit_model import MOST_BLOCKS
from nextstroke.compression.varint import varint
from nextstroke.errors import CorruptFile, WrongModel

MAGIC = b"\x89NST"
VERSION = 7
UNREDUCED = 6  # the version before members that are made short before they are coded; it is still read, as is
UNREPEATED = 5  # the version before members that repeat a few bytes; it is still read
UNNUMBERED = 4  # the version before numbers and digests
SEGMENT = 2**21  # bytes
STORED = 1
MORE = 2
NETWORK = 4
FOLLOWS = 8
REPEATED = 16
REDUCED = 32
COLUMNS = 64
FLAGS = {UNNUMBERED: STORED | MORE | NETWORK, UNREPEATED: STORED | MORE | NETWORK | FOLLOWS}
FLAGS[UNREDUCED] = FLAGS[UNREPEATED] | REPEATED
FLAGS[VERSION] = FLAGS[UNREDUCED] | REDUCED | COLUMNS
HASH = 4  # bytes of a network's hash
DIGEST = 8  # bytes of the digest of the member before


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
        number: Members of the archive before this one.
        previous: First DIGEST bytes of the SHA-256 of the member before, as packed; empty for the first.
        version: Version of the format.
        repeated: Whether the segment is its one stream again and again, cut off at `size`.
        reduced: Bytes of the text of the Reduction that the streams hold; 0 where they hold the segment itself.
        has_columns: Whether the first stream holds the planes of the Reduction.
    """

    size: int
    checksum: int
    streams: list[bytes]
    more: bool = False
    stored: bool = False
    model: bytes = b""
    number: int = 0
    previous: bytes = b""
    version: int = VERSION
    repeated: bool = False
    reduced: int = 0
    has_columns: bool = False

    def pack(self) -> bytes:
        """Return the member as bytes."""
        flags = STORED * self.stored | MORE * self.more | NETWORK * bool(self.model) | FOLLOWS * bool(self.number)
        flags |= REPEATED * self.repeated | REDUCED * bool(self.reduced) | COLUMNS * self.has_columns
        head = MAGIC + bytes([self.version, flags, len(self.streams)])
        if self.number:
            head += varint(self.number) + self.previous
        head += varint(self.size)
        if self.reduced:
            head += varint(self.reduced)
        head += _word(self.checksum) + self.model
        head += b"".join(varint(len(stream)) + _word(crc32(stream)) for stream in self.streams)
        return head + _word(crc32(head)) + b"".join(self.streams)


class Chain:
    """The members of one archive so far: how many they are, and the digest of the last.

    Args:
        number: Count of the members so far.
        digest: First DIGEST bytes of the SHA-256 of the last of them as packed; empty before the first.
        version: Version of the last of them; None before the first.
    """

    def __init__(self) -> None:
        self.number = 0
        self.digest = b""
        self.version: int | None = None

    def place(self, member: Member) -> Member:
        """Return `member` with the number and the digest of its position after the members so far."""
        return replace(member, number=self.number, previous=self.digest)

    def append(self, member: Member, packed: bytes) -> None:
        """Add a member, given also as packed; one without more to follow ends the archive, and the next begins."""
        self.number = self.number + 1 if member.more else 0
        self.digest = sha256(packed).digest()[:DIGEST] if member.more else b""
        self.version = member.version if member.more else None

    def misplaced(self, member: Member) -> str:
        """Return what is wrong with a member at this position; empty if nothing is."""
        if self.version is not None and member.version != self.version:
            return f"a member of version {member.version} follows one of version {self.version}"
        if member.version == UNNUMBERED:
            return ""
        if member.number != self.number:
            return f"member {member.number + 1} of an archive stands in the place of member {self.number + 1}"
        if member.previous != self.digest:
            return f"member {self.number + 1} belongs to another archive than the members before it"
        return ""


def read_members(stream: IO[bytes], name: str) -> Iterator[Member]:
    """Read all members up to the end of `stream`, at least one; of one archive, or of several joined.

    Args:
        stream: Its read(n) gives fewer bytes only at the end.
        name: What messages call it.

    Raises:
        CorruptFile: Not an archive, cut short or altered, or members are missing or out of order.
        WrongModel: Of a newer version.
    """
    chain = Chain()
    magic = stream.read(len(MAGIC))
    while True:
        if magic != MAGIC:
            raise CorruptFile(f"{name}: {_strange(magic)}; give a file that nextstroke compress wrote, whole")
        member = _read_member(_Head(stream, name))
        misplaced = chain.misplaced(member)
        if misplaced:
            raise CorruptFile(f"{name}: {misplaced}; members are missing or out of order, take another copy")
        yield member
        chain.append(member, member.pack())
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
    if version not in FLAGS:
        known = f"archive of version {version}, this program reads versions {UNNUMBERED} to {VERSION}"
        raise WrongModel(f"{head.name}: {known}; decompress it with a nextstroke that knows that version")
    flags = head.byte()
    blocks = head.byte()
    follows = version != UNNUMBERED and bool(flags & FOLLOWS)
    number = head.varint() if follows else 0
    previous = head.take(DIGEST) if follows else b""
    size = head.varint()
    reduced = head.varint() if version > UNREDUCED and flags & REDUCED else 0
    checksum = head.word()
    model = head.take(HASH * bool(flags & NETWORK))
    table = [(head.varint(), head.word()) for _ in range(blocks)]
    summed = head.sum
    if head.word() != summed:
        raise head.refuse("the head of a member was altered")
    if flags & ~FLAGS[version] or follows != bool(number) or (reduced > 0) != bool(flags & REDUCED):
        raise head.refuse(f"a member has flags {flags} and number {number}, which version {version} never writes")
    _check_claims(head, flags, size, reduced, [length for length, _ in table])
    streams = [_read_block(head, length, checksum) for length, checksum in table]
    return Member(
        size,
        checksum,
        streams,
        more=bool(flags & MORE),
        stored=bool(flags & STORED),
        model=model,
        number=number,
        previous=previous,
        version=version,
        repeated=bool(flags & REPEATED),
        reduced=reduced,
        has_columns=bool(flags & COLUMNS),
    )


def _check_claims(head: _Head, flags: int, size: int, reduced: int, lengths: list[int]) -> None:
    """Refuse what no writer writes, before memory is taken for it."""
    if flags & (REDUCED | COLUMNS):
        blocks = len(lengths) - bool(flags & COLUMNS)
        sound = not flags & (STORED | NETWORK | REPEATED) and 0 < reduced < size and sum(lengths) <= size
        sound &= 0 < blocks <= min(MOST_BLOCKS, reduced)
    elif flags & REPEATED:
        sound = not flags & (STORED | NETWORK) and len(lengths) == 1 and 0 < lengths[0] <= size
    elif flags & STORED:
        sound = lengths == [size]
    else:
        sound = (len(lengths) > 0) == (size > 0) and len(lengths) <= min(MOST_BLOCKS, size) and sum(lengths) <= size
    if not sound or size > SEGMENT:
        raise head.refuse(f"a member claims {size} bytes in {len(lengths)} blocks, which no version ever writes")


def _read_block(head: _Head, length: int, checksum: int) -> bytes:
    data = head.take(length)
    if crc32(data) != checksum:
        raise head.refuse("a block was altered")
    return data


def _word(value: int) -> bytes:
    return value.to_bytes(4, "little")
