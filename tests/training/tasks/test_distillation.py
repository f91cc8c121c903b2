import numpy as np
import pytest
import torch

from nextstroke.config import Data, Network, Recipe, Training
from nextstroke.datasets.packed_text import TextCorpus, pack_text
from nextstroke.errors import WrongModel
from nextstroke.training.evaluation.runs import open_run
from nextstroke.training.tasks import distillation as module
from nextstroke.training.tasks.distillation import Teacher, teach

WORDS = ["<eos>", "cat", "dog", "sat", "cats", "a"]


@pytest.fixture
def words(tmp_path):
    rng, path = np.random.default_rng(0), tmp_path / "words.packed"
    sentences = [np.append(rng.integers(1, 6, rng.integers(1, 7)), 0) for _ in range(60)]
    text = np.concatenate(sentences)
    pack_text(path, "word", WORDS, 0, {"train": [text[:190]], "validation": [text[190:230]], "test": [text[190:210]]})
    return path


@pytest.fixture
def teaching(run, words):
    recipe = Recipe(
        kind="text",
        data=Data(train=["train"], validation=["validation"]),
        network=Network(layers=2, cells=8, vector=5, derivative_clip=1.0),
        training=Training(batch=2, chunk=5, learning_rate=0.02, updates=40),
    )
    return run(recipe, corpus=words).parent


def silent(done, total):
    pass


def slow_expectation(network, spelling, text):
    """The words one at a time, as one stream."""
    state, x, rows = network.start(1), -1, []
    for word in [*text, 0]:
        with torch.no_grad():
            y, state = network(torch.tensor([[x]]), state)
        rows.append(y[0, 0].softmax(0).numpy())
        x = int(word)
    chances = np.array(rows)
    asked = text != 0
    return spelling.expected(text[asked], chances[:-1][asked], chances[1:, 0][asked])


@pytest.mark.parametrize("piece", [7, 16, 500])
def test_what_is_expected_does_not_depend_on_the_pieces_it_is_worked_out_in(teaching, words, piece, monkeypatch):
    monkeypatch.setattr(module, "PIECE", piece)
    monkeypatch.setattr(module, "CONTEXT", 1000)  # all that stands in front, so that nothing is left out
    monkeypatch.setattr(module, "LINES", 3)
    monkeypatch.setattr(module, "STEPS", 4)
    text = TextCorpus.open(words).split("train")[:80].astype(np.int64)
    learned = Teacher(open_run(teaching)[0], TextCorpus.open(words))
    found = np.concatenate(list(learned.expected(text)))
    np.testing.assert_allclose(found, slow_expectation(learned.network, learned.spelling, text), atol=1e-5)


def test_with_little_context_only_what_stands_far_in_front_is_left_out(teaching, words, monkeypatch):
    monkeypatch.setattr(module, "PIECE", 6)
    monkeypatch.setattr(module, "CONTEXT", 3)
    text = TextCorpus.open(words).split("train")[:20].astype(np.int64)
    learned = Teacher(open_run(teaching)[0], TextCorpus.open(words))
    found, sizes = np.concatenate(list(learned.expected(text))), np.cumsum(learned.spelling.lengths(text))
    network, state = learned.network, learned.network.start(1)
    with torch.no_grad():  # the third piece begins with word 12, and was read from word 9 on, behind word 8
        y, _ = network(torch.tensor(text[None, 8:19].copy()), state)
    chances = y[0].softmax(1).numpy()
    asked = text[12:18] != 0
    expected = learned.spelling.expected(text[12:18][asked], chances[3:9][asked], chances[4:10, 0][asked])
    np.testing.assert_allclose(found[sizes[11] : sizes[17]], expected, atol=1e-5)


def test_a_taught_text_is_the_training_text_and_what_the_teacher_invents(teaching, words, tmp_path):
    told = []
    sizes = teach(
        teaching, words, tmp_path / "t.packed", invented=70, truth=0.25, seed=1, progress=lambda *at: told.append(at)
    )
    taught, source = TextCorpus.open(tmp_path / "t.packed"), TextCorpus.open(words)
    text = {name: "".join(taught.symbols[i] for i in numbers) for name, numbers in taught.splits.items()}
    expected = " ".join(WORDS[i] for i in source.split("train")).replace(" <eos> ", "\n").replace(" <eos>", "\n")
    assert text["train"] == expected + " " * (not expected.endswith("\n"))
    assert text["taught"].startswith(text["train"])
    made = text["taught"][len(text["train"]) :]
    assert 40 <= len(made.split()) <= 70
    assert set(made.split()) <= set(WORDS)
    assert told[-1] == (sizes["taught"], sizes["taught"])
    odds = taught.expected["taught"]
    assert odds.shape == (sizes["taught"], len(taught.symbols))
    np.testing.assert_allclose(odds.sum(1, dtype=float), 1, atol=2e-3)
    came = odds[np.arange(sizes["taught"]), taught.split("taught")]
    assert (came[: sizes["train"]] >= 0.2499).all()
    assert came[sizes["train"] :].min() < 0.25


def test_the_same_seed_invents_the_same_and_none_may_be_wanted(teaching, words, tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        teach(teaching, words, tmp_path / name, invented=50, truth=0.0, seed=seed, progress=silent)
    a, b, c = (TextCorpus.open(tmp_path / name).digest for name in "abc")
    assert a == b != c
    sizes = teach(teaching, words, tmp_path / "none", invented=0, truth=0.0, seed=1, progress=silent)
    assert sizes["taught"] == sizes["train"]


def test_only_a_network_over_these_words_teaches(teaching, words, tmp_path):
    text = TextCorpus.open(words).split("train")
    parts = {"train": [text], "validation": [text]}
    pack_text(tmp_path / "others", "word", ["<eos>", *"abcde"], 0, parts)
    pack_text(tmp_path / "characters", "character", WORDS, 0, parts)
    for name in ("others", "characters"):
        with pytest.raises(WrongModel, match="no network over the words"):
            teach(teaching, tmp_path / name, tmp_path / "t", 0, 0.0, 1, silent)
    assert not (tmp_path / "t").exists()
