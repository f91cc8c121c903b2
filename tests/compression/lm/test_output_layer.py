import numpy as np
import pytest

from nextstroke.compression.lm import integer_matmul
from nextstroke.compression.lm.output_layer import SYMBOLS, Output

INPUTS, CELLS = 40, 30


@pytest.fixture
def output():
    rng = np.random.default_rng(0)
    made = Output(rng.normal(0, 0.1, (SYMBOLS, INPUTS)), np.zeros(SYMBOLS), CELLS)
    made.start()
    return made


def bits_of(output, rng, steps, blocks=4):
    """Bits of bytes that follow from h: its greatest unit tells the next byte."""
    bits = np.zeros((2, steps))
    for step in range(steps):
        byte = rng.integers(0, 20, blocks)
        h = rng.integers(118, 138, (blocks, INPUTS)).astype(np.uint8)
        h[np.arange(blocks), byte] = 240
        frequencies = output.predict(np.stack([h, h]))
        share = frequencies[:, np.arange(blocks), byte] / frequencies.sum(2)
        bits[:, step] = -np.log2(share).mean(1)
        output.observe(byte)
    return bits


def test_what_follows_from_h_is_learned(output):
    trained, adapted = bits_of(output, np.random.default_rng(1), 1200)
    assert abs(trained[-100:].mean() - 8) < 0.3
    assert adapted[:8].tolist() == trained[:8].tolist()
    assert adapted[-100:].mean() < 7


def test_a_new_start_knows_nothing(output):
    before = bits_of(output, np.random.default_rng(1), 20)
    output.start()
    assert (bits_of(output, np.random.default_rng(1), 20) == before).all()


def test_errors_point_from_what_was_said_to_what_came(output):
    rng = np.random.default_rng(3)
    weight = rng.normal(0, 0.1, (SYMBOLS, INPUTS))
    output = Output(weight, np.zeros(SYMBOLS), CELLS)
    output.start()
    frequencies = output.predict(np.full((2, 1, INPUTS), 128, np.uint8))[1, 0]
    error = -frequencies / frequencies.sum()
    error[7] += 1
    told = output.observe(np.array([7]))[0]
    assert np.abs(told - error @ weight[:, -CELLS:]).max() < 0.02
    assert np.corrcoef(told, error @ weight[:, -CELLS:])[0, 1] > 0.98


def test_floats_learn_the_same(output, monkeypatch):
    told = bits_of(output, np.random.default_rng(1), 40)
    monkeypatch.setattr(integer_matmul, "runtime_is_exact", lambda: False)
    output.start()
    assert (bits_of(output, np.random.default_rng(1), 40) == told).all()
