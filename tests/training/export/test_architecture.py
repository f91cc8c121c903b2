from pathlib import Path

import pytest

from nextstroke.errors import UsageError
from nextstroke.nets.networks import PredictionNetwork, SynthesisNetwork
from nextstroke.training.export.architecture import gates_look_at, open_architecture, read_architecture

RECIPES = Path(__file__).parents[3] / "recipes"


@pytest.mark.parametrize(
    ("recipe", "weights"),
    [("prediction-1x900", 3_366_121), ("prediction-3x400", 3_368_121), ("synthesis", 3_653_751)],
)
def test_parts_and_connections_hold_all_weights_of_the_paper(recipe, weights):
    assert open_architecture(RECIPES / "paper" / f"{recipe}.toml").weights == weights


@pytest.mark.parametrize(
    "network",
    [
        PredictionNetwork(1, 4, 2),
        PredictionNetwork(2, 3, 2),
        PredictionNetwork(3, 121, 20),
        SynthesisNetwork(5, 1, 4, 2, 3),
        SynthesisNetwork(4, 3, 4, 3, 4),
    ],
)
def test_every_weight_of_a_network_is_in_some_connection(network):
    assert read_architecture(network).weights == sum(weight.numel() for weight in network.parameters())


def edges(network):
    return {(edge.source, edge.target, edge.delay) for edge in read_architecture(network).connections}


def test_prediction_is_connected_as_in_figure_1():
    skips = {("x", f"h{n}", 0) for n in (1, 2, 3)} | {(f"h{n}", "y", 0) for n in (1, 2, 3)}
    assert edges(PredictionNetwork(3, 5, 2)) == skips | {("h1", "h2", 0), ("h2", "h3", 0)} | {
        (f"h{n}", f"h{n}", 1) for n in (1, 2, 3)
    }


def test_synthesis_is_connected_as_in_figure_12():
    window = {("h1", "window", 0), ("text", "window", 0), ("window", "window", 1)}
    window |= {("window", "h1", 1), ("window", "h2", 0), ("window", "h3", 0)}
    assert edges(SynthesisNetwork(6, 3, 5, 2, 3)) == edges(PredictionNetwork(3, 5, 2)) | window


def test_sizes_are_those_of_the_network():
    sizes = read_architecture(SynthesisNetwork(6, 2, 5, 2, 3)).sizes
    assert sizes == {"x": 3, "text": 6, "window": 3, "h1": 5, "h2": 5, "y": 13}


@pytest.mark.parametrize("network", [PredictionNetwork(2, 3, 2), SynthesisNetwork(4, 2, 3, 2, 2)])
def test_peepholes_look_as_in_equations_7_to_10(network):
    assert gates_look_at(network) == {"input": "before", "forget": "before", "output": "after"}


def test_a_recipe_whose_alphabet_is_open_is_refused():
    with pytest.raises(UsageError, match="the corpus decides its alphabet"):
        open_architecture(RECIPES / "best" / "writer.toml")
