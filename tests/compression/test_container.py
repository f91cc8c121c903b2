import io
import random
import tracemalloc
import zlib

import pytest

from nextstroke.compression import stream as compress_module
from nextstroke.compression.container import MAGIC, SEGMENT, VERSION, Member, read_members
from nextstroke.compression.segment import decode_segment, encode_segment
from nextstroke.compression.stream import compress, decompress
from nextstroke.errors import BadInput, CorruptFile, LimitExceeded, NextstrokeError, WrongModel
from tests.compression.conftest import TEXT

GOLDEN = bytes.fromhex(
    "894e5354040001d401dd69d8c8744ee6a690cae3f787ab975670a53e554b585ae4eb9a89a8386ededc13425cc2b11cfc"
    "617e68451609295c5c9d55e361c5261700d682dddd0365a70bd2422e525ad77f061319fa53e0abc8ef3106a142e78eb3"
    "c8c17db0c3a76759dc1708a58ae161d3f4cf6322f15e3f02a384244ed4c60e919a895246d940978b073e"
)


def members(data):
    return list(read_members(io.BytesIO(data), "a.nst"))


def refused(data):
    """Whether an archive is refused, or gives the bytes that went in."""
    try:
        return decompress(data) == TEXT
    except (BadInput, WrongModel):
        return True


@pytest.fixture(scope="module")
def archive():
    return compress(TEXT)


def test_golden_archive():
    """A change of these bytes is a new version; from the first release on, old ones must be read for ever."""
    assert compress(TEXT, model="none") == GOLDEN
    assert decompress(GOLDEN) == TEXT


@pytest.mark.parametrize(
    "member",
    [
        Member(0, 0, []),
        Member(5, 7, [b"ab", b"", b"c"], more=False, model=b"\x01\x02\x03\x04"),
        Member(300, 2**32 - 1, [b"x" * 300], stored=True),
    ],
)
def test_members_are_read_as_they_were_packed(member):
    assert members(member.pack()) == [member]


def test_a_member_that_says_more_follows_may_not_be_the_last():
    first, last = Member(1, 0, [b"a"], more=True, stored=True), Member(1, 0, [b"b"], stored=True)
    assert members(first.pack() + last.pack()) == [first, last]
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
    with pytest.raises(WrongModel, match=f"archive of version {VERSION + 1}, this program reads version {VERSION}"):
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
