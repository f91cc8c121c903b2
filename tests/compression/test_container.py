import hashlib
import io
import random
import tracemalloc
import zlib
from dataclasses import replace

import pytest

from nextstroke.compression import stream as compress_module
from nextstroke.compression.container import MAGIC, SEGMENT, UNNUMBERED, VERSION, Chain, Member, read_members
from nextstroke.compression.lm.exact_network import ExactNetwork
from nextstroke.compression.segment import decode_segment, encode_segment
from nextstroke.compression.stream import compress, decompress, rescue_stream
from nextstroke.errors import BadInput, CorruptFile, LimitExceeded, NextstrokeError, WrongModel
from tests.compression.conftest import TEXT, counted_weights

GOLDEN_4 = bytes.fromhex(
    "894e5354040001d401dd69d8c8744ee6a690cae3f787ab975670a53e554b585ae4eb9a89a8386ededc13425cc2b11cfc"
    "617e68451609295c5c9d55e361c5261700d682dddd0365a70bd2422e525ad77f061319fa53e0abc8ef3106a142e78eb3"
    "c8c17db0c3a76759dc1708a58ae161d3f4cf6322f15e3f02a384244ed4c60e919a895246d940978b073e"
)

GOLDEN_5 = GOLDEN_4.replace(b"NST\x04", b"NST\x05").replace(bytes.fromhex("cae3f787"), bytes.fromhex("bc02f81a"))
GOLDEN_6 = GOLDEN_4.replace(b"NST\x04", b"NST\x06").replace(bytes.fromhex("cae3f787"), bytes.fromhex("67279966"))
GOLDEN = GOLDEN_4.replace(b"NST\x04", b"NST\x07").replace(bytes.fromhex("cae3f787"), bytes.fromhex("11c696fb"))


def members(data):
    return list(read_members(io.BytesIO(data), "a.nst"))


def refused(data):
    """Whether an archive is refused, or gives the bytes that went in."""
    try:
        return decompress(data) == TEXT
    except (BadInput, WrongModel):
        return True


def joined(parts):
    """One archive of members, numbered and chained."""
    chain, data = Chain(), b""
    for part in parts:
        placed = chain.place(part)
        chain.append(placed, placed.pack())
        data += placed.pack()
    return data


@pytest.fixture(scope="module")
def archive():
    return compress(TEXT)


def test_golden_archive():
    """A change of these bytes is a new version; from the first release on, old ones must be read for ever."""
    assert compress(TEXT, model="none") == GOLDEN
    assert decompress(GOLDEN) == TEXT


def test_golden_streams_with_a_network(monkeypatch):
    """What a network and the contexts weigh, at the start and as they learn, is part of the format too."""
    monkeypatch.setattr("nextstroke.compression.segment.count_blocks", lambda size: 3)
    streams = encode_segment(TEXT * 2, ExactNetwork(counted_weights()))
    assert hashlib.sha256(b"|".join(streams)).hexdigest()[:16] == "0eabdcd8b7ba2699"


@pytest.mark.parametrize("old", [GOLDEN_4, GOLDEN_5, GOLDEN_6])
def test_an_archive_of_an_older_version_is_still_read(old):
    assert decompress(old) == TEXT
    assert members(old)[0].pack() == old


def test_archives_of_several_versions_can_be_joined():
    assert decompress(GOLDEN_5 + GOLDEN_6 + GOLDEN) == TEXT * 3
    assert decompress(GOLDEN_4 + GOLDEN) == TEXT * 2


@pytest.mark.parametrize(
    "member",
    [
        Member(0, 0, []),
        Member(5, 7, [b"ab", b"", b"c"], more=False, model=b"\x01\x02\x03\x04"),
        Member(5, 7, [b"ab"], version=UNNUMBERED),
        Member(300, 2**32 - 1, [b"x" * 300], stored=True),
        Member(300, 7, [b"xyz"], repeated=True),
    ],
)
def test_members_are_read_as_they_were_packed(member):
    assert members(member.pack()) == [member]


def test_a_member_that_says_more_follows_may_not_be_the_last():
    first = Member(1, 0, [b"a"], more=True, stored=True)
    last = Member(1, 0, [b"b"], stored=True)
    assert members(joined([first, last]))[1].more is False
    assert len(members(last.pack() * 3)) == 3
    with pytest.raises(CorruptFile, match=r"a\.nst: ends where a member should begin"):
        members(first.pack())


def test_every_truncation_is_refused(archive):
    for length in range(len(archive)):
        with pytest.raises(CorruptFile):
            decompress(archive[:length])


def test_every_flip_of_a_bit_is_refused(archive):
    for place in range(8 * len(archive)):
        altered = bytearray(archive)
        altered[place // 8] ^= 1 << place % 8
        assert refused(bytes(altered))


def test_random_flips_are_refused(archive):
    """Several bits at once, so that sums are met by chance."""
    draw = random.Random(3)
    for _ in range(10_000):
        altered = bytearray(archive)
        for _ in range(draw.randint(1, 6)):
            altered[draw.randrange(len(altered))] ^= 1 << draw.randrange(8)
        assert refused(bytes(altered))


def test_an_altered_stream_whose_sum_was_made_to_fit_is_refused_by_the_sum_of_the_whole(archive):
    (member,) = members(archive)
    streams = [bytes([member.streams[0][0] ^ 1]) + member.streams[0][1:], *member.streams[1:]]
    with pytest.raises(CorruptFile, match="the sum of what came out is wrong"):
        decompress(Member(member.size, member.checksum, streams, model=member.model).pack())


@pytest.mark.parametrize(
    "member",
    [
        Member(2**40, 0, [b"x"]),
        Member(2**40, 0, [b"x"], stored=True),
        Member(SEGMENT + 1, 0, [b"x"]),
        Member(10, 0, [b"x"] * 11),
        Member(100, 0, [b"x"] * 65),
        Member(0, 0, [b"x"]),
        Member(7, 0, []),
        Member(7, 0, [b"x" * 6], stored=True),
        Member(7, 0, [b"x" * 8]),
    ],
)
def test_claims_that_no_writer_makes_are_refused_before_anything_is_decoded(member, monkeypatch):
    monkeypatch.setattr(compress_module, "decode_segment", lambda *arguments: pytest.fail("a segment is decoded"))
    tracemalloc.start()
    try:
        with pytest.raises(CorruptFile):
            decompress(member.pack())
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "ends where a member should begin"),
        (b"\x1f\x8b\x08\x00", "not an archive of nextstroke .it begins with 1f8b0800"),
        (b"Dear Sir", "not an archive"),
        (MAGIC[:2], "cut short"),
        (MAGIC + bytes([VERSION]), "cut short"),
    ],
)
def test_what_is_no_archive_is_named(data, says):
    with pytest.raises(CorruptFile, match=says):
        decompress(data)


def test_a_newer_version_is_named():
    with pytest.raises(
        WrongModel, match=f"version {VERSION + 1}, this program reads versions {UNNUMBERED} to {VERSION};"
    ):
        decompress(MAGIC + bytes([VERSION + 1]) + bytes(20))


def test_an_archive_that_needs_another_model_says_which():
    with pytest.raises(WrongModel, match="needs the text model 01020304, here is"):
        decompress(Member(1, 0, [b""], model=b"\x01\x02\x03\x04").pack(), model="none")


def test_more_than_is_allowed_is_not_decoded(archive):
    assert decompress(archive, max_output=len(TEXT)) == TEXT
    with pytest.raises(LimitExceeded, match="holds more than 5 bytes"):
        decompress(archive, max_output=5)


def test_streams_of_nonsense_decode_to_something_in_bounded_time():
    """What a forged sum lets through costs no more than its claimed size."""
    draw = random.Random(1)
    streams = [draw.randbytes(40) for _ in range(4)]
    assert len(decode_segment(streams, 200)) == 200
    assert issubclass(CorruptFile, NextstrokeError)


def test_sums_are_of_the_plain_bytes(archive):
    (member,) = members(archive)
    assert member.checksum == zlib.crc32(TEXT)
    assert member.streams == encode_segment(TEXT) or member.model


PARTS = [b"one ", b"two ", b"three ", b"three ", b"five "]


def packed_members(data):
    return [member.pack() for member in members(data)]


@pytest.fixture(scope="module")
def long():
    """An archive of five members, of which two hold the same data."""
    with pytest.MonkeyPatch.context() as patch:
        # Stored, so that it takes no time to decode them thousands of times.
        patch.setattr("nextstroke.compression.stream._is_hopeless", lambda data: True)
        flags = [True] * 4 + [False]
        patch.setattr("nextstroke.compression.stream._segments", lambda source, threads: zip(PARTS, flags, strict=True))
        return compress(b"", "none")


def test_members_are_numbered_and_chained(long):
    found = members(long)
    assert [member.number for member in found] == [0, 1, 2, 3, 4]
    assert [member.more for member in found] == [True] * 4 + [False]
    digests = [hashlib.sha256(member.pack()).digest()[:8] for member in found]
    assert [member.previous for member in found] == [b"", *digests[:-1]]
    assert decompress(long) == b"".join(PARTS)


@pytest.mark.parametrize(
    ("order", "says"),
    [
        ([1, 2, 3, 4], "member 2 of an archive stands in the place of member 1;"),
        ([0, 2, 3, 4], "member 3 of an archive stands in the place of member 2;"),
        ([0, 1, 2, 3], "ends where a member should begin;"),
        ([0, 1, 1, 2, 3, 4], "member 2 of an archive stands in the place of member 3;"),
        ([0, 1, 3, 2, 4], "member 4 of an archive stands in the place of member 3;"),
        ([0, 1, 2, 0, 1, 2, 3, 4], "member 1 of an archive stands in the place of member 4;"),
        ([0, 1, 2, 3, 4, 4], "member 5 of an archive stands in the place of member 1;"),
        ([0], "ends where a member should begin;"),
    ],
)
def test_members_that_are_missing_or_out_of_order_are_named(long, order, says):
    parts = packed_members(long)
    with pytest.raises(CorruptFile, match=f"^archive: {says}"):
        decompress(b"".join(parts[i] for i in order))


@pytest.mark.parametrize("place", range(5))
def test_a_member_of_another_archive_is_refused(long, place):
    other = [Member(2, zlib.crc32(b"xy"), [b"xy"], more=i < 4, stored=True) for i in range(5)]
    parts = packed_members(long)
    parts[place] = packed_members(joined(other))[place]
    with pytest.raises(
        CorruptFile, match=f"member {max(place, 1) + 1} belongs to another archive than the members before it"
    ):
        decompress(b"".join(parts))


def test_joined_archives_are_told_from_lost_members(long):
    parts = packed_members(long)
    assert decompress(long + long) == b"".join(PARTS) * 2
    assert decompress(GOLDEN + long + GOLDEN_4) == TEXT + b"".join(PARTS) + TEXT
    for broken in ([*parts[:-1], *parts], [*parts, *parts[1:]], [*parts, *parts[:-1]]):
        with pytest.raises(CorruptFile):
            decompress(b"".join(broken))


def test_versions_are_not_mixed_within_an_archive(long):
    parts = packed_members(long)
    old = Member(2, zlib.crc32(b"xy"), [b"xy"], stored=True, version=UNNUMBERED)
    with pytest.raises(CorruptFile, match="a member of version 4 follows one of version 7"):
        decompress(parts[0] + old.pack())
    with pytest.raises(CorruptFile, match="a member of version 7 follows one of version 4"):
        decompress(replace(old, more=True).pack() + GOLDEN)


def damaged(parts, draw):
    """The bytes of an archive after one random damage; its members are `parts`."""
    parts = list(parts)
    kind = draw.randrange(7)
    i, j = draw.sample(range(len(parts)), 2)
    if kind == 0:
        parts.pop(i)
    elif kind == 1:
        parts.insert(j, parts[i])
    elif kind == 2:
        parts[i], parts[j] = parts[j], parts[i]
    elif kind == 3:
        parts.insert(j, parts.pop(i))
    elif kind == 4:
        parts[i] = parts[j]
    data = bytearray(b"".join(parts))
    if kind == 5:
        del data[draw.randrange(len(data)) :]
    elif kind == 6:
        for _ in range(draw.randint(1, 6)):
            data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
    return bytes(data)


def test_no_damage_gives_other_bytes(long):
    draw = random.Random(1)
    parts = packed_members(long)
    for _ in range(10_000):
        altered = damaged(parts, draw)
        try:
            assert decompress(altered) == b"".join(PARTS)
            assert altered == long  # a damage may undo itself: a swap of nothing, a bit turned twice
        except (BadInput, WrongModel):
            pass


def rescued(data, threads=1):
    target = io.BytesIO()
    sizes, damage = rescue_stream(io.BytesIO(data), target, "a.nst", "none", threads)
    assert sizes.size == len(target.getvalue())
    return target.getvalue(), str(damage or ""), sizes.packed


@pytest.mark.parametrize("threads", [1, 2])
def test_the_members_before_a_damage_are_rescued(long, threads):
    parts = packed_members(long)
    before = len(b"".join(parts[:2]))
    flipped = bytearray(long)
    flipped[before + len(parts[2]) - 1] ^= 1
    for data in (long[: before + 3], bytes(flipped), b"".join([*parts[:2], *parts[3:]])):
        kept, damage, packed = rescued(data, threads)
        assert kept == b"one two "
        assert damage.startswith("a.nst: ")
        assert packed == before
    assert rescued(long) == (b"".join(PARTS), "", len(long))


def test_a_member_whose_data_do_not_give_their_sum_is_not_rescued(long):
    found = members(long)
    wrong = replace(found[2], checksum=found[2].checksum ^ 1)
    kept, damage, _ = rescued(joined([*found[:2], wrong, *found[3:]]))
    assert kept == b"one two "
    assert "the sum of what came out is wrong" in damage


@pytest.mark.parametrize(
    ("data", "stream"),
    [
        (bytes(SEGMENT), b"\0"),
        (b"abcdefg" * 600, b"abcdefg"),
        (b"ab" * 2048 + b"a", b"ab"),
        (b"aab" * 2000, b"aab"),
    ],
)
def test_what_repeats_a_few_bytes_is_stored_once(data, stream):
    (member,) = members(compress(data))
    assert member.repeated
    assert member.streams == [stream]
    assert decompress(compress(data)) == data


@pytest.mark.parametrize("data", [bytes(4096) + b"x", b"x" + bytes(4096), bytes(4095), bytes(range(40)) * 120])
def test_what_does_not_repeat_or_would_be_longer_is_modelled(data):
    assert compress_module._period(data) == 0


@pytest.mark.parametrize("streams", [[b"ab", b"c"], [b""], [b"x" * 301], []])
def test_a_repeated_member_that_claims_nonsense_is_refused(streams):
    with pytest.raises(CorruptFile, match="no version ever writes"):
        members(Member(300, 7, streams, repeated=True).pack())
    with pytest.raises(CorruptFile, match="no version ever writes"):
        members(Member(300, 7, [b"x"], repeated=True, stored=True).pack())
    with pytest.raises(CorruptFile, match="which version 5 never writes"):
        members(Member(300, 7, [b"x"], repeated=True, version=5).pack())
