"""What one point costs: the bundled writer on one core, batch 1 and batches, beside this machine's product rate.

python benchmarks/step.py [--json] [MODEL]
"""

import json
import statistics
import sys
import time

import numpy as np

from nextstroke.engine.draw import UNIFORMS
from nextstroke.engine.modelfile import load_model
from nextstroke.engine.predictor import WriterPredictor

TEXT = "a line of fifty characters, as letters have many. "


def points_per_second(model, lines: int, steps: int = 150, rounds: int = 7) -> float:
    """Median microseconds a step of `lines` lines: drawing and network."""
    times = []
    for _ in range(rounds):
        predictor = WriterPredictor(model, [model.alphabet.encode(TEXT)] * lines)
        predictor.observe(np.zeros((lines, 3)))
        numbers, bias = np.random.default_rng(1).random((steps, lines, UNIFORMS)), np.full(lines, 0.5)
        began = time.perf_counter()
        for row in numbers:
            predictor.observe(predictor.predict(bias).draw(row))
        times.append((time.perf_counter() - began) / steps)
    return 1e6 * statistics.median(times)


def sgemm_rate(size: int = 768) -> float:
    """GFLOP/s of numpy's float32 product now, on all the threads numpy takes."""
    a = np.ones((size, size), np.float32)
    times = []
    for _ in range(7):
        began = time.perf_counter()
        a @ a
        times.append(time.perf_counter() - began)
    return 2 * size**3 / statistics.median(times) / 1e9


def main() -> None:
    names = [name for name in sys.argv[1:] if name != "--json"] or ["writer"]
    model = load_model(names[0], "writer")
    figures = {f"microseconds_a_step_batch_{n}": points_per_second(model, n) for n in (1, 8, 32)}
    figures["sgemm_gflops"] = sgemm_rate()
    if "--json" in sys.argv:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name:32} {value:10.1f}")


if __name__ == "__main__":
    main()
