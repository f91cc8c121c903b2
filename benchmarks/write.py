"""What writing costs: a step of the model file, at batch 1 and in batches, drawing included."""

import statistics
import time

import numpy as np

from nextstroke.runtime.mixture_sampling import UNIFORMS
from nextstroke.runtime.model_file import Model
from nextstroke.runtime.predictor import WriterPredictor

TEXT = "a line of fifty characters, as letters have many. "


def bench_writing(model: Model, rounds: int = 7) -> dict[str, float]:
    """Median microseconds of a step for 1, 8 and 32 lines, and GFLOP/s of numpy's product beside them."""
    figures = {f"a step of {lines} lines, µs": step_time(model, lines, rounds) for lines in (1, 8, 32)}
    return figures | {"product of numpy, GFLOP/s": product_rate()}


def step_time(model: Model, lines: int, rounds: int, steps: int = 150) -> float:
    """Microseconds of a step of `lines` lines side by side, the median over rounds."""
    times = []
    numbers, bias = np.random.default_rng(1).random((steps, lines, UNIFORMS)), np.full(lines, 0.5)
    for _ in range(rounds):
        predictor = WriterPredictor(model, [model.alphabet.encode(TEXT)] * lines)
        predictor.observe(np.zeros((lines, 3)))
        began = time.perf_counter()
        for row in numbers:
            predictor.observe(predictor.predict(bias).draw(row))
        times.append((time.perf_counter() - began) / steps)
    return 1e6 * statistics.median(times)


def product_rate(size: int = 768, times: int = 7) -> float:
    """GFLOP/s of numpy's float32 product now, on as many threads as numpy takes."""
    a = np.ones((size, size), np.float32)
    seconds = []
    for _ in range(times):
        began = time.perf_counter()
        a @ a
        seconds.append(time.perf_counter() - began)
    return 2 * size**3 / statistics.median(seconds) / 1e9
