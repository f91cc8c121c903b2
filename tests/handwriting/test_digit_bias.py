import numpy as np
import pytest

from nextstroke.alphabet import Alphabet
from nextstroke.handwriting.sampler import DigitBias

ALPHABET = Alphabet("a1b2")


def ids(text):
    return ALPHABET.encode(text)


def test_the_bias_is_three_times_as_large_on_a_digit_and_grows_with_the_windows_share_on_it():
    digit_bias = DigitBias(ALPHABET, [ids("a1b2"), ids("ab"), ids("1")])
    phi = np.array([[0.5, 0.25, 0, 0.25, 0], [0.1, 0.9, 7, 7, 7], [0.3, 0, 0, 0, 0]], np.float32)
    biases = digit_bias(np.array([0.5, 0.5, 0.5]), phi, np.array([0, 1, 2]))
    assert biases == pytest.approx([1.0, 0.5, 1.5])


def test_an_unbiased_line_and_a_window_on_nothing_stay_as_they_are():
    digit_bias = DigitBias(ALPHABET, [ids("12")])
    assert digit_bias(np.zeros(1), np.ones((1, 3), np.float32), np.array([0])) == 0
    assert digit_bias(np.ones(1), np.zeros((1, 3), np.float32), np.array([0])) == 1


def test_longer_lines_in_the_batch_change_no_bit():
    phi = np.random.default_rng(3).random(30, np.float32)
    text = ids("a1b2ab12aab")
    alone = DigitBias(ALPHABET, [text])(np.array([0.75]), phi[None, :12], np.array([0]))
    together = DigitBias(ALPHABET, [np.tile(text, 2)[:20], np.tile(text, 3)[:29], text])
    assert together(np.array([0.75]), phi[None], np.array([2])) == alone


def test_the_papers_alphabet_has_no_digits():
    alphabet = Alphabet.paper()
    digit_bias = DigitBias(alphabet, [alphabet.encode("a1;")])
    assert digit_bias(np.ones(1), np.ones((1, 4), np.float32), np.array([0])) == 1
