"""Align the points of a line with its characters: forced alignment by a writer's window."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

import numpy as np

from nextstroke.ink import Ink
from nextstroke.runtime.mixture_sampling import Mixture
from nextstroke.runtime.model_file import Model
from nextstroke.runtime.predictor import WriterPredictor

SIDE_BY_SIDE = 32
FLAT = 0.02  # added to the window's weights, so that a letter it skips can still own points
JOIN = 3.0  # nats: what going on to the next letter inside a stroke costs; the window is a point or two early or late
LEAP = 12.0  # nats: what a blank inside a stroke costs; words are parted by a lifted pen, but not by every hand


class Alignment(NamedTuple):
    """A line and the character of each of its points.

    Attributes:
        ink: The line as the model reads it, n points; it has the strokes of the ink it was made from.
        owner: The character each point writes, int64 (n,), never falling; a blank owns none.
        nats: Log-loss a point.
    """

    ink: Ink
    owner: np.ndarray
    nats: float


def align_lines(model: Model, inks: Iterable[Ink], texts: Iterable[str]) -> Iterator[Alignment]:
    """Align lines with their texts, in order, in batches; lines sorted by length are aligned fastest.

    Args:
        inks: Raw lines in the units of the model's corpus, two points at least in the model's representation.
        texts: What they say: in the model's alphabet, something else than blanks, fewer characters than points.
    """
    lines = zip(inks, texts, strict=True)
    while some := list(islice(lines, SIDE_BY_SIDE)):
        yield from _align_batch(model, [model.represented(ink) for ink, _ in some], [text for _, text in some])


def _align_batch(model: Model, inks: list[Ink], texts: Sequence[str]) -> Iterator[Alignment]:
    for ink, text, (phi, nats) in zip(inks, texts, _windows(model, inks, texts), strict=True):
        yield Alignment(ink, owners(phi[:, : len(text)], text, ink.end_of_stroke), nats)


def _windows(model: Model, inks: list[Ink], texts: Sequence[str]) -> Iterator[tuple[np.ndarray, float]]:
    """Yield for each line the window weights at each of its points, and its log-loss a point.

    The weights of a point are those it was predicted with; the first, which is not predicted, takes the second's.
    """
    lengths = np.array([len(ink) - 1 for ink in inks])
    points = np.zeros((len(inks), lengths.max() + 1, 3))
    for row, ink in zip(points, inks, strict=True):
        row[1 : len(ink)] = model.normalised(ink)
    predictor = WriterPredictor(model, [model.alphabet.encode(text) for text in texts])
    phis, losses = [], []
    for t in range(points.shape[1] - 1):
        predictor.observe(points[:, t])
        phis.append(predictor.phi)
        losses.append(_log_loss(Mixture(predictor.y, np.zeros(len(inks))), points[:, t + 1]))
    phi, loss = np.stack(phis, 1), np.stack(losses, 1)
    for i, n in enumerate(lengths):
        yield phi[i, [0, *range(n)]], float(loss[i, :n].mean())


def _log_loss(mixture: Mixture, points: np.ndarray) -> np.ndarray:
    """Return the nats of a point for each line, (lines,) (equation 26)."""
    end = np.where(points[:, 2] > 0.5, mixture.y[:, 0], -mixture.y[:, 0])
    return np.logaddexp(0, end) - mixture.log_density(points[:, :2])


def owners(phi: np.ndarray, text: str, end_of_stroke: np.ndarray, leap: float = LEAP) -> np.ndarray:
    """Return the character of each point: the likeliest path through the text, by dynamic programming.

    Args:
        phi: Weights of the characters at each point, (points, characters).
        end_of_stroke: Where the pen is lifted; a blank is best passed there.
        leap: Nats that a blank inside a stroke costs.
    Returns: The number of the character for each point; each one that is no blank owns a point at least.
    """
    letters = np.array([u for u, character in enumerate(text) if character != " "])
    joined = np.where(np.diff(letters, prepend=letters[0]) > 1, leap, JOIN)
    score = np.log(phi[:, letters] + FLAT)
    stepped = np.zeros(score.shape, bool)
    best = np.full(len(letters), -np.inf)
    best[0] = score[0, 0]
    for t in range(1, len(phi)):
        step = np.concatenate([[-np.inf], best[:-1]]) - joined * (not end_of_stroke[t - 1])
        stepped[t] = step > best
        best = np.maximum(best, step) + score[t]
    path = np.zeros(len(phi), np.int64)
    u = path[-1] = len(letters) - 1
    for t in range(len(phi) - 1, 0, -1):
        u -= stepped[t, u]
        path[t - 1] = u
    return letters[path]
