import numpy as np
import pytest

from nextstroke.alphabet import Alphabet
from nextstroke.handwriting.sampler import CARE, Care

ALPHABET = Alphabet("a1b2")


def ids(text):
    return ALPHABET.encode(text)


def test_the_bias_grows_by_the_windows_share_on_digits():
    care = Care(ALPHABET, [ids("a1b2"), ids("ab")])
    phi = np.array([[0.5, 0.25, 0, 0.25, 0], [0.1, 0.9, 7, 7, 7]], np.float32)
    biases = care.biased(np.array([0.5, 0.5]), phi, np.array([0, 1]))
    assert biases == pytest.approx([0.5 * (1 + CARE / 2), 0.5])


def test_an_unbiased_line_and_a_window_on_nothing_stay_as_they_are():
    care = Care(ALPHABET, [ids("12")])
    assert care.biased(np.zeros(1), np.ones((1, 3), np.float32), np.array([0])) == 0
    assert care.biased(np.ones(1), np.zeros((1, 3), np.float32), np.array([0])) == 1


def test_longer_lines_beside_change_no_bit():
    phi = np.random.default_rng(3).random(30, np.float32)
    text = ids("a1b2ab12aab")
    alone = Care(ALPHABET, [text]).biased(np.array([0.75]), phi[None, :12], np.array([0]))
    beside = Care(ALPHABET, [np.tile(text, 2)[:20], np.tile(text, 3)[:29], text])
    assert beside.biased(np.array([0.75]), phi[None], np.array([2])) == alone


def test_the_papers_alphabet_has_no_digits_to_care_for():
    alphabet = Alphabet.paper()
    care = Care(alphabet, [alphabet.encode("a1;")])
    assert care.biased(np.ones(1), np.ones((1, 4), np.float32), np.array([0])) == 1
