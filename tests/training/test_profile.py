import numpy as np
import pytest
import torch
from torch.profiler import record_function

from nextstroke.training import profile
from nextstroke.training.profile import learn_watched, made_up_learner, profile_step


@pytest.fixture(autouse=True)
def _short_lines(monkeypatch):
    monkeypatch.setattr(profile, "POINTS", 12)


def test_what_is_watched_is_what_is_learned():
    """Cutting the graph at y-hat changes no gradient: the weights move as the learner moves them."""
    watched, plain = (made_up_learner(batch=2, chunk=5) for _ in range(2))
    learn_watched(watched, record_function)
    plain.learn_batch(np.arange(2))
    assert watched.progress.update == plain.progress.update == 3
    for name, weight in plain.network.state_dict().items():
        torch.testing.assert_close(watched.network.state_dict()[name], weight, rtol=0, atol=0)


def test_shares_are_of_the_whole_and_products_are_found():
    shares = profile_step(batches=1)
    assert sum(shares.values()) == pytest.approx(1)
    assert list(shares.values()) == sorted(shares.values(), reverse=True)
    assert shares.keys() == {"products", *profile.OWNERS.values()}
    assert shares["products"] > shares["data"]
