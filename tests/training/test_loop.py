import math
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from nextstroke.training.distributed import Team
from nextstroke.training.evaluation.handwriting import evaluate, letter_test, line_losses
from nextstroke.training.evaluation.metrics import InkScore
from nextstroke.training.loop import Learner, Progress
from nextstroke.training.optimisers import rate_at
from tests.training.conftest import tiny

QUIET = {"augment_scale": 0.0, "augment_shear": 0.0}


def nothing(learner):
    pass


@pytest.fixture(scope="module")
def learned():
    """A writer that has learned its few lines by heart, and those lines."""
    from nextstroke.training.tasks.ink_task import make_examples
    from tests.training.conftest import corpus_of

    torch.set_num_threads(1)
    recipe = tiny(
        network={"cells": 24, "dropout": 0.0, "init": "orthogonal", "forget_bias": 1.0},
        **QUIET,
        batch=8,
        chunk=None,
        updates=250,
        fall_share=0.5,
        learning_rate=0.02,
    )
    learner = Learner(recipe, make_examples(corpus_of(), recipe.data))
    before = learner.score()
    learner.run(nothing)
    return learner, before


def test_a_handful_of_lines_is_learned_by_heart(learned):
    learner, before = learned
    after = evaluate(learner.average, learner.examples.train, learner.examples.normalisation)
    assert before.nats_per_point > 2.5
    assert after.nats_per_point < -1.0
    assert after.squared_error_per_point < before.squared_error_per_point / 2


def test_a_trained_network_prefers_right_texts_to_wrong_ones(learned):
    learner, _ = learned
    share = letter_test(learner.average, learner.examples.validation, learner.examples.normalisation, [0, 1, 2])
    assert share > 0.7


def test_a_network_that_cannot_read_prefers_no_text(examples):
    network = Learner(tiny(), examples).network
    for weight in (network.layers[0].reading, network.layers[1].weight[:, 3:6]):
        weight.data.zero_()
    assert letter_test(network, examples.validation, examples.normalisation, [0, 1, 2]) == 0


def test_scores_are_sums_over_points_and_means_over_lines():
    score = InkScore(log_loss=-60.0, squared_error=30.0, points=120, lines=4)
    assert (score.nats_per_line, score.nats_per_point, score.squared_error_per_point) == (-15, -0.5, 0.25)


def test_lines_are_scored_alone_whatever_their_batch(examples):
    network, lines = Learner(tiny(), examples).network, examples.validation
    together, missed = line_losses(network, lines, examples.normalisation, batch=8)
    alone = [line_losses(network, [line], examples.normalisation) for line in lines]
    np.testing.assert_allclose(together, [loss[0] for loss, _ in alone], rtol=1e-5)
    np.testing.assert_allclose(missed, [error[0] for _, error in alone], rtol=1e-5)
    score = evaluate(network, lines, examples.normalisation)
    assert score.points == sum(len(line.offsets) for line in lines)
    assert score.nats_per_line == pytest.approx(together.mean(), rel=1e-5)


@pytest.mark.parametrize("learning", [True, False])
def test_scoring_is_without_dropout_and_leaves_the_mode(examples, learning):
    network = Learner(tiny(network={"dropout": 0.5}), examples).network.train(learning)
    once, again = (line_losses(network, examples.validation, examples.normalisation)[0] for _ in range(2))
    assert np.array_equal(once, again)
    assert network.training == learning


def after_one_batch(recipe, examples):
    learner = Learner(recipe, examples)
    learner.run(nothing)
    return learner


def test_padding_brings_no_loss(examples):
    """Two lines of unlike length side by side give the derivative that they give one by one."""
    short, long = examples.train[0], examples.train[5]
    assert len(short.offsets) < len(long.offsets)
    alike = tiny(
        **QUIET, chunk=None, updates=1, loss="sum", norm_clip=None, batch=2, average_decay=0.0, network={"dropout": 0.0}
    )
    together = first_gradient(alike, examples._replace(train=[short, long]))
    one, other = (first_gradient(alike, examples._replace(train=[line])) for line in (short, long))
    torch.testing.assert_close(together, (one + other) / 2, rtol=1e-4, atol=1e-5)


def first_gradient(recipe, examples):
    """The derivative by all weights of a training's first batch; no step is taken."""
    learner, seen = Learner(recipe, examples), []
    learner.optimiser.step = lambda: seen.append(
        torch.cat([weight.grad.flatten() for weight in learner.network.parameters()])
    )
    learner.run(nothing)
    return seen[0]


def test_state_is_carried_from_chunk_to_chunk(examples):
    """With a rate too small to move anything, the losses of the chunks add up to those of whole lines."""
    still = {**QUIET, "network": {"dropout": 0.0}, "batch": 8, "updates": 3, "learning_rate": 1e-12}
    learner, seen = Learner(tiny(**still, chunk=5), examples), []
    learner.progress.count_update = lambda loss, points: seen.append(loss)
    learner.learn_batch(np.arange(8))
    assert len(seen) == 3
    expected = evaluate(learner.network, examples.train, examples.normalisation).log_loss
    assert sum(seen) == pytest.approx(expected, rel=1e-5)


def test_mean_and_sum_differ_by_the_points_of_a_line(examples):
    one_line = examples._replace(train=examples.train[:1])
    recipe = {**QUIET, "chunk": None, "updates": 1, "norm_clip": None, "batch": 1}
    summed, mean = (first_gradient(tiny(**recipe, loss=loss), one_line) for loss in ("sum", "mean"))
    torch.testing.assert_close(summed, mean * len(one_line.train[0].offsets))


def test_the_norm_is_clipped(examples):
    gradient = first_gradient(tiny(chunk=None, updates=1, norm_clip=1e-3), examples)
    assert gradient.norm().item() == pytest.approx(1e-3, rel=1e-3)


class ThreadTeam(Team):
    """A team of threads; sums by handing the tensors round."""

    def __init__(self, rank, table, barrier):
        super().__init__(rank, barrier.parties)
        object.__setattr__(self, "table", table)
        object.__setattr__(self, "barrier", barrier)

    def sum(self, tensors):
        tensors = list(tensors)
        self.table[self.rank] = [tensor.clone() for tensor in tensors]
        self.barrier.wait(60)
        for i, tensor in enumerate(tensors):
            tensor.copy_(sum(self.table[rank][i] for rank in range(self.size)))
        self.barrier.wait(60)


def losses_of(learner):
    """The summed loss of each update, learning beside it."""
    seen, count = [], learner.progress.count_update
    learner.progress.count_update = lambda loss, points: (seen.append(loss), count(loss, points))
    learner.run(nothing)
    return seen


def losses_of_team(recipe, examples, workers):
    """The losses that every one of several workers has seen."""
    table, barrier = {}, threading.Barrier(workers)
    learners = [Learner(recipe, examples, ThreadTeam(rank, table, barrier)) for rank in range(workers)]
    with ThreadPoolExecutor(workers) as pool:
        first, *others = pool.map(losses_of, learners)
    assert all(other == first for other in others)
    return first


@pytest.mark.parametrize("loss", ["mean", "sum"])
@pytest.mark.parametrize(("workers", "accumulate"), [(1, 4), (2, 2)])
def test_accumulated_batches_are_those_of_several_workers(examples, loss, workers, accumulate):
    """With lines of unlike length in several chunks; with dropout, which threads would share: test_distributed."""
    alike = {"network": {"dropout": 0.0}, "batch": 2, "loss": loss, "updates": 12}
    expected = losses_of_team(tiny(**alike), examples, 4)
    seen = losses_of_team(tiny(**alike, accumulate=accumulate), examples, workers)
    assert seen == pytest.approx(expected, rel=1e-6, abs=1e-6)


NOISES = [
    {"loss": "mean"},
    {"loss": "sum"},
    {"noise": "fixed"},
    {"noise": "drop"},
    {"noise": "adaptive", "loss": "sum", "chunk": None},
]


@pytest.mark.parametrize("habits", NOISES)
def test_two_workers_are_one_with_the_doubled_batch(examples, habits):
    quiet = {"network": {"dropout": 0.0}, "updates": 10, "norm_clip": None, **habits}
    alone = losses_of_team(tiny(**quiet, batch=4), examples, 1)
    assert losses_of_team(tiny(**quiet, batch=2), examples, 2) == pytest.approx(alone, rel=1e-6)


def test_rate_warms_up_holds_and_falls():
    training = tiny(updates=100, warm_up=10, fall_share=0.4, final_rate_fraction=0.1).training
    assert [rate_at(update, training) for update in (0, 4, 9, 30, 60)] == pytest.approx([0.1, 0.5, 1, 1, 1])
    assert rate_at(80, training) == pytest.approx(0.55)
    assert rate_at(100, training) == pytest.approx(0.1)
    falling = [rate_at(update, training) for update in range(60, 101)]
    assert falling == sorted(falling, reverse=True)


def test_a_rate_that_never_falls_holds_beyond_the_last_update():
    assert rate_at(103, tiny(updates=100, fall_share=0.0).training) == 1


@pytest.mark.parametrize(
    ("decay", "shares"),
    [(0.0, [0, 0, 1]), (0.05, [0.0025, 0.0475, 0.95]), (0.999, [1 / 66, 10 / 66, 55 / 66])],
)
def test_the_average_forgets_the_first_weights_fast_and_then_at_its_decay(examples, decay, shares):
    """After three updates: decays of 0, 1/11 and 1/6, or `average_decay` where that is less."""
    weights = []
    learner = Learner(tiny(chunk=None, updates=3, average_decay=decay), examples)
    learner.run(lambda learner: weights.append(learner.network.output.bias.detach().clone()))
    average = sum(share * weight for share, weight in zip(shares, weights, strict=True))
    torch.testing.assert_close(learner.average.output.bias.detach(), average)


@pytest.mark.parametrize("accumulate", [1, 2, 3])
def test_shards_of_all_workers_share_out_a_joined_batch(examples, accumulate):
    learners = [Learner(tiny(accumulate=accumulate), examples, Team(rank, 2)) for rank in range(2)]
    rows = list(range(13))
    taken = [row for learner in learners for shard in learner.shards for row in rows[shard]]
    assert sorted(taken) == rows
    assert len({shard.start for learner in learners for shard in learner.shards}) == 2 * accumulate


def test_progress_counts():
    progress = Progress()
    progress.count_update(loss=20.0, points=10)
    progress.count_update(loss=10.0, points=10)
    assert (progress.update, progress.points, progress.train) == (2, 20, pytest.approx(1.5))


def test_the_loss_shown_forgets_a_200th_with_each_update_later_on():
    progress = Progress(update=500, train=2.0)
    progress.count_update(loss=0.0, points=10)
    assert progress.train == pytest.approx(1.99)


def test_first_weights_are_those_of_the_seed(examples):
    one, same = (Learner(tiny(), examples).state() for _ in range(2))
    other = Learner(tiny().model_copy(update={"seed": 2}), examples).state()
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one["network.output.weight"], other["network.output.weight"])


def test_window_starts_at_the_given_step(examples):
    glance = Learner(tiny(network={"start_step": 0.25}), examples).network.layers[0].glance
    alpha, _, kappa = glance.bias.exp().chunk(3)
    assert kappa.tolist() == pytest.approx([0.25, 0.25])
    assert alpha.sum().item() == pytest.approx(1)


def test_forget_gates_get_their_bias_and_peepholes_start_at_zero(examples):
    lstm = Learner(tiny("pen", {"init": "orthogonal", "forget_bias": 1.5}), examples).network.layers[0]
    assert lstm.bias.tolist() == [0.0] * 8 + [1.5] * 8 + [0.0] * 16
    assert not lstm.peepholes.any()
    gate = lstm.recurrent[8:16]
    torch.testing.assert_close(gate @ gate.T, torch.eye(8), rtol=0, atol=1e-5)


def test_uniform_weights_stay_within_a_tenth(examples):
    state = Learner(tiny("pen", {"init": "uniform"}), examples).network.state_dict()
    size = max(weight.abs().max().item() for weight in state.values())
    assert 0.09 < size <= 0.1
    assert math.isclose(state["layers.0.recurrent"].std().item(), 0.1 / math.sqrt(3), rel_tol=0.1)
