"""Segments that are made short before they are coded: repeats, and lines with numbers."""

import contextlib
import io
import random
import zlib
from dataclasses import replace

import pytest

from nextstroke.compression.container import Member, read_members
from nextstroke.compression.line_columns import join_columns, split_columns
from nextstroke.compression.plane_coder import PlaneDecoder
from nextstroke.compression.reduction import Reduction, reduce_segment
from nextstroke.compression.repeats import LEAST, lengthen, shorten
from nextstroke.compression.stream import compress, decompress
from nextstroke.compression.varint import read_varint, varint
from nextstroke.errors import CorruptFile, NextstrokeError


def log_lines(count):
    """A log whose lines differ in a clock, a counter and a random number."""
    draw = random.Random(4)
    lines = [
        f"2026-11-30 21:{n // 60 % 60:02d}:{n % 60:02d}.{draw.randrange(1000):03d} INFO job {n + 997} took "
        f"{draw.randrange(4000)} ms\n"
        for n in range(count)
    ]
    return "".join(lines).encode()


LOG = log_lines(4000)
DRAW = random.Random(6)
DIGITS = "".join(f"{n} job {DRAW.randrange(10)}\n" for n in range(1100)).encode()
NOISE = random.Random(5).randbytes(2000)
CASES = [
    LOG,
    LOG[:-1],
    b"same line again\n" * 1000,
    NOISE * 20,
    bytes(3000) + NOISE + bytes(3000),
    b"\n" * 5000,
    b"7" * 5000,
    b"a" + b"0123456789" * 500,
    b"".join(b"%d %018d\n" % (10**17 - n, n) for n in range(500)),
    b"".join(b"%03d\n%d\n" % (n % 7, n % 7) for n in range(2000)),
]


@pytest.mark.parametrize("data", CASES, ids=range(len(CASES)))
def test_each_step_is_undone(data):
    text = shorten(data, 2 * len(data))
    assert lengthen(text, len(data)) == data
    split = split_columns(data)
    if split:
        assert join_columns(*split, len(data)) == data


@pytest.mark.parametrize(
    ("data", "has_planes"),
    [(DIGITS, True), (b"".join(b"job %d is done\n" % n for n in range(400)), False), (NOISE[:150] * 30, False)],
)
def test_reduced_data_are_restored(data, has_planes):
    archive = compress(data, "none")
    (member,) = read_members(io.BytesIO(archive), "a.nst")
    assert member.reduced
    assert (member.has_columns and len(member.streams[0]) > 0) == has_planes
    assert decompress(archive, "none") == data


@pytest.mark.parametrize("seed", range(30))
def test_random_lines_are_restored(seed):
    draw = random.Random(seed)
    pieces = [b"\n", b" ", b"job", b"0", b"00", b"17", b"\xff", b"9" * 18, b"1" * 19, b"5" * 40]
    data = b"".join(draw.choices(pieces, k=draw.randrange(400)))
    split = split_columns(data)
    assert split is not None
    assert join_columns(*split, len(data)) == data


def test_a_log_is_reduced_to_less_than_its_numbers():
    reduction = reduce_segment(LOG)
    assert reduction is not None
    assert reduction.has_columns
    assert reduction.planes
    assert len(reduction) < len(LOG) / 12


def test_text_is_not_reduced():
    text = "".join(f"{chr(97 + n % 26)}{n * n} walks to {n**3 % 977}, and " for n in range(3000)).encode()
    assert reduce_segment(text) is None
    assert reduce_segment(random.Random(1).randbytes(50_000)) is None


def test_a_repeat_shorter_than_the_least_stays():
    data = NOISE + NOISE[: LEAST - 1] + bytes([NOISE[LEAST - 1] ^ 1])
    assert len(shorten(data, 2 * len(data))) > len(data)
    longer = NOISE + NOISE[: 3 * LEAST]
    assert len(shorten(longer, 2 * len(longer))) < len(longer) - 2 * LEAST


def test_nothing_longer_than_the_limit_is_returned():
    data = NOISE * 3
    size = len(shorten(data, len(data)))
    assert len(shorten(data, size)) == size
    assert shorten(data, size - 1) is None


def test_version_7_differs_only_in_reduced_members():
    """Data of other kinds are coded as in version 6."""
    (member,) = read_members(io.BytesIO(compress(NOISE[:100] + b"text ", "none")), "a")
    old = replace(member, version=6)
    assert len(old.pack()) == len(member.pack())
    assert decompress(old.pack(), "none") == NOISE[:100] + b"text "


def test_a_reduced_member_of_an_older_version_is_refused():
    packed = bytearray(Member(5000, 0, [b"ab"], reduced=3, version=6).pack())
    with pytest.raises(CorruptFile, match=r"altered|never writes"):
        decompress(bytes(packed))


@pytest.mark.parametrize(
    "member",
    [
        Member(5000, 0, [b"ab"], reduced=5000),
        Member(5000, 0, [b"ab"], has_columns=True),
        Member(5000, 0, [b"ab"], reduced=3, has_columns=True),
        Member(5000, 0, [b"ab"], reduced=3, repeated=True),
        Member(5000, 0, [b"ab"], reduced=3, model=b"abcd"),
        Member(5000, 0, [b"a"] * 4, reduced=3),
        Member(5000, 0, [b"a"] * 66, reduced=300, has_columns=True),
    ],
)
def test_impossible_claims_are_refused(member):
    with pytest.raises(CorruptFile, match="ever writes"):
        list(read_members(io.BytesIO(member.pack()), "a.nst"))


def packed_columns():
    text, planes = split_columns(LOG)
    return text, planes


@pytest.mark.parametrize("seed", range(60))
def test_altered_columns_are_refused_or_give_other_data_of_the_same_size(seed):
    """The checksum of the data finds the latter; nothing else may happen."""
    draw = random.Random(seed)
    parts = [bytearray(part) for part in packed_columns()]
    for _ in range(draw.randint(1, 4)):
        part = draw.choice(parts)
        place = draw.randrange(min(len(part), draw.choice([20, 400, 10**6])))
        part[place] = draw.randrange(256)
    with contextlib.suppress(NextstrokeError):
        assert len(join_columns(*map(bytes, parts), len(LOG))) == len(LOG)


def test_many_fields_in_many_lines_take_no_memory():
    """A form of a million fields on a million lines would be 10^12 numbers."""
    forms = bytes(10**6)
    text = varint(10**6) + varint(len(forms)) + forms + bytes([0, 0, 0, 0])
    with pytest.raises(CorruptFile, match="bytes together"):
        join_columns(text, b"", 2**21)


@pytest.mark.parametrize("cut", [0, 1, 5, 70, 200])
def test_cut_parts_are_refused(cut):
    text, planes = packed_columns()
    with pytest.raises(CorruptFile):
        join_columns(text[:cut], planes, len(LOG))
    with pytest.raises(CorruptFile):
        join_columns(text, planes[:cut], len(LOG))
    with pytest.raises(CorruptFile):
        PlaneDecoder(planes[: cut + 1])


def test_repeats_of_what_is_not_there_are_refused():
    for copies in (varint(0) + varint(0) + varint(0), varint(3) + varint(0) + varint(3)):
        with pytest.raises(CorruptFile, match="not there"):
            lengthen(varint(35) + varint(1) + copies + b"abc", 100)
    with pytest.raises(CorruptFile, match="claims"):
        lengthen(varint(101) + varint(0) + bytes(101), 100)


def test_the_checksum_of_the_data_finds_another_reduction():
    reduction = Reduction(shorten(b"abc" * 2000, 100))
    other = Reduction(reduction.text.replace(b"abc", b"abd"))
    assert other.restore(6000) == b"abd" * 2000
    from nextstroke.compression.segment import encode_segment

    streams = encode_segment(other.text)
    member = Member(6000, zlib.crc32(b"abc" * 2000), streams, reduced=len(other.text))
    with pytest.raises(CorruptFile, match="sum of what came out"):
        decompress(member.pack(), "none")


@pytest.mark.parametrize("value", [0, 127, 128, 2**31, 2**63 - 1])
def test_varints(value):
    assert read_varint(b"x" + varint(value) + b"x", 1) == (value, 1 + len(varint(value)))
    with pytest.raises(CorruptFile):
        read_varint(varint(value)[:-1], 0)
    with pytest.raises(CorruptFile):
        read_varint(b"\xff" * 9 + b"\1", 0)
