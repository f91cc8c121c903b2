import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest

from nextstroke.compression.lm import integer_matmul
from nextstroke.compression.lm.exact_network import ExactNetwork
from nextstroke.compression.lm.load import load_text_model, save_text_model
from nextstroke.errors import BadInput, CorruptFile
from tests.compression.conftest import counted_weights, random_weights


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def reference_bits(weights, text):
    """Bits of each byte by the equations in float64; text is (blocks, time)."""
    weights = {name: array.astype(np.float64) for name, array in weights.items()}
    cells = len(weights["layers.0.bias"]) // 4
    h, c, bits = np.zeros((2, len(text), cells)), np.zeros((2, len(text), cells)), []
    for byte in text.T:
        y = np.concatenate(h, 1) @ weights["output.weight"].T + weights["output.bias"]
        bits.append(np.log2(np.exp(y).sum(1)) - y[np.arange(len(text)), byte] / np.log(2))
        for n in range(2):
            part = {name: weights[f"layers.{n}.{name}"] for name in ("weight", "recurrent", "peepholes", "bias")}
            z = weights[f"tables.{n}"][byte] + part["bias"] + h[n] @ part["recurrent"].T
            z = z + h[n - 1] @ part["weight"].T if n else z
            (i, f, g, o), p = np.split(z, 4, 1), part["peepholes"]
            before = c[n]
            c[n] = sigmoid(f + p[1] * before) * before + sigmoid(i + p[0] * before) * np.tanh(g)
            h[n] = sigmoid(o + p[2] * c[n]) * np.tanh(c[n])
    return np.stack(bits, 1)


def exact_frequencies(network, text):
    """As trained and as adapted, (2, blocks, time, 256)."""
    network.start(len(text))
    told = []
    for byte in text.T:
        told.append(network.predict())
        network.observe(byte)
    return np.stack(told, 2)


@pytest.fixture(scope="module")
def text():
    return np.random.default_rng(2).integers(0, 256, (6, 40))


def test_the_integers_lose_less_than_half_a_per_cent(weights, text):
    frequencies = exact_frequencies(ExactNetwork(weights), text)[0]
    own = np.take_along_axis(frequencies, text[:, :, None], 2)[:, :, 0]
    bits = np.log2(frequencies.sum(2)) - np.log2(own)
    expected = reference_bits(weights, text)
    assert bits.sum() <= 1.005 * expected.sum()
    assert np.abs(bits - expected).max() < 0.1


def test_frequencies_are_whole_positive_and_bounded(weights, text):
    frequencies = exact_frequencies(ExactNetwork(weights), text)
    assert frequencies.dtype == np.int64
    assert frequencies.min() >= 1
    assert frequencies.sum(3).min() >= 2**16
    assert frequencies.sum(3).max() < 2**31


def test_any_grouping_of_blocks_gives_the_same_integers(weights, text):
    network = ExactNetwork(weights)
    together = exact_frequencies(network, text)
    assert (together[0, :, :8] == together[1, :, :8]).all()
    assert (together[0, :, 8:] != together[1, :, 8:]).any()
    for groups in ([1] * 6, [2, 4], [5, 1]):
        parts = np.split(text, np.cumsum(groups)[:-1])
        alone = np.concatenate([exact_frequencies(network, part)[0] for part in parts])
        assert (alone == together[0]).all()


def test_floats_give_the_same_integers_as_bytes(weights, text, monkeypatch):
    together = exact_frequencies(ExactNetwork(weights), text)
    monkeypatch.setattr(integer_matmul, "runtime_is_exact", lambda: False)
    assert (exact_frequencies(ExactNetwork(weights), text) == together).all()


DIGEST = """
import hashlib, sys, numpy as np
from nextstroke.compression.lm import integer_matmul as product
from nextstroke.compression.lm.exact_network import ExactNetwork
from tests.compression.conftest import random_weights
if sys.argv[1] == "floats":
    product.runtime_is_exact = lambda: False
network, digest = ExactNetwork(random_weights(cells=96)), hashlib.sha256()
network.start(24)
for step in range(40):
    digest.update(network.predict().tobytes())
    network.observe((np.arange(24) * 37 + step * 11) % 256)
print(digest.hexdigest())
"""


@pytest.mark.slow
def test_the_same_integers_on_other_processors_and_thread_counts():
    told = set()
    for core in ("Prescott", "Nehalem", "Haswell", "SkylakeX"):
        for way in ("floats", "bytes"):
            settings = {"OPENBLAS_CORETYPE": core, "OPENBLAS_NUM_THREADS": "2"}
            run = subprocess.run(
                [sys.executable, "-c", DIGEST, way], env=os.environ | settings, capture_output=True, text=True
            )
            if run.returncode == 0:  # a core this machine does not have stops with SIGILL
                told.add(run.stdout)
    assert len(told) == 1


def test_a_model_file_gives_the_network_back(weights, tmp_path):
    save_text_model(weights, tmp_path / "a.safetensors")
    half = {name: array.astype(np.float16) for name, array in weights.items()}
    assert load_text_model(str(tmp_path / "a.safetensors")).digest == ExactNetwork(half).digest
    assert load_text_model("none") is None


def test_what_is_no_model_is_refused(weights, tmp_path):
    (tmp_path / "a").write_bytes(b"not a model")
    with pytest.raises(CorruptFile, match="not a text model"):
        load_text_model(str(tmp_path / "a"))
    with pytest.raises(BadInput, match="no such model file"):
        load_text_model(str(tmp_path / "b"))
    with pytest.raises(CorruptFile, match="missing or misshapen"):
        save_text_model({name: array for name, array in weights.items() if name != "layers.1.bias"}, tmp_path / "c")
    with pytest.raises(CorruptFile, match="not finite"):
        ExactNetwork(weights | {"layers.0.recurrent": np.full((96, 24), np.nan)})
    assert not (tmp_path / "c").exists()


def test_the_numbers_that_archives_rest_on_are_the_same_everywhere(text):
    """A change of these is a new version, as one of the golden archive."""
    frequencies = exact_frequencies(ExactNetwork(counted_weights()), text)
    assert hashlib.sha256(frequencies.astype("<i8").tobytes()).hexdigest()[:16] == "56bf7fb4901f81de"


def test_another_weight_is_another_digest(weights):
    assert ExactNetwork(weights).digest != ExactNetwork(random_weights(seed=6)).digest
