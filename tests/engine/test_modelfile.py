import numpy as np
import onnx
import pytest
import torch

from nextstroke.engine.modelfile import Model, load_model
from nextstroke.engine.predictor import WriterPredictor
from nextstroke.errors import BadInput, CorruptFile, WrongModel
from nextstroke.training.export import export_model, import_weights, sealed

from .conftest import ABOUT, random_network


def stepped(model, texts, x):
    predictor = WriterPredictor(model, texts)
    for point in x.swapaxes(0, 1):
        predictor.observe(point)
        yield predictor


def padded(texts):
    return torch.from_numpy(np.stack([np.pad(text, (0, 9 - len(text)), constant_values=-1) for text in texts]))


@pytest.mark.parametrize("sizes", [{"layers": 1, "cells": 12}, {"layers": 2, "cells": 16}, {"cells": 400}])
def test_stepping_the_model_file_equals_the_network_over_a_whole_line(sizes, tmp_path):
    network = random_network(**sizes, components=4, window_components=3)
    export_model(network, ABOUT, tmp_path / "m.onnx")
    x = np.random.default_rng(0).normal(size=(2, 120, 3)).astype(np.float32)
    texts = [np.array([1, 2, 3, 4, 5, 1, 2, 3, 0]), np.array([5, 6])]
    whole, state = network(torch.from_numpy(x), padded(texts), network.start(2))
    steps = list(stepped(Model(tmp_path / "m.onnx"), texts, x))
    assert abs(steps[-1].kappa - state[0].kappa.detach().numpy()).max() < 1e-4
    for t, predictor in enumerate(stepped(Model(tmp_path / "m.onnx"), texts, x)):
        assert abs(predictor.y - whole[:, t].detach().numpy()).max() < 1e-4


def test_a_model_file_is_plain_onnx(model_path):
    onnx.checker.check_model(onnx.load(model_path))


def test_every_cut_and_every_flip_is_refused(model_path, tmp_path):
    data = model_path.read_bytes()
    broken = tmp_path / "broken.onnx"
    rng = np.random.default_rng(0)
    for cut in [0, 1, 60, *rng.integers(0, len(data), 30), len(data) - 1]:
        broken.write_bytes(data[:cut])
        with pytest.raises(CorruptFile, match="broken"):
            Model(broken)
    for place in [*rng.integers(0, len(data), 60), len(data) - 1]:
        flipped = bytearray(data)
        flipped[place] ^= 1 << rng.integers(8)
        broken.write_bytes(flipped)
        with pytest.raises(CorruptFile, match="broken"):
            Model(broken)


def test_wrong_kinds_and_versions_name_both(model_path, tmp_path):
    with pytest.raises(WrongModel, match="writer model, a text model"):
        load_model(str(model_path), "text")
    newer = onnx.load(model_path)
    newer.metadata_props[0].value = newer.metadata_props[0].value.replace("nextstroke-model-1", "nextstroke-model-9")
    del newer.metadata_props[1:]
    (tmp_path / "newer.onnx").write_bytes(sealed(newer.SerializeToString()))
    with pytest.raises(WrongModel, match=r"model-9.*model-1"):
        Model(tmp_path / "newer.onnx")
    del newer.metadata_props[:]
    (tmp_path / "foreign.onnx").write_bytes(sealed(newer.SerializeToString()))
    with pytest.raises(WrongModel, match="not a model of nextstroke"):
        Model(tmp_path / "foreign.onnx")


def test_a_missing_model_names_those_there_are():
    with pytest.raises(BadInput, match="there are:"):
        load_model("nowhere", "writer")


def test_the_weights_come_back_from_a_model_file(network, model_path):
    weights = import_weights(model_path)
    assert weights.keys() == network.state_dict().keys()
    for name, weight in network.state_dict().items():
        torch.testing.assert_close(weights[name], weight, rtol=0, atol=0)
