import numpy as np
import pytest
import torch

from nextstroke.errors import LimitExceeded, UsageError, WrongModel
from nextstroke.handwriting.scribble import scribble
from nextstroke.nets.networks import PredictionNetwork
from nextstroke.runtime.mixture_sampling import Mixture, uniforms
from nextstroke.runtime.model_file import Model, load_model
from nextstroke.runtime.onnx_weights import read_weights
from nextstroke.runtime.predictor import PointPredictor
from nextstroke.training.export.networks_export import export_model
from nextstroke.training.optimisers import load_weights
from tests.handwriting.conftest import ABOUT


def pen_network(**sizes):
    torch.manual_seed(3)
    network = PredictionNetwork(**sizes)
    width = 1.2 * sizes.get("cells", 400) ** -0.5
    for weight in network.parameters():
        torch.nn.init.uniform_(weight, -width, width)
    return network.half().float()


@pytest.fixture(scope="module")
def small():
    return pen_network(layers=2, cells=16, components=3)


@pytest.fixture(scope="module")
def path(small, tmp_path_factory):
    path = tmp_path_factory.mktemp("pen") / "pen.onnx"
    export_model(small, ABOUT | {"kind": "pen"}, path)
    return path


@pytest.mark.parametrize(
    ("sizes", "integer", "near"),
    [
        ({"layers": 1, "cells": 900}, False, 1e-4),
        ({"layers": 3, "cells": 400}, False, 1e-4),
        ({"layers": 3, "cells": 17}, True, 1e-3),
    ],
)
def test_stepping_the_model_file_equals_the_network_over_a_whole_line(sizes, integer, near, tmp_path):
    network = pen_network(**sizes)
    export_model(network, ABOUT | {"kind": "pen"}, tmp_path / "m.onnx", integer)
    load_weights(network, read_weights(tmp_path / "m.onnx"), "m.onnx")
    x = np.random.default_rng(0).normal(size=(2, 80, 3)).astype(np.float32)
    whole, _ = network(torch.from_numpy(x), network.start(2))
    predictor = PointPredictor(Model(tmp_path / "m.onnx"), 2)
    for t in range(80):
        predictor.observe(x[:, t])
        assert abs(predictor.y - whole[:, t].detach().numpy()).max() < near


def test_a_scribble_is_the_networks_sample(small, path):
    """The same line drawn with torch, fed its own points."""
    (ink,) = scribble(Model(path), 1, 30, bias=0.5, seed=4)
    point, state, drawn = torch.zeros(1, 1, 3), small.start(1), []
    for numbers in uniforms([4, 0, 0], 30):
        y, state = small(point, state)
        row = Mixture(y[0].detach().numpy(), np.array([0.5])).draw(numbers[None])
        point = torch.from_numpy(row.astype(np.float32))[None]
        drawn.append(row[0])
    offsets = np.array(drawn) * [40, 30, 1] + [8, 0.5, 0]
    offsets[0, :2] = 0
    np.testing.assert_allclose(ink.points, offsets[:, :2].cumsum(0), atol=0.5)
    assert (ink.end_of_stroke[:-1] == (offsets[:-1, 2] > 0.5)).all()


def test_lines_differ_and_do_not_depend_on_those_beside_them(path):
    model = Model(path)
    three, one = scribble(model, 3, 40), scribble(model, 1, 40)
    np.testing.assert_allclose(three[0].points, one[0].points, rtol=1e-4, atol=1e-2)
    assert not np.allclose(three[0].points, three[1].points)
    assert [len(ink) for ink in three] == [40] * 3


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"lines": 0}, UsageError),
        ({"lines": 1, "points": 0}, UsageError),
        ({"lines": 1, "bias": -1.0}, UsageError),
        ({"lines": 2000, "points": 700}, LimitExceeded),
    ],
)
def test_invalid_requests_are_refused(path, settings, error):
    with pytest.raises(error):
        scribble(Model(path), **settings)


def test_a_pen_does_not_write_and_a_writer_does_not_scribble(path, model_path):
    with pytest.raises(WrongModel, match="a pen model, a writer model is needed"):
        load_model(str(path), "writer")
    with pytest.raises(WrongModel, match="a writer model, a pen model is needed"):
        load_model(str(model_path), "pen")
