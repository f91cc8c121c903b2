import json

import numpy as np
import onnx
import pytest
import torch

from nextstroke.errors import BadInput, CorruptFile, WrongModel
from nextstroke.runtime.model_file import Model, find_model, load_model, sealed
from nextstroke.runtime.onnx_session import open_session
from nextstroke.runtime.onnx_weights import LEVELS, STEPS, read_weights, rounded
from nextstroke.runtime.predictor import WriterPredictor
from nextstroke.training.export.networks_export import export_model
from nextstroke.training.export.onnx_step import Graph, quantised
from nextstroke.training.optimisers import load_weights
from tests.handwriting.conftest import ABOUT, random_network


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


@pytest.mark.parametrize("sizes", [{"layers": 1, "cells": 12}, {"layers": 2, "cells": 17}, {"cells": 400}])
def test_eight_bit_weights_step_like_the_network_of_the_same_weights(sizes, tmp_path):
    sizes |= {"components": 4, "window_components": 3}
    export_model(random_network(**sizes), ABOUT, tmp_path / "m.onnx", integer=True)
    network = random_network(**sizes)
    load_weights(network, read_weights(tmp_path / "m.onnx"), "m.onnx")
    x = np.random.default_rng(0).normal(size=(2, 60, 3)).astype(np.float32)
    texts = [np.array([1, 2, 3, 4, 5, 1, 2, 3, 0]), np.array([5, 6])]
    whole, _ = network(torch.from_numpy(x), padded(texts), network.start(2))
    for t, predictor in enumerate(stepped(Model(tmp_path / "m.onnx"), texts, x)):
        assert abs(predictor.y - whole[:, t].detach().numpy()).max() < 1e-3


def test_eight_bit_products_give_a_line_the_same_bits_whatever_is_beside_it():
    rng = np.random.default_rng(0)
    graph = Graph(integer=True)
    weight = rng.normal(size=(20, 32)).astype(np.float32)
    graph.output(graph.product("w", weight, graph.input("h", "batch", 32)), "z", "batch", 20)
    session = open_session(graph.model().SerializeToString())
    hidden = np.tanh(rng.normal(size=(3, 32)) * [[1], [1e-3], [9]]).astype(np.float32)
    together = session.run(None, {"h": hidden})[0]
    for i in range(3):
        assert np.array_equal(session.run(None, {"h": hidden[i : i + 1]})[0], together[i : i + 1])
    rows, scale = quantised(weight)
    np.testing.assert_allclose(together, hidden @ (rows * scale[:, None]).T, atol=1e-3)


@pytest.mark.parametrize("columns", [1, 2, 7, 400])
def test_quantised_rows_are_within_half_a_step_and_never_saturate_in_pairs(columns):
    weight = np.random.default_rng(columns).standard_t(3, (50, columns)).astype(np.float32)
    rows, scale = quantised(weight)
    assert abs(rows * scale[:, None] - weight).max() <= 0.5001 * scale.max()
    pairs = np.pad(abs(rows.astype(int)), ((0, 0), (0, columns % 2))).reshape(50, -1, 2).sum(2)
    assert pairs.max() <= 128


def test_rows_of_zeros_stay_zeros():
    rows, scale = quantised(np.zeros((2, 3), np.float32))
    assert not rows.any()
    assert np.isfinite(scale).all()


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
    weights = read_weights(model_path)
    assert weights.keys() == network.state_dict().keys()
    for name, weight in network.state_dict().items():
        np.testing.assert_array_equal(weights[name], weight.numpy())


def test_a_rounded_file_holds_fewer_values_and_is_whole(tmp_path):
    path = tmp_path / "rounded.onnx"
    path.write_bytes(rounded(find_model("text")))
    was, now = read_weights(find_model("text")), read_weights(path)
    assert len(np.unique(now["tables.1"] / STEPS["tables.1.half"] % 1)) == 1
    inside = now["layers.1.recurrent"]
    for row, before in zip(inside[:20], was["layers.1.recurrent"][:20], strict=True):
        assert len(np.unique(row)) <= LEVELS
        step = np.diff(np.unique(before)).min()  # of int8; half a level, and half a step where it is rounded back
        assert 0 < np.abs(row - before).max() < (127 / (LEVELS // 2) / 2 + 0.51) * step
    np.testing.assert_array_equal(now["layers.1.bias"], was["layers.1.bias"])
    Model(path)


def test_a_writer_names_a_bundled_recogniser_or_none(model_path, tmp_path):
    model = onnx.load(model_path)
    del model.metadata_props[1:]
    (entry,) = model.metadata_props
    about = json.loads(entry.value)
    for name in ("/etc/passwd", "writer", 3):
        entry.value = json.dumps(about | {"recogniser": name})
        (tmp_path / "odd.onnx").write_bytes(sealed(model.SerializeToString()))
        with pytest.raises(WrongModel, match="its recogniser is not a bundled one"):
            Model(tmp_path / "odd.onnx")
    entry.value = json.dumps(about | {"recogniser": "reader-unipen"})
    (tmp_path / "right.onnx").write_bytes(sealed(model.SerializeToString()))
    assert Model(tmp_path / "right.onnx").metadata["recogniser"] == "reader-unipen"
