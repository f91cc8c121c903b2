import numpy as np

from nextstroke.compression.lm.activations import FAR, sigmoid, tanh
from nextstroke.compression.mixing.mixer import LIMIT, squash, squash_table, stretch_table


def test_squash_is_the_logistic_function():
    x = np.arange(-LIMIT, LIMIT + 1) / 256
    assert np.abs(squash_table() - 65536 / (1 + np.exp(-x))).max() <= 0.5 + 1e-9
    assert squash(np.array([-(10**9), 0, 10**9])).tolist() == [1, 32768, 65535]


def test_stretch_undoes_squash():
    p = np.arange(1, 65536)
    back = squash(stretch_table()[p])
    # Next to the middle one step of the logit is 64 of the probability.
    assert (back >= p).all()
    assert ((back - p) <= 64).all()
    assert (stretch_table()[squash_table()] <= np.arange(-LIMIT, LIMIT + 1)).all()


def test_gates_are_their_functions_to_four_places():
    x = np.linspace(-15, 15, 300_001).astype(np.float32)
    for gate, function in ((sigmoid, 1 / (1 + np.exp(-x.astype(float)))), (tanh, np.tanh(x.astype(float)))):
        assert gate(x).dtype == np.float32
        assert np.abs(gate(x) - function).max() <= 1e-4
        assert (np.diff(gate(x[::100])) >= 0).all()


def test_gates_stay_within_their_ends_however_far():
    far = np.array([-np.inf, -(2.0**120), -FAR, 0, FAR, 2.0**120, np.inf], np.float32)
    assert (np.abs(tanh(far)) <= 1).all()
    assert (tanh(far) == -tanh(far)[::-1]).all()
    assert (np.abs(sigmoid(far) - 0.5) <= 0.5).all()
    assert tanh(far)[-1] > 0.99999
