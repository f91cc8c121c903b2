"""A network that reads: an LSTM in both directions over the ink, and for each pair of points what is read there."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from nextstroke.ink import POINT

PAIR = 2  # points read at once: half the steps, and still three for a character


class BothWays(nn.Module):
    """An LSTM along the lines and another against them.

    A line is turned round within its own length, so that both meet what pads it behind its end only; torch's packed
    sequences do the same, at a quarter of the speed on a processor.
    """

    def __init__(self, inputs: int, cells: int):
        super().__init__()
        self.along, self.against = (nn.LSTM(inputs, cells, batch_first=True) for _ in range(2))

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """Hidden vectors (lines, time, 2 × cells) from x (lines, time, inputs)."""
        return torch.cat([self.along(x)[0], turned(self.against(turned(x, lengths))[0], lengths)], -1)


def turned(x: Tensor, lengths: Tensor) -> Tensor:
    """Each line (of `lengths` steps) back to front; what pads it stays where it is."""
    place = torch.arange(x.shape[1]).expand(len(x), -1)
    place = torch.where(place < lengths[:, None], lengths[:, None] - 1 - place, place).to(x.device)
    return x.gather(1, place[:, :, None].expand_as(x))


class RecogniserNetwork(nn.Module):
    """Online handwriting recognition by connectionist temporal classification.

    Graves, Fernández, Gomez and Schmidhuber, "Connectionist Temporal Classification", ICML 2006. Not of the paper: it
    judges what the writer writes.

    Args:
        symbols: Characters; one more output stands for none of them.
        layers, cells: Of the LSTM, for each direction.
        dropout: Share of a layer's outputs dropped on their way up and out.
    """

    def __init__(self, symbols: int, layers: int, cells: int, dropout: float):
        super().__init__()
        self.layers = nn.ModuleList(BothWays(2 * cells if i else PAIR * POINT, cells) for i in range(layers))
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(2 * cells, symbols + 1)

    @property
    def nothing(self) -> int:
        """Number of the output that stands for no character."""
        return self.output.out_features - 1

    def start(self, lines: int) -> tuple:
        """No state is carried: lines are read whole."""
        return ()

    def forward(self, points: Tensor, lengths: Tensor) -> Tensor:
        """Log-probabilities (lines, pairs, symbols + 1) from points (lines, time, 3) of lines of those lengths."""
        hidden, steps = pairs(points), -(-lengths // PAIR)
        for layer in self.layers:
            hidden = self.dropout(layer(hidden, steps))
        return functional.log_softmax(self.output(hidden), -1)

    def log_loss(self, points: Tensor, lengths: Tensor, text: Tensor) -> Tensor:
        """−log probability of the texts, summed, nats; `text` (lines, characters) holds −1 behind each text's end.

        A line with fewer pairs of points than its text needs counts as nothing.
        """
        told = self(points, lengths).transpose(0, 1)
        characters = (text >= 0).sum(1)
        return functional.ctc_loss(
            told, text.clamp(min=0), -(-lengths // PAIR), characters, self.nothing, reduction="sum", zero_infinity=True
        )


def pairs(points: Tensor) -> Tensor:
    """Points two by two, (lines, pairs, 6); a last one alone is followed by zeros."""
    return functional.pad(points, (0, 0, 0, points.shape[1] % PAIR)).unflatten(1, (-1, PAIR)).flatten(2)


def greedy(told: Tensor, lengths: Tensor, nothing: int) -> list[list[int]]:
    """The likeliest output of each pair of points, repeats and nothings left out: the characters read in each line."""
    best = told.argmax(-1)
    lines = []
    for row, length in zip(best, (-(-lengths // PAIR)).tolist(), strict=True):
        read = torch.unique_consecutive(row[:length])
        lines.append(read[read != nothing].tolist())
    return lines
