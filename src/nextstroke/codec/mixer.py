"""Gated logistic mixing of logits, with integer weights that learn online.

Each of several selectors picks a vector of weights; the logit is the mean of their dot products with the inputs. Every
picked vector takes a step down the gradient of its own coding cost. As in counters.py, blocks in step only add.
"""

import numpy as np

from nextstroke.codec.logistic import BITS, squash

ONE = 1 << 16


class Mixer:
    """Weights in units of 1/ONE.

    Args:
        weights: Where every vector begins, (inputs,).
        choices: Number of weight vectors of each selector.
        rate: Step of learning in units of 2^−18.
    """

    def __init__(self, weights: np.ndarray, choices: list[int], rate: int):
        self._weights = np.tile(np.asarray(weights, np.int64), (sum(choices), 1))
        self._first = np.cumsum([0, *choices[:-1]])
        self._rate = rate

    def predict(self, inputs: np.ndarray, choice: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mix (blocks, inputs) by the vectors chosen, (blocks, selectors).

        Returns: The logit of each block, and each selector's own probability, (blocks, selectors).
        """
        chosen = self._weights[choice + self._first]
        logits = np.matmul(chosen, inputs[:, :, None])[:, :, 0] >> 16
        return logits.sum(1) // logits.shape[1], squash(logits)

    def observe(self, inputs: np.ndarray, choice: np.ndarray, told: np.ndarray, bits: np.ndarray) -> None:
        """Learn from the bits that came; arguments as predict took and gave them, flat over blocks and bits."""
        error = ((bits[:, None] << BITS) - told) * self._rate
        step = (inputs[:, None, :] * error[:, :, None] + (1 << 17)) >> 18
        width = self._weights.shape[1]
        place = ((choice + self._first) * width)[:, :, None] + np.arange(width)
        np.add.at(self._weights.reshape(-1), place.reshape(-1), step.reshape(-1))
