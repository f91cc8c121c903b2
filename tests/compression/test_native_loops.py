"""The compressor's loops in C++ against those in numpy: the same streams, to the byte."""

import os
import subprocess
import sys

import numpy as np
import pytest

from nextstroke.compression.lm.exact_network import ExactNetwork
from nextstroke.compression.lm.load import load_text_model
from nextstroke.compression.segment import decode_segment, encode_segment
from nextstroke.native import compression_loops
from nextstroke.native.switch import paused
from tests.compression.conftest import TEXT, random_weights

LIBRARY = compression_loops.library()  # before conftest.py turns to an empty cache


@pytest.fixture(autouse=True)
def _built(monkeypatch):
    """The library, for these tests alone."""
    if not LIBRARY.is_file():
        pytest.skip(f"NOT BUILT, NOT TESTED: the compressor's C++ loops; run `nextstroke kernel build` ({LIBRARY})")
    monkeypatch.setattr(compression_loops, "library", lambda: LIBRARY)


def both(data, network=None):
    """The streams by C++ and by numpy; either reads what the other wrote."""
    assert compression_loops.loops()
    streams = encode_segment(data, network)
    with paused():
        assert not compression_loops.loops()
        plain = encode_segment(data, network)
        assert decode_segment(streams, len(data), network) == data
    assert decode_segment(plain, len(data), network) == data
    return streams, plain


def random_bytes(size, values=256, seed=0):
    return np.random.default_rng(seed).integers(0, values, size).astype(np.uint8).tobytes()


CASES = {
    "one byte": b"x",
    "zeros": bytes(9000),
    "noise": random_bytes(9001),
    "few values": random_bytes(20_000, values=3),
    "all values": bytes(range(256)) * 40,
    "lines": b"".join(b"%d: %s\n" % (n, TEXT[n % 90 : n % 90 + 30]) for n in range(400)),
    "bytes of other scripts": "Grüße, Ελλάδα, 你好 \n".encode() * 300,
    "repeats": random_bytes(700) * 30,
}


def short_blocks(monkeypatch):
    """Cut segments into blocks of half a kilobyte: numpy's loops take as long for many blocks in step as for one."""
    monkeypatch.setattr("nextstroke.compression.segment.count_blocks", lambda size: min(64, -(-size // 512)))


@pytest.mark.parametrize("data", CASES.values(), ids=CASES.keys())
def test_streams_are_the_same(data, monkeypatch):
    short_blocks(monkeypatch)
    streams, plain = both(data)
    assert streams == plain


@pytest.mark.parametrize(("blocks", "repeats"), [(1, 8), (3, 16), (64, 40)])
def test_many_blocks_that_meet_in_the_same_counters_are_the_same(blocks, repeats, monkeypatch):
    monkeypatch.setattr("nextstroke.compression.segment.count_blocks", lambda size: blocks)
    streams, plain = both(TEXT * repeats + random_bytes(77, values=20))
    assert streams == plain


@pytest.mark.parametrize(("layers", "cells"), [(1, 24), (2, 24), (3, 17)])
def test_a_network_is_the_same(layers, cells, monkeypatch):
    short_blocks(monkeypatch)
    streams, plain = both(TEXT * 10, ExactNetwork(random_weights(cells, layers)))
    assert streams == plain


DIGEST = """
import ctypes, hashlib, sys
import numpy as np
from nextstroke.compression.lm.exact_network import ExactNetwork
from nextstroke.native import compression_loops
from tests.compression.conftest import TEXT, random_weights
from pathlib import Path
library = Path(sys.argv[1])
compression_loops.library = lambda: library
loops = compression_loops.loops()
rng, digest = np.random.default_rng(3), hashlib.sha256()
for count, inputs, rows in ((1, 1, 1), (2, 15, 17), (3, 16, 16), (5, 70, 33), (13, 1040, 40), (40, 1030, 16)):
    h = rng.integers(0, 256, (count, inputs)).astype(np.uint8)
    whole = rng.integers(-127, 128, (rows, inputs)).astype(np.int8)
    h[0], whole[0], whole[-1] = 255, 127, -127
    sums = np.empty((count, rows), np.int32)
    compression_loops.call(loops.product_multiply, count, inputs, rows, h, whole, sums)
    assert (sums == (h.astype(int) - 128) @ whole.astype(int).T).all(), (count, inputs, rows)
network = ExactNetwork(random_weights(cells=40))
for blocks in (1, 7):
    network.start(blocks)
    for step in range(40):
        digest.update(network.predict().tobytes())
        network.observe((np.arange(blocks) * 37 + step * 11) % 256)
print(loops.product_chosen().decode(), digest.hexdigest())
"""


@pytest.mark.parametrize("layers", [1, 2])
def test_a_network_that_does_not_learn_is_the_same(layers):
    network = ExactNetwork(random_weights(24, layers))

    def frequencies():
        network.start(3, learning=False)
        found = []
        for byte in TEXT[:60]:
            found.append(network.predict().copy())
            network.observe(np.array([byte, byte ^ 1, 7], np.int64))
        return np.array(found)

    assert compression_loops.loops()
    compiled = frequencies()
    with paused():
        plain = frequencies()
    assert plain.shape == (60, 1, 3, 256)
    assert (compiled == plain).all()
    network.start(3)  # and it can learn afterwards
    assert network.predict().shape == (2, 3, 256)


def test_products_are_the_same_with_the_instructions_of_every_processor():
    names = []
    while name := compression_loops.loops().product_name(len(names)):
        names.append(name.decode())
    assert names[-1] == "plain"
    digests = set()
    for name in names:
        settings = os.environ | {"NEXTSTROKE_INSTRUCTIONS": name}
        command = [sys.executable, "-c", DIGEST, str(LIBRARY)]
        run = subprocess.run(command, env=settings, capture_output=True, text=True, check=True)
        chosen, digest = run.stdout.split()
        assert chosen == name
        digests.add(digest)
    assert len(digests) == 1


@pytest.mark.slow
def test_the_bundled_network_is_the_same_on_much_text():
    data = b"".join(b"%d. %s" % (n, TEXT) for n in range(500))
    streams, plain = both(data, load_text_model("text"))
    assert streams == plain


def test_what_was_altered_gives_the_same_wrong_bytes(monkeypatch):
    monkeypatch.setattr("nextstroke.compression.segment.count_blocks", lambda size: 2)
    data = TEXT * 4
    streams = encode_segment(data)
    for place in range(0, len(streams[0]), len(streams[0]) // 4):
        altered = [streams[0][:place] + bytes([streams[0][place] ^ 64]) + streams[0][place + 1 :], *streams[1:]]
        with paused():
            plain = decode_segment(altered, len(data))
        assert decode_segment(altered, len(data)) == plain


def test_a_broken_library_is_no_reason_to_stop(monkeypatch, tmp_path):
    (tmp_path / "broken.so").write_bytes(b"no library")
    monkeypatch.setattr(compression_loops, "library", lambda: tmp_path / "broken.so")
    with pytest.warns(UserWarning, match="cannot be loaded, numpy is used"):
        assert decode_segment(encode_segment(TEXT), len(TEXT)) == TEXT
