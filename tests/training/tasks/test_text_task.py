import math

import numpy as np
import pytest
import torch

from nextstroke.config import Data, Network, Recipe, Training
from nextstroke.datasets.packed_text import TextCorpus, pack_text
from nextstroke.errors import BadInput, Stopped, WrongModel
from nextstroke.training.checkpoint import load_checkpoint, write_checkpoint
from nextstroke.training.evaluation.runs import evaluate_run, open_run
from nextstroke.training.loop import Learner
from nextstroke.training.tasks.protocol import open_examples
from nextstroke.training.tasks.text_task import NULL, SymbolBatch, make_text
from tests.training.conftest import stopper
from tests.training.test_distributed import ask_parent_to_stop
from tests.training.test_loop import losses_of_team
from tests.training.test_run import same_state

SYMBOLS = ["a", "b", "c", " ", "\n"]


def text_recipe(data=None, vector=None, **training):
    """A text recipe that learns in milliseconds, dropout on."""
    habits = {"batch": 2, "chunk": 5, "learning_rate": 0.01, "updates": 12, "average_decay": 0.9, "norm_clip": 1.0}
    splits = {"train": ["train"], "validation": ["validation"]}
    return Recipe(
        kind="text",
        data=Data(**{**splits, **(data or {})}),
        network=Network(layers=2, cells=8, dropout=0.1, derivative_clip=1.0, vector=vector),
        training=Training(**{**habits, "evaluate_lines_every": 1, **training}),
    )


STREAMS = text_recipe()
WITH_RESETS = text_recipe({"reset": 3})
SENTENCES = text_recipe({"sequences": "sentences"}, chunk=None)
PAPER = text_recipe({"reset": 2}, optimiser="sgd", momentum=0.9, learning_rate=1e-3, loss="sum")
NOISY = text_recipe({"sequences": "sentences"}, chunk=None, loss="sum", noise="adaptive", noise_sigma=0.01)
TIED = text_recipe(vector=6, noise="drop")
TAUGHT = text_recipe({"train": ["taught"]})
TAUGHT_SENTENCES = text_recipe({"train": ["taught"], "sequences": "sentences"}, chunk=None)
KINDS = pytest.mark.parametrize(
    "recipe",
    [STREAMS, WITH_RESETS, SENTENCES, PAPER, NOISY, TIED, TAUGHT, TAUGHT_SENTENCES],
    ids=["streams", "resets", "sentences", "paper", "adaptive noise", "tied", "taught", "taught sentences"],
)


@pytest.fixture
def corpus(tmp_path):
    """Words of two letters that the second letter follows from the first, in short lines."""
    rng, path = np.random.default_rng(0), tmp_path / "tiny.text"
    pairs = ["ab", "bc", "ca"]
    lines = [" ".join(pairs[i] for i in rng.integers(0, 3, rng.integers(1, 5))) + "\n" for _ in range(60)]
    numbers = np.array([SYMBOLS.index(character) for character in "".join(lines)])
    train, validation = [numbers[:400]], [numbers[400:]]
    parts = {"train": train, "validation": validation, "taught": train}
    pack_text(path, "character", SYMBOLS, 4, parts, {"taught": [expectation(numbers[:400])]})
    return path


def expectation(text):
    """What a teacher might expect: what comes, and something of all else."""
    return 0.8 * np.eye(len(SYMBOLS))[text] + 0.2 * np.random.default_rng(1).dirichlet(np.ones(5), len(text))


@KINDS
@pytest.mark.parametrize("update", [1, 7])
def test_stopped_and_resumed_is_as_if_never_stopped(run, corpus, recipe, update):
    with pytest.raises(Stopped):
        run(recipe, "stopped", report=stopper(update), corpus=corpus)
    same_state(run(recipe, "stopped", resume=True, corpus=corpus), run(recipe, "whole", corpus=corpus))


@pytest.mark.slow
def test_two_workers_stopped_and_resumed_are_as_if_never_stopped(run, corpus):
    recipe = text_recipe(workers=2)
    with pytest.raises(Stopped):
        run(recipe, "stopped", report=ask_parent_to_stop, corpus=corpus)
    same_state(run(recipe, "stopped", resume=True, corpus=corpus), run(recipe, "whole", corpus=corpus))


def test_a_checkpoint_holds_the_state_of_streams_that_go_on_and_of_no_others(run, corpus):
    for name, recipe, carried in (("streams", STREAMS, 4), ("sentences", SENTENCES, 0), ("resets", WITH_RESETS, 0)):
        tensors, _ = load_checkpoint(run(recipe, name, corpus=corpus))
        names = [tensor for tensor in tensors if tensor.startswith("carried.")]
        assert len(names) == carried
        assert all(tensors[tensor].shape == (2, 8) for tensor in names)


@pytest.mark.parametrize(
    "change",
    [
        lambda tensors: tensors.pop("carried.0.h"),
        lambda tensors: tensors.update({"carried.0.h": torch.ones(2, 9)}),
        lambda tensors: tensors.update({"carried.0.h": torch.ones(2, 8, dtype=torch.int64)}),
    ],
)
def test_a_state_that_does_not_fit_is_refused(run, corpus, change):
    path = run(STREAMS, corpus=corpus)
    tensors, about = load_checkpoint(path)
    change(tensors)
    write_checkpoint(path, tensors, about)
    with pytest.raises(WrongModel, match=r"the state of 0\.h does not fit"):
        run(text_recipe(updates=14), resume=True, corpus=corpus)


def test_resuming_with_another_number_of_streams_is_refused(run, corpus):
    run(STREAMS, corpus=corpus)
    with pytest.raises(WrongModel, match="the state of 2 lines, a batch has 4 now"):
        run(text_recipe(updates=14, batch=4), resume=True, corpus=corpus)


@KINDS
def test_several_workers_are_one_with_the_joined_batch(corpus, recipe):
    quiet = recipe.network.model_copy(update={"dropout": 0.0})
    recipe = recipe.model_copy(update={"network": quiet})
    joined = recipe.model_copy(update={"training": recipe.training.model_copy(update={"batch": 4})})
    examples, _ = open_examples(recipe, corpus)
    assert losses_of_team(recipe, examples, 2) == pytest.approx(losses_of_team(joined, examples, 1), rel=1e-6)


@pytest.mark.parametrize("reset", [None, 2])
def test_streams_show_every_symbol_once_in_order_with_the_one_before(corpus, reset):
    recipe = text_recipe({"reset": reset or "none"})
    examples = make_text(TextCorpus.open(corpus), recipe)
    batches = examples.batches(3, recipe, 0)
    seen = [examples.read(chosen, recipe, 0, i) for i, chosen in enumerate(batches)]
    target = np.concatenate([batch.target for batch in seen], 1)
    span = 5 * (reset or 1)
    for stream in range(3):
        begin = stream * (400 // 3)
        assert target[stream].tolist() == examples.train[begin : begin + 400 // 3 // span * span].tolist()
    for i, batch in enumerate(seen):
        assert batch.fresh == (reset is not None or i == 0)
        assert (batch.x[:, 1:] == batch.target[:, :-1]).all()
        assert ((batch.x[:, 0] == -1) if batch.fresh else (batch.x[:, 0] == seen[i - 1].target[:, -1])).all()


def test_sentences_end_with_their_end_and_begin_with_nothing(corpus):
    examples = make_text(TextCorpus.open(corpus), SENTENCES)
    seen = []
    for i, chosen in enumerate(examples.batches(2, SENTENCES, 0)):
        batch = examples.read(chosen, SENTENCES, 0, i)
        for x, target in zip(batch.x, batch.target, strict=True):
            whole = target[target >= 0]
            assert x[0] == -1
            assert (whole[:-1] != 4).all()
            seen.append(tuple(whole))
    text = "".join(SYMBOLS[i] for i in examples.train)
    sentences = [tuple(SYMBOLS.index(c) for c in line) for line in text.splitlines(keepends=True)]
    assert len(set(seen) - set(sentences)) == 0
    assert len(seen) >= len(sentences) - 1


def slow_score(network, examples):
    """Symbol by symbol, as the definition says."""
    text, state, log_loss, wrong, x = examples.validation, network.start(1), 0.0, 0, -1
    for i, symbol in enumerate(text.tolist()):
        if examples.resets and i % examples.span == 0:
            x, state = -1, network.start(1)
        with torch.no_grad():
            y, state = network(torch.tensor([[x]]), state)
        log_loss -= float(y[0, 0].double().log_softmax(0)[symbol])
        wrong += int(y[0, 0].argmax()) != symbol
        x = -1 if examples.sentences and symbol == 4 else symbol
        state = network.start(1) if examples.sentences and symbol == 4 else state
    return log_loss, wrong


@pytest.mark.parametrize("recipe", [WITH_RESETS, SENTENCES], ids=["resets", "sentences"])
def test_the_score_is_that_of_one_symbol_at_a_time(corpus, recipe):
    examples, _ = open_examples(recipe, corpus)
    learner = Learner(recipe, examples)
    learner.run(lambda learner: None)
    network = learner.average.eval()
    score, (log_loss, wrong) = examples.score(network), slow_score(network, examples)
    assert score.log_loss == pytest.approx(log_loss, rel=1e-6)
    assert score.wrong == wrong
    text = "".join(SYMBOLS[i] for i in examples.validation)
    words = len(text.split()) + text.count("\n")
    assert score.symbols == len(text)
    figures = score.metrics()
    assert figures["bits_per_character"] == pytest.approx(log_loss / len(text) / math.log(2), rel=1e-6)
    assert figures["perplexity_with_ends"] == pytest.approx(math.exp(log_loss / words), rel=1e-6)
    assert figures["perplexity_of_the_paper"] == pytest.approx(2 ** (5.6 * figures["bits_per_character"]))
    assert figures["error_percent"] == pytest.approx(100 * wrong / len(text))


@KINDS
def test_a_part_of_the_score_comes_from_all_over_the_text(corpus, recipe):
    examples, _ = open_examples(recipe, corpus)
    whole, part = (np.concatenate(examples._pieces(every)) for every in (1, 3))
    assert sorted(whole) == sorted(examples.validation)
    assert len(whole) / 5 < len(part) < len(whole) / 2
    places = [examples.validation.ctypes.data, *(piece.ctypes.data for piece in examples._pieces(3))]
    assert max(places) - places[0] > 0.6 * examples.validation.nbytes
    network = Learner(recipe, examples).network
    assert examples.score(network, 3).symbols == len(part)


def test_bits_per_character_of_words_count_their_letters(tmp_path):
    sentence = [np.array([2, 1, 0])]
    parts = {"train": sentence, "validation": sentence}
    pack_text(tmp_path / "w", "word", ["<eos>", "cat", "a"], 0, parts)
    examples = make_text(TextCorpus.open(tmp_path / "w"), SENTENCES)
    assert examples.characters(examples.validation) == len("a cat\n")


def test_what_is_learned_shows(run, corpus):
    path = run(text_recipe(updates=150), corpus=corpus)
    figures = evaluate_run(path.parent, corpus)
    assert figures["bits_per_character"] < 0.75 * math.log2(5)
    assert evaluate_run(path.parent, corpus, "train")["bits_per_character"] < 0.75 * math.log2(5)


@pytest.mark.parametrize("vector", [None, 4])
def test_a_temperature_divides_the_logits(run, corpus, vector):
    path = run(text_recipe(vector=vector, updates=20), corpus=corpus)
    examples, (trained, *_) = open_examples(text_recipe(), corpus)[0], open_run(path.parent)
    x = torch.tensor([[NULL, 0, 1, 2, 3]])
    expected = trained(x, trained.start(1))[0] / 1.5
    trained.apply_temperature(1.5)
    torch.testing.assert_close(trained(x, trained.start(1))[0], expected)
    figures = evaluate_run(path.parent, corpus, temperature=1.5)
    assert figures["bits_per_character"] == pytest.approx(examples.score(trained).metrics()["bits_per_character"])
    assert figures["bits_per_character"] != evaluate_run(path.parent, corpus)["bits_per_character"]


@pytest.mark.parametrize(
    ("recipe", "message"),
    [(text_recipe(batch=100), "400 symbols are too few"), (text_recipe(chunk=None), "training.chunk")],
)
def test_too_little_text_and_streams_without_segments_are_refused(run, corpus, recipe, message):
    with pytest.raises(BadInput, match=message):
        run(recipe, corpus=corpus)


def test_a_batch_pads_shorter_sequences():
    batch = SymbolBatch.of([np.array([1, 2, 3]), np.array([4])])
    assert batch.x.tolist() == [[-1, 1, 2], [-1, 4, -1]]
    assert batch.target.tolist() == [[1, 2, 3], [4, -1, -1]]


def test_a_taught_network_learns_what_its_teacher_expects_and_not_what_comes(run, corpus, tmp_path):
    text = np.asarray(TextCorpus.open(corpus).split("train"))
    validation = [np.asarray(TextCorpus.open(corpus).split("validation"))]
    other = np.tile([0.1, 0.2, 0.3, 0.15, 0.25], (len(text), 1))
    path = tmp_path / "taught.text"
    parts = {"taught": [text], "validation": validation}
    pack_text(path, "character", SYMBOLS, 4, parts, {"taught": [other]})
    run(text_recipe({"train": ["taught"]}, updates=200, chunk=20, learning_rate=0.02), corpus=path)
    network = open_run(path.parent / "run")[0]
    y, _ = network(torch.tensor([[0, 1, 3, 1, 2]]), network.start(1))
    torch.testing.assert_close(y.softmax(2)[0], torch.tensor(other[:5]).float(), atol=0.05, rtol=0)


def test_a_taught_batch_shows_what_is_expected_of_each_symbol(corpus):
    examples = make_text(TextCorpus.open(corpus), TAUGHT_SENTENCES)
    chosen = examples.batches(3, TAUGHT_SENTENCES, 0)[0]
    batch = examples.read(chosen, TAUGHT_SENTENCES, 0, 0).padded(8, 1)
    for row, (begin, end) in enumerate(chosen):
        size = end - begin
        np.testing.assert_array_equal(batch.expected[row, :size], examples.expected[begin:end])
        assert not batch.expected[row, size:].any()


def test_a_taught_network_is_scored_on_a_text_that_no_teacher_read(run, corpus, tmp_path):
    path = run(TAUGHT, corpus=corpus)
    text = TextCorpus.open(corpus)
    pack_text(tmp_path / "plain", "character", SYMBOLS, 4, {"test": [np.asarray(text.split("validation"))]})
    assert evaluate_run(path.parent, tmp_path / "plain", "test") == evaluate_run(path.parent, corpus)


def test_a_text_that_a_teacher_read_is_learned_from_alone(run, corpus):
    with pytest.raises(BadInput, match="'taught' was read by a teacher"):
        run(text_recipe({"train": ["train", "taught"]}), corpus=corpus)
