import numpy as np
import pytest

from nextstroke.cli.main import main
from nextstroke.datasets.packed_text import TextCorpus, pack_text
from nextstroke.datasets.plain_text import BYTES
from nextstroke.errors import WrongModel
from nextstroke.paper import text_claims
from nextstroke.paper.claims import CONFIRMED, DENIED, OPEN, check_texts
from nextstroke.paper.text_claims import HEADS, KINDS, TextComparison, Traits, measure, rows
from nextstroke.runtime.model_file import load_model

PAGE = """  <page>
    <title>Caf\u00e9</title>
      <text xml:space="preserve">A '''caf\u00e9''' (or [[coffee house]]) is "a place" {{nice}}.
==Names==
The [[bar]] (in [[Italy]]) and the [http://a.b caf\u00e9].
</text>
  </page>
"""


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    """Pages of Wikipedia, as far as this test needs them."""
    path = tmp_path_factory.mktemp("text") / "pages.packed"
    pages = [np.frombuffer((PAGE * times).encode(), np.uint8) for times in (40, 12)]
    pack_text(path, "byte", BYTES, 10, {"train": [pages[0]], "validation": [pages[1]]})
    return path


@pytest.fixture(scope="module")
def model():
    return load_model("text", "text")


@pytest.fixture(scope="module")
def found(model, packed):
    return measure(model, TextCorpus.open(packed), 1, 1500)


def traits(**texts):
    vocabulary = {"real", "words", "are", "these"}
    return TextComparison(**{name: Traits.of(text, vocabulary) for name, text in texts.items()})


def test_the_real_text_is_all_words_and_pairs(found):
    assert found.real.words.real == 1
    assert all(found.real.pairs[kind].balance > 0.9 for kind in KINDS)


def test_a_trained_network_keeps_pairs_and_words_better_than_three_symbols(found):
    assert found.generated.pairs["[[ ]]"].balance > found.baseline.pairs["[[ ]]"].balance
    assert found.generated.words.invented


def test_a_sample_begins_as_a_page_and_has_its_length(model):
    text, again, other = (text_claims.continued(model, text_claims.PRIME, 60, seed) for seed in (1, 1, 2))
    assert text.startswith(text_claims.PRIME)
    assert len(text.encode()) >= len(text_claims.PRIME) + 58
    assert text == again != other


def test_every_row_has_a_cell_for_each_head(found):
    assert [row[0] for row in rows(found)] == [*KINDS, "words that the training text has"]
    assert {len(row) for row in rows(found)} == {len(HEADS)}


REAL_TEXT, BROKEN = "real words (are these) " * 30, "gno (fru) gna) " * 30


@pytest.mark.parametrize(
    ("ours", "chance", "pairs", "spelling"),
    [
        ("real (words) are inventify " * 30, BROKEN, CONFIRMED, CONFIRMED),
        ("real words are these " * 30, BROKEN, OPEN, DENIED),
        (BROKEN, "real (words) " * 30, DENIED, DENIED),
        ("", BROKEN, OPEN, OPEN),
    ],
    ids=["as a real one", "nothing to judge, nothing invented", "worse", "empty"],
)
def test_claims_are_judged_against_the_baseline(ours, chance, pairs, spelling):
    first, second = check_texts(traits(real=REAL_TEXT, generated=ours, baseline=chance))
    assert (first.verdict, second.verdict) == (pairs, spelling)
    assert second.evidence


def test_without_a_text_the_claims_are_open():
    assert [claim.verdict for claim in check_texts(None)] == [OPEN, OPEN]


@pytest.mark.parametrize("symbols", [list("ab"), BYTES[::-1]], ids=["letters", "bytes in another order"])
def test_a_text_of_other_symbols_is_refused(model, tmp_path, symbols):
    path = tmp_path / "other"
    pack_text(path, "byte", symbols, 0, {name: [np.array([0, 1])] for name in ("train", "validation")})
    with pytest.raises(WrongModel, match="of bytes"):
        measure(model, TextCorpus.open(path), 1, 10)


def test_samples_are_reported_without_any_ink(packed, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(text_claims, "LENGTH", 400)
    assert main(["reproduce", "samples", "--text", str(packed)]) == 0
    report, tables = ((tmp_path / "reproduction" / name).read_text("utf-8") for name in ("report.html", "tables.md"))
    assert "three symbols" in report
    assert "All lines called real" not in report
    assert capsys.readouterr().err == ""
    assert "| [[ ]] |" in tables
    assert "balanced brackets" in tables
    assert main(["reproduce", "samples", "--text", "nowhere"]) == 3
    (told,) = capsys.readouterr().err.splitlines()
    assert told.startswith("nextstroke: nowhere: no packed text there;")
