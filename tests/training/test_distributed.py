import os
import signal

import pytest
import torch
import torch.distributed as dist

from nextstroke.errors import LostWorker, Stopped, UsageError, WrongModel
from nextstroke.training.checkpoint import load_checkpoint
from nextstroke.training.distributed import Team, gather_team
from nextstroke.training.run import CHECKPOINT
from tests.training.conftest import tiny

QUIET = {"network": {"dropout": 0.0}, "average_decay": 0.0}


sent = []


def ask_parent_to_stop(progress, event):
    if progress.update >= 4 and not sent:
        sent.append(signal.SIGTERM)
        os.kill(os.getppid(), signal.SIGTERM)


def refuse(team):
    raise UsageError(f"worker of {team.size} refuses")


def break_down(team):
    raise ZeroDivisionError


def test_a_team_of_one_works_in_this_process():
    seen = []
    gather_team(1, lambda team, *more: seen.append((team, more)), 7)
    assert seen == [(Team(0, 1), (7,))]


def test_a_team_of_one_sums_nothing():
    tensor = torch.ones(2)
    Team().sum([tensor])
    assert tensor.tolist() == [1, 1]


@pytest.mark.slow
def test_two_processes_learn_as_one(run):
    alone, _ = load_checkpoint(run(tiny(**QUIET, updates=10, batch=4), "alone"))
    shared, _ = load_checkpoint(run(tiny(**QUIET, updates=10, batch=2, workers=2), "shared"))
    torch.testing.assert_close(shared["network.output.weight"], alone["network.output.weight"], rtol=1e-3, atol=1e-4)


@pytest.mark.slow
def test_one_worker_that_accumulates_learns_as_two_with_dropout_on(run):
    two, (one, _) = run(tiny(workers=2), "two"), load_checkpoint(run(tiny(accumulate=2), "one"))
    for name, tensor in load_checkpoint(two)[0].items():
        assert torch.equal(one[name], tensor), name


@pytest.mark.slow
def test_a_signal_stops_all_workers_with_the_state_saved(run, tmp_path):
    with pytest.raises(Stopped) as stop:
        run(tiny(updates=100_000, workers=2), report=ask_parent_to_stop)
    assert stop.value.exit_code == 143
    assert load_checkpoint(tmp_path / "run" / CHECKPOINT)[1]["progress"]["update"] >= 4
    with pytest.raises(WrongModel, match="another optimiser"):
        run(tiny(workers=2, optimiser="rmsprop"), resume=True)


def die(team):
    if team.rank == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    team.sum([torch.ones(1)])


def leave_early(team):
    if team.rank == 1:
        dist.destroy_process_group()
        os._exit(0)


@pytest.mark.slow
def test_a_worker_that_is_done_ignores_peers_that_left():
    gather_team(2, leave_early)


@pytest.mark.slow
def test_a_killed_worker_ends_all_with_a_clear_line():
    with pytest.raises(LostWorker, match="go on with --resume"):
        gather_team(2, die)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("work", "error"), [(refuse, UsageError), (break_down, torch.multiprocessing.ProcessRaisedException)]
)
def test_what_a_worker_raises_is_raised(work, error):
    with pytest.raises(error):
        gather_team(2, work)
