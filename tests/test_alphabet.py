import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextstroke.alphabet import NON_LETTER, Alphabet
from nextstroke.errors import EmptyText, UnknownCharacters


def test_the_papers_alphabet_has_57_labels_and_takes_any_text():
    paper = Alphabet.paper()
    assert len(paper) == 57
    assert paper.decode(paper.encode("It's 42!")) == f"It's {NON_LETTER * 3}"


@given(st.text(min_size=1))
def test_text_survives_its_own_alphabet(text):
    alphabet = Alphabet.of([text])
    assert alphabet.decode(alphabet.encode(text)) == text
    assert list(alphabet.characters) == sorted(set(text))


def test_every_unknown_character_is_named_once():
    with pytest.raises(UnknownCharacters, match=r"'é' \(U\+00E9\), '\\n' \(U\+000A\);") as caught:
        Alphabet.of(["abc"]).encode("aéb\ncé")
    assert "'a'" not in str(caught.value)


def test_an_empty_text_has_no_ids():
    with pytest.raises(EmptyText):
        Alphabet.paper().encode("")
