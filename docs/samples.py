"""Write the samples of the studio's gallery: one word in every bundled hand, as strokes of whole numbers."""

import json
from pathlib import Path

import numpy as np

from nextstroke.handwriting.best_of import line_writer
from nextstroke.handwriting.hands import gallery, hands_by_group
from nextstroke.handwriting.request import line_requests
from nextstroke.ink import Ink
from nextstroke.runtime.model_file import find_model, load_model

WORD = "Hello"
SEED = 2
BIAS = 1.0
CANDIDATES = 16
HEIGHT = 100  # of the box of a sample; its width follows from the ink
PAGE = Path(__file__).parent.parent / "src" / "nextstroke" / "web" / "static" / "samples.json"


def main() -> None:
    """Write samples.json: the groups of the gallery, of each hand its name, width and strokes."""
    model = load_model("writer", "writer")
    writer = line_writer(CANDIDATES)
    groups = []
    for group, hands in hands_by_group(gallery(find_model("writer")).values()).items():
        samples = []
        for hand in hands:
            word = WORD.upper() if hand.text.isupper() else WORD
            (line,) = writer.write(model, line_requests(model, [word], hand, BIAS, SEED))
            samples.append({"name": hand.name} | _sample(line.ink))
        groups.append({"group": group, "hands": samples})
    PAGE.write_text(json.dumps({"height": HEIGHT, "groups": groups}, separators=(",", ":")) + "\n", "utf-8")


def _sample(ink: Ink) -> dict[str, int | list[list[int]]]:
    """Return the width of a word that is HEIGHT high, and its strokes."""
    left, top, right, bottom = ink.bounds()
    scale = HEIGHT / (bottom - top)
    strokes = [np.rint((stroke - (left, top)) * scale).astype(int) for stroke in ink.strokes()]
    return {"width": round((right - left) * scale), "strokes": [_steps(stroke) for stroke in strokes]}


def _steps(stroke: np.ndarray) -> list[int]:
    """Return a stroke as its first point and the steps to the next ones; steps of length 0 are left out."""
    steps = [step for step in np.diff(stroke, axis=0).tolist() if any(step)]
    return [value for pair in [stroke[0].tolist(), *steps] for value in pair]


if __name__ == "__main__":
    main()
