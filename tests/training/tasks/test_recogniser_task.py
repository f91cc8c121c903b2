import numpy as np
import pytest
import torch

from nextstroke.cli.main import main
from nextstroke.config import make_recipe
from nextstroke.datasets.packed_ink import InkCorpus
from nextstroke.errors import BadRecipe
from nextstroke.handwriting.recogniser import Recogniser
from nextstroke.runtime.model_file import load_model
from nextstroke.training.evaluation.runs import evaluate_run, open_run
from nextstroke.training.run import train
from nextstroke.training.tasks.protocol import open_examples
from tests.training.conftest import TEXTS, corpus_of, tiny

SIZES = {"cells": 12, "dropout": 0.0}
HABITS = {"chunk": None, "updates": 200, "batch": 4, "learning_rate": 0.03, "evaluate_every": 200}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("reader")
    corpus_of(seed=3).save(folder / "tiny.packed")
    train(tiny("reader", SIZES, **HABITS), folder / "tiny.packed", folder / "run", False, lambda progress, event: None)
    return folder


def test_it_learns_to_read(trained):
    figures = evaluate_run(trained / "run", trained / "tiny.packed")
    assert figures["character_error"] < 0.1
    assert figures["nats_per_character"] < 0.5
    assert figures["lines"] == 8


def test_the_model_file_reads_as_the_network_does(trained, capsys):
    assert main(["export", str(trained / "run"), "-o", str(trained / "reader.onnx")]) == 0
    reader = Recogniser(load_model(str(trained / "reader.onnx"), "reader"))
    corpus = InkCorpus.open(trained / "tiny.packed")
    lines = corpus.select("testset_v")
    inks, texts = [corpus.ink(i) for i in lines], [corpus.lines[i].text for i in lines]
    assert np.mean([read == text for read, text in zip(reader.read(inks), texts, strict=True)]) > 0.7
    network, recipe = open_run(trained / "run")[:2]
    examples, _ = open_examples(recipe, trained / "tiny.packed")
    score = examples.score(network)
    found = reader.ctc_nll(inks, texts)
    nats = sum(nat * len(text) for nat, text in zip(found, texts, strict=True))
    assert nats == pytest.approx(score.log_loss, rel=0.02), "weights are kept in 16 bits"
    alone = [reader.ctc_nll([ink], [text])[0] for ink, text in zip(inks, texts, strict=True)]
    np.testing.assert_allclose(alone, found, atol=1e-5)
    wrong = reader.ctc_nll(inks, texts[1:] + texts[:1])
    assert (wrong > found).mean() > 0.8


def test_what_a_reader_does_not_know_counts_as_not_written(trained):
    reader = Recogniser(load_model(str(trained / "reader.onnx"), "reader"))
    ink = InkCorpus.open(trained / "tiny.packed").ink(0)
    assert np.isfinite(reader.ctc_nll([ink, ink], ["abc", "?"])).all()


def test_a_figure_of_a_reader_is_refused(trained, capsys):
    assert main(["figure", "architecture", str(trained / "run"), "-o", str(trained / "a.svg")]) == 2
    assert "a reader" in capsys.readouterr().err


def test_a_reader_in_chunks_is_refused():
    with pytest.raises(BadRecipe, match="whole lines"):
        make_recipe({"kind": "reader", "training": {"chunk": 5}}, "test")


def test_a_model_file_is_scored_as_its_training(trained):
    file = trained / "scored.onnx"
    assert main(["export", str(trained / "run"), "-o", str(file)]) == 0
    wanted, found = (evaluate_run(source, trained / "tiny.packed") for source in (trained / "run", file))
    assert found["nats_per_character"] == pytest.approx(wanted["nats_per_character"], rel=0.02), "16 bits"


def test_a_larger_alphabet_keeps_what_was_learned(trained, tmp_path):
    corpus_of([*TEXTS, "dad", "bdd"], seed=3).save(tmp_path / "other.packed")
    recipe = tiny("reader", SIZES, **HABITS | {"updates": 1, "learning_rate": 1e-9})
    data = recipe.data.model_copy(update={"alphabet": "extend"})
    recipe = recipe.model_copy(update={"start_from": str(trained / "run"), "data": data})
    train(recipe, tmp_path / "other.packed", tmp_path / "second", False, lambda progress, event: None)
    assert open_run(tmp_path / "second").metadata["alphabet"] == "abcd"
    # The new character takes a little of the others' probability.
    before, after = (evaluate_run(run, trained / "tiny.packed") for run in (trained / "run", tmp_path / "second"))
    assert after["nats_per_character"] == pytest.approx(before["nats_per_character"], abs=0.02)
