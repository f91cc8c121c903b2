import re

import numpy as np
import pytest

from nextstroke.cli.main import main
from nextstroke.datasets.packed_text import pack_text
from nextstroke.datasets.plain_text import BYTES
from nextstroke.errors import BadInput
from nextstroke.paper import reproduce, text_pages
from nextstroke.paper.text_pages import SHADES, Shaded, generated_page, page_of_pairs, real_page, shaded, surprise
from nextstroke.runtime.model_file import load_model
from nextstroke.runtime.predictor import TextPredictor
from nextstroke.training.run import train
from tests.paper.test_text_claims import PAGE
from tests.paper.test_text_claims import packed as packed  # a fixture
from tests.training.conftest import silent
from tests.training.tasks.test_text_task import text_recipe


@pytest.fixture(scope="module")
def model():
    return load_model("text", "text")


def numbers(text):
    return np.frombuffer(text.encode(), np.uint8)


def page_of(length):
    return PAGE.replace("Italy", "Italy" + " and so on" * (length // 10))


def test_surprises_are_those_of_a_distribution_over_all_symbols(model):
    """The masses of all bytes that could stand at a place add up to 1, and a text costs the sum of its steps."""
    text = numbers("The town")
    ends = [surprise(model, np.append(text, symbol))[-1] for symbol in range(0, 256)]
    assert np.sum(0.5 ** np.array(ends)) == pytest.approx(1, abs=1e-6)
    predictor = TextPredictor(model)
    first = np.exp(predictor.y[0].astype(float))
    assert surprise(model, text)[0] == pytest.approx(-np.log2(first[text[0]] / first.sum()))


def test_what_is_foreseen_is_no_surprise(model):
    head = "  <page>\n    <title>A</title>\n    <id>12</id>\n    <revision>\n      <id>15898948</id>\n      <times"
    assert surprise(model, numbers(head + "tamp>"))[-5:].mean() < 0.2
    assert surprise(model, numbers(head + "iqxz>"))[-5:].mean() > 5


def test_characters_cost_what_their_bytes_cost():
    text = "a\u00e9\u6f22b"
    made = Shaded.of(numbers(text), np.array([1.0, 2, 3, 4, 5, 6, 7]))
    assert made.pieces == list(text)
    assert made.bits == [1, 5, 15, 7]


@pytest.mark.parametrize("broken", [b"ab\xc3", b"\xffab", b"a\xc3b"])
def test_bytes_that_are_no_text_lose_no_bits(broken):
    made = Shaded.of(np.frombuffer(broken, np.uint8), np.ones(3))
    assert sum(made.bits) == 3
    assert "".join(made.pieces) == broken.decode("utf-8", "replace")


def test_the_real_page_is_a_whole_one_of_fitting_length():
    pages = [page_of(length) for length in (100, 3000, 9000, 4000)]
    text = numbers("rest of one</text>\n  </page>\n" + "".join(pages))
    found = [real_page(text, number).tobytes().decode() for number in (1, 2, 3)]
    assert found == [pages[1], pages[3], pages[1]]
    with pytest.raises(BadInput, match="no page of Wikipedia of 2500 to 4500 bytes"):
        real_page(numbers(pages[0]), 1)


def test_the_generated_page_is_as_long_as_it_should(model):
    page = generated_page(model, 150, 3)
    assert len(page) == 150
    assert page.tobytes().startswith(text_pages.PRIME.encode())
    assert page.tobytes() == generated_page(model, 150, 3).tobytes() != generated_page(model, 150, 4).tobytes()


def test_a_page_shows_every_character_once_in_the_shade_of_its_bits():
    texts = [numbers("<a> & b"), numbers("cd\n\u00e9")]
    pair = shaded("so & so", texts, [np.array([0, 0, 20, 0, 0, 0, 3.1]), np.zeros(5)])
    made = page_of_pairs([pair], "by <us>")
    assert "by &lt;us&gt;" in made
    first, second = re.findall(r"<pre>(.*?)</pre>", made, re.DOTALL)
    assert re.sub(r"<[^>]*>", "", first) == "&lt;a&gt; &amp; b"
    assert re.findall(r'class="s(\d+)">([^<]*)', first) == [
        ("0", "&lt;a"),
        (str(SHADES - 1), "&gt;"),
        ("0", " &amp; "),
        ("3", "b"),
    ]
    assert second == '<span class="s0">cd\n\u00e9</span>'
    assert "2.89 bits a character" not in made
    assert f"{23.1 / 7:.2f} bits a character" in made


@pytest.fixture
def wikipedia(tmp_path):
    """A packed text with one page that is long enough."""
    path = tmp_path / "long.packed"
    pack_text(
        path, "byte", BYTES, 10, {name: [numbers(page_of(2600) + "end " * 2000)] for name in ("train", "validation")}
    )
    return path


def test_the_command_writes_one_file_that_needs_no_other(wikipedia, packed, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["reproduce", "pages", "--text", str(wikipedia)]) == 0
    assert capsys.readouterr().out.split()[0] == "reproduction/pages.html"
    made = (tmp_path / "reproduction" / "pages.html").read_text("utf-8")
    assert made.count("<pre>") == 2
    assert not re.search(r"""(src|href)=|@import|url\(""", made)
    assert main(["reproduce", "pages", "--text", str(packed)]) == 3
    assert "no page of Wikipedia" in capsys.readouterr().err


def test_with_a_training_the_pages_are_read_dynamically_too(packed, tmp_path, monkeypatch):
    train(text_recipe(updates=3), packed, tmp_path / "run", False, silent)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(text_pages, "LEAST", 200)
    monkeypatch.setattr(reproduce, "PAGE_DYNAMICS", {"rule": "sgd", "rate": 0.01, "segment": 100})
    assert main(["reproduce", "pages", "--text", str(packed), "--text-run", "run"]) == 0
    made = (tmp_path / "reproduction" / "pages.html").read_text("utf-8")
    assert made.count("<pre>") == 4
    assert "Dynamic" in made
