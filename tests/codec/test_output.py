import numpy as np
import pytest

from nextstroke.codec import product
from nextstroke.codec.output import SYMBOLS, Output

INPUTS = 40


@pytest.fixture
def output():
    rng = np.random.default_rng(0)
    made = Output(rng.normal(0, 0.1, (SYMBOLS, INPUTS)), np.zeros(SYMBOLS, np.int32))
    made.start()
    return made


def bits_of(output, rng, steps, blocks=4):
    """Bits of bytes that follow from h: its greatest unit tells the next byte."""
    bits = np.zeros((2, steps))
    for step in range(steps):
        byte = rng.integers(0, 20, blocks)
        h = rng.integers(118, 138, (blocks, INPUTS)).astype(np.uint8)
        h[np.arange(blocks), byte] = 240
        frequencies = output.predict(h)
        share = frequencies[:, np.arange(blocks), byte] / frequencies.sum(2)
        bits[:, step] = -np.log2(share).mean(1)
        output.observe(byte)
    return bits


def test_what_follows_from_h_is_learned(output):
    trained, adapted = bits_of(output, np.random.default_rng(1), 800)
    assert abs(trained[-100:].mean() - 8) < 0.3
    assert adapted[:8].tolist() == trained[:8].tolist()
    assert adapted[-100:].mean() < 7


def test_a_new_start_knows_nothing(output):
    before = bits_of(output, np.random.default_rng(1), 20)
    output.start()
    assert (bits_of(output, np.random.default_rng(1), 20) == before).all()


def test_learned_weights_stay_within_a_byte(output):
    h = np.full((64, INPUTS), 255, np.uint8)
    for _ in range(400):
        output.predict(h)
        output.observe(np.full(64, 7))
    assert output._used.dtype == np.int8
    assert np.abs(output._used.astype(int)).max() <= 127
    assert (output._kept == np.rint(output._kept)).all()


def test_floats_learn_the_same(output, monkeypatch):
    told = bits_of(output, np.random.default_rng(1), 40)
    monkeypatch.setattr(product, "runtime_is_exact", lambda: False)
    output.start()
    assert (bits_of(output, np.random.default_rng(1), 40) == told).all()
