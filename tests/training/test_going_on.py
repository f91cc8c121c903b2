"""What a training may go on from or start from, and what is refused with its name."""

import copy
import json
import math

import pytest
import torch

import nextstroke
from nextstroke.config import Data
from nextstroke.datasets.packed_ink import InkCorpus
from nextstroke.errors import WrongModel
from nextstroke.runtime.model_file import Model
from nextstroke.training import run as run_module
from nextstroke.training.checkpoint import CHECKPOINT, load_checkpoint, save_checkpoint, write_checkpoint
from nextstroke.training.evaluation.runs import evaluate_run, open_run
from nextstroke.training.export.publish import publish_model
from nextstroke.training.loop import Learner
from nextstroke.training.run import CURVE
from tests.training.conftest import TEXTS, corpus_of, tiny


def test_what_changes_the_bits_is_reported_on_resuming(run, monkeypatch):
    path, events = run(tiny(updates=2)), []
    origin = load_checkpoint(path)[1]["origin"]
    assert origin["version"] == nextstroke.__version__
    assert origin["loops"] == "torch"
    assert origin["device"] == "cpu"
    assert len(origin["corpus"]) == 64
    monkeypatch.setattr(run_module, "loaded", lambda: "a library")
    run(tiny(updates=5, batch=3), resume=True, report=lambda progress, event: events.append(event))
    assert "loops torch before, C++ now, lines an update 2 before, 3 now: the result may differ" in events[0]


@pytest.mark.parametrize(
    ("changes", "said"), [({}, True), ({"noise": "fixed", "network": {"dropout": 0.0}}, True), ({"quiet": True}, False)]
)
def test_a_checkpoint_of_older_random_streams_goes_on_and_says_so_where_they_matter(run, changes, said):
    changes = {"network": {"dropout": 0.0}} if changes.get("quiet") else changes
    path = run(tiny(updates=2, **changes))
    tensors, metadata = load_checkpoint(path)
    del metadata["origin"]["random streams"]
    save_checkpoint(path, tensors, metadata)
    events = []
    resumed = run(tiny(updates=5, **changes), resume=True, report=lambda progress, event: events.append(event))
    sentence = "random streams by tuple hash before, by SeedSequence now: dropout and weight noise draw other numbers"
    assert (sentence in events) == said
    assert load_checkpoint(resumed)[1]["origin"]["random streams"] == "SeedSequence"


def test_a_checkpoint_of_the_same_random_streams_says_nothing(run):
    run(tiny(updates=2))
    events = []
    run(tiny(updates=5), resume=True, report=lambda progress, event: events.append(event))
    assert set(events) == {"", "evaluated"}


def test_checkpoints_that_do_not_tell_their_corpus_go_on(run):
    path = run(tiny(updates=2))
    held, about = load_checkpoint(path)
    del about["origin"], about["progress"]["best"], about["recipe"]["training"]["keep"]
    save_checkpoint(path, held, about)
    assert load_checkpoint(run(tiny(updates=5), resume=True))[1]["progress"]["update"] >= 5


@pytest.mark.parametrize(
    ("other", "named"),
    [
        (tiny().model_copy(update={"data": Data(train=["trainset"], clip=9.0)}), "choice of data"),
        (tiny(network={"cells": 9}), "network"),
        (tiny("pen"), "kind of network"),
        (tiny(optimiser="rmsprop"), "optimiser"),
        (tiny(noise="fixed"), "noise on the weights"),
    ],
)
def test_resuming_as_something_else_is_refused(run, other, named):
    run(tiny(updates=1))
    with pytest.raises(WrongModel, match=f"another {named}"):
        run(other, resume=True)


@pytest.mark.parametrize(("texts", "named"), [(("ab", "ba"), "alphabet"), (("abc", "aaaa"), "another corpus")])
def test_resuming_on_another_corpus_is_refused(run, tmp_path, texts, named):
    run(tiny(updates=1))
    other = tmp_path / "other.packed"
    corpus_of(texts).save(other)
    with pytest.raises(WrongModel, match=named):
        run(tiny(), resume=True, corpus=other)


def test_tensors_that_do_not_fit_are_named(run):
    path = run(tiny(updates=1))
    tensors, about = load_checkpoint(path)
    tensors["network.output.weight"] = tensors["network.output.weight"][:, 1:]
    save_checkpoint(path, tensors, about)
    with pytest.raises(WrongModel, match=r"output\.weight should be \(13, 16\), the file has \(13, 15\)"):
        run(tiny(), resume=True)


@pytest.mark.parametrize(
    "change", [lambda held: held.pop("average.output.bias"), lambda held: held.update({"average.more": torch.ones(1)})]
)
def test_missing_and_surplus_tensors_are_named(run, tmp_path, change):
    path = run(tiny(updates=1))
    tensors, about = load_checkpoint(path)
    change(tensors)
    save_checkpoint(path, tensors, about)
    with pytest.raises(WrongModel, match=r"average|output\.bias|more"):
        open_run(tmp_path / "run")


def test_start_from_takes_the_averaged_weights_and_nothing_else(run, tmp_path):
    first, _ = load_checkpoint(run(tiny(), "first"))
    seen = {}

    class Watched(Learner):
        def start_from(self, weights, source):
            super().start_from(weights, source)
            seen.update(copy.deepcopy(self.state()), progress=self.progress.update)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_module, "Learner", Watched)
        run(tiny(updates=1).model_copy(update={"start_from": str(tmp_path / "first")}), "second")
    assert seen.pop("progress") == 0
    assert not any(name.startswith("optimiser") for name in seen)
    for name, tensor in seen.items():
        assert torch.equal(tensor, first["average." + name.split(".", 1)[1]]), name


def test_a_model_file_can_be_gone_on_from_and_scored(run, corpus, tmp_path):
    run(tiny(updates=3), "first")
    publish_model(tmp_path / "first", tmp_path / "m.onnx", "none")
    first, second = (evaluate_run(source, corpus) for source in (tmp_path / "first", tmp_path / "m.onnx"))
    assert second["nats_per_line"] == pytest.approx(first["nats_per_line"], rel=1e-2)
    recipe = tiny(updates=1, learning_rate=1e-9).model_copy(update={"start_from": str(tmp_path / "m.onnx")})
    run(recipe, "second")
    assert evaluate_run(tmp_path / "second", corpus)["nats_per_line"] == pytest.approx(
        second["nats_per_line"], rel=1e-4
    )
    publish_model(tmp_path / "second", tmp_path / "n.onnx", "none")
    assert Model(tmp_path / "n.onnx").metadata["recipe"]["start_from"] == "m.onnx"


def test_a_checkpoint_without_its_deviations_is_refused(run, corpus, tmp_path):
    noisy = tiny("pen", chunk=None, loss="sum", noise="adaptive", noise_sigma=0.01, updates=1)
    tensors, about = load_checkpoint(run(noisy, "noisy"))
    bare = {name: tensor for name, tensor in tensors.items() if not name.startswith("noise.")}
    write_checkpoint(tmp_path / "noisy" / CHECKPOINT, bare, about)
    for work in (lambda: open_run(tmp_path / "noisy"), lambda: run(noisy, "noisy", resume=True)):
        with pytest.raises(WrongModel, match=r"its noise should have sigma\.\S+, the file has nothing"):
            work()


def test_adaptive_noise_starts_from_a_run_without_and_reports_its_cost(run, corpus, tmp_path):
    run(tiny("pen", chunk=None, loss="sum"), "plain")
    noisy = tiny("pen", chunk=None, loss="sum", noise="adaptive", noise_sigma=0.01, evaluate_every=4)
    run(noisy.model_copy(update={"start_from": str(tmp_path / "plain")}), "noisy")
    held, learned = (evaluate_run(tmp_path / "noisy", corpus, split) for split in ("validation", "train"))
    assert held["nats_per_line_at_a_sample"] != held["nats_per_line"]
    weights = sum(weight.numel() for weight in open_run(tmp_path / "noisy").network.parameters())
    assert held["complexity_bits_per_weight"] == pytest.approx(held["complexity_nats"] / math.log(2) / weights)
    assert "description_length_nats" not in held
    expected = 8 * learned["nats_per_line_at_a_sample"] + learned["complexity_nats"]
    assert learned["description_length_nats"] == pytest.approx(expected)
    curve = [json.loads(line) for line in (tmp_path / "noisy" / CURVE).read_text().splitlines()]
    assert all(entry["complexity_nats"] > 0 for entry in curve)
    publish_model(tmp_path / "noisy", tmp_path / "m.onnx", "none")
    assert open_run(tmp_path / "m.onnx").metadata["record"]["complexity_nats"] == held["complexity_nats"]


def test_start_from_another_alphabet_is_refused(run, tmp_path):
    run(tiny(updates=1), "first")
    other = tmp_path / "other.packed"
    corpus_of(["abd", "bda"]).save(other)
    with pytest.raises(WrongModel, match="its alphabet is 'abc', that of the corpus 'abd'"):
        run(tiny().model_copy(update={"start_from": str(tmp_path / "first")}), "second", corpus=other)


def test_an_extended_alphabet_keeps_what_was_learned_and_adds_the_corpus_characters(run, corpus, tmp_path):
    run(tiny(updates=3), "first")
    other = tmp_path / "other.packed"
    corpus_of([*TEXTS, "dad", "bdd"]).save(other)
    recipe = tiny(updates=1, learning_rate=1e-9)
    data = recipe.data.model_copy(update={"alphabet": "extend"})
    recipe = recipe.model_copy(update={"start_from": str(tmp_path / "first"), "data": data})
    run(recipe, "second", corpus=other)
    assert open_run(tmp_path / "second").metadata["alphabet"] == "abcd"
    first, second = (open_run(tmp_path / name).metadata for name in ("first", "second"))
    assert second["normalisation"] == first["normalisation"]
    before, after = (evaluate_run(tmp_path / name, corpus)["nats_per_line"] for name in ("first", "second"))
    assert after == pytest.approx(before, rel=1e-4)


def test_a_network_is_scored_in_its_own_alphabet_and_normalisation(run, corpus, tmp_path):
    run(tiny(updates=3), "first")
    alone = tmp_path / "alone.packed"
    # The same validation lines, with training lines of another size and without one of the characters.
    packed = corpus_of()
    other = corpus_of(["aba", "bba"])
    large = [other.ink(i).scaled(5) for i in range(2)]
    lines = [*other.lines[:2], *packed.lines[len(TEXTS) :]]
    kept = [packed.ink(i) for i in range(len(TEXTS), 2 * len(TEXTS))]
    InkCorpus.of(lines, [*large, *kept]).save(alone)
    whole, part = (evaluate_run(tmp_path / "first", path)["nats_per_line"] for path in (corpus, alone))
    assert part == whole
