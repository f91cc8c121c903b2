"""How fast a GPU learns: networks of the paper's sizes, whole updates, against torch.nn.LSTM of the same sizes.

The step is the one a training takes (a captured chunk, then the optimiser). Cases are timed in turn in every round, the
device waited for before and after; ratios are formed inside a round, medians over the rounds are told. The same runs on
a CPU with small sizes, where it only shows that it runs.
"""

import resource
import statistics
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.train import SYMBOLS, shaken
from nextstroke.nets.matmul import bfloat16
from nextstroke.nets.mixture import Mixture
from nextstroke.nets.networks import GradientClips, SynthesisNetwork, TextNetwork
from nextstroke.nets.softmax import log_loss
from nextstroke.training.cuda_graphs import Replayed
from nextstroke.training.device import open_device

CHARACTERS = 90e6  # an epoch of the paper's 100 MB of text less what is held out
LINES, LINE_POINTS = 10_741, 628  # an epoch of handwriting: the paper's split, and the mean of its raw lines


class Sizes(NamedTuple):
    """What is measured; text first, then handwriting."""

    layers: int = 7
    cells: int = 700
    symbols: int = 205
    streams: int = 512
    writer_cells: int = 400
    lines: int = 128
    places: int = 32
    steps: int = 100


class Case(NamedTuple):
    """One update by `work`, which learns from a number of characters or points."""

    work: Callable[[], None]
    items: int


class PlainText(nn.Module):
    """torch.nn.LSTM with the same layers and cells; no peepholes, no skip connections, no clipping."""

    def __init__(self, sizes: Sizes):
        super().__init__()
        self.symbols = sizes.symbols
        self.lstm = nn.LSTM(sizes.symbols, sizes.cells, sizes.layers, batch_first=True)
        self.output = nn.Linear(sizes.cells, sizes.symbols)

    def start(self, batch: int) -> None:
        """Its own zeros."""

    def forward(self, x: Tensor, state: None) -> tuple[Tensor, None]:
        """Logits (batch, time, symbols) of ids (batch, time)."""
        one_hot = functional.one_hot(x, self.symbols).to(self.output.weight.dtype)
        return self.output(self.lstm(one_hot)[0]), None


def our_text(sizes: Sizes) -> TextNetwork:
    """The paper's network."""
    return TextNetwork(sizes.symbols, sizes.layers, sizes.cells, clip=1.0)


def bench_device(device: str, rounds: int = 7, sizes: Sizes | None = None) -> dict[str, float]:
    """Figures by name: characters and points a second, seconds an epoch, ratios, gigabytes.

    Raises:
        UsageError: no such device.
    """
    device, sizes = open_device(device), sizes or Sizes()
    torch.backends.cuda.matmul.allow_tf32 = True
    figures: dict[str, float] = {}
    seconds: dict[str, list[float]] = {}
    for names in (TEXT, WRITING):
        cases = {}
        for name in names:
            cases[name], figures[f"{name}, peak GB"] = begin(CASES[name], sizes, device)
        seconds |= measure(cases, rounds, device)
        figures |= {f"{name}, items/s": case.items / statistics.median(seconds[name]) for name, case in cases.items()}
    return figures | epochs(figures) | ratios(seconds)


def text_case(make: Callable[[Sizes], Any], narrow: bool = False, captured: bool = True):
    """A case of text: one update on a segment of every stream."""

    def build(sizes: Sizes, device: str) -> Case:
        network = shaken(make(sizes)).to(device)
        ids = torch.randint(sizes.symbols, (sizes.streams, sizes.steps + 1), device=device)
        if narrow and not captured:  # torch's own takes one type for all it has
            network = network.bfloat16()

        def loss(x: Tensor, target: Tensor) -> Tensor:
            y, _ = network(x, network.start(len(x)))
            return log_loss(y.float(), target).sum()

        work = update(network, loss, (ids[:, :-1], ids[:, 1:]), captured)
        return Case(with_products(work, narrow), sizes.streams * sizes.steps)

    return build


def writer_case(narrow: bool = False):
    """A case of handwriting: one update of the synthesis network on a chunk of every line."""

    def build(sizes: Sizes, device: str) -> Case:
        network = shaken(SynthesisNetwork(SYMBOLS, cells=sizes.writer_cells, clips=GradientClips(10.0, 100.0))).to(
            device
        )
        points = torch.randn(sizes.lines, sizes.steps, 3, device=device)
        points[:, :, 2] = (points[:, :, 2] > 2).float()
        text = torch.randint(SYMBOLS, (sizes.lines, sizes.places), device=device)

        def loss(points: Tensor, text: Tensor) -> Tensor:
            y, _ = network(points, text, network.start(len(points)))
            return Mixture.of(y[:, :-1]).log_loss(points[:, 1:]).sum()

        return Case(with_products(update(network, loss, (points, text), True), narrow), sizes.lines * sizes.steps)

    return build


TEXT = ("text", "text, bfloat16", "text of torch.nn", "text of torch.nn, bfloat16")
WRITING = ("synthesis", "synthesis, bfloat16")
CASES = {
    "text": text_case(our_text),
    "text, bfloat16": text_case(our_text, narrow=True),
    "text of torch.nn": text_case(PlainText, captured=False),
    "text of torch.nn, bfloat16": text_case(PlainText, narrow=True, captured=False),
    "synthesis": writer_case(),
    "synthesis, bfloat16": writer_case(narrow=True),
}


def update(
    network: nn.Module, loss: Callable[..., Tensor], inputs: tuple[Tensor, ...], captured: bool
) -> Callable[[], None]:
    """Forward, backward and a step of AdamW; the derivatives captured, or not (torch.nn.LSTM needs it not)."""
    weights = [weight for weight in network.parameters() if weight.numel()]
    optimiser = torch.optim.AdamW(weights, 1e-5, fused=True)

    def gradients(*inputs: Tensor) -> list[Tensor]:
        return [gradient.contiguous() for gradient in torch.autograd.grad(loss(*inputs), weights)]

    take = Replayed(gradients) if captured else gradients

    def work() -> None:
        for weight, gradient in zip(weights, take(*inputs), strict=True):
            weight.grad = gradient
        optimiser.step()
        optimiser.zero_grad()

    return work


def with_products(work: Callable[[], None], narrow: bool) -> Callable[[], None]:
    """The same work, its step products in bfloat16 if `narrow`; a capture keeps what it was made with."""

    def done() -> None:
        with bfloat16("cuda", narrow):
            work()

    return done


def begin(build: Callable[[Sizes, str], Case], sizes: Sizes, device: str) -> tuple[Case, float]:
    """A case after its first update, which captures, and the most memory it took: in GB, on a CPU of all so far."""
    if not device.startswith("cuda"):
        case = build(sizes, device)
        case.work()
        return case, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    before = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    case = build(sizes, device)
    case.work()
    return case, (torch.cuda.max_memory_allocated() - before) / 1e9


def measure(cases: dict[str, Case], rounds: int, device: str, times: int = 5) -> dict[str, list[float]]:
    """Seconds of an update by case and round; all have had their first."""
    seen: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(rounds):
        for name, case in cases.items():
            wait(device)
            began = time.perf_counter()
            for _ in range(times):
                case.work()
            wait(device)
            seen[name].append((time.perf_counter() - began) / times)
    return seen


def wait(device: str) -> None:
    """Until the device has done all it was given."""
    if device.startswith("cuda"):
        torch.cuda.synchronize()
    elif device == "mps":
        torch.mps.synchronize()


def epochs(figures: dict[str, float]) -> dict[str, float]:
    """Seconds for all characters, and for all lines."""
    text = {f"{name}, s for 90 M characters": CHARACTERS / figures[f"{name}, items/s"] for name in TEXT}
    lines = {f"{name}, s for 10,741 lines": LINES * LINE_POINTS / figures[f"{name}, items/s"] for name in WRITING}
    return text | lines


def ratios(seconds: dict[str, list[float]]) -> dict[str, float]:
    """How many times longer torch.nn.LSTM takes, by type of product."""

    def ratio(theirs: str, ours: str) -> float:
        return statistics.median(a / b for a, b in zip(seconds[theirs], seconds[ours], strict=True))

    return {
        "text of torch.nn over ours, time": ratio("text of torch.nn", "text"),
        "the same, both bfloat16": ratio("text of torch.nn, bfloat16", "text, bfloat16"),
    }
