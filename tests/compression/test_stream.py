import io
import lzma
import random
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nextstroke.compression import stream as codec
from nextstroke.compression.container import read_members
from nextstroke.compression.lm.load import load_text_model, save_text_model
from nextstroke.compression.segment import count_blocks, decode_segment, encode_segment, lengths_of
from nextstroke.compression.stream import compress, compress_stream, decompress, decompress_stream
from tests.compression.conftest import TEXT, random_weights

CASES = {
    "empty": b"",
    "one byte": b"a",
    "all bytes": bytes(range(256)),
    "zeros": bytes(3_000),
    "random": random.Random(1).randbytes(20_000),
    "text": TEXT * 2,
    "UTF-16": "Grüße, Ω, 漢字. ".encode("utf-16") * 8,
    "compressed": lzma.compress(random.Random(2).randbytes(300) * 9),
    "two lengths of blocks": TEXT * 10 + b"!",
}


@pytest.fixture(scope="module")
def model(weights, tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "a.safetensors"
    save_text_model(weights, path)
    return str(path)


@pytest.mark.parametrize("name", CASES)
def test_what_is_compressed_comes_back(name, monkeypatch):
    monkeypatch.setattr("nextstroke.compression.segment.count_blocks", lambda size: max(1, size // 1000))
    archive = compress(CASES[name], "none")
    assert decompress(archive) == CASES[name]
    assert len(archive) <= 1.001 * len(CASES[name]) + 64


@pytest.mark.parametrize("name", ["one byte", "text", "UTF-16"])
def test_what_is_compressed_with_a_network_comes_back(name, model, monkeypatch):
    monkeypatch.setattr(codec, "knows", lambda network, data: True)
    archive = compress(CASES[name], model)
    assert decompress(archive, model) == CASES[name]
    (member,) = read_members(io.BytesIO(archive), "a")
    assert member.stored or member.model == load_text_model(model).digest[:4]


def pieces():
    """Bytes of all kinds: random, few different ones, and with repetitions."""
    return st.one_of(
        st.binary(max_size=40),
        st.text("ab \n", max_size=60).map(str.encode),
        st.tuples(st.binary(min_size=1, max_size=7), st.integers(1, 12)).map(lambda pair: pair[0] * pair[1]),
    )


@settings(max_examples=40)
@given(pieces())
def test_generated_cases_come_back(data):
    assert decompress(compress(data, "none")) == data


@pytest.mark.slow
@pytest.mark.timeout(1800)
@settings(max_examples=10_000)
@given(pieces())
def test_ten_thousand_generated_cases_come_back(data):
    assert decompress(compress(data, "none")) == data


@pytest.mark.parametrize("blocks", [1, 2, 7, 64])
def test_any_number_of_blocks_comes_back(blocks, monkeypatch):
    monkeypatch.setattr("nextstroke.compression.segment.count_blocks", lambda size: blocks)
    data = TEXT * 2 + b"x" * 5
    streams = encode_segment(data)
    assert len(streams) == blocks
    assert decode_segment(streams, len(data)) == data


def test_blocks_share_what_they_learn(monkeypatch):
    """Eight blocks of one vocabulary in step know more than eight on their own."""
    draw = random.Random(4)
    words = TEXT.split()
    blocks = [b" ".join(draw.choices(words, k=40)).ljust(256)[:256] for _ in range(8)]
    monkeypatch.setattr("nextstroke.compression.segment.count_blocks", lambda size: size // 256)
    alone = sum(len(encode_segment(block)[0]) for block in blocks)
    assert sum(map(len, encode_segment(b"".join(blocks)))) < 0.8 * alone


@pytest.mark.parametrize("size", [1, 2048, 2049, 100_000, 2**21])
def test_blocks_divide_a_segment_evenly(size):
    lengths = lengths_of(size, count_blocks(size))
    assert sum(lengths) == size
    assert 0 < len(lengths) <= 64
    assert lengths[0] - lengths[-1] in (0, 1)
    assert sorted(lengths, reverse=True) == lengths


class Trickle(io.BytesIO):
    """Gives a few bytes at a time, as pipes do."""

    def read(self, size=-1):
        return super().read(min(size, 100))


@pytest.mark.parametrize("threads", [1, 2])
def test_long_data_are_cut_into_segments_and_joined_again(threads, monkeypatch):
    monkeypatch.setattr(codec, "SEGMENT", 300)
    archive, data = io.BytesIO(), io.BytesIO()
    sizes = compress_stream(Trickle(TEXT * 3), archive, "none", threads)
    packed = archive.getvalue()
    assert sizes == (len(TEXT) * 3, len(packed))
    assert len(list(read_members(io.BytesIO(packed), "a"))) == -(-len(TEXT) * 3 // 300)
    assert decompress_stream(io.BytesIO(packed), data, threads=threads) == sizes
    assert data.getvalue() == TEXT * 3


@pytest.mark.parametrize(
    ("threads", "size", "members"), [(2, 0, 1), (2, 299, 1), (2, 301, 2), (3, 700, 3), (9, 700, 4)]
)
def test_what_is_shorter_than_a_segment_is_shared_out(threads, size, members, monkeypatch):
    monkeypatch.setattr(codec, "_LEAST_SHARE", 150)
    data = (TEXT * 4)[:size]
    shares = list(codec._segments(io.BytesIO(data), threads))
    assert b"".join(share for share, _ in shares) == data
    assert [more for _, more in shares] == [True] * (members - 1) + [False]


def test_archives_can_be_joined():
    assert decompress(compress(b"one", "none") + compress(b"", "none") + compress(b"two", "none")) == b"onetwo"


def test_progress_adds_up():
    seen = []
    archive = io.BytesIO()
    compress_stream(io.BytesIO(TEXT), archive, "none", progress=lambda size, packed: seen.append((size, packed)))
    sizes, packed = zip(*seen, strict=True)
    assert sum(sizes) == len(TEXT)
    assert 0 < sum(packed) <= len(archive.getvalue())


def test_threads_that_compress_at_once_do_not_disturb_each_other(monkeypatch, tmp_path):
    monkeypatch.setattr(codec, "knows", lambda network, data: True)
    save_text_model(random_weights(cells=8, layers=1), tmp_path / "small")
    texts = [TEXT[n : n + 60] for n in range(0, 40, 10)]
    with ThreadPoolExecutor(4) as pool:
        archives = list(pool.map(lambda text: compress(text, str(tmp_path / "small")), texts))
    assert [decompress(archive, str(tmp_path / "small")) for archive in archives] == texts
