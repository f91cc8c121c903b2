"""Publication of a training, alone or as the mean with another one."""

import numpy as np
import pytest
import torch

from nextstroke.cli.main import main
from nextstroke.errors import WrongModel
from nextstroke.training.evaluation.runs import open_run
from nextstroke.training.export.publish import Average, publish_model
from nextstroke.training.run import train
from tests.training.conftest import TEXTS, corpus_of, silent, tiny


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A training, and one that goes on from it with a character more."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("publish")
    corpus_of().save(folder / "a.packed")
    corpus_of([*TEXTS, "dad"]).save(folder / "b.packed")
    train(tiny(updates=2), folder / "a.packed", folder / "first", False, silent)
    recipe = tiny(updates=3)
    data = recipe.data.model_copy(update={"alphabet": "extend"})
    recipe = recipe.model_copy(update={"start_from": str(folder / "first"), "data": data})
    train(recipe, folder / "b.packed", folder / "second", False, silent)
    return folder


def weights(path):
    return {name: weight.numpy() for name, weight in open_run(path).network.state_dict().items()}


def test_the_mean_of_two_trainings_is_published(runs, tmp_path):
    publish_model(runs / "second", tmp_path / "m.onnx", "none", integer=False, average=Average(runs / "first", 0.25))
    first, second, found = weights(runs / "first"), weights(runs / "second"), weights(tmp_path / "m.onnx")
    name = "layers.1.recurrent"
    np.testing.assert_allclose(found[name], 0.25 * first[name] + 0.75 * second[name], atol=1e-3)
    # The first training does not know the last character: its weights count as zero.
    np.testing.assert_allclose(found["layers.0.reading"][:, -1], 0.75 * second["layers.0.reading"][:, -1], atol=1e-3)


def test_a_training_of_another_alphabet_or_size_is_refused(runs, tmp_path):
    with pytest.raises(WrongModel, match="does not begin that of the training"):
        publish_model(runs / "first", tmp_path / "m.onnx", "none", average=Average(runs / "second", 0.5))
    train(tiny(network={"cells": 7}, updates=1), runs / "a.packed", tmp_path / "other", False, silent)
    with pytest.raises(WrongModel, match="should be"):
        publish_model(runs / "first", tmp_path / "m.onnx", "none", average=Average(tmp_path / "other", 0.5))
    assert not (tmp_path / "m.onnx").exists()


def test_the_command_takes_a_share_with_another_training_only(runs, tmp_path, capsys):
    output = str(tmp_path / "m.onnx")
    assert main(["export", str(runs / "second"), "-o", output, "--share", "0.2"]) == 2
    assert "--share is the share of --average" in capsys.readouterr().err
    given = ["--average", str(runs / "first"), "--share", "1", "--weights", "float16"]
    assert main(["export", str(runs / "second"), "-o", output, *given]) == 0
    np.testing.assert_allclose(
        weights(tmp_path / "m.onnx")["layers.1.recurrent"], weights(runs / "first")["layers.1.recurrent"], atol=1e-3
    )


@pytest.mark.parametrize("option", ["--note", "--licence"])
def test_a_note_that_is_not_utf8_is_refused(option, runs, tmp_path, capsys):
    assert main(["export", str(runs / "first"), "-o", str(tmp_path / "m.onnx"), option, "a\udcff"]) == 2
    assert capsys.readouterr().err == f"nextstroke: {option} 'a\\udcff': not UTF-8\n"
    assert not (tmp_path / "m.onnx").exists()


def test_a_writer_can_name_its_recogniser(runs, tmp_path, capsys):
    output = str(tmp_path / "m.onnx")
    assert main(["export", str(runs / "first"), "-o", output, "--recogniser", "reader-unipen"]) == 0
    assert open_run(tmp_path / "m.onnx").metadata["recogniser"] == "reader-unipen"
    assert main(["export", str(runs / "first"), "-o", output, "--recogniser", "pen"]) == 2
    assert main(["export", "reader", "-o", output, "--recogniser", "reader"]) == 2
    assert "--recogniser is for writers" in capsys.readouterr().err
