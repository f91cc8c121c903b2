"""A packed corpus in figures: what `nextstroke data` prints."""

from collections import Counter
from collections.abc import Collection
from typing import Any

import numpy as np

from nextstroke.corpora.packed import InkCorpus

JUMPS = (300, 500)  # units a point; the pen cannot, the sensor of the whiteboard can


def summarise(corpus: InkCorpus, statistics_on: Collection[str] = ()) -> dict[str, Any]:
    """The figures of a corpus, ready for JSON. What cannot be computed is None, never NaN.

    Args:
        corpus: All of its lines are counted, those with a fault too.
        statistics_on: Splits that the offset statistics are taken over; empty for all lines.
    """
    lengths = np.diff(corpus.starts)
    texts = [line.text.replace(" ", "") for line in corpus.lines]
    density = [points / len(text) for points, text in zip(lengths, texts, strict=True) if text]
    return {
        "lines": len(corpus),
        "lines_of_split": dict(Counter(line.split or "none" for line in corpus.lines)),
        "lines_without_fault_of_split": dict(Counter(line.split or "none" for line in corpus.lines if not line.fault)),
        "faults": dict(Counter(line.fault for line in corpus.lines if line.fault).most_common()),
        "writers": len({line.writer for line in corpus.lines if line.writer >= 0}),
        "characters": len(set().union(*(line.text for line in corpus.lines))),
        "points": int(lengths.sum()),
        "points_of_line_median": float(np.median(lengths)),
        "points_of_character_median": float(np.median(density)) if density else None,
        "end_of_stroke_rate": float(np.mean(corpus.end_of_stroke)),
        "offsets": _offset_statistics(corpus, statistics_on),
        "oddities": _oddities(corpus),
    }


def _offset_statistics(corpus: InkCorpus, splits: Collection[str]) -> dict[str, Any]:
    """Mean and standard deviation of the offsets inside lines, over the lines of `splits`."""
    chosen = np.array([not splits or line.split in splits for line in corpus.lines])
    inside = np.repeat(chosen, np.diff(corpus.starts))
    inside[corpus.starts[:-1]] = False  # the first point of a line is a place, no offset
    figures: dict[str, Any] = {"splits": sorted(splits), "count": int(inside.sum())}
    for axis, name in enumerate(("dx", "dy")):
        # float64: sums in float32 are 1 % off on this much data.
        steps = np.diff(corpus.points[:, axis].astype(np.float64), prepend=0.0)[inside]
        figures |= {f"{name}_mean": float(steps.mean()), f"{name}_std": float(steps.std())} if len(steps) else {}
    return figures


def _oddities(corpus: InkCorpus) -> dict[str, Any]:
    """What is left in the ink as it came: jumps of the sensor, repeated points, dots."""
    begins = np.zeros(len(corpus.points), bool)
    begins[corpus.starts[:-1]] = True
    begins[1:] |= corpus.end_of_stroke[:-1]
    steps = np.hypot(*np.diff(corpus.points, axis=0, prepend=corpus.points[:1]).T)
    steps[begins] = np.nan
    line_of = np.repeat(np.arange(len(corpus)), np.diff(corpus.starts))
    jumps = {f"lines_with_jumps_over_{size}": len(np.unique(line_of[steps > size])) for size in JUMPS}
    repeats = int((steps == 0).sum())
    return jumps | {"repeated_points": repeats, "strokes_of_one_point": int((begins & corpus.end_of_stroke).sum())}
