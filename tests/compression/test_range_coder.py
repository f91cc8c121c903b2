import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nextstroke.compression.range_coder import MAX_BITS, RangeDecoder, RangeEncoder


def encode(start, size, bits):
    """Streams of the symbols in `start` and `size`, (blocks, symbols)."""
    coder = RangeEncoder(len(start))
    for s, n in zip(start.T, size.T, strict=True):
        coder.encode(s, n, bits)
    return coder.finish()


def check_mirror(streams, start, size, bits):
    coder = RangeDecoder(streams)
    for s, n in zip(start.T, size.T, strict=True):
        place = coder.peek(bits, len(s))
        assert ((s <= place) & (place < s + n)).all()
        coder.take(s, n, bits)


def intervals(rng, blocks, symbols, bits, skew):
    """Random intervals; a large skew makes nearly all of them as wide as can be, or as narrow."""
    size = np.maximum((2**bits * rng.random((blocks, symbols)) ** skew).astype(np.int64), 1)
    size = np.where(rng.random(size.shape) < 0.5, size, np.maximum(2**bits - size, 1))
    return rng.integers(0, 2**bits - size + 1), size


@settings(max_examples=60)
@given(
    st.integers(0, 2**32), st.integers(1, 9), st.integers(0, 300), st.integers(1, MAX_BITS),
    st.sampled_from([0.2, 1.0, 4.0, 40.0]),
)  # fmt: skip
def test_what_is_encoded_is_decoded(seed, blocks, symbols, bits, skew):
    start, size = intervals(np.random.default_rng(seed), blocks, symbols, bits, skew)
    check_mirror(encode(start, size, bits), start, size, bits)


@pytest.mark.parametrize("place", ["first", "last"])
@pytest.mark.parametrize("size", [1, 2**16 - 1])
def test_intervals_at_the_edge_carry_through_long_runs(place, size):
    """The last interval again and again makes low a run of ones: any carry goes through all of it."""
    sizes = np.full((1, 5000), size)
    sizes[0, ::777] = 40000
    starts = np.zeros_like(sizes) if place == "first" else 2**16 - sizes
    check_mirror(encode(starts, sizes, 16), starts, sizes, 16)


def test_a_carry_ripples_through_words_of_ones():
    coder = RangeEncoder(2)
    coder._words[0, :3] = [5, 2**32 - 1, 2**32 - 1]
    coder._words[1, :1] = 7
    coder._count[:] = [3, 1]
    coder._carry(np.array([0, 1]))
    assert coder._words[0, :3].tolist() == [6, 0, 0]
    assert coder._words[1, 0] == 8


@pytest.mark.parametrize("skew", [0.2, 1.0, 4.0])
def test_the_streams_are_as_long_as_the_information(skew):
    start, size = intervals(np.random.default_rng(7), 4, 20_000, 16, skew)
    ideal = (16 - np.log2(size)).sum() / 8
    spent = sum(len(stream) for stream in encode(start, size, 16))
    assert ideal <= spent <= 1.0005 * ideal + 4


def test_a_block_does_not_depend_on_those_beside_it():
    start, size = intervals(np.random.default_rng(3), 5, 400, 16, 1.0)
    together = encode(start, size, 16)
    assert together == [encode(start[[b]], size[[b]], 16)[0] for b in range(5)]


def in_one_big_integer(start, size, bits):
    """The same arithmetic with a low that never loses its upper end, so that there is nothing to carry."""
    low, width, shifts = 0, 2**64 - 1, 0
    for s, n in zip(start.tolist(), size.tolist(), strict=True):
        unit = width >> bits
        low, width = low + unit * s, unit * n
        if width < 2**32:
            low, width, shifts = low << 32, width << 32, shifts + 1
    whole = 8 + 4 * shifts
    for kept in range(4 * shifts, whole + 1):
        unit = 256 ** (whole - kept)
        value = -(-low // unit) * unit
        if value < low + width:
            return value.to_bytes(whole, "big")[:kept]


@pytest.mark.parametrize("skew", [0.2, 1.0, 40.0])
def test_streams_equal_those_of_one_big_integer(skew):
    start, size = intervals(np.random.default_rng(11), 3, 1000, 16, skew)
    assert encode(start, size, 16) == [in_one_big_integer(s, n, 16) for s, n in zip(start, size, strict=True)]


def test_no_symbols_take_no_bytes():
    assert RangeEncoder(3).finish() == [b"", b"", b""]


def test_the_last_symbols_may_be_of_the_first_blocks_only():
    coder = RangeEncoder(2)
    coder.encode(np.array([3, 5]), np.array([10, 20]), 8)
    coder.encode(np.array([100]), np.array([1]), 8)
    decoder = RangeDecoder(coder.finish())
    assert (decoder.peek(8, 2) >= [3, 5]).all()
    decoder.take(np.array([3, 5]), np.array([10, 20]), 8)
    assert decoder.peek(8, 1) == [100]


def test_golden_bytes():
    """A change of these is a new version of the archive."""
    start, size = np.array([[0, 1, 65535, 77]]), np.array([[1, 2, 1, 30000]])
    assert encode(start, size, 16)[0].hex() == "00000002fffd01"
