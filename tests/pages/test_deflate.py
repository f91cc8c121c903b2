"""Streams of Huffman codes alone are read by zlib."""

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextstroke.pages.deflate import LONGEST, code_lengths, deflate

FIBONACCI = [1, 1]
while len(FIBONACCI) < 24:
    FIBONACCI.append(FIBONACCI[-1] + FIBONACCI[-2])


@given(st.binary(max_size=2000))
def test_zlib_reads_it(data):
    assert zlib.decompress(deflate(data)) == data


@pytest.mark.parametrize("size", [65535, 65536, 65537, 200_000])
def test_blocks_of_any_number_are_read(size):
    data = bytes(number * number % 251 for number in range(size))
    assert zlib.decompress(deflate(data)) == data


def test_codes_are_no_longer_than_deflate_allows():
    """Without a bound, counts that grow as Fibonacci's numbers have codes as long as there are symbols."""
    lengths = code_lengths(FIBONACCI)
    assert max(lengths) == LONGEST
    assert sum(2.0**-length for length in lengths) == 1
    data = b"".join(bytes([symbol]) * count for symbol, count in enumerate(FIBONACCI[:22]))
    assert zlib.decompress(deflate(data)) == data


def test_codes_without_the_bound_are_as_short_as_huffmans():
    assert code_lengths([5, 0, 1, 2, 8]) == [2, 0, 3, 3, 1]
