import numpy as np
import pytest
import torch

from nextstroke.nets.networks import SynthesisNetwork
from nextstroke.runtime.model_file import Model
from nextstroke.training.export.networks_export import export_model

ALPHABET = " abcdefgh"
ABOUT = {
    "kind": "writer",
    "alphabet": ALPHABET,
    "normalisation": {"mean": [8.0, 0.5], "std": [40.0, 30.0]},
    "points_per_character": 4.0,
    "recipe": {"data": {"ink": "simplified"}},
    "licence": "none",
    "note": "random weights for tests",
}


def random_network(symbols: int = len(ALPHABET), **sizes) -> SynthesisNetwork:
    """A network with random weights that float16 holds exactly, whose window moves at a fair pace.

    The weights shrink with the width: a wide chaotic network would double every rounding at each step.
    """
    torch.manual_seed(3)
    network = SynthesisNetwork(symbols, **sizes)
    width = 1.2 * sizes.get("cells", 400) ** -0.5
    for weight in network.parameters():
        torch.nn.init.uniform_(weight, -width, width)
    network.layers[0].glance.bias.data.view(3, -1)[2] -= 1.5
    return network.half().float()


@pytest.fixture(scope="session")
def network():
    return random_network(layers=2, cells=16, components=3, window_components=2)


@pytest.fixture(scope="session")
def model_path(network, tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "tiny.onnx"
    export_model(network, ABOUT, path)
    return path


@pytest.fixture(scope="session")
def model(model_path):
    return Model(model_path)


@pytest.fixture
def line():
    """Offsets of a made-up line, (points, 3)."""
    rng = np.random.default_rng(0)
    return np.column_stack([rng.normal(8, 40, (50, 2)), rng.random(50) < 0.1])
