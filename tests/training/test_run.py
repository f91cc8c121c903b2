import json
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress

import pytest
import torch

from nextstroke.errors import BadInput, CorruptFile, Diverged, LimitExceeded, Stopped, UsageError, WrongModel
from nextstroke.nets import matmul
from nextstroke.training import run as run_module
from nextstroke.training.checkpoint import BEST, load_checkpoint, load_newest, previous, write_checkpoint
from nextstroke.training.evaluation.runs import evaluate_run
from nextstroke.training.export.publish import publish_model
from nextstroke.training.loop import Learner
from nextstroke.training.run import CHECKPOINT, CURVE
from nextstroke.training.run import _begun as begun
from tests.training.conftest import files_up_to, stopper, tiny

KINDS = pytest.mark.parametrize(
    "recipe",
    [
        tiny("writer"),
        tiny("pen"),
        tiny("pen", optimiser="rmsprop", chunk=None, batch=1, loss="sum"),
        tiny("pen", noise="fixed"),
        tiny("writer", noise="drop"),
        tiny("writer", optimiser="rmsprop", chunk=None, batch=1, loss="sum", noise="adaptive"),
    ],
    ids=["writer", "pen", "pen as in the paper", "fixed noise", "dropped weights", "adaptive noise"],
)


def same_state(one, other, planned=False):
    """Compare two checkpoints to the bit, but for the seconds they took and, if asked, the updates once planned."""
    (tensors, about), (other_tensors, other_about) = load_checkpoint(one), load_checkpoint(other)
    torch.testing.assert_close(tensors, other_tensors, rtol=0, atol=0)
    for said in (about, other_about):
        del said["progress"]["seconds"]
        if planned:
            del said["recipe"]["training"]["updates"]
    assert about == other_about


@KINDS
@pytest.mark.parametrize("update", [1, 7])
def test_stopped_and_resumed_is_as_if_never_stopped(run, recipe, update):
    with pytest.raises(Stopped, match="go on with --resume") as stop:
        run(recipe, "stopped", report=stopper(update))
    assert stop.value.exit_code == 143
    same_state(run(recipe, "stopped", resume=True), run(recipe, "whole"))


def test_a_signal_stops_in_mid_epoch(run, tmp_path):
    with pytest.raises(Stopped):
        run(tiny(), report=stopper(1))
    progress = load_checkpoint(tmp_path / "run" / CHECKPOINT)[1]["progress"]
    assert (progress["epoch"], progress["batch"]) == (0, 2)


def test_interrupted_by_the_keyboard(run):
    with pytest.raises(Stopped) as stop:
        run(tiny(), report=stopper(2, signal.SIGINT))
    assert stop.value.exit_code == 130


def test_a_second_interrupt_stops_at_once(run, tmp_path):
    def report(progress, event):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        run(tiny(), report=report)
    assert not begun(tmp_path / "run")


def test_a_system_without_locks_of_folders_is_refused(run, monkeypatch):
    monkeypatch.setattr(run_module, "fcntl", None)
    with pytest.raises(UsageError, match="needs Linux or macOS"):
        run(tiny(updates=1))


def test_handlers_of_signals_are_put_back(run):
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    run(tiny(updates=1))
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


PROCESS = """
import sys
from pathlib import Path
from nextstroke.config import Recipe
from nextstroke.errors import Stopped
from nextstroke.training.run import train

def report(progress, event):
    print(progress.update, flush=True)

recipe, corpus, folder = sys.argv[1:]
try:
    train(Recipe.model_validate_json(recipe), Path(corpus), Path(folder), False, report)
except Stopped as stop:
    raise SystemExit(stop.exit_code)
"""


def test_a_process_ends_on_sigterm_with_its_state_saved(run, corpus, tmp_path):
    recipe = tiny(updates=1_000_000, save_every_minutes=1000.0)
    command = [sys.executable, "-W", "error", "-c", PROCESS, recipe.model_dump_json(), corpus, tmp_path / "run"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        process.terminate()
        reported = process.stdout.read().split()
        assert process.wait(240) == 143
    saved = load_checkpoint(tmp_path / "run" / CHECKPOINT)[1]["progress"]["update"]
    assert saved == int(reported[-1])
    resumed = run(tiny(updates=saved + 2), resume=True)
    assert load_checkpoint(resumed)[1]["progress"]["update"] >= saved + 2


@pytest.mark.parametrize(("updates", "expected"), [(18, 18), (2, 4)])
def test_a_resumed_training_may_get_another_number_of_updates(run, updates, expected):
    run(tiny(updates=4, chunk=None))
    path = run(tiny(updates=updates, chunk=None), resume=True)
    assert load_checkpoint(path)[1]["progress"]["update"] == expected


def test_a_second_training_without_resume_is_refused(run):
    path = run(tiny(updates=1))
    with pytest.raises(UsageError, match="--resume"):
        run(tiny(updates=1))
    path.rename(previous(path))  # as a kill in the middle of a save leaves it
    with pytest.raises(UsageError, match="--resume"):
        run(tiny(updates=1))


def test_resuming_nothing_is_refused(run):
    with pytest.raises(BadInput, match="without --resume"):
        run(tiny(), resume=True)


PIPES = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
LOCK = "import fcntl, sys; held = open(sys.argv[1], 'w'); fcntl.flock(held, fcntl.LOCK_EX); print(flush=True); input()"


def test_a_folder_in_use_is_refused_until_its_user_is_dead(run, tmp_path):
    (tmp_path / "run").mkdir()
    with subprocess.Popen([sys.executable, "-c", LOCK, tmp_path / "run" / "lock"], **PIPES) as other:
        other.stdout.readline()
        with pytest.raises(UsageError, match="another training is running there"):
            run(tiny(updates=1))
        other.kill()
    assert run(tiny(updates=1)).exists()


def test_no_second_training_in_the_folder_of_a_first(run):
    refused = []

    def report(progress, event):
        with pytest.raises(UsageError, match="another training is running there"):
            run(tiny(updates=1))
        refused.append(progress.update)

    run(tiny(updates=1), report=report)
    assert refused


def test_a_folder_that_cannot_be_is_refused(run, tmp_path):
    (tmp_path / "run").write_text("a file")
    with pytest.raises(UsageError, match="name another --run"):
        run(tiny())


def test_litter_of_killed_trainings_is_swept(run, tmp_path):
    (tmp_path / "run").mkdir()
    litter = tmp_path / "run" / ".incoming.safetensors.x1.part"
    litter.write_bytes(b"half")
    run(tiny(updates=1))
    assert not litter.exists()


def test_a_gradient_that_is_no_number_ends_it_and_keeps_the_checkpoint(run, tmp_path, monkeypatch):
    class Poisoned(Learner):
        def _move(self, gradients, divisor):
            if self.progress.update == 3:
                dict(self.network.named_parameters())["layers.1.recurrent"].grad[0, 0] = float("nan")
            return super()._move(gradients, divisor)

    monkeypatch.setattr(run_module, "Learner", Poisoned)
    with pytest.raises(Diverged, match=r"update 3: the gradient w\.r\.t\. layers\.1\.recurrent is not finite"):
        run(tiny(chunk=None, save_every_minutes=0.0))
    tensors, about = load_checkpoint(tmp_path / "run" / CHECKPOINT)
    assert about["progress"]["update"] == 3
    assert all(tensor.isfinite().all() for tensor in tensors.values())


def test_falling_back_to_the_checkpoint_before_is_reported(run):
    path, events = run(tiny(updates=4, chunk=None, save_every_minutes=0.0)), []
    path.write_bytes(path.read_bytes()[:-100])
    run(tiny(updates=5, chunk=None), resume=True, report=lambda progress, event: events.append(event))
    assert "going on from previous.safetensors" in events[0]


def test_a_full_disk_ends_it_and_keeps_the_checkpoint(run, tmp_path):
    steady = {"fall_share": 0.0, "evaluate_every": 100}
    path = run(tiny(updates=4, **steady))
    before = {name.name: name.read_bytes() for name in path.parent.glob("*.safetensors")}
    with files_up_to(2000), pytest.raises(LimitExceeded, match="no room left") as refusal:
        run(tiny(updates=20, save_every_minutes=0.0, **steady), resume=True)
    assert refusal.value.exit_code == 5
    assert {name.name: name.read_bytes() for name in path.parent.glob("*.safetensors")} == before
    assert not list(path.parent.glob(".*"))
    run(tiny(updates=20, **steady), resume=True)
    assert load_checkpoint(path)[1]["progress"]["update"] >= 20


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_killed_at_fifty_moments_there_is_always_a_checkpoint_and_the_end_is_the_same(run, tmp_path):
    """Mostly inside a save: one is made after each batch, and the network is small. Each kill leaves a dead lock."""
    habits = {"fall_share": 0.0, "save_every_minutes": 0.0, "keep": 3, "evaluate_every": 5}
    recipe, wait, last = tiny(updates=100_000, **habits), random.Random(3), 0
    folder, reached = tmp_path / "killed", set()
    began = time.perf_counter()
    run(tiny(updates=5, **habits), "first")  # what is loaded late is loaded now, and tells how fast this machine is
    usual = min(0.6, max(0.2, time.perf_counter() - began))
    for _ in range(50):
        child = os.fork()
        if not child:
            with suppress(BaseException):
                run(recipe, "killed", resume=begun(folder))
            os._exit(1)  # not reached before it is killed
        time.sleep(0.02 + usual * wait.random())
        os.kill(child, signal.SIGKILL)
        assert os.WIFSIGNALED(os.waitpid(child, 0)[1])
        if begun(folder):
            update = load_newest(folder / CHECKPOINT)[1]["progress"]["update"]
            assert update >= last
            last = update
            reached.add(update)
    assert len(reached) > 20
    ends = tiny(updates=last + 3, **habits)
    killed, whole = run(ends, "killed", resume=True), run(ends, "whole")
    same_state(killed, whole)
    # The best may have been written while many more updates were planned.
    same_state(killed.with_name(BEST), whole.with_name(BEST), planned=True)


@pytest.mark.parametrize("keep", [1, 3])
def test_the_best_and_the_last_are_kept_and_no_more(run, corpus, tmp_path, keep):
    path = run(tiny(updates=40, learning_rate=0.5, fall_share=0.0, keep=keep, save_every_minutes=0.0, evaluate_every=2))
    curve = [json.loads(line) for line in (tmp_path / "run" / CURVE).read_text().splitlines()]
    best = min(entry["validation"] for entry in curve)
    assert load_checkpoint(path.with_name(BEST))[1]["progress"]["validation"] == best < curve[-1]["validation"]
    assert load_checkpoint(path)[1]["progress"]["best"] == best
    assert len(list(path.parent.glob("*.safetensors"))) == keep + 1
    assert evaluate_run(path.with_name(BEST), corpus)["nats_per_line"] == pytest.approx(best, rel=1e-5)
    publish_model(path.with_name(BEST), tmp_path / "best.onnx", "none")
    assert evaluate_run(tmp_path / "best.onnx", corpus)["nats_per_line"] == pytest.approx(best, rel=1e-2)


def test_best_are_compared_on_the_same_lines(run, tmp_path):
    path = run(tiny(updates=6, evaluate_every=100, evaluate_lines_every=3))
    curve = [json.loads(line) for line in (tmp_path / "run" / CURVE).read_text().splitlines()]
    assert [entry["lines"] for entry in curve] == [3, 8]
    assert load_checkpoint(path)[1]["progress"]["best"] == curve[0]["validation"]


def test_curve_and_scores_of_a_run(run, corpus, tmp_path):
    run(tiny(evaluate_every=4))
    curve = [json.loads(line) for line in (tmp_path / "run" / CURVE).read_text().splitlines()]
    assert [entry["update"] // 4 for entry in curve] == [1, 2, 3, 3]
    scores = evaluate_run(tmp_path / "run", corpus)
    assert scores["lines"] == 8
    assert scores["nats_per_line"] == pytest.approx(curve[-1]["validation"], rel=1e-5)
    assert 0 <= scores["letter_test"] <= 1


@pytest.fixture
def _products_as_before():
    with matmul.bfloat16("cpu", False):
        yield


def events_of(run, recipe, name, **options):
    """The sentences that a training reports, and its checkpoint."""
    events = []
    path = run(recipe, name, report=lambda progress, event: events.append((progress.update, event)), **options)
    return [(update, event) for update, event in events if event not in ("", "evaluated")], path


@pytest.mark.usefixtures("_products_as_before")
def test_a_processor_without_bfloat16_learns_in_float32_and_says_so_once(run, monkeypatch):
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True, raising=False)
    monkeypatch.setattr(matmul, "_bfloat16_product_runs", lambda: False)
    asked = tiny(updates=4, cpu_products="bfloat16")
    events, path = events_of(run, asked, "asked")
    assert events == [(0, run_module.NO_BFLOAT16)]
    plain, other = events_of(run, tiny(updates=4), "plain")
    assert plain == []
    tensors, about = load_checkpoint(path)
    torch.testing.assert_close(tensors, load_checkpoint(other)[0], rtol=0, atol=0)
    assert about["origin"]["products"] == "float32"
    resumed, _ = events_of(run, asked, "asked", resume=True)
    assert resumed == [(about["progress"]["update"], run_module.NO_BFLOAT16)]


@pytest.mark.usefixtures("_products_as_before")
def test_a_training_in_bfloat16_that_goes_on_without_says_so(run, monkeypatch):
    if not matmul.can_multiply_bfloat16():
        pytest.skip("NOT TESTED: training in bfloat16, which oneDNN does not multiply on this processor")
    monkeypatch.setattr(matmul, "has_bfloat16", lambda: True)
    recipe = tiny(updates=4, cpu_products="bfloat16")
    events, path = events_of(run, recipe, "run")
    assert events == []
    assert load_checkpoint(path)[1]["origin"]["products"] == "bfloat16"
    assert not torch.equal(
        load_checkpoint(path)[0]["network.output.weight"],
        load_checkpoint(run(tiny(updates=4), "plain"))[0]["network.output.weight"],
    )
    monkeypatch.setattr(matmul, "has_bfloat16", lambda: False)
    events, _ = events_of(run, recipe, "run", resume=True)
    assert [event for _, event in events] == [
        "products bfloat16 before, float32 now: the result may differ in its last bits",
        run_module.NO_BFLOAT16,
    ]


@pytest.mark.parametrize("name", [CHECKPOINT, BEST, "previous.safetensors"])
@pytest.mark.parametrize("resume", [False, True])
def test_a_folder_in_a_checkpoints_place_is_refused_before_training(run, tmp_path, name, resume):
    (tmp_path / "run" / name).mkdir(parents=True)
    with pytest.raises(UsageError, match=f"{name}: is a folder where a checkpoint belongs"):
        run(tiny(), resume=resume)


def test_a_folder_is_no_checkpoint(tmp_path):
    (tmp_path / CHECKPOINT).mkdir()
    with pytest.raises(CorruptFile, match="cannot be read"):
        load_checkpoint(tmp_path / CHECKPOINT)


@pytest.mark.parametrize(
    "change",
    [
        lambda about: about.pop("recipe"),
        lambda about: about.update(recipe=5),
        lambda about: about.pop("alphabet"),
        lambda about: about.update(alphabet=["a", 5]),
        lambda about: about.update(alphabet=""),
        lambda about: about.update(alphabet="aa"),
        lambda about: about.pop("progress"),
        lambda about: about["progress"].update(update="1"),
        lambda about: about["progress"].update(batch=-1),
        lambda about: about["progress"].update(more=1),
        lambda about: about.update(origin=[]),
        lambda about: about.pop("normalisation"),
        lambda about: about["normalisation"].update(std=[1.0, 0.0]),
        lambda about: about["normalisation"].update(mean=[1.0]),
        lambda about: about["normalisation"].update(mean="ab"),
        lambda about: about.pop("points_per_character"),
        lambda about: about.update(points_per_character=float("nan")),
    ],
)
def test_metadata_that_no_training_writes_are_refused(run, tmp_path, change):
    path = run(tiny(updates=1, evaluate_every=1))
    tensors, about = load_checkpoint(path)
    change(about)
    write_checkpoint(path, tensors, about)
    with pytest.raises(CorruptFile, match="not a checkpoint of a training"):
        run(tiny(updates=2), resume=True)
    with pytest.raises(CorruptFile, match="not a checkpoint of a training"):
        publish_model(path.parent, tmp_path / "a.onnx", "", "")


@pytest.mark.parametrize(
    "change",
    [
        lambda tensors: tensors.update({"optimiser.x": torch.ones(1)}),
        lambda tensors: tensors.update({f"optimiser.{'9' * 5000}.exp_avg": torch.ones(1)}),
        lambda tensors: tensors.update({"optimiser.0.more": torch.ones(1)}),
        lambda tensors: tensors.update({"optimiser.0.exp_avg": torch.ones(1)}),
        lambda tensors: tensors.update({"optimiser.0.step": torch.ones(2)}),
        lambda tensors: tensors.pop("optimiser.0.exp_avg"),
        lambda tensors: tensors.pop(next(name for name in tensors if name.startswith("average."))),
    ],
)
def test_tensors_that_no_training_writes_are_refused(run, change):
    path = run(tiny(updates=1))
    tensors, about = load_checkpoint(path)
    change(tensors)
    write_checkpoint(path, tensors, about)
    with pytest.raises(WrongModel, match=str(path.parent)):
        run(tiny(updates=2), resume=True)
