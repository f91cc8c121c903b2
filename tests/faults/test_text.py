"""Groups 14, 15 and 18 of the faults: what a text model is primed with, and how many threads read it."""

import unicodedata

import pytest

from nextstroke.runtime.model_file import Model, find_model, load_model
from nextstroke.text.generate import Choice, Spelling, generate


@pytest.fixture(scope="module")
def model():
    return load_model("text", "text")


@pytest.mark.parametrize(
    "prime",
    [
        "",
        " ",
        "\ufeffBegin",
        "one\r\ntwo",
        "nul\0nul",
        "it\x92s",
        "😀",
        unicodedata.normalize("NFD", "Ångström"),
        "word " * 1000,
    ],
)
def test_any_text_is_a_prime(model, prime):
    spelling = Spelling(model)
    read = spelling.read(prime)
    assert bytes(read).decode() == prime
    assert len(list(generate(model, read, 5, Choice(top_k=1000), seed=1))) == 5


def test_a_text_is_the_same_for_any_number_of_threads():
    texts = []
    for threads in (1, 2, 4):
        model = Model(find_model("text"), threads)
        texts.append(list(generate(model, list(b"The history of "), 300, Choice(), seed=3)))
    assert texts[0] == texts[1] == texts[2]
