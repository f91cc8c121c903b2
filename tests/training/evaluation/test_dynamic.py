import copy
import json
import math

import numpy as np
import pytest
import torch

from nextstroke.cli.main import main
from nextstroke.datasets.packed_text import TextCorpus, pack_text
from nextstroke.errors import BadInput, UsageError, WrongModel
from nextstroke.training.evaluation.dynamic import (
    LOSS_TOLERATED,
    TRIALS,
    DynamicEvalConfig,
    DynamicEvaluation,
    DynamicScorer,
    NormalisedRule,
    choose_rate,
    dynamic_bits,
    evaluate_dynamically,
    learned_weights,
    mean_squares,
    plain_rule,
)
from nextstroke.training.loop import Learner
from nextstroke.training.tasks.protocol import open_examples
from tests.training.conftest import corpus_of, tiny
from tests.training.tasks.test_text_task import SENTENCES, STREAMS, SYMBOLS, WITH_RESETS, slow_score, text_recipe
from tests.training.tasks.test_text_task import corpus as corpus  # a fixture

SEGMENT = 5


@pytest.fixture
def examples(corpus):
    return open_examples(STREAMS, corpus)[0]


@pytest.fixture
def network(examples):
    learner = Learner(STREAMS, examples)
    learner.run(lambda learner: None)
    return learner.average.eval()


def text_of(piece, times):
    return np.array([SYMBOLS.index(character) for character in piece * times])


def by_hand(network, sequences, move):
    """Segment by segment in float64 with autograd: nats before each step, and the weights at the end."""
    network, paid = copy.deepcopy(network).double(), 0.0
    for sequence in sequences:
        state = network.start(1)
        for begin in range(0, len(sequence), SEGMENT):
            before = [-1 if i == 0 else int(sequence[i - 1]) for i in range(begin, min(begin + SEGMENT, len(sequence)))]
            target = torch.from_numpy(sequence[begin : begin + SEGMENT].astype(np.int64))
            y, state = network(torch.tensor([before]), state)
            loss = -y[0].log_softmax(1).gather(1, target[:, None]).sum()
            paid += loss.item()
            network.zero_grad()
            loss.backward()
            state = tuple(type(part)(*(tensor.detach() for tensor in part)) for part in state)
            with torch.no_grad():
                move([weight for weight in network.parameters() if weight.numel()])
    return paid, network


@pytest.mark.parametrize("recipe", [STREAMS, WITH_RESETS, SENTENCES], ids=["streams", "resets", "sentences"])
def test_without_a_step_the_score_is_the_static_one(corpus, network, recipe):
    examples, _ = open_examples(recipe, corpus)
    evaluation = DynamicEvaluation(network, examples, DynamicEvalConfig(rate=0.0), recipe.training.chunk)
    scorer = evaluation.score(examples.validation, plain_rule, 0.0)
    nats, wrong = slow_score(network, examples)
    assert scorer.moving.tolist() == scorer.static.tolist()
    assert scorer.moving[0] == pytest.approx(nats, rel=1e-6)
    assert scorer.moving[1:].tolist() == [wrong, len(examples.validation)]


@pytest.mark.parametrize("recipe", [STREAMS, SENTENCES], ids=["streams", "sentences"])
def test_plain_steps_are_those_of_a_slow_loop_that_pays_first(corpus, network, recipe):
    examples, _ = open_examples(recipe, corpus)

    def move(weights):
        for weight in weights:
            weight -= 0.03 * weight.grad

    text = examples.validation[:120]
    scorer = DynamicEvaluation(network, examples, DynamicEvalConfig(), SEGMENT).score(text, plain_rule, 0.03)
    paid, moved = by_hand(network, examples.in_order(text), move)
    assert scorer.moving[0] == pytest.approx(paid, rel=1e-5)
    assert abs(scorer.moving[0] - scorer.static[0]) > 0.1
    for ours, theirs in zip(scorer.weights, learned_weights(moved), strict=True):
        assert torch.allclose(ours.double(), theirs, atol=1e-5)


def test_what_comes_later_changes_nothing_that_was_scored(network, examples):
    text, other = examples.validation[:20], examples.validation[:20].copy()
    other[-1] = (other[-1] + 1) % 5
    scores = [DynamicEvaluation(network, examples, DynamicEvalConfig(), 1) for _ in range(2)]
    first, second = (one.score(part, plain_rule, 0.1) for one, part in zip(scores, (text, other), strict=True))
    before = scores[0].score(text[:-1], plain_rule, 0.1).moving[0]
    # The last symbol's own price is all that differs: the prices of all symbols there could be add up to 1.
    prices = [first.moving[0] - before, second.moving[0] - before]
    for symbol in set(range(5)) - {int(text[-1]), int(other[-1])}:
        third = np.append(text[:-1], symbol)
        prices.append(scores[0].score(third, plain_rule, 0.1).moving[0] - before)
    assert sum(math.exp(-price) for price in prices) == pytest.approx(1, abs=1e-5)


def test_the_normalised_rule_is_that_of_krause_with_a_relative_epsilon():
    torch.manual_seed(0)
    trained = [torch.randn(3, 2).double(), torch.randn(4).double()]
    weights = [weight + torch.randn_like(weight) for weight in trained]
    gradients, squares = [torch.randn_like(w) for w in weights], [torch.rand_like(w) for w in weights]
    squares[1][0] = 1e4  # whose share of the way would be above 1
    roots = np.concatenate([square.sqrt().flatten().numpy() for square in squares])
    flat, home, slope = (np.concatenate([p.flatten().numpy() for p in ps]) for ps in (weights, trained, gradients))
    pull = np.minimum(roots / roots.mean() * 0.3, 1)
    wanted = flat - 0.7 * slope / (roots + 0.1 * roots.mean()) + pull * (home - flat)
    assert pull.max() == 1
    NormalisedRule(trained, squares, 0.3, 0.1)(weights, gradients, 0.7)
    assert np.concatenate([weight.flatten().numpy() for weight in weights]) == pytest.approx(wanted)


def test_statistics_are_mean_squares_over_segments(network, examples):
    seen = []
    sequences = [examples.train[:20], examples.train[100:117]]
    by_hand(network, sequences, lambda weights: seen.append([weight.grad**2 for weight in weights]))
    assert len(seen) == 4 + 4
    found = mean_squares(network, sequences, SEGMENT)
    for ours, *squares in zip(found, *seen, strict=True):
        assert torch.allclose(ours.double(), sum(squares) / 8, rtol=1e-4, atol=1e-9)


@pytest.mark.parametrize("recipe", [STREAMS, SENTENCES], ids=["streams", "sentences"])
def test_statistics_come_from_all_over_the_training_text(corpus, network, recipe):
    examples, _ = open_examples(recipe, corpus)
    sample = DynamicEvaluation(network, examples, DynamicEvalConfig(statistics=40), 1)._sample()
    places = [piece.ctypes.data - examples.train.ctypes.data for piece in sample]
    assert min(places) == 0
    assert max(places) > 0.8 * examples.train.nbytes
    assert len(places) == len(set(places))


@pytest.mark.parametrize(("rule", "rate"), [("sgd", 0.3), ("rms", 0.01)])
def test_a_text_that_repeats_itself_is_learned(network, examples, rule, rate):
    evaluation = DynamicEvaluation(network, examples, DynamicEvalConfig(rule, rate, statistics=40), SEGMENT)
    text = text_of("ab ab bc\n", 80)
    figures = evaluation.metrics(text, text[:0])
    assert figures["bits_per_character"] < 0.8 * figures["static_bits_per_character"]
    assert figures["error_percent"] < figures["static_error_percent"]
    assert figures["returns_to_the_trained_weights"] == 0


def test_the_network_given_stays_as_it_is(network, examples):
    before = copy.deepcopy(network.state_dict())
    evaluation = DynamicEvaluation(network, examples, DynamicEvalConfig(statistics=40), SEGMENT)
    scorer = evaluation.score(examples.validation, evaluation.rule(), 0.01)
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    assert not torch.equal(scorer.weights[-1], learned_weights(network)[-1])


@pytest.mark.parametrize("rate", [10.0, 1e30, 1e38])
def test_a_divergence_is_bounded_and_counted(network, examples, rate):
    text = np.tile(examples.validation, 5)
    scorer = DynamicEvaluation(network, examples, DynamicEvalConfig(), SEGMENT).score(text, plain_rule, rate)
    assert scorer.returns > 0
    assert scorer.rate == rate / 2**scorer.returns
    assert math.isfinite(scorer.moving[0])


def test_weights_that_are_no_numbers_are_never_scored_with(network, examples):
    def spoil(weights, gradients, rate):
        for weight in weights:
            weight.fill_(math.nan)

    scorer = DynamicScorer(network, spoil, 1.0)
    scorer.read(examples.validation[:50], SEGMENT)
    assert scorer.returns == 10
    assert scorer.moving[0] == pytest.approx(scorer.static[0], rel=1e-6)


def test_a_prediction_that_is_none_costs_what_the_trained_network_predicts(network, examples):
    def enlarge(weights, gradients, rate):
        weights[-1][0], weights[-1][1] = 3e38, -3e38  # finite, but their difference is not

    scorer = DynamicScorer(network, enlarge, 1.0)
    scorer.read(examples.validation[:50], SEGMENT)
    assert scorer.returns == 0
    assert scorer.moving[0] == pytest.approx(scorer.static[0], rel=1e-6)


def test_a_return_is_made_as_soon_as_the_bound_is_passed(network, examples):
    scorer = DynamicScorer(network, plain_rule, 1.0)
    scorer.lost = LOSS_TOLERATED + 1e6
    scorer.read(examples.validation[:SEGMENT], SEGMENT)
    assert (scorer.returns, scorer.rate, scorer.lost) == (1, 0.5, 0.0)
    assert all(torch.equal(*pair) for pair in zip(scorer.weights, learned_weights(network), strict=True))


@pytest.mark.parametrize("best", [1e-3, 1e-1, 3e-5])
def test_the_rate_is_climbed_to_from_either_side(best):
    tried = []

    def bits(rate):
        tried.append(rate)
        return abs(math.log(rate / best))

    assert abs(math.log(choose_rate(bits, 1e-3) / best)) <= math.log(3) / 2
    assert len(tried) == len(set(tried)) <= TRIALS


def test_rates_that_all_diverge_end_the_search():
    assert choose_rate(lambda rate: math.nan, 1e-3) == 1e-3


def test_a_rate_is_chosen_on_what_is_not_scored(run, corpus):
    folder = run(STREAMS, corpus=corpus).parent
    whole = len(TextCorpus.open(corpus).split("validation"))
    assert (
        evaluate_dynamically(folder, corpus, "validation", DynamicEvalConfig("sgd", choose=20))["symbols"] == whole - 20
    )
    assert evaluate_dynamically(folder, corpus, "train", DynamicEvalConfig("sgd", choose=20), 30)["symbols"] == 30
    assert evaluate_dynamically(folder, corpus, "validation", DynamicEvalConfig("sgd", 1e-3))["symbols"] == whole
    with pytest.raises(BadInput, match="to choose a rate on"):
        evaluate_dynamically(folder, corpus, "validation", DynamicEvalConfig("sgd"))


def test_the_command_line_scores_a_run_and_leaves_it_alone(run, corpus, capsys):
    checkpoint = run(text_recipe({"reset": 3}, updates=60), corpus=corpus)
    before = checkpoint.read_bytes()
    line = ["evaluate", str(checkpoint.parent), "--corpus", str(corpus), "--json"]
    assert main([*line, "--dynamic", "--rule", "sgd", "--rate", "0.01"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert checkpoint.read_bytes() == before
    assert main(line) == 0
    static = json.loads(capsys.readouterr().out)["bits_per_character"]
    assert figures["static_bits_per_character"] == pytest.approx(static, rel=1e-6)
    assert figures["rate"] == 0.01
    assert main([*line, "--dynamic", "--rate", "1e9", "--rule", "sgd"]) == 0
    assert "returned to the trained weights" in capsys.readouterr().err


def test_surprises_of_several_texts_are_each_from_the_trained_weights_on(run, corpus, examples):
    folder = run(STREAMS, corpus=corpus).parent
    texts, how = [examples.validation[:40], examples.validation[40:65]], DynamicEvalConfig("sgd", 0.05)
    both = dynamic_bits(folder, corpus, texts, how)
    (second,) = dynamic_bits(folder, corpus, texts[1:], how)
    assert [len(bits) for bits in both] == [40, 25]
    assert both[1].tolist() == second.tolist()
    figures = evaluate_dynamically(folder, corpus, "validation", how, 40)
    assert both[0].mean() == pytest.approx(figures["bits_per_character"])


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        ("--rate 1", 2, "--rate needs --dynamic"),
        ("--dynamic --temperature 1.1", 2, "--temperature cannot be used with --dynamic"),
        ("--temperature 0", 2, "temperature 0.0: give a number above 0"),
        ("--temperature nan", 2, "temperature nan: give a number above 0"),
        ("--dynamic --every 2", 2, "--every cannot be used with --dynamic"),
        ("--dynamic --rate nan", 2, "rate nan: give"),
        ("--dynamic --rate -1", 2, "rate -1.0: give"),
        ("--dynamic --rule adam", 2, "rule 'adam': give sgd or rms"),
        ("--dynamic --decay 2", 2, "decay 2.0: give"),
        ("--dynamic --epsilon 0", 2, "epsilon 0.0: give"),
        ("--dynamic --segment 0", 2, "segment 0: give"),
        ("--dynamic --choose 0", 2, "choose 0: give"),
        ("--dynamic --symbols 0", 2, "symbols 0: give"),
        ("--dynamic --on moon", 3, "no split 'moon'"),
        ("--dynamic", 3, "20000 symbols to choose a rate on"),
    ],
)
def test_invalid_options_are_refused_in_one_line(run, corpus, capsys, options, code, says):
    folder = run(text_recipe(updates=1), corpus=corpus).parent
    capsys.readouterr()
    assert main(["evaluate", str(folder), "--corpus", str(corpus), *options.split()]) == code
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert says in err


def test_a_network_of_ink_and_a_text_of_other_symbols_are_refused(run, corpus, tmp_path):
    corpus_of().save(tmp_path / "ink.packed")
    ink = run(tiny(updates=1), "ink", corpus=tmp_path / "ink.packed").parent
    with pytest.raises(UsageError, match="is a writer"):
        evaluate_dynamically(ink, corpus, "validation", DynamicEvalConfig())
    other = tmp_path / "other.text"
    pack_text(other, "character", list("vwxyz"), 4, {name: [np.arange(5)] for name in ("train", "validation")})
    with pytest.raises(WrongModel, match="not those that the network learned"):
        evaluate_dynamically(run(STREAMS, corpus=corpus).parent, other, "validation", DynamicEvalConfig())
