"""Batches of ink: normalised offsets, padded and cut into chunks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from nextstroke.errors import BadInput

POOL = 32  # batches sorted by length together: saves padding, and the order stays random


@dataclass(frozen=True)
class Normalisation:
    """Normalisation of offsets to (offset − mean) / std, per coordinate.

    Attributes:
        mean: Mean of (dx, dy), in the units of the ink.
        std: Standard deviation of (dx, dy), in the units of the ink.
    """

    mean: tuple[float, float]
    std: tuple[float, float]

    @classmethod
    def of(cls, offsets: Sequence[np.ndarray]) -> "Normalisation":
        """Compute mean and standard deviation over all rows.

        Args:
            offsets: Arrays (points, 2) or (points, 3), in the units of the ink.

        Raises:
            BadInput: The offsets are all equal, or there are none.
        """
        # float64: float32 sums are 1 % off on this much data.
        everything = np.concatenate([rows[:, :2] for rows in offsets]).astype(np.float64)
        if not len(everything) or not np.ptp(everything, axis=0).all():
            problem = f"{len(everything)} offsets, all equal in x or in y: nothing to learn from"
            raise BadInput(problem)
        mean = everything.mean(0)
        std = everything.std(0)
        return cls((float(mean[0]), float(mean[1])), (float(std[0]), float(std[1])))

    def apply(self, offsets: np.ndarray) -> np.ndarray:
        """Return normalised offsets (..., 3) as float32; the end-of-stroke bit is unchanged."""
        normal = offsets.astype(np.float32, copy=True)
        normal[..., :2] = (offsets[..., :2] - np.array(self.mean)) / np.array(self.std)
        return normal


class Example(NamedTuple):
    """One line.

    Attributes:
        offsets: float32 (points, 3) without the first point, in the units of the ink.
        text: Numbers of its characters (characters,).
    """

    offsets: np.ndarray
    text: np.ndarray


@dataclass(frozen=True)
class Augmentation:
    """Random transformation of a line, drawn each time the line is read.

    Attributes:
        scale: Standard deviation of the log of the size.
        stretch: Standard deviation of the log of the width alone.
        shear: Standard deviation of the slant, dx for each dy.
        slope: Standard deviation of the slope of the baseline, dy for each dx.
        clip: Bound of the absolute offsets, in units of the ink; None for no clipping.
    """

    scale: float = 0.0
    stretch: float = 0.0
    shear: float = 0.0
    slope: float = 0.0
    clip: float | None = None

    def apply(self, offsets: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return a transformed copy of offsets (points, 3)."""
        changed = offsets.copy()
        deviations = np.array([self.scale, self.stretch, self.shear, self.slope])
        size, width, slant, slope = deviations * rng.standard_normal(4)
        slanted = np.array([[1, 0], [slant, 1]])
        sloped = np.array([[1, slope], [0, 1]])
        widened = np.diag([np.exp(width), 1])
        changed[:, :2] = changed[:, :2] @ (np.exp(size) * (slanted @ sloped @ widened))
        if self.clip is not None:
            np.clip(changed[:, :2], -self.clip, self.clip, out=changed[:, :2])
        return changed


class Chunk(NamedTuple):
    """A piece of a batch, time on axis 1.

    Attributes:
        x: Previous points, float32 (lines, steps, 3); zeros before the first.
        target: Points to predict, of the same shape.
        mask: 1 where `target` is a point, 0 where it is padding, float32 (lines, steps).
        text: Numbers of characters of whole lines, int64 (lines, characters), padded with −1.
    """

    x: np.ndarray
    target: np.ndarray
    mask: np.ndarray
    text: np.ndarray


class Batch(NamedTuple):
    """Padded lines.

    Attributes:
        points: Normalised points, float32 (lines, time, 3), padded with zeros.
        text: Numbers of characters, int64 (lines, characters), padded with −1.
        lengths: Points of each line (lines,).
    """

    points: np.ndarray
    text: np.ndarray
    lengths: np.ndarray

    @classmethod
    def of(cls, examples: Sequence[Example], normalisation: Normalisation) -> "Batch":
        """Normalise examples and pad them to the longest."""
        lengths = np.array([len(example.offsets) for example in examples])
        points = np.zeros((len(examples), lengths.max(), 3), np.float32)
        characters = max(len(example.text) for example in examples)
        text = np.full((len(examples), characters), -1, np.int64)
        for i, (offsets, ids) in enumerate(examples):
            points[i, : len(offsets)] = normalisation.apply(offsets)
            text[i, : len(ids)] = ids
        return cls(points, text, lengths)

    @property
    def lines(self) -> int:
        """Number of lines."""
        return len(self.lengths)

    @property
    def fresh(self) -> bool:
        """Whether lines begin with a zero state; always so for ink."""
        return True

    def shard(self, rows: slice) -> "Batch":
        """Return the lines of some rows, in the joined batch's width."""
        return Batch(self.points[rows], self.text[rows], self.lengths[rows])

    def padded(self, steps: int, places: int) -> "Batch":
        """Return the batch padded further, for code that is compiled for each shape.

        Args:
            steps: Divisor of the number of points.
            places: Divisor of the number of characters.
        """
        more_points = -self.points.shape[1] % steps
        more_text = -self.text.shape[1] % places
        points = np.pad(self.points, ((0, 0), (0, more_points), (0, 0)))
        text = np.pad(self.text, ((0, 0), (0, more_text)), constant_values=-1)
        return Batch(points, text, self.lengths)

    def chunks(self, steps: int | None) -> Iterator[Chunk]:
        """Yield pieces of nearly equal length, at most `steps` long; None yields one piece."""
        time = self.points.shape[1]
        before = np.concatenate([np.zeros_like(self.points[:, :1]), self.points[:, :-1]], 1)
        mask = (np.arange(time) < self.lengths[:, None]).astype(np.float32)
        # Lines of a single point have nothing to predict; a batch of only such lines has no pieces.
        pieces = min(1, time) if steps is None else -(-time // steps)
        for piece in np.array_split(np.arange(time), pieces) if pieces else []:
            cut = slice(piece[0], piece[-1] + 1)
            yield Chunk(before[:, cut], self.points[:, cut], mask[:, cut], self.text)


def shuffled_batches(lengths: np.ndarray, batch: int, seed: int, epoch: int) -> list[np.ndarray]:
    """Return the batches of one epoch, each an array of line numbers of similar length.

    Lines that do not fill a batch are left out, chosen at random. The same seed and epoch give the
    same order, so that a training can resume at any batch.

    Args:
        lengths: Points of each line (lines,).
        batch: Lines in a batch.
        seed: Random seed of the training.
        epoch: Number of the epoch.
    """
    rng = np.random.default_rng([seed, epoch])
    batch = min(batch, len(lengths))
    order = rng.permutation(len(lengths))[: len(lengths) // batch * batch]
    pools = [order[i : i + POOL * batch] for i in range(0, len(order), POOL * batch)]
    ordered = np.concatenate([pool[np.argsort(lengths[pool], kind="stable")] for pool in pools])
    batches = list(ordered.reshape(-1, batch))
    return [batches[i] for i in rng.permutation(len(batches))]


def sorted_batches(lengths: np.ndarray, batch: int) -> list[np.ndarray]:
    """Return all lines once, longest first, in batches of similar length, for evaluation."""
    order = np.argsort(-lengths, kind="stable")
    return [order[i : i + batch] for i in range(0, len(order), batch)]
