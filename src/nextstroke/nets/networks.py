"""The networks of the paper, built of its layers."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from nextstroke.ink import POINT
from nextstroke.nets import wavefront
from nextstroke.nets.lstm import LSTM, LSTMState
from nextstroke.nets.matmul import linear
from nextstroke.nets.mixture import mixture_outputs
from nextstroke.nets.window import WindowedLSTM, WindowState

ONE_HOT = 512  # symbols that a GPU multiplies with as one-hot vectors: beside the layers' products they cost nothing

PenState = tuple[LSTMState, ...]
WriterState = tuple[WindowState | LSTMState, ...]


class _ClipDerivative(torch.autograd.Function):
    """Identity whose derivative is clipped to [−clip, clip] (section 4.2)."""

    @staticmethod
    def forward(ctx, y, clip):
        ctx.clip = clip
        return y.view_as(y)

    @staticmethod
    def backward(ctx, dy):
        return dy.clamp(-ctx.clip, ctx.clip), None


class PredictionNetwork(nn.Module):
    """Handwriting prediction: a deep LSTM with skip connections and mixture outputs (Figure 1, section 4).

    The input goes to every layer, every layer goes to the output.

    Args:
        layers, cells: Number of hidden layers and of cells in each.
        components: Number M of Gaussians.
        clip, output_clip: Bounds of the derivatives by the gates' pre-activations and by y-hat; inf for none.
        dropout: Share of a layer's outputs dropped on their way up and out while training (ours, not the paper's).
    """

    layers: Any  # an nn.ModuleList of LSTM, in a writer the first a WindowedLSTM

    def __init__(
        self,
        layers: int = 3,
        cells: int = 400,
        components: int = 20,
        clip: float = math.inf,
        output_clip: float = math.inf,
        dropout: float = 0.0,
    ):
        super().__init__()
        self.output_clip, self.dropout = output_clip, dropout
        self.layers = nn.ModuleList([LSTM(POINT + (cells if n else 0), cells, clip) for n in range(layers)])
        self.output = nn.Linear(layers * cells, mixture_outputs(components))

    def start(self, batch: int) -> PenState | WriterState:
        """The state before the first point."""
        return tuple(layer.start(batch) for layer in self.layers)

    def forward(
        self, x: Float[Tensor, "batch time 3"], state: PenState
    ) -> tuple[Float[Tensor, "batch time outputs"], PenState]:
        """y-hat for every step, and the state after the last (equations 1 to 3)."""
        hidden, after = _climb(self.layers, x, [], state, self.dropout * self.training)
        return self._out(hidden), tuple(after)

    def _out(self, hidden: list[Tensor]) -> Tensor:
        y = linear(torch.cat(hidden, 2), self.output.weight, self.output.bias)
        return _ClipDerivative.apply(y, self.output_clip)


def _climb(layers: Iterable[LSTM], x: Tensor, below: list[Tensor], state: Sequence[Any], dropout: float):
    """Run layers upwards: `x` goes to all of them, `below` to the lowest; all hidden vectors and last states."""
    stack = list(layers)
    if wavefront.can_run_wavefront(stack, x.device):
        direct = [layer.weight[:, : x.shape[2]] for layer in stack]
        return wavefront.run_wavefront(stack, x, direct, below[0] if below else None, state, dropout)
    hidden, after = [], []
    for layer, before in zip(stack, state, strict=True):
        h, last = layer(torch.cat([x, *below], 2), before)
        below = [functional.dropout(h, dropout)]
        hidden += below
        after.append(last)
    return hidden, after


class TextNetwork(nn.Module):
    """Text prediction: a deep LSTM with skip connections and a softmax output (Figure 1, section 3).

    A symbol goes to every layer as a row of that layer's table: the product with a one-hot vector without the product.

    Args:
        symbols: Size of the alphabet.
        layers, cells: Number of hidden layers and of cells in each.
        clip: Bound of the derivatives by the gates' pre-activations; inf for none.
        dropout: Share of a layer's outputs dropped on their way up and out while training (ours, not the paper's).
    """

    layers: Any  # an nn.ModuleList of LSTM
    tables: Any  # an nn.ParameterList of (symbols, 4 cells)

    def __init__(self, symbols: int, layers: int, cells: int, clip: float = math.inf, dropout: float = 0.0):
        super().__init__()
        self.dropout = dropout
        self.layers = nn.ModuleList([LSTM(cells if n else 0, cells, clip) for n in range(layers)])
        self.tables = nn.ParameterList([nn.Parameter(torch.zeros(symbols, 4 * cells)) for _ in range(layers)])
        self.output = nn.Linear(layers * cells, symbols)

    def start(self, batch: int) -> PenState:
        """The state before the first symbol."""
        return tuple(layer.start(batch) for layer in self.layers)

    def forward(
        self, x: Int[Tensor, "batch time"], state: PenState
    ) -> tuple[Float[Tensor, "batch time symbols"], PenState]:
        """y-hat for every step, and the state after the last (equations 1 to 3).

        Args:
            x: Numbers of symbols; −1 is the null vector, which begins a text.
        """
        hidden, after = self._rise(x, state)
        return linear(torch.cat(hidden, 2), self.output.weight, self.output.bias), tuple(after)

    def temper(self, temperature: float) -> None:
        """Divide y-hat by a temperature from now on: above 1 the network is less sure of itself."""
        _shrink(self.output, temperature)

    def _rise(self, x: Tensor, state: PenState) -> tuple[list[Tensor], list[LSTMState]]:
        """Hidden vectors and last states of all layers."""
        layers = list(self.layers)
        if wavefront.can_run_wavefront(layers, x.device) and len(self.tables[0]) <= ONE_HOT:
            one_hot = (x[..., None] == torch.arange(len(self.tables[0]), device=x.device)).to(self.output.weight.dtype)
            direct = [table.t() for table in self.tables]
            return wavefront.run_wavefront(layers, one_hot, direct, None, state, self.dropout * self.training)
        hidden: list[Tensor] = []
        after = []
        for layer, table, before in zip(layers, self.tables, state, strict=True):
            from_below = linear(hidden[-1].transpose(0, 1), layer.weight, layer.bias, True) if hidden else layer.bias
            h, last = layer.run(_rows(table, x.t()) + from_below, before)
            hidden.append(functional.dropout(h, self.dropout, self.training))
            after.append(last)
        return hidden, after


class TiedTextNetwork(TextNetwork):
    """Text prediction with one vector a symbol, where it is read as where it is predicted (ours, not the paper's).

    With many symbols most weights are theirs, and tables of their own for each layer and the output would learn each
    of them from nothing. Tying them: Press and Wolf 2017 (arXiv:1608.05859). Skip connections are as everywhere.

    Args:
        vector: Length of a symbol's vector.
        Others as in TextNetwork; the vectors that are read and those that predict are dropped from as well.
    """

    def __init__(
        self, symbols: int, layers: int, cells: int, vector: int, clip: float = math.inf, dropout: float = 0.0
    ):
        nn.Module.__init__(self)
        self.dropout = dropout
        self.layers = nn.ModuleList([LSTM(vector + (cells if n else 0), cells, clip) for n in range(layers)])
        self.narrow = nn.Linear(layers * cells, vector)
        self.output = nn.Linear(vector, symbols)  # whose rows are the symbols' vectors

    def forward(
        self, x: Int[Tensor, "batch time"], state: PenState
    ) -> tuple[Float[Tensor, "batch time symbols"], PenState]:
        """As in TextNetwork."""
        read = self._dropped(_rows(self.output.weight, x))
        hidden, after = _climb(self.layers, read, [], state, self.dropout * self.training)
        predicted = self._dropped(linear(torch.cat(hidden, 2), self.narrow.weight, self.narrow.bias, True))
        return linear(predicted, self.output.weight, self.output.bias, True), tuple(after)

    def temper(self, temperature: float) -> None:
        """As in TextNetwork; the symbols' vectors, which are read as well, stay as they are."""
        _shrink(self.narrow, temperature)
        self.output.bias.data /= temperature

    def _dropped(self, vectors: Tensor) -> Tensor:
        return functional.dropout(vectors, self.dropout, self.training)


def _shrink(linear: nn.Linear, by: float) -> None:
    linear.weight.data /= by
    linear.bias.data /= by


def _rows(table: Tensor, x: Tensor) -> Tensor:
    """A row of the table for each number in `x`; zeros for −1."""
    rows = functional.embedding(x.clamp(min=0), table)
    null = x < 0
    # Asking a GPU whether there are any would wait for it.
    return rows.masked_fill(null[..., None], 0) if x.is_cuda or null.any() else rows


class SynthesisNetwork(PredictionNetwork):
    """Handwriting synthesis: prediction that reads a text through a soft window (Figure 12, section 5).

    Layer 1 reads the window's w of the step before, the layers above that of this step; w does not go to the output.

    Args:
        symbols: Size of the alphabet.
        window_components: Number K of Gaussians in the window.
        window_clip: Bound of the derivatives by the window's parameters.
        Others as in PredictionNetwork.
    """

    def __init__(
        self,
        symbols: int,
        layers: int = 3,
        cells: int = 400,
        components: int = 20,
        window_components: int = 10,
        clip: float = math.inf,
        output_clip: float = math.inf,
        window_clip: float = math.inf,
        dropout: float = 0.0,
    ):
        super().__init__(layers, cells, components, clip, output_clip, dropout)
        first = WindowedLSTM(POINT, symbols, cells, window_components, clip, window_clip)
        upper = [LSTM(POINT + symbols + cells, cells, clip) for _ in range(layers - 1)]
        self.layers = nn.ModuleList([first, *upper])

    def forward(  # type: ignore[override]
        self, x: Float[Tensor, "batch time 3"], text: Int[Tensor, "batch places"], state: WriterState
    ) -> tuple[Float[Tensor, "batch time outputs"], WriterState]:
        """y-hat for every step, and the state after the last (equations 48 to 53).

        Args:
            text: Character ids, −1 behind the end of shorter texts.
        """
        first, *upper = self.layers
        h, w, last = first(x, text, state[0])
        lowest = functional.dropout(h, self.dropout, self.training)
        hidden, after = _climb(upper, torch.cat([x, w], 2), [lowest], state[1:], self.dropout * self.training)
        return self._out([lowest, *hidden]), (last, *after)
