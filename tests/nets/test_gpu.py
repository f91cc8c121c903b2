"""Networks on a GPU, as they run there, against float64 on the CPU; run by benchmarks/gpu.sh where there is one."""

import pytest
import torch

from nextstroke.nets import matmul as product
from nextstroke.nets import wavefront
from nextstroke.nets.mixture import Mixture
from nextstroke.nets.networks import GradientClips, PredictionNetwork, SynthesisNetwork, TextNetwork
from tests.nets import naive

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="NOT TESTED: GPU; there is none here")

BATCH, TIME, CELLS = 8, 40, 64


@pytest.fixture
def allow_tf32():
    """Sets whether products may be TF32, until the test ends; monkeypatch would delete the attribute then."""
    matmul = torch.backends.cuda.matmul
    before = matmul.allow_tf32
    yield lambda on: setattr(matmul, "allow_tf32", on)
    matmul.allow_tf32 = before


def outcome(network, device, dtype, text):
    """Loss, and all derivatives after it."""
    network = network.to(device, dtype)
    x = torch.randn(BATCH, TIME, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    x[:, :, 2] = (x[:, :, 2] > 1).double()
    x, text = x.to(device, dtype), [part.to(device) for part in text]
    y, _ = network(x, *text, network.start(BATCH))
    loss = Mixture.of(y[:, :-1]).log_loss(x[:, 1:]).sum()
    return [part.detach().cpu().double() for part in (loss, *torch.autograd.grad(loss, list(network.parameters())))]


@pytest.mark.parametrize(
    ("tf32", "bfloat16", "near"),
    [(False, False, 1e-4), (True, False, 1e-2), (True, True, 5e-2)],
    ids=["float32", "TF32", "bfloat16"],
)
@pytest.mark.parametrize("kind", ["pen", "writer"])
def test_loss_and_derivatives(monkeypatch, allow_tf32, kind, tf32, bfloat16, near):
    """Each tensor's error against its own size: 24, 11 and 8 bits of product, over 40 steps."""
    clips = GradientClips(10.0)
    network = PredictionNetwork(3, CELLS, 4, clips) if kind == "pen" else SynthesisNetwork(12, 3, CELLS, 4, 3, clips)
    naive.shaken(network, 0.15)
    text = [torch.randint(12, (BATCH, 9))] if kind == "writer" else []
    expected = outcome(network, "cpu", torch.float64, text)
    allow_tf32(tf32)
    monkeypatch.setattr(product, "_bfloat16", {"cuda"} if bfloat16 else set())
    for ours, theirs in zip(outcome(network, "cuda", torch.float32, text), expected, strict=True):
        assert (ours - theirs).norm() <= near * theirs.norm()


@pytest.mark.parametrize("bfloat16", [False, True], ids=["TF32", "bfloat16"])
def test_dropout_along_the_diagonal(monkeypatch, allow_tf32, bfloat16):
    """Derivatives with the same outputs dropped on both devices."""
    network = naive.shaken(PredictionNetwork(3, CELLS, 4, GradientClips(10.0), dropout=0.3), 0.15)
    kept = wavefront.dropout_masks(0.3, TIME, torch.zeros(3, BATCH, CELLS))
    monkeypatch.setattr(wavefront, "can_run_wavefront", lambda layers, device: True)
    monkeypatch.setattr(wavefront, "dropout_masks", lambda dropout, steps, h: kept.to(h))
    expected = outcome(network, "cpu", torch.float64, [])
    allow_tf32(True)
    monkeypatch.setattr(product, "_bfloat16", {"cuda"} if bfloat16 else set())
    for ours, theirs in zip(outcome(network, "cuda", torch.float32, []), expected, strict=True):
        assert (ours - theirs).norm() <= 5e-2 * theirs.norm()


@pytest.mark.parametrize("bfloat16", [False, True], ids=["TF32", "bfloat16"])
@torch.no_grad()
def test_a_text_network_says_the_same_every_time(monkeypatch, allow_tf32, bfloat16):
    """Its sizes are those whose scores were once far off, beside other processes (notes/log.md, the first GPU)."""
    network, x = TextNetwork(256, 2, 512), torch.randint(256, (32, 200))
    naive.shaken(network, 0.05)
    expected, _ = network.double()(x, network.start(32))
    allow_tf32(True)
    monkeypatch.setattr(product, "_bfloat16", {"cuda"} if bfloat16 else set())
    network, x = network.to("cuda", torch.float32), x.cuda()
    for _ in range(50):
        y, _ = network(x, network.start(32))
        assert (y.cpu().double() - expected).norm() <= 5e-2 * expected.norm()
