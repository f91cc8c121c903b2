"""A checkpoint of each released format stays readable, and its network stays the network that it was.

`python -m tests.training.test_golden` writes the files of a new format; those that are there are never written again.
"""

import json
import tempfile
from pathlib import Path

import numpy as np
import pytest
import torch

from nextstroke.training.checkpoint import FORMAT
from nextstroke.training.evaluation.runs import open_run
from nextstroke.training.run import CHECKPOINT, train
from tests.training.conftest import corpus_of, silent, tiny

GOLDEN = Path(__file__).parent / "golden"
LOGITS = 100


def logits_of(checkpoint):
    """The first numbers that the network of a checkpoint puts out for a fixed line."""
    network = open_run(checkpoint).network
    points = torch.tensor(np.sin(np.arange(36.0)).reshape(1, 12, 3) > 0.5, dtype=torch.float32)
    with torch.no_grad():
        y, _ = network(points, torch.tensor([[0, 1, 2, 1]]), network.start(1))
    return y.flatten()[:LOGITS].tolist()


@pytest.mark.parametrize("checkpoint", sorted(GOLDEN.glob("*.safetensors")), ids=lambda path: path.stem)
def test_a_checkpoint_of_each_format_gives_its_logits(checkpoint):
    wanted = json.loads(checkpoint.with_suffix(".json").read_text())
    assert len(wanted) == LOGITS
    np.testing.assert_allclose(logits_of(checkpoint), wanted, rtol=1e-4, atol=1e-5)


def test_the_format_of_today_is_among_them():
    assert (GOLDEN / f"{FORMAT}.safetensors").exists()


def test_a_training_goes_on_from_it(corpus, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / CHECKPOINT).write_bytes((GOLDEN / f"{FORMAT}.safetensors").read_bytes())
    seen = []
    train(tiny(), corpus, tmp_path / "run", True, lambda progress, event: seen.append(progress.update))
    assert min(seen) == 6
    assert max(seen) >= 12  # a batch is finished


def make():
    with tempfile.TemporaryDirectory() as folder:
        corpus_of().save(Path(folder) / "tiny.packed")
        torch.set_num_threads(1)
        train(tiny(updates=6), Path(folder) / "tiny.packed", Path(folder) / "run", False, silent)
        target = GOLDEN / f"{FORMAT}.safetensors"
        target.write_bytes((Path(folder) / "run" / CHECKPOINT).read_bytes())
    target.with_suffix(".json").write_text(json.dumps(logits_of(target)))


if __name__ == "__main__":
    make()
