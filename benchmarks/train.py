"""How fast networks learn on one core, as shares of the float32 matrix product's rate in the same process.

Other load on the machine disturbs every number; so each round measures the product right before and after each case,
ratios are formed inside a round, and medians over the rounds are told.
"""

import statistics
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from nextstroke.native.switch import paused
from nextstroke.nets.lstm import LSTM
from nextstroke.nets.matmul import bfloat16, has_bfloat16, product
from nextstroke.nets.mixture import Mixture
from nextstroke.nets.networks import GradientClips, PredictionNetwork, SynthesisNetwork, TextNetwork
from nextstroke.nets.softmax import log_loss
from nextstroke.training.device import prepare_core
from nextstroke.training.profile import step_shares

BATCH, STEPS, CELLS, SYMBOLS, PLACES = 64, 100, 400, 81, 32
NN = "layer of torch.nn"
TEXT = {"symbols": 205, "layers": 7, "cells": 700}  # section 3.2


class Case(NamedTuple):
    """One thing to time: `work` makes `points` points of progress with `gflop` of matrix products."""

    work: Callable[[], None]
    points: int
    gflop: float


class Timing(NamedTuple):
    """One piece of work: how long it took in seconds, and the best rate of a product around it in GFLOP/s."""

    seconds: float
    rate: float


def bench_training(rounds: int = 7) -> dict[str, float]:
    """Figures by name: GFLOP/s, points a second, and the ratios that matter, on one thread."""
    torch.set_num_threads(1)
    # torch's layer as its users meet it, before this process is told to keep its memory; then beside ours.
    as_it_comes = measure({NN: torch_layer()}, rounds)[NN]
    built = prepare_core()
    cases = {
        "layer": own_layer(),
        NN: torch_layer(),
        "layer, naive loop": naive_layer(),
        "prediction": pen_step(),
        "synthesis": writer_step(BATCH),
        "synthesis batch 16": writer_step(16),
        "synthesis batch 16, torch loops": with_torch_loops(writer_step(16)),
        "text": text_step(),
    }
    narrow = has_bfloat16()
    if narrow:  # else float32 would be measured under the name of bfloat16
        cases["synthesis batch 16, bfloat16"] = in_bfloat16(writer_step(16))
        cases["text, bfloat16"] = in_bfloat16(text_step())
    seen = measure(cases, rounds)
    figures = {"loops in C++ (1) or torch (0)": float(built)}
    figures["products of bfloat16 (1) or only of float32 (0)"] = float(narrow)
    figures |= figures_of(cases, seen)
    figures[f"{NN} as it comes over ours, time"] = statistics.median(
        before.seconds / ours.seconds for before, ours in zip(as_it_comes, seen["layer"], strict=True)
    )
    return figures | {f"{part} over all of a step, time": share for part, share in step_shares(rounds).items()}


def product_rates(size: int = 768, times: int = 6) -> tuple[float, float]:
    """GFLOP/s of a square float32 product by torch's own library, and by the one we take."""
    a, b = torch.randn(size, size), torch.randn(size, size)
    return _rate(lambda: a @ b, size, times), _rate(lambda: product(a, b), size, times)


def _rate(work: Callable[[], Tensor], size: int, times: int) -> float:
    work()
    began = time.perf_counter()
    for _ in range(times):
        work()
    return times * 2 * size**3 / (time.perf_counter() - began) / 1e9


def layer_case(run: Callable[[Tensor], Tensor]) -> Case:
    """Forward and backward of one layer with the derivative by its input."""
    x, above = torch.randn(BATCH, STEPS, CELLS, requires_grad=True), torch.randn(BATCH, STEPS, CELLS)

    def work() -> None:
        run(x).backward(above)

    return Case(work, BATCH * STEPS, 3 * 2 * BATCH * STEPS * 4 * CELLS * 2 * CELLS / 1e9)


def own_layer() -> Case:
    """Ours, with peepholes and clipping."""
    layer = shaken(LSTM(CELLS, CELLS, clip=10.0))
    return layer_case(lambda x: layer(x, layer.start(BATCH))[0])


def torch_layer() -> Case:
    """torch's, which has neither."""
    layer = nn.LSTM(CELLS, CELLS, batch_first=True)
    return layer_case(lambda x: layer(x)[0])


def naive_layer() -> Case:
    """Equations 7 to 11 step by step under autograd, as they are usually written down."""
    layer = shaken(LSTM(CELLS, CELLS))

    def run(x: Tensor) -> Tensor:
        h, c = layer.start(BATCH)
        hidden = []
        for t in range(STEPS):
            z = x[:, t] @ layer.weight.t() + h @ layer.recurrent.t() + layer.bias
            i, f, g, o = z.chunk(4, 1)
            old = c
            c = torch.sigmoid(f + layer.peepholes[1] * old) * old
            c = c + torch.sigmoid(i + layer.peepholes[0] * old) * torch.tanh(g)
            h = torch.sigmoid(o + layer.peepholes[2] * c) * torch.tanh(c)
            hidden.append(h)
        return torch.stack(hidden, 1)

    return layer_case(run)


def pen_step() -> Case:
    """The prediction network with its loss and the optimiser's step."""
    network, (x, target) = shaken(PredictionNetwork(clips=GradientClips(10.0, 100.0))), made_up_points(BATCH)
    return network_case(network, lambda: Mixture.of(network(x, network.start(BATCH))[0]).log_loss(target))


def writer_step(batch: int) -> Case:
    """The synthesis network with its loss and the optimiser's step."""
    network, (x, target) = shaken(SynthesisNetwork(SYMBOLS, clips=GradientClips(10.0, 100.0))), made_up_points(batch)
    text = torch.randint(0, SYMBOLS, (batch, PLACES))
    return network_case(network, lambda: Mixture.of(network(x, text, network.start(batch))[0]).log_loss(target))


def text_step() -> Case:
    """The paper's largest text network with its loss and the optimiser's step; a symbol's row is no product."""
    network, symbols = shaken(TextNetwork(**TEXT, clip=1.0)), torch.randint(0, TEXT["symbols"], (BATCH, STEPS + 1))
    return network_case(network, lambda: log_loss(network(symbols[:, :-1], network.start(BATCH))[0], symbols[:, 1:]))


def made_up_points(batch: int) -> tuple[Tensor, Tensor]:
    """Points that go in, and those to predict."""
    target = torch.cat([torch.randn(batch, STEPS, 2), torch.zeros(batch, STEPS, 1)], 2)
    return torch.randn(batch, STEPS, 3), target


def network_case(network: nn.Module, losses: Callable[[], Tensor]) -> Case:
    """Forward, loss and backward of a network, and one step of AdamW; `losses` has one number for each point."""
    optimiser = torch.optim.AdamW(network.parameters(), 1e-5, fused=True)

    def work() -> None:
        losses().sum().backward()
        optimiser.step()
        optimiser.zero_grad()

    named = network.named_parameters()
    weights = sum(weight.numel() for name, weight in named if weight.dim() == 2 and not name.startswith("tables"))
    with torch.no_grad():
        points = losses().numel()
    return Case(work, points, 3 * 2 * points * weights / 1e9)


def shaken(network: nn.Module) -> Any:
    """The network with small random weights."""
    for weight in network.parameters():
        nn.init.uniform_(weight, -0.05, 0.05)
    return network


def with_torch_loops(case: Case) -> Case:
    """The same work without the loops in C++."""

    def work() -> None:
        with paused():
            case.work()

    return case._replace(work=work)


def in_bfloat16(case: Case) -> Case:
    """The same work with products of bfloat16 between layers; only for processors that have them."""

    def work() -> None:
        with bfloat16("cpu", True):
            case.work()

    return case._replace(work=work)


def measure(cases: dict[str, Case], rounds: int) -> dict[str, list[Timing]]:
    """Timings by case, the cases in turn in every round, after one round that does not count."""
    for case in cases.values():
        case.work()
    seen: dict[str, list[Timing]] = {name: [] for name in cases}
    for _ in range(rounds):
        for name, case in cases.items():
            seen[name].append(once(case))
    return seen


def once(case: Case) -> Timing:
    """Time one piece of work, with the product's rate around it."""
    before = max(product_rates())
    began = time.perf_counter()
    case.work()
    return Timing(time.perf_counter() - began, (before + max(product_rates())) / 2)


def figures_of(cases: dict[str, Case], seen: dict[str, list[Timing]]) -> dict[str, float]:
    """Medians by name, and ratios formed inside each round, of the cases that were measured."""
    own, ours = product_rates()
    figures = {"product of torch, GFLOP/s": own, "product taken, GFLOP/s": ours}
    for name, case in cases.items():
        figures[f"{name}, GFLOP/s"] = statistics.median(case.gflop / timing.seconds for timing in seen[name])
        shares = (case.gflop / timing.seconds / timing.rate for timing in seen[name])
        figures[f"{name}, share of the best product"] = statistics.median(shares)
        figures[f"{name}, points/s"] = statistics.median(case.points / timing.seconds for timing in seen[name])
    ratio = {
        f"{NN} over ours, time": (NN, "layer"),
        "naive loop over ours, time": ("layer, naive loop", "layer"),
        "synthesis over prediction, time": ("synthesis", "prediction"),
        "float32 over bfloat16, synthesis batch 16, time": ("synthesis batch 16", "synthesis batch 16, bfloat16"),
        "float32 over bfloat16, text, time": ("text", "text, bfloat16"),
        "torch loops over those used, time": ("synthesis batch 16, torch loops", "synthesis batch 16"),
    }
    for name, (above, below) in ratio.items():
        if above not in seen or below not in seen:
            continue
        pairs = zip(seen[above], seen[below], strict=True)
        figures[name] = statistics.median(a.seconds / b.seconds for a, b in pairs)
    return figures
