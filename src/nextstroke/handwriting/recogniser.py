"""Reading ink: how well a text is to be read from it, and what is read."""

from collections.abc import Sequence

import numpy as np

from nextstroke.ink import Ink
from nextstroke.runtime.model_file import Model

PAIR = 2  # points that the network takes at once
IMPOSSIBLE = -1e30
SIDE_BY_SIDE = 64


class Reader:
    """A network that reads whole lines (nets/recogniser_network.py).

    Args:
        model: Of the kind "reader".
    """

    def __init__(self, model: Model):
        self.model = model
        self.nothing = len(model.alphabet.characters)

    def misreading(self, inks: Sequence[Ink], texts: Sequence[str]) -> np.ndarray:
        """−log probability of each text given its ink, in nats a character; large where ink and text do not fit.

        Args:
            inks: In the units of the model's corpus, in its representation.
            texts: Characters that the reader does not know count as not written.
        """
        nats = np.zeros(len(inks))
        # Lines of like length side by side; each line's figure is its own, whatever is beside it.
        order = sorted(range(len(inks)), key=lambda i: len(inks[i]))
        for first in range(0, len(inks), SIDE_BY_SIDE):
            some = order[first : first + SIDE_BY_SIDE]
            told, lengths = self._told([inks[i] for i in some])
            nats[some] = [
                -self._log_probability(told[: lengths[k], k], texts[i]) / len(texts[i]) for k, i in enumerate(some)
            ]
        return nats

    def read(self, inks: Sequence[Ink]) -> list[str]:
        """The likeliest character of each place, without repeats: a reading without a dictionary."""
        told, lengths = self._told(inks)
        return [self._text(told[:length, k].argmax(1)) for k, length in enumerate(lengths)]

    def _told(self, inks: Sequence[Ink]) -> tuple[np.ndarray, np.ndarray]:
        """Log-probabilities (pairs, lines, symbols + 1), and how many pairs each line has."""
        lengths = np.array([max(1, -(-(len(ink) - 1) // PAIR)) for ink in inks], np.int32)
        points = np.zeros((len(inks), PAIR * lengths.max(), 3), np.float32)
        for row, ink in zip(points, inks, strict=True):
            row[: len(ink) - 1] = self.model.normalised(ink)
        pairs = points.reshape(len(inks), lengths.max(), -1).swapaxes(0, 1)
        return self.model.step({"pairs": np.ascontiguousarray(pairs), "lengths": lengths})["told"], lengths

    def _log_probability(self, told: np.ndarray, text: str) -> float:
        """Of a text, summed over all ways to lay it along the line (Graves et al. 2006, equations 5 to 8)."""
        known = [character for character in text if not self.model.alphabet.unknown(character)]
        path = np.full(2 * len(known) + 1, self.nothing)
        path[1::2] = self.model.alphabet.encode("".join(known)) if known else []
        # A character may follow another without nothing between them, unless they are the same.
        leaps = np.zeros(len(path), bool)
        leaps[3::2] = path[3::2] != path[1:-2:2]
        ways = np.full(len(path), IMPOSSIBLE)
        ways[:2] = told[0, path[:2]]
        for row in told[1:]:
            one, two = np.full_like(ways, IMPOSSIBLE), np.full_like(ways, IMPOSSIBLE)
            one[1:], two[2:] = ways[:-1], np.where(leaps[2:], ways[:-2], IMPOSSIBLE)
            ways = np.logaddexp(np.logaddexp(ways, one), two) + row[path]
        return float(np.logaddexp.reduce(ways[-2:]))

    def _text(self, best: np.ndarray) -> str:
        changed = np.concatenate([[True], best[1:] != best[:-1]])
        return "".join(self.model.alphabet.characters[i] for i in best[changed] if i != self.nothing)
