"""Captures without a GPU: a stand-in keeps what a CUDA graph keeps, where its inputs and outputs lie."""

import pytest
import torch

from benchmarks.cli import main as bench_main
from nextstroke.cli.main import main
from nextstroke.datasets.batches import Batch, Example, Normalisation
from nextstroke.errors import UsageError
from nextstroke.training.cuda_graphs import Capture, Replayed
from nextstroke.training.device import open_device
from nextstroke.training.loop import Learner
from nextstroke.training.run import train
from tests.training.conftest import silent, tiny
from tests.training.test_loop import nothing

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="NOT TESTED: CUDA graphs; there is no GPU here")


class Standing:
    """As a capture: replaying reads and writes the memory of the first run, whatever the tensors that come."""

    made = 0

    def __init__(self, work, inputs, pool):
        Standing.made += 1
        self.work, self.inputs = work, [part.clone() for part in inputs]
        self.outputs = None

    def __call__(self, *inputs):
        for ours, theirs in zip(self.inputs, inputs, strict=True):
            ours.copy_(theirs)
        results = self.work(*self.inputs)
        self.outputs = self.outputs or [torch.full_like(part, torch.nan) for part in results]
        for ours, theirs in zip(self.outputs, results, strict=True):
            ours.copy_(theirs)
        return self.outputs


def learned(examples, recipe):
    learner = Learner(recipe, examples)
    learner.run(nothing)
    return learner.state()


@pytest.mark.parametrize("chunk", [5, None])
@pytest.mark.parametrize("kind", ["writer", "pen"])
def test_a_training_by_replays_is_the_same_to_the_bit(examples, monkeypatch, kind, chunk):
    recipe = tiny(kind, chunk=chunk)
    expected = learned(examples, recipe)
    monkeypatch.setattr(Replayed, "__call__", lambda self, *inputs: self.replay(*inputs))
    monkeypatch.setattr(Replayed.__init__, "__defaults__", (64, Standing))
    Standing.made = 0
    torch.testing.assert_close(learned(examples, recipe), expected, rtol=0, atol=0)
    assert 0 < Standing.made < 12  # updates


def test_captures_are_kept_for_each_set_of_shapes_and_the_oldest_give_way():
    replayed = Replayed(lambda x: [x * 2], 2, Standing)
    Standing.made = 0
    for size, made in [(1, 1), (2, 2), (1, 2), (3, 3), (1, 3), (2, 4)]:
        (doubled,) = replayed.replay(torch.full((size,), 3.0))
        assert doubled.tolist() == [6.0] * size
        assert Standing.made == made


def test_padding_changes_no_loss_and_leaves_chunks_of_one_length(examples):
    recipe = tiny(network={"dropout": 0.0})
    batch = Batch.of(examples.train[:3], examples.normalisation)
    padded = batch.padded(8, 16)
    assert padded.text.shape[1] == 16
    assert {chunk.x.shape[1] for chunk in padded.chunks(8)} == {8}
    learner = Learner(recipe, examples)
    sums = []
    for lines in (batch, padded):
        (chunk,) = lines.chunks(None)
        state = [part for layer in learner.network.start(3) for part in layer]
        inputs = [torch.from_numpy(part) for part in chunk]
        sums.append(learner._chunk_gradients(*inputs, *state)[: 1 + len(learner.weights)])
    torch.testing.assert_close(sums[1], sums[0], rtol=1e-5, atol=1e-5)


def test_padding_by_nothing_is_the_same():
    batch = Batch.of([Example(torch.ones(4, 3).numpy(), torch.arange(2).numpy())], Normalisation((0, 0), (1, 1)))
    assert batch.padded(2, 2).points.shape == batch.points.shape


@pytest.mark.parametrize("name", ["gpu", "cuda:99", "meta", "cuda:x"])
def test_devices_that_are_not_there(name):
    with pytest.raises(UsageError, match="device"):
        open_device(name)
    assert open_device("cpu") == "cpu"


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_no_gpu_is_one_line_and_no_folder(corpus, tmp_path, capsys):
    (tmp_path / "r.toml").write_text('kind = "pen"')
    common = ["--corpus", str(corpus), "--device", "cuda"]
    assert main(["train", str(tmp_path / "r.toml"), "--run", str(tmp_path / "new"), *common]) == 2
    assert main(["evaluate", str(tmp_path / "new"), *common]) == 2
    assert bench_main(["train", "--device", "cuda"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3
    assert all("no GPU here" in line for line in lines)
    assert not (tmp_path / "new").exists()


def test_two_workers_do_not_share_a_device(corpus, tmp_path, monkeypatch):
    monkeypatch.setattr("nextstroke.training.run.open_device", lambda name: "cuda:0")
    with pytest.raises(UsageError, match="--workers 1"):
        train(tiny(workers=2), corpus, tmp_path / "new", False, silent, "cuda")


@needs_gpu
def test_a_graph_gives_what_the_work_gives():
    x = torch.rand(3, device="cuda")
    replayed = Replayed(lambda x: [torch.nn.functional.dropout(x, 0.5) + 1, x.sum()])
    torch.manual_seed(1)
    found = [part.clone() for part in replayed(x)]
    torch.manual_seed(1)
    again = [part.clone() for part in replayed(x)]
    torch.testing.assert_close(found, again, rtol=0, atol=0)
    assert isinstance(next(iter(replayed.kept.values())), Capture)


@needs_gpu
@pytest.mark.parametrize("kind", ["writer", "pen"])
def test_a_training_on_the_gpu_is_that_on_the_cpu(examples, kind):
    """Twelve updates in float32, TF32 off; Adam's division lets rounding grow."""
    recipe = tiny(kind, network={"dropout": 0.0}, chunk=None, optimiser="rmsprop", loss="sum")
    learners = [Learner(recipe, examples, None, device) for device in ("cpu", "cuda:0")]
    for learner in learners:
        learner.run(nothing)
    here, there = (learner.state() for learner in learners)
    torch.testing.assert_close({name: part.cpu() for name, part in there.items()}, here, rtol=1e-3, atol=1e-4)
