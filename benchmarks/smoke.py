"""Eight ratios of speed in less than a minute, next to those of a stored file: `make bench-smoke`.

Each is the processor time of a piece of work over that of a bound or of a plain way in the same process, so that most
of it does not depend on the processor. The ratios are only reported; the exit code is always 0.

python -m benchmarks.smoke [--store]
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import textwrap
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

STORED = Path(__file__).with_suffix(".json")
TEXT = "The town lies on a hill above the river, and in autumn the fog reaches as far as the market square. "
FLOAT = 4  # bytes

Work = Callable[[], object]


class Case(NamedTuple):
    """A piece of work and what it is compared with.

    Attributes:
        work: What is measured.
        bound: What it is compared with.
        times: How many times the bound is counted.
        in_children: Whether both run in processes of their own.
    """

    work: Work
    bound: Work
    times: float = 1.0
    in_children: bool = False


def ratio(case: Case, rounds: int) -> float:
    """Return the median over rounds of the work's time over that of the bound."""
    measure = _children_time if case.in_children else time.process_time
    case.work()
    case.bound()
    ratios = []
    for _ in range(rounds):
        begun = measure()
        case.work()
        middle = measure()
        case.bound()
        ratios.append((middle - begun) / (case.times * (measure() - middle)))
    return statistics.median(ratios)


def _children_time() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def writer_point() -> Case:
    """A point of one line over one reading of the network's weights from memory."""
    from nextstroke.runtime.model_file import find_model

    weights = np.zeros(find_model("writer").stat().st_size // 8, np.uint64)
    points = 200
    return Case(_steps(1, points), lambda: [weights.max() for _ in range(points)])


def batch() -> Case:
    """A point of 16 lines together over 16 times a point of one line."""
    return Case(_steps(16, 60), _steps(1, 60), times=16)


def _steps(lines: int, points: int) -> Work:
    """Return the work of writing points of lines side by side."""
    from nextstroke.runtime.model_file import load_model
    from nextstroke.runtime.predictor import WriterPredictor

    model = load_model("writer", "writer")
    predictor = WriterPredictor(model, [model.alphabet.encode("a line of letters")] * lines)

    def work() -> None:
        for _ in range(points):
            predictor.observe(np.zeros((lines, 3)))

    return work


def compressing() -> Case:
    """Compressing an e-mail of 2 kB with the text model over the float32 products of its network alone."""
    from nextstroke.compression.lm.load import load_text_model
    from nextstroke.compression.stream import compress

    data = Path(__file__).with_name("mail.txt").read_bytes()
    network = load_text_model("text")
    assert network is not None
    layers = [*network.lower, network.top]
    shapes = [layer.product.whole.shape for layer in layers] + [network.output.product.whole.shape]
    pairs = [(np.ones((1, columns), np.float32), np.ones((columns, rows), np.float32)) for rows, columns in shapes]
    return Case(lambda: compress(data), lambda: [[h @ w for h, w in pairs] for _ in range(len(data))])


def learning() -> Case:
    """A forward and backward pass of an LSTM layer over a square float32 product of as many operations."""
    import torch

    from benchmarks.train import own_layer

    torch.set_num_threads(1)
    layer = own_layer()
    a, b = torch.randn(768, 768), torch.randn(768, 768)
    times = 4
    return Case(layer.work, lambda: [a @ b for _ in range(times)], layer.gflop * 1e9 / (2 * 768**3 * times))


def start() -> Case:
    """The whole command `write "Hello world"` over importing numpy and onnxruntime."""
    run = [sys.executable, "-c", "from nextstroke.cli.main import main; raise SystemExit(main())"]

    def work() -> None:
        subprocess.run([*run, "write", "Hello world", "-o", "-"], check=True, capture_output=True)

    imports = [sys.executable, "-c", "import numpy, onnxruntime"]
    return Case(work, lambda: subprocess.run(imports, check=True), in_children=True)


def rendering() -> Case:
    """A page as PNG over packing as many bytes of pixels by zlib."""
    from nextstroke.pages.layout import Page, level, place
    from nextstroke.pages.png import picture, png

    page = Page.named("a6")
    sheet = place(level(_lines(8), page), page)[0]
    pixels = np.asarray(picture(sheet)).tobytes()
    return Case(lambda: png(sheet), lambda: zlib.compress(pixels, 6))


def layout() -> Case:
    """Breaking a text of 2,000 words into lines over doing so by the standard library."""
    from nextstroke.pages.layout import advance_of, wrap

    text = TEXT * 100
    return Case(lambda: list(wrap(text, 120.0, advance_of)), lambda: textwrap.wrap(text, 60))


def reader() -> Case:
    """Reading two lines of ink over the float32 products of the recogniser's weights with its steps."""
    from nextstroke.handwriting.recogniser import PAIR, Recogniser
    from nextstroke.runtime.model_file import find_model, load_model

    lines = _lines(2)
    recogniser = Recogniser(load_model("reader", "reader"))
    weights = find_model("reader").stat().st_size // 2  # float16
    rows = 512
    matrix = np.ones((weights // rows, rows), np.float32)
    points = np.ones((sum(len(line.points) for line in lines) // PAIR, weights // rows), np.float32)
    return Case(lambda: recogniser.read(lines), lambda: points @ matrix)


def _lines(count: int) -> list:
    """Return lines of ink that look like writing: loops, with a pen-up after each."""
    from nextstroke.ink import Ink

    angle = np.arange(600) * 0.4
    x, y = 10 * np.arange(600) / 2 + 12 * np.sin(angle), 20 * np.cos(angle)
    ends = np.arange(600) % 24 == 23
    return [Ink(np.stack([x, y], 1), ends) for _ in range(count)]


CASES: dict[str, Callable[[], Case]] = {
    "writer point / memory": writer_point,
    "16 lines / 16 times one": batch,
    "compress / its products": compressing,
    "learning / product": learning,
    "start / imports": start,
    "PNG / zlib": rendering,
    "layout / textwrap": layout,
    "reader / its products": reader,
}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--store", action="store_true", help="replace the stored ratios by those of this run")
    arguments.add_argument("--rounds", type=int, default=5, help="measurements of each ratio; the median is reported")
    given = arguments.parse_args()
    stored = json.loads(STORED.read_text("utf-8")) if STORED.exists() else {}
    found = {}
    print(f"{'ratio of processor times':26} {'now':>8} {'stored':>8}  change")
    for name, make in CASES.items():
        found[name] = float(f"{ratio(make(), given.rounds):.3g}")
        before = stored.get(name)
        change = f"{found[name] / before - 1:+.0%}" if before else ""
        print(f"{name:26} {found[name]:8} {before or '-':>8}  {change}", flush=True)
    if given.store:
        STORED.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
