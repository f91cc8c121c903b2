import numpy as np

from nextstroke.codec.gates import ARGUMENT, REACH, VALUE, look_up, sigmoid_table, tanh_table
from nextstroke.codec.logistic import LIMIT, squash, squash_table, stretch_table


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


def test_gates_are_their_functions_to_the_last_place():
    x = np.arange(-REACH, REACH + 1) / 2**ARGUMENT
    for table, function in ((sigmoid_table(), 1 / (1 + np.exp(-x))), (tanh_table(), np.tanh(x))):
        assert np.abs(table - function).max() * 2**VALUE <= 0.5 + 1e-3


def test_arguments_beyond_the_tables_take_their_ends():
    far = np.array([-(2**30), -REACH - 1, -0.4, 0.4, REACH + 1, 2**30], np.float32)
    assert look_up(tanh_table(), far).tolist() == [-1, -1, 0, 0, 1, 1]
