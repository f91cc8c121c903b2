import numpy as np
import pytest

from nextstroke.compression.lm import integer_matmul
from nextstroke.compression.lm.online_weights import Learned, Teaching

INPUTS, ROWS = 30, 20


def taught(steps, seed=0, rate=0.05, places=9):
    """Additions that were told that every row is too low by what one input says."""
    rng, learned = np.random.default_rng(seed), Learned(INPUTS, ROWS, Teaching(places, rate, first=64, steps=8))
    for _ in range(steps):
        h = rng.integers(1, 256, (6, INPUTS)).astype(np.uint8)
        error = np.repeat((h[:, 3:4].astype(int) - 128) // 4, ROWS, 1).astype(np.int8)
        learned.observe(h, error)
    return learned


def told(learned, unit):
    """What is added when one input alone is on, in real numbers."""
    h = np.full((1, INPUTS), 128, np.uint8)
    h[0, unit] = 255
    return learned.sums(h)[0] * learned.unit


def test_nothing_is_added_before_enough_was_seen():
    assert not told(taught(7), 3).any()
    assert told(taught(8), 3).all()


def test_the_input_that_tells_the_error_is_learned():
    learned = taught(400)
    assert (told(learned, 3) > 0.05).all()
    assert np.abs(told(learned, 5)).max() < 0.02


def test_steps_grow_with_the_rate_and_additions_stay_within_a_byte():
    assert (told(taught(8, rate=0.02), 3) < told(taught(8, rate=0.08), 3)).all()
    assert told(taught(4000, rate=50), 3).tolist() == [pytest.approx(127 / 2**9)] * ROWS


def test_floats_learn_the_same(monkeypatch):
    runtime = told(taught(200), 3)
    monkeypatch.setattr(integer_matmul, "runtime_is_exact", lambda: False)
    assert (told(taught(200), 3) == runtime).all()
