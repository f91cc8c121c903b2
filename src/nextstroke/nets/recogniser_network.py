"""The recogniser: a bidirectional LSTM that predicts a character or none for each pair of points."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from nextstroke.ink import POINT

PAIR = 2  # points of a step: half as many steps, and still enough for each character


class BothWays(nn.Module):
    """A bidirectional LSTM layer: one LSTM along the lines, one against them.

    A line is reversed within its own length, so that padding comes after its end in both
    directions. torch's packed sequences do the same, at a quarter of the speed on a CPU.
    """

    def __init__(self, inputs: int, cells: int):
        super().__init__()
        self.along = nn.LSTM(inputs, cells, batch_first=True)
        self.against = nn.LSTM(inputs, cells, batch_first=True)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """Return hidden vectors (lines, time, 2 × cells) of x (lines, time, inputs)."""
        along, _ = self.along(x)
        against, _ = self.against(reverse(x, lengths))
        return torch.cat([along, reverse(against, lengths)], -1)


def reverse(x: Tensor, lengths: Tensor) -> Tensor:
    """Return each line of `lengths` steps in reverse; its padding stays at its end."""
    step = torch.arange(x.shape[1]).expand(len(x), -1)
    step = torch.where(step < lengths[:, None], lengths[:, None] - 1 - step, step).to(x.device)
    return x.gather(1, step[:, :, None].expand_as(x))


class RecogniserNetwork(nn.Module):
    """Online handwriting recognition by connectionist temporal classification (CTC).

    Graves, Fernández, Gomez and Schmidhuber, "Connectionist Temporal Classification", ICML 2006.
    Not part of the paper: it judges what the synthesis network writes.

    Args:
        symbols: Number of characters; one more output is CTC's blank.
        layers: Number of layers.
        cells: Number of cells in each direction of a layer.
        dropout: Share of a layer's outputs dropped on the way up and out.
    """

    def __init__(self, symbols: int, layers: int, cells: int, dropout: float):
        super().__init__()
        widths = [PAIR * POINT, *[2 * cells] * (layers - 1)]
        self.layers = nn.ModuleList(BothWays(width, cells) for width in widths)
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(2 * cells, symbols + 1)

    @property
    def blank(self) -> int:
        """Number of the output that stands for no character."""
        return self.output.out_features - 1

    def start(self, lines: int) -> tuple:
        """Return no state: lines are read whole."""
        return ()

    def forward(self, points: Tensor, lengths: Tensor) -> Tensor:
        """Return log-probabilities (lines, pairs, symbols + 1).

        Args:
            points: Points of whole lines, (lines, time, 3).
            lengths: Number of points of each line, on the CPU.
        """
        hidden = pairs(points)
        steps = pair_count(lengths)
        for layer in self.layers:
            hidden = self.dropout(layer(hidden, steps))
        return functional.log_softmax(self.output(hidden), -1)

    def log_loss(self, points: Tensor, lengths: Tensor, text: Tensor) -> Tensor:
        """Return the sum of −log probability of the texts, in nats.

        A line with fewer pairs of points than its text needs counts as zero.

        Args:
            text: Character ids, (lines, characters), −1 after each text's end.
        """
        return functional.ctc_loss(
            self(points, lengths).transpose(0, 1),
            text.clamp(min=0),
            pair_count(lengths),
            (text >= 0).sum(1),
            self.blank,
            reduction="sum",
            zero_infinity=True,
        )


def pair_count(lengths: Tensor) -> Tensor:
    """Return the number of pairs in lines of `lengths` points."""
    return -(-lengths // PAIR)


def pairs(points: Tensor) -> Tensor:
    """Return points in pairs, (lines, pairs, 6); a single last one is followed by zeros."""
    padded = functional.pad(points, (0, 0, 0, points.shape[1] % PAIR))
    return padded.unflatten(1, (-1, PAIR)).flatten(2)


def greedy(log_probabilities: Tensor, lengths: Tensor, blank: int) -> list[list[int]]:
    """Return the characters read in each line: the likeliest outputs without repeats and blanks."""
    best = log_probabilities.argmax(-1)
    lines = []
    for row, length in zip(best, pair_count(lengths).tolist(), strict=True):
        read = torch.unique_consecutive(row[:length])
        lines.append(read[read != blank].tolist())
    return lines
