import numpy as np
import pytest

from nextstroke.compression.lm.adaptive_layer import AdaptiveLayer
from nextstroke.compression.lm.lstm_layer import Layer
from tests.compression.conftest import random_weights

PARTS = ("weight", "recurrent", "peepholes", "bias")
BLOCKS = 5


@pytest.fixture(scope="module")
def parts():
    weights = random_weights()
    return [weights["tables.1"], *(weights[f"layers.1.{part}"] for part in PARTS)]


def drawn(rng, cells=24):
    return rng.integers(0, 256, BLOCKS), rng.integers(1, 256, (BLOCKS, cells)).astype(np.uint8)


def test_the_first_half_is_the_layer_as_trained(parts):
    rng, plain, adaptive = np.random.default_rng(0), Layer(*parts), AdaptiveLayer(*parts)
    plain.start(BLOCKS)
    adaptive.start(BLOCKS)
    for step in range(40):
        adaptive.observe(rng.normal(0, 0.5, (BLOCKS, 24)).astype(np.float32))
        byte, below = drawn(rng)
        trained, adapted = np.split(adaptive.step(byte, below), 2)
        assert (trained == plain.step(byte, below)).all()
        if step < 16:
            assert (adapted == trained).all()
    assert (adapted != trained).any()


def test_what_is_asked_of_h_is_learned(parts):
    rng, layer = np.random.default_rng(1), AdaptiveLayer(*parts)
    layer.start(BLOCKS)
    wanted = np.zeros((BLOCKS, 24), np.float32)
    wanted[:, 4] = 0.5
    for _ in range(600):
        layer.observe(wanted)
        trained, adapted = np.split(layer.step(*drawn(rng)).astype(int), 2)
    assert (adapted[:, 4] > trained[:, 4] + 5).all()


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def h_of(z, c, peepholes):
    """The h of one step by the equations in float64; z is (4, cells) without what the peepholes see."""
    i, f = sigmoid(z[0] + peepholes[0] * c), sigmoid(z[1] + peepholes[1] * c)
    after = f * c + i * np.tanh(z[2])
    return sigmoid(z[3] + peepholes[2] * after) * np.tanh(after)


def test_errors_are_the_slopes_of_h_by_z(parts):
    rng, layer = np.random.default_rng(2), AdaptiveLayer(*parts)
    layer.start(1)
    for _ in range(3):
        byte, below = drawn(rng)
        layer.step(byte[:1], below[:1])
    c = layer.c.copy()
    sums, beneath = layer.sums(below[:1])
    layer.step(byte[:1], below[:1])
    z = ((sums + beneath) * layer.product.scale + layer.table[byte[:1]])[1].reshape(4, -1)
    peepholes = parts[3].astype(float)
    errors = layer._errors(np.ones((1, 24), np.float32)).reshape(4, -1) / 2**9
    for gate in range(4):
        step = np.zeros_like(z)
        step[gate] = 1e-4
        slope = (h_of(z + step, c[1], peepholes) - h_of(z - step, c[1], peepholes)) / 2e-4
        # The way from o over its peephole to c is left out.
        near = 0.02 if gate == 3 else 0.06
        assert np.abs(errors[gate] - np.clip(slope, -0.25, 0.25)).max() < near
