"""Lines of ink as the networks read them: normalised offsets in padded batches, cut into chunks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from nextstroke.errors import BadInput

POOL = 32  # batches sorted by length together: long enough to save padding, short enough to stay random


@dataclass(frozen=True)
class Normalisation:
    """Offsets become (offset − mean) / std, per coordinate; both pairs in the ink's own units."""

    mean: tuple[float, float]
    std: tuple[float, float]

    @classmethod
    def of(cls, offsets: Sequence[np.ndarray]) -> "Normalisation":
        """Mean and standard deviation over all rows, in float64: float32 sums are 1 % off on this much data.

        Raises:
            BadInput: the offsets are all alike, or there are none.
        """
        everything = np.concatenate([rows[:, :2] for rows in offsets]).astype(np.float64)
        if not len(everything) or not np.ptp(everything, axis=0).all():
            raise BadInput(f"{len(everything)} offsets, all alike in x or in y: nothing to learn from")
        mean, std = everything.mean(0), everything.std(0)
        return cls((float(mean[0]), float(mean[1])), (float(std[0]), float(std[1])))

    def apply(self, offsets: np.ndarray) -> np.ndarray:
        """Offsets of shape (..., 3) as the network reads them, float32; the pen bit stays."""
        normal = offsets.astype(np.float32, copy=True)
        normal[..., :2] = (offsets[..., :2] - np.array(self.mean)) / np.array(self.std)
        return normal


class Example(NamedTuple):
    """One line: `offsets` float32 (points, 3) without the first point, in the ink's units; `text` ids (characters,)."""

    offsets: np.ndarray
    text: np.ndarray


@dataclass(frozen=True)
class Augmentation:
    """Random change of a line, drawn anew each time it is read.

    Attributes:
        scale: Standard deviation of the log of the size.
        stretch: Standard deviation of the log of the width alone.
        shear: Standard deviation of the slant, dx for each dy.
        slope: Standard deviation of the slope of the baseline, dy for each dx.
        clip: Offsets are clipped to ± this many units; None for no clipping.
    """

    scale: float = 0.0
    stretch: float = 0.0
    shear: float = 0.0
    slope: float = 0.0
    clip: float | None = None

    def apply(self, offsets: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """A changed copy of offsets (points, 3)."""
        changed = offsets.copy()
        size, width, slant, slope = (self.scale, self.stretch, self.shear, self.slope) * rng.standard_normal(4)
        turn = np.array([[1, 0], [slant, 1]]) @ np.array([[1, slope], [0, 1]]) @ np.diag([np.exp(width), 1])
        changed[:, :2] = changed[:, :2] @ (np.exp(size) * turn)
        if self.clip is not None:
            np.clip(changed[:, :2], -self.clip, self.clip, out=changed[:, :2])
        return changed


class Chunk(NamedTuple):
    """A piece of a batch, time on axis 1: `x` is the point before, `target` the one to predict, `mask` 1 where real.

    `text` is that of the batch.
    """

    x: np.ndarray
    target: np.ndarray
    mask: np.ndarray
    text: np.ndarray


class Batch(NamedTuple):
    """Lines side by side: `points` float32 (lines, time, 3), `text` int64 (lines, characters), −1 behind the end."""

    points: np.ndarray
    text: np.ndarray
    lengths: np.ndarray

    @classmethod
    def of(cls, examples: Sequence[Example], normalisation: Normalisation) -> "Batch":
        """Pad examples to the longest; padding points are zeros."""
        lengths = np.array([len(example.offsets) for example in examples])
        points = np.zeros((len(examples), lengths.max(), 3), np.float32)
        text = np.full((len(examples), max(len(example.text) for example in examples)), -1, np.int64)
        for i, (offsets, ids) in enumerate(examples):
            points[i, : len(offsets)] = normalisation.apply(offsets)
            text[i, : len(ids)] = ids
        return cls(points, text, lengths)

    @property
    def lines(self) -> int:
        """How many lines there are side by side."""
        return len(self.lengths)

    @property
    def fresh(self) -> bool:
        """Lines begin with a fresh state."""
        return True

    def shard(self, rows: slice) -> "Batch":
        """Return the lines of some rows, in the joined batch's width."""
        return Batch(self.points[rows], self.text[rows], self.lengths[rows])

    def padded(self, steps: int, places: int) -> "Batch":
        """The same lines, length and width of text padded to multiples: fewer shapes, for who prepares for each."""
        points = ((0, 0), (0, -self.points.shape[1] % steps), (0, 0))
        text = ((0, 0), (0, -self.text.shape[1] % places))
        return Batch(np.pad(self.points, points), np.pad(self.text, text, constant_values=-1), self.lengths)

    def chunks(self, steps: int | None) -> Iterator[Chunk]:
        """Pieces of nearly equal length, at most `steps` long (None: one piece). The first input is the null vector."""
        time = self.points.shape[1]
        before = np.concatenate([np.zeros_like(self.points[:, :1]), self.points[:, :-1]], 1)
        mask = (np.arange(time) < self.lengths[:, None]).astype(np.float32)
        # Lines of a single point have nothing to predict; a batch of only such lines has no pieces.
        pieces = min(1, time) if steps is None else -(-time // steps)
        for piece in np.array_split(np.arange(time), pieces) if pieces else []:
            cut = slice(piece[0], piece[-1] + 1)
            yield Chunk(before[:, cut], self.points[:, cut], mask[:, cut], self.text)


def shuffled_batches(lengths: np.ndarray, batch: int, seed: int, epoch: int) -> list[np.ndarray]:
    """The batches of one epoch, each an array of line numbers of like length.

    What does not fill a batch is left out, chosen at random.

    The same seed and epoch give the same order, so a training can resume at any batch.
    """
    rng = np.random.default_rng([seed, epoch])
    batch = min(batch, len(lengths))
    order = rng.permutation(len(lengths))[: len(lengths) // batch * batch]
    pools = [order[i : i + POOL * batch] for i in range(0, len(order), POOL * batch)]
    ordered = np.concatenate([pool[np.argsort(lengths[pool], kind="stable")] for pool in pools])
    batches = list(ordered.reshape(-1, batch))
    return [batches[i] for i in rng.permutation(len(batches))]


def sorted_batches(lengths: np.ndarray, batch: int) -> list[np.ndarray]:
    """All lines once, longest first, in batches of like length: for evaluation."""
    order = np.argsort(-lengths, kind="stable")
    return [order[i : i + batch] for i in range(0, len(order), batch)]
