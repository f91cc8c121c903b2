"""How cost and memory grow with length, batch and threads: python -m benchmarks.curves [--store].

Each point is measured in a process of its own: processor time of the work, without its start, and memory at its most.
Costs are given as ratios to the first point of a curve, so that curves of different machines can be compared.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

STORED = Path(__file__).with_suffix(".json")
DOCS = Path(__file__).resolve().parent.parent / "docs"
CURVES = {
    "length": [512, 2048, 8192, 32768],  # bytes compressed with the text model
    "batch": [1, 2, 4, 8, 16, 32],  # lines of handwriting side by side
    "threads": [1, 2],  # processes that compress 256 KiB without a model
}
POINTS = 100  # of each line of handwriting


def text(size: int) -> bytes:
    """Return the first `size` bytes of the documentation followed by its reverse."""
    pages = b"".join(page.read_bytes() for page in sorted(DOCS.glob("*.md")))
    return (pages + pages[::-1])[:size]


def measure(curve: str, value: int) -> dict[str, float]:
    """Return processor seconds for each byte or point, and the most memory in MB, of this process and its children."""
    if curve == "batch":
        seconds = _write(value)
    elif curve == "length":
        seconds = _compress(text(value), "text", 1)
    else:
        seconds = _compress(text(1 << 18), "none", value)
    memory = [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    processes = value if curve == "threads" and value > 1 else 0
    return {"seconds": seconds, "memory": (memory[0] + processes * memory[1]) / 1024}


def _write(lines: int) -> float:
    from nextstroke.runtime.model_file import load_model
    from nextstroke.runtime.predictor import WriterPredictor

    model = load_model("writer", "writer")
    predictor = WriterPredictor(model, [model.alphabet.encode("a line of letters")] * lines)
    point = np.zeros((lines, 3))
    predictor.observe(point)
    begun = time.process_time()
    for _ in range(POINTS):
        predictor.observe(point)
    return (time.process_time() - begun) / POINTS / lines


def _compress(data: bytes, model: str, threads: int) -> float:
    import io

    from nextstroke.compression.stream import compress, compress_stream

    compress(b"a few words to begin with", model)
    begun = _processor_time()
    compress_stream(io.BytesIO(data), io.BytesIO(), model, threads)
    return (_processor_time() - begun) / len(data)


def _processor_time() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + usage.ru_utime + usage.ru_stime


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--store", action="store_true", help="replace the stored curves, which the docs show")
    arguments.add_argument("--curve", choices=CURVES, help="measure this curve and keep the others as they are stored")
    arguments.add_argument("--point", nargs=2, metavar=("CURVE", "VALUE"), help="measure one point and print it")
    given = arguments.parse_args()
    if given.point:
        print(json.dumps(measure(given.point[0], int(given.point[1]))))
        return
    curves = json.loads(STORED.read_text("utf-8")) if given.curve else {}
    for curve, values in CURVES.items():
        if given.curve not in (None, curve):
            continue
        points = []
        for value in values:
            command = [sys.executable, "-m", "benchmarks.curves", "--point", curve, str(value)]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            points.append(json.loads(done.stdout))
        costs = [float(f"{point['seconds'] / points[0]['seconds']:.3g}") for point in points]
        memory = [round(point["memory"]) for point in points]
        curves[curve] = {"values": values, "cost": costs, "memory": memory}
        print(curve, curves[curve], flush=True)
    if given.store:
        STORED.write_text(json.dumps(curves, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
