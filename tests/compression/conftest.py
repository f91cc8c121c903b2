import numpy as np
import pytest


def random_weights(cells=24, layers=2, seed=5):
    """Weights of the size that training leaves, as nets.TextNetwork names them."""
    rng = np.random.default_rng(seed)

    def draw(*shape, scale):
        return rng.normal(0, scale, shape).astype(np.float32)

    weights = {"output.weight": draw(256, layers * cells, scale=0.3), "output.bias": draw(256, scale=1)}
    for n in range(layers):
        weights |= {
            f"tables.{n}": draw(256, 4 * cells, scale=0.5),
            f"layers.{n}.weight": draw(4 * cells, cells if n else 0, scale=0.2),
            f"layers.{n}.recurrent": draw(4 * cells, cells, scale=0.2),
            f"layers.{n}.peepholes": draw(3, cells, scale=0.3),
            f"layers.{n}.bias": draw(4 * cells, scale=0.5),
        }
    return weights


def counted_weights():
    """Weights that are the same whatever draws random numbers, for what is pinned to the byte."""
    shapes = {name: array.shape for name, array in random_weights().items()}
    return {
        name: ((np.arange(np.prod(shape)) * 7919 + len(name)) % 257 - 128).reshape(shape) / 512
        for name, shape in shapes.items()
    }


@pytest.fixture(scope="session")
def weights():
    return random_weights()


TEXT = (
    b"The simplest things are the hardest to say: that it rained, that the road was long, that nobody came. "
    b"It rained, and the road was long; and when somebody came at last, nobody was there to say the simplest thing. "
)
