import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextstroke.datasets.spelling import WordSpelling

WORDS = ["an", "<eos>", "a", "and", "ant", "bee", "<unk>", "b"]
END = 1
SENTENCES = [["an", "ant", "and", "a", "bee"], ["<unk>", "a", "b"], ["b"]]


def numbers(sentences):
    return np.array([WORDS.index(word) for sentence in sentences for word in [*sentence, "<eos>"]])


TEXT = numbers(SENTENCES)
SPELLING = WordSpelling(WORDS, END, TEXT)


def test_each_word_is_spelt_with_a_blank_or_line_end_after_it():
    letters = SPELLING.characters(TEXT)
    assert "".join(SPELLING.symbols[i] for i in letters) == "an ant and a bee\n<unk> a b\nb\n"
    assert SPELLING.lengths(TEXT).sum() == len(letters)
    assert "".join(SPELLING.symbols[i] for i in SPELLING.characters(TEXT[:2])) == "an ant "


@given(st.lists(st.lists(st.sampled_from([w for w in WORDS if w != "<eos>"]), min_size=1), min_size=1))
def test_any_text_of_the_vocabulary_is_spelt_as_python_joins_it(sentences):
    letters = SPELLING.characters(numbers(sentences))
    expected = "".join(" ".join(sentence) + "\n" for sentence in sentences)
    assert "".join(SPELLING.symbols[i] for i in letters) == expected


def slow_expectation(chances, beginning, closing):
    """Each next character by all words that begin so; of the vocabulary without the end of a sentence."""
    found = dict.fromkeys(SPELLING.symbols, 0.0)
    for word, chance in zip(WORDS, chances, strict=True):
        if word != "<eos>" and word.startswith(beginning):
            rest = word[len(beginning) :]
            if rest:
                found[rest[0]] += chance
            else:
                found["\n"], found[" "] = closing * chance, (1 - closing) * chance
    total = sum(found.values())
    return [found[symbol] / total for symbol in SPELLING.symbols]


@pytest.mark.parametrize("seed", range(3))
def test_what_is_expected_of_a_character_is_the_sum_over_all_words_that_go_on_with_it(seed):
    rng = np.random.default_rng(seed)
    words = TEXT[TEXT != END]
    chances = rng.dirichlet(np.ones(len(WORDS)), len(words)).astype(np.float32)
    closing = rng.random(len(words))
    found = SPELLING.expected(words, chances, closing)
    place = 0
    for row, word in enumerate(words):
        for depth in range(len(WORDS[word]) + 1):
            whole = depth == len(WORDS[word])
            beginning = WORDS[word][:depth]
            share = closing[row] if whole else counted_closing(beginning)
            np.testing.assert_allclose(found[place], slow_expectation(chances[row], beginning, share), atol=1e-6)
            place += 1
    assert place == len(found)


def counted_closing(word):
    """How often a sentence ends behind a word, with two occurrences more as of all words."""
    pairs = [(a, b) for sentence in SENTENCES for a, b in zip(sentence, [*sentence[1:], "<eos>"], strict=True)]
    ending = len(SENTENCES) / (len(pairs) + len(SENTENCES))
    return (pairs.count((word, "<eos>")) + 2 * ending) / (sum(a == word for a, _ in pairs) + 2)


def test_a_word_that_is_impossible_is_spelt_with_numbers():
    chances = np.zeros((1, len(WORDS)), np.float32)
    chances[0, WORDS.index("bee")] = 1
    found = SPELLING.expected(np.array([WORDS.index("ant")]), chances, np.array([0.5]))
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found.sum(1), 1, atol=1e-6)
