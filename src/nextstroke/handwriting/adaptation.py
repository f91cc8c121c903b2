"""Adaptation of written lines to a hand: what priming alone does not reach, such as the width and the joins."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from nextstroke.ink import Ink
from nextstroke.pages.layout import Measures

# Bounds of each number: beyond them letters come apart or collide, or the number of strokes was never measured.
BOUNDS = {"lift": (-1.0, 0.5), "shear": (-0.6, 0.6), "stretch": (0.6, 1.6), "gap": (-1.5, 2.5), "tall": (0.8, 1.25)}


@dataclass(frozen=True)
class Adaptation:
    """What is changed of a hand's lines while and after they are drawn; lengths are in heights of small letters.

    Attributes:
        lift: Added to the logit of lifting the pen; below 0 joins more letters.
        shear: Added to dx for each dy.
        stretch: Factor of all widths.
        gap: Added to the space between words.
        tall: Factor of what is above the small letters and below the baseline.

    Raises:
        ValueError: A number is out of its BOUNDS.
    """

    lift: float = 0.0
    shear: float = 0.0
    stretch: float = 1.0
    gap: float = 0.0
    tall: float = 1.0

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            low, high = BOUNDS[name]
            if not low <= value <= high:
                raise ValueError(f"{name} {value}: it is from {low} to {high}")

    @classmethod
    def bounded(cls, **values: float) -> "Adaptation":
        """Return an adaptation with each value brought within its bounds; what is not finite is left out."""
        return cls(**{name: float(np.clip(v, *BOUNDS[name])) for name, v in values.items() if math.isfinite(v)})

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> "Adaptation":
        """Return an adaptation from a file's numbers by name; raises ValueError for any other content."""
        names = [each.name for each in fields(cls)]
        if not all(name in names and isinstance(value, int | float) for name, value in values.items()):
            raise ValueError(f"an adaptation with {', '.join(map(str, values))[:60]}; it has {', '.join(names)}")
        return cls(**{name: float(value) for name, value in values.items()})

    def stored(self) -> dict[str, float]:
        """Return the numbers that are not those of a hand without adaptation, by name."""
        return {each.name: v for each in fields(self) if (v := getattr(self, each.name)) != each.default}

    def apply(self, ink: Ink, phi: np.ndarray, text: str) -> Ink:
        """Return a line with its letters sheared and stretched, and its words moved apart.

        Args:
            ink: The line as the network drew it.
            phi: Window weights of its points, (points, characters + 1).
            text: What it says.
        """
        if not self.stored().keys() - {"lift"}:
            return ink
        measures = Measures.of(ink)
        x, y = ink.points.T
        level = y - measures.slope * x - measures.baseline
        height = measures.x_height
        above = np.minimum(level + height, 0)
        below = np.maximum(level, 0)
        words = _blanks_before(ink, phi, text)
        moved = self.stretch * (x + self.shear * level) + self.gap * height * words
        raised = level + (self.tall - 1) * (above + below)
        return Ink(np.column_stack([moved, raised + measures.slope * moved + measures.baseline]), ink.end_of_stroke)


def _blanks_before(ink: Ink, phi: np.ndarray, text: str) -> np.ndarray:
    """Return for each point the number of blanks before the word that its stroke belongs to, (points,)."""
    owner = phi.argmax(1)
    blanks = np.array([u for u, character in enumerate(text) if character == " "])
    counts = np.zeros(len(ink))
    for stroke in ink.stroke_slices():
        counts[stroke] = (blanks < np.median(owner[stroke])).sum()
    return counts
