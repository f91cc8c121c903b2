"""Step a network over a batch: predict the next points or symbols, then observe the ones drawn."""

from collections.abc import Sequence

import numpy as np

from nextstroke.runtime.mixture_sampling import Mixture
from nextstroke.runtime.model_file import Model

NULL = -1  # the null vector that begins a text


class PointPredictor:
    """The prediction network, stepped over a batch of lines.

    Args:
        model: A model.
        lines: Number of lines.
        state: Initial states by name, each (lines, width); zeros if None.

    Attributes:
        state: Current states by name, each (lines, width).
        y: y-hat after the last point, (lines, outputs).
    """

    def __init__(self, model: Model, lines: int, state: dict[str, np.ndarray] | None = None):
        self.model = model
        self.state = state or model.start(lines)
        self.y = np.zeros((lines, 0), np.float32)

    def observe(self, points: np.ndarray) -> None:
        """Observe a point of each line.

        Args:
            points: (lines, 3), normalised; zeros are the null vector before the first point.
        """
        self._step({"point": points.astype(np.float32)})

    def _step(self, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        outputs = self.model.step(inputs | self.state)
        self.state = {name: outputs[f"{name}.next"] for name in self.state}
        self.y = outputs["y"]
        return outputs

    def predict(self, bias: np.ndarray) -> Mixture:
        """Return the mixture density of the next point of each line, given the biases, (lines,)."""
        return Mixture(self.y, bias)

    def keep(self, lines: np.ndarray) -> None:
        """Keep the lines of the given indices; the others are finished."""
        self.state = {name: rows[lines] for name, rows in self.state.items()}
        self.y = self.y[lines]


class WriterPredictor(PointPredictor):
    """The synthesis network, stepped over a batch of lines.

    Args:
        model: A writer model.
        texts: Character ids of each line.
        state: Initial states by name, each (lines, width); zeros if None.

    Attributes:
        phi: Window weights at the last step, (lines, positions + 1); the last is after the text.
    """

    def __init__(
        self,
        model: Model,
        texts: Sequence[np.ndarray],
        state: dict[str, np.ndarray] | None = None,
    ):
        super().__init__(model, len(texts), state)
        self.text = _one_hot(texts, len(model.alphabet))
        self.places = np.arange(1, self.text.shape[1] + 2, dtype=np.float32)
        self.phi = np.zeros((len(texts), len(self.places)), np.float32)

    @property
    def kappa(self) -> np.ndarray:
        """Locations of the window's components, in characters, (lines, K)."""
        return self.state["kappa"]

    def observe(self, points: np.ndarray) -> None:
        """Observe a point of each line, (lines, 3), and move the window."""
        inputs = {"point": points.astype(np.float32), "text": self.text, "places": self.places}
        self.phi = self._step(inputs)["phi"]

    def keep(self, lines: np.ndarray) -> None:
        """Keep the lines of the given indices; the others are finished."""
        super().keep(lines)
        self.text = self.text[lines]
        self.phi = self.phi[lines]


class TextPredictor:
    """The text network, stepped over a batch of texts.

    Args:
        model: A text model.
        lines: Number of texts.

    Attributes:
        state: Current states by name, each (lines, width).
        y: y-hat of the next symbol, (lines, symbols).
    """

    def __init__(self, model: Model, lines: int = 1):
        self.model = model
        self.lines = lines
        self.begin()

    def begin(self) -> None:
        """Start the texts anew: set the states to zero and observe the null vector."""
        self.state = self.model.start(self.lines)
        self.observe(np.full(self.lines, NULL))

    def observe(self, symbols: np.ndarray) -> None:
        """Observe a symbol of each text, given by index, (lines,)."""
        outputs = self.model.step({"symbol": symbols.astype(np.int64), **self.state})
        self.state = {name: outputs[f"{name}.next"] for name in self.state}
        self.y = outputs["y"]


def _one_hot(texts: Sequence[np.ndarray], symbols: int) -> np.ndarray:
    """Return the one-hot encoding of texts, (lines, positions, symbols), padded with zeros."""
    rows = np.zeros((len(texts), max(len(text) for text in texts), symbols), np.float32)
    for i, text in enumerate(texts):
        rows[i, np.arange(len(text)), text] = 1
    return rows
