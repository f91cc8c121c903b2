"""How fast the networks learn on one core, as shares of the float32 matrix product's rate in the same process.

Other load on the machine disturbs every number; so each round measures the product right before and after each case,
ratios are formed inside a round, and the median over the rounds is shown.

    python benchmarks/train.py [--rounds 7] [--json]
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import nn

from nextstroke.nets.lstm import LSTM
from nextstroke.nets.mixture import Mixture
from nextstroke.nets.networks import WriterNetwork
from nextstroke.training.run import sgemm_rate

BATCH, STEPS, CELLS, SYMBOLS, PLACES = 64, 100, 400, 73, 32


class Case(NamedTuple):
    """One thing to time: `work` makes `points` points of progress with `gflop` of matrix products."""

    work: Callable[[], None]
    points: int
    gflop: float


def layer_case(layer: nn.Module, start: Callable[[], tuple]) -> Case:
    """Forward and backward of one layer with the derivative by its input."""
    x = torch.randn(BATCH, STEPS, CELLS, requires_grad=True)
    above = torch.randn(BATCH, STEPS, CELLS)

    def work() -> None:
        hidden, _ = layer(x, start())
        hidden.backward(above)

    return Case(work, BATCH * STEPS, 3 * 2 * BATCH * STEPS * 4 * CELLS * 2 * CELLS / 1e9)


def own_layer() -> Case:
    """Ours, with peepholes and clipping."""
    layer = shaken(LSTM(CELLS, CELLS, clip=10.0))
    return layer_case(layer, lambda: layer.start(BATCH))


def torch_layer() -> Case:
    """torch's, which has neither."""
    zeros = torch.zeros(1, BATCH, CELLS)
    return layer_case(nn.LSTM(CELLS, CELLS, batch_first=True), lambda: (zeros, zeros))


def writer(batch: int) -> Case:
    """The synthesis network with its loss."""
    network = shaken(WriterNetwork(SYMBOLS, clip=10.0, output_clip=100.0))
    x, text = torch.randn(batch, STEPS, 3), torch.randint(0, SYMBOLS, (batch, PLACES))
    target = torch.cat([torch.randn(batch, STEPS, 2), torch.zeros(batch, STEPS, 1)], 2)

    def work() -> None:
        y, _ = network(x, text, network.start(batch))
        Mixture.of(y).log_loss(target).sum().backward()

    weights = sum(weight.numel() for weight in network.parameters() if weight.dim() == 2)
    return Case(work, batch * STEPS, 3 * 2 * batch * STEPS * weights / 1e9)


def shaken(network: nn.Module) -> nn.Module:
    """The network with small random weights."""
    for weight in network.parameters():
        nn.init.uniform_(weight, -0.05, 0.05)
    return network


def measure(cases: dict[str, Case], rounds: int) -> dict[str, dict[str, float]]:
    """Medians by case: GFLOP/s, share of the product's rate, points a second."""
    for case in cases.values():
        case.work()
    seen: dict[str, list[tuple[float, float]]] = {name: [] for name in cases}
    for _ in range(rounds):
        for name, case in cases.items():
            seen[name].append(once(case))
    return {name: summary(cases[name], pairs) for name, pairs in seen.items()}


def once(case: Case) -> tuple[float, float]:
    """Seconds of one piece of work, and the product's rate around it."""
    before = sgemm_rate()
    began = time.perf_counter()
    case.work()
    seconds = time.perf_counter() - began
    return seconds, (before + sgemm_rate()) / 2


def summary(case: Case, pairs: list[tuple[float, float]]) -> dict[str, float]:
    """Medians of what was seen of one case."""
    return {
        "gflops": statistics.median(case.gflop / seconds for seconds, _ in pairs),
        "sgemm_gflops": statistics.median(rate for _, rate in pairs),
        "share_of_sgemm": statistics.median(case.gflop / seconds / rate for seconds, rate in pairs),
        "points_per_second": statistics.median(case.points / seconds for seconds, _ in pairs),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    cases = {"LSTM": own_layer(), "nn.LSTM": torch_layer(), "writer 64": writer(64), "writer 16": writer(16)}
    found = measure(cases, options.rounds)
    if options.json:
        print(json.dumps(found))
        return
    for name, figures in found.items():
        line = "{gflops:6.1f} GFLOP/s, {share_of_sgemm:5.1%} of sgemm, {points_per_second:8.0f} points/s"
        print(f"{name:10}", line.format(**figures))


if __name__ == "__main__":
    main()
