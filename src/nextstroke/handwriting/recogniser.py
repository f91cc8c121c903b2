"""Recognise ink: how well a text can be read from it, and what is read."""

from collections.abc import Sequence

import numpy as np

from nextstroke.ink import Ink
from nextstroke.runtime.metadata import RECOGNISERS
from nextstroke.runtime.model_file import Model, load_model

PAIR = 2  # points that the network takes at once
IMPOSSIBLE = -1e30
SIDE_BY_SIDE = 64


def recogniser_of(writer: Model) -> "Recogniser":
    """Return the bundled recogniser that chooses among the candidates of a writer.

    The model file of a writer can name one that learned from the same data, as their terms may differ.
    """
    return Recogniser(load_model(writer.metadata.get("recogniser", RECOGNISERS[0]), "reader"))


class Recogniser:
    """A network that reads whole lines (nets/recogniser_network.py).

    Args:
        model: A model of the kind "reader".
    """

    def __init__(self, model: Model):
        self.model = model
        self.blank = len(model.alphabet.characters)

    def ctc_nll(self, inks: Sequence[Ink], texts: Sequence[str]) -> np.ndarray:
        """Return −log probability of each text given its ink, in nats a character, (lines,).

        Args:
            inks: In the units of the model's corpus, in its representation.
            texts: What each ink should say; characters that the network does not know are skipped.
        """
        nats = np.zeros(len(inks))
        # Lines of similar length share a batch; each line's result is its own, whatever else is in the batch.
        order = sorted(range(len(inks)), key=lambda i: len(inks[i]))
        for first in range(0, len(inks), SIDE_BY_SIDE):
            batch = order[first : first + SIDE_BY_SIDE]
            log_p, lengths = self._log_probabilities([inks[i] for i in batch])
            for k, i in enumerate(batch):
                nats[i] = -self._log_likelihood(log_p[: lengths[k], k], texts[i]) / len(texts[i])
        return nats

    def read(self, inks: Sequence[Ink]) -> list[str]:
        """Return the likeliest character at each position, repeats merged: a reading without a dictionary."""
        log_p, lengths = self._log_probabilities(inks)
        return [self._text(log_p[:length, k].argmax(1)) for k, length in enumerate(lengths)]

    def _log_probabilities(self, inks: Sequence[Ink]) -> tuple[np.ndarray, np.ndarray]:
        """Return log-probabilities, (pairs, lines, symbols + 1), and the number of pairs of each line."""
        lengths = np.array([max(1, -(-(len(ink) - 1) // PAIR)) for ink in inks], np.int32)
        points = np.zeros((len(inks), PAIR * lengths.max(), 3), np.float32)
        for row, ink in zip(points, inks, strict=True):
            row[: len(ink) - 1] = self.model.normalised(ink)
        pairs = points.reshape(len(inks), lengths.max(), -1).swapaxes(0, 1)
        return self.model.step({"pairs": np.ascontiguousarray(pairs), "lengths": lengths})["told"], lengths

    def _log_likelihood(self, log_p: np.ndarray, text: str) -> float:
        """Sum over all alignments of a text with a line (Graves et al. 2006, equations 5 to 8).

        Args:
            log_p: Log-probabilities of the line, (pairs, symbols + 1).
        """
        known = [character for character in text if not self.model.alphabet.unknown(character)]
        path = np.full(2 * len(known) + 1, self.blank)
        path[1::2] = self.model.alphabet.encode("".join(known)) if known else []
        # A character may follow another without a blank between them, unless they are the same.
        can_skip = np.zeros(len(path), bool)
        can_skip[3::2] = path[3::2] != path[1:-2:2]
        alpha = np.full(len(path), IMPOSSIBLE)
        alpha[:2] = log_p[0, path[:2]]
        for row in log_p[1:]:
            from_previous = np.full_like(alpha, IMPOSSIBLE)
            from_previous[1:] = alpha[:-1]
            over_blank = np.full_like(alpha, IMPOSSIBLE)
            over_blank[2:] = np.where(can_skip[2:], alpha[:-2], IMPOSSIBLE)
            alpha = np.logaddexp(np.logaddexp(alpha, from_previous), over_blank) + row[path]
        return float(np.logaddexp.reduce(alpha[-2:]))

    def _text(self, best: np.ndarray) -> str:
        changed = np.concatenate([[True], best[1:] != best[:-1]])
        return "".join(self.model.alphabet.characters[i] for i in best[changed] if i != self.blank)
