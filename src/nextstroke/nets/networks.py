"""The networks of the paper, built of its layers."""

import math
from collections.abc import Sequence
from typing import NamedTuple, cast

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from nextstroke.ink import POINT
from nextstroke.nets import wavefront
from nextstroke.nets.lstm import LSTM, LSTMState
from nextstroke.nets.matmul import linear
from nextstroke.nets.mixture import mixture_outputs
from nextstroke.nets.recogniser_network import RecogniserNetwork
from nextstroke.nets.window import WindowedLSTM, WindowState

# Up to this many symbols a GPU multiplies with one-hot vectors: next to the layers' products they
# cost nothing.
ONE_HOT = 512

LayerState = LSTMState | WindowState
NetworkState = tuple[LayerState, ...]  # one entry for each layer; empty for a network without state


class GradientClips(NamedTuple):
    """Bounds b of gradients, which are clipped to [−b, b] in backward (section 4.2); inf for none.

    Attributes:
        gates: Bound of the gradients w.r.t. the gates' pre-activations.
        output: Bound of the gradients w.r.t. y-hat.
        window: Bound of the gradients w.r.t. the logarithms of the window's parameters.
    """

    gates: float = math.inf
    output: float = math.inf
    window: float = math.inf


NO_CLIPS = GradientClips()


class _ClipGradient(torch.autograd.Function):
    """Identity whose gradient is clipped to [−clip, clip] (section 4.2)."""

    @staticmethod
    def forward(ctx, y, clip):
        """Return y unchanged."""
        ctx.clip = clip
        return y.view_as(y)

    @staticmethod
    def backward(ctx, dy):
        """Return the gradient w.r.t. y, clipped."""
        return dy.clamp(-ctx.clip, ctx.clip), None


def run_layers(
    layers: Sequence[LSTM],
    x: Float[Tensor, "batch time inputs"],
    below: Float[Tensor, "batch time cells"] | None,
    state: Sequence[LSTMState],
    dropout: float,
) -> tuple[list[Tensor], list[LSTMState]]:
    """Run a stack of layers over all steps; return each layer's outputs and last state.

    Args:
        layers: Layers from the lowest to the highest; each reads `x` and the layer below.
        x: Input of every layer.
        below: Further input of the lowest layer, or None.
        state: State of each layer before the first step.
        dropout: Share of each layer's outputs dropped on the way up and out.
    """
    if wavefront.can_run_wavefront(layers, x.device):
        direct = [layer.weight[:, : x.shape[2]] for layer in layers]
        return wavefront.run_wavefront(layers, x, direct, below, state, dropout)
    outputs: list[Tensor] = []
    last_states: list[LSTMState] = []
    for layer, before in zip(layers, state, strict=True):
        h, last = layer(x if below is None else torch.cat([x, below], 2), before)
        below = functional.dropout(h, dropout)
        outputs.append(below)
        last_states.append(last)
    return outputs, last_states


def lstm_layers(network: "InkNetwork | AnyTextNetwork") -> list[LSTM]:
    """Return the layers of a network that are plain LSTMs, from the lowest to the highest."""
    return [layer for layer in network.layers if isinstance(layer, LSTM)]


def _mixture_logits(outputs: list[Tensor], output: nn.Linear, clip: float) -> Tensor:
    """Return y-hat from the outputs of all layers, its gradient clipped."""
    return _ClipGradient.apply(linear(torch.cat(outputs, 2), output.weight, output.bias), clip)


class PredictionNetwork(nn.Module):
    """Handwriting prediction: a deep LSTM with skip connections and mixture outputs (Figure 1, section 4).

    The input goes to every layer, every layer goes to the output.

    Args:
        layers: Number of hidden layers.
        cells: Number of cells in each layer.
        components: Number M of Gaussians.
        clips: Bounds of the gradients.
        dropout: Share of a layer's outputs dropped on the way up and out in training (not the
            paper's).
    """

    layers: nn.ModuleList  # of LSTM

    def __init__(
        self,
        layers: int = 3,
        cells: int = 400,
        components: int = 20,
        clips: GradientClips = NO_CLIPS,
        dropout: float = 0.0,
    ):
        super().__init__()
        self.clips = clips
        self.dropout = dropout
        widths = [POINT, *[POINT + cells] * (layers - 1)]
        self.layers = nn.ModuleList([LSTM(width, cells, clips.gates) for width in widths])
        self.output = nn.Linear(layers * cells, mixture_outputs(components))

    def start(self, batch: int) -> NetworkState:
        """Return the state before the first point."""
        return tuple(layer.start(batch) for layer in lstm_layers(self))

    def forward(
        self, x: Float[Tensor, "batch time 3"], state: tuple[LSTMState, ...]
    ) -> tuple[Float[Tensor, "batch time outputs"], NetworkState]:
        """Return y-hat for every step and the state after the last (equations 1 to 3)."""
        dropout = self.dropout if self.training else 0.0
        outputs, last = run_layers(lstm_layers(self), x, None, state, dropout)
        return _mixture_logits(outputs, self.output, self.clips.output), tuple(last)


class SynthesisNetwork(nn.Module):
    """Handwriting synthesis: prediction that reads a text through a soft window (Figure 12, section 5).

    Layer 1 reads the window's w of the step before, the layers above that of this step; w does not
    go to the output.

    Args:
        symbols: Size of the alphabet.
        layers: Number of hidden layers.
        cells: Number of cells in each layer.
        components: Number M of Gaussians in the mixture.
        window_components: Number K of Gaussians in the window.
        clips: Bounds of the gradients.
        dropout: Share of a layer's outputs dropped on the way up and out in training (not the
            paper's).
    """

    layers: nn.ModuleList  # of a WindowedLSTM, then LSTM

    def __init__(
        self,
        symbols: int,
        layers: int = 3,
        cells: int = 400,
        components: int = 20,
        window_components: int = 10,
        clips: GradientClips = NO_CLIPS,
        dropout: float = 0.0,
    ):
        super().__init__()
        self.clips = clips
        self.dropout = dropout
        first = WindowedLSTM(POINT, symbols, cells, window_components, clips.gates, clips.window)
        upper = [LSTM(POINT + symbols + cells, cells, clips.gates) for _ in range(layers - 1)]
        self.layers = nn.ModuleList([first, *upper])
        self.output = nn.Linear(layers * cells, mixture_outputs(components))

    @property
    def windowed(self) -> WindowedLSTM:
        """Layer 1, which moves the window."""
        return cast(WindowedLSTM, self.layers[0])

    def start(self, batch: int) -> NetworkState:
        """Return the state before the first point."""
        return (self.windowed.start(batch), *(layer.start(batch) for layer in lstm_layers(self)))

    def forward(
        self,
        x: Float[Tensor, "batch time 3"],
        text: Int[Tensor, "batch positions"],
        state: NetworkState,
    ) -> tuple[Float[Tensor, "batch time outputs"], NetworkState]:
        """Return y-hat for every step and the state after the last (equations 48 to 53).

        Args:
            x: Points, normalised; the null vector before the first.
            text: Character ids, −1 after the end of shorter texts.
            state: State before the first step.
        """
        h, w, first_last = self.windowed(x, text, state[0])
        lowest = functional.dropout(h, self.dropout, self.training)
        dropout = self.dropout if self.training else 0.0
        upper_state = cast(tuple[LSTMState, ...], state[1:])
        inputs = torch.cat([x, w], 2)
        outputs, last = run_layers(lstm_layers(self), inputs, lowest, upper_state, dropout)
        y_hat = _mixture_logits([lowest, *outputs], self.output, self.clips.output)
        return y_hat, (first_last, *last)


class TextNetwork(nn.Module):
    """Text prediction: a deep LSTM with skip connections and a softmax output (Figure 1, section 3).

    A symbol goes to every layer as a row of that layer's table, which is the product of the table
    with a one-hot vector.

    Args:
        symbols: Size of the alphabet.
        layers: Number of hidden layers.
        cells: Number of cells in each layer.
        clip: Bound of the gradients w.r.t. the gates' pre-activations; inf for none.
        dropout: Share of a layer's outputs dropped on the way up and out in training (not the
            paper's).
    """

    layers: nn.ModuleList  # of LSTM

    def __init__(
        self,
        symbols: int,
        layers: int,
        cells: int,
        clip: float = math.inf,
        dropout: float = 0.0,
    ):
        super().__init__()
        self.dropout = dropout
        self.layers = nn.ModuleList([LSTM(cells if n else 0, cells, clip) for n in range(layers)])
        tables = [nn.Parameter(torch.zeros(symbols, 4 * cells)) for _ in range(layers)]
        self.tables = nn.ParameterList(tables)
        self.output = nn.Linear(layers * cells, symbols)

    def start(self, batch: int) -> NetworkState:
        """Return the state before the first symbol."""
        return tuple(layer.start(batch) for layer in lstm_layers(self))

    def forward(
        self, x: Int[Tensor, "batch time"], state: tuple[LSTMState, ...]
    ) -> tuple[Float[Tensor, "batch time symbols"], NetworkState]:
        """Return y-hat for every step and the state after the last (equations 1 to 3).

        Args:
            x: Ids of symbols; −1 is the null vector, which begins a text.
            state: State before the first step.
        """
        outputs, last = self._run(x, state)
        return linear(torch.cat(outputs, 2), self.output.weight, self.output.bias), tuple(last)

    def apply_temperature(self, temperature: float) -> None:
        """Divide y-hat by a temperature from now on: above 1 the distribution is flatter."""
        _divide(self.output, temperature)

    def _run(self, x: Tensor, state: tuple[LSTMState, ...]) -> tuple[list[Tensor], list[LSTMState]]:
        """Return the outputs and last states of all layers."""
        layers = lstm_layers(self)
        tables: list[Tensor] = list(self.tables)
        symbols = len(tables[0])
        dropout = self.dropout if self.training else 0.0
        if symbols <= ONE_HOT and wavefront.can_run_wavefront(layers, x.device):
            one_hot = (x[..., None] == torch.arange(symbols, device=x.device)).to(tables[0].dtype)
            direct = [table.t() for table in tables]
            return wavefront.run_wavefront(layers, one_hot, direct, None, state, dropout)
        outputs: list[Tensor] = []
        last_states: list[LSTMState] = []
        for layer, table, before in zip(layers, tables, state, strict=True):
            if outputs:
                below = outputs[-1].transpose(0, 1)
                from_below = linear(below, layer.weight, layer.bias, narrow=True)
            else:
                from_below = layer.bias
            h, last = layer.run(_rows(table, x.t()) + from_below, before)
            outputs.append(functional.dropout(h, dropout))
            last_states.append(last)
        return outputs, last_states


class TiedTextNetwork(nn.Module):
    """Text prediction with one vector for each symbol, shared by input and output (not the paper's).

    With many symbols most weights are theirs, and separate tables for each layer and the output
    would learn each of them from nothing. Weight tying: Press and Wolf 2017 (arXiv:1608.05859).
    Skip connections are as in the other networks.

    Args:
        symbols: Size of the alphabet.
        layers: Number of hidden layers.
        cells: Number of cells in each layer.
        vector: Length of a symbol's vector.
        clip: Bound of the gradients w.r.t. the gates' pre-activations; inf for none.
        dropout: Share dropped in training of each layer's outputs, of the vectors that are read and
            of those that predict.
    """

    layers: nn.ModuleList  # of LSTM

    def __init__(
        self,
        symbols: int,
        layers: int,
        cells: int,
        vector: int,
        clip: float = math.inf,
        dropout: float = 0.0,
    ):
        super().__init__()
        self.dropout = dropout
        widths = [vector, *[vector + cells] * (layers - 1)]
        self.layers = nn.ModuleList([LSTM(width, cells, clip) for width in widths])
        self.narrow = nn.Linear(layers * cells, vector)
        self.output = nn.Linear(vector, symbols)  # its rows are the symbols' vectors

    def start(self, batch: int) -> NetworkState:
        """Return the state before the first symbol."""
        return tuple(layer.start(batch) for layer in lstm_layers(self))

    def forward(
        self, x: Int[Tensor, "batch time"], state: tuple[LSTMState, ...]
    ) -> tuple[Float[Tensor, "batch time symbols"], NetworkState]:
        """Return y-hat for every step and the state after the last (equations 1 to 3).

        Args:
            x: Ids of symbols; −1 is the null vector, which begins a text.
            state: State before the first step.
        """
        dropout = self.dropout if self.training else 0.0
        vectors = functional.dropout(_rows(self.output.weight, x), dropout)
        outputs, last = run_layers(lstm_layers(self), vectors, None, state, dropout)
        predicted = linear(torch.cat(outputs, 2), self.narrow.weight, self.narrow.bias, narrow=True)
        predicted = functional.dropout(predicted, dropout)
        return linear(predicted, self.output.weight, self.output.bias, narrow=True), tuple(last)

    def apply_temperature(self, temperature: float) -> None:
        """Divide y-hat by a temperature from now on; the symbols' vectors stay unchanged."""
        _divide(self.narrow, temperature)
        self.output.bias.data /= temperature


def _divide(layer: nn.Linear, by: float) -> None:
    """Divide the weights and biases of a layer."""
    layer.weight.data /= by
    layer.bias.data /= by


def _rows(table: Tensor, x: Tensor) -> Tensor:
    """Return a row of the table for each id in `x`; zeros for −1."""
    rows = functional.embedding(x.clamp(min=0), table)
    null = x < 0
    # On a GPU, `any` would wait for the results.
    return rows.masked_fill(null[..., None], 0) if x.is_cuda or null.any() else rows


InkNetwork = PredictionNetwork | SynthesisNetwork
AnyTextNetwork = TextNetwork | TiedTextNetwork
Network = InkNetwork | AnyTextNetwork | RecogniserNetwork
