"""A reader as an ONNX graph: whole lines at once, unlike the other networks' single step."""

from typing import cast

import numpy as np

from nextstroke.ink import POINT
from nextstroke.nets.reader import PAIR, BothWays, ReaderNetwork
from nextstroke.training.graph import Array, Graph, plain


def build_reader(graph: Graph, network: ReaderNetwork) -> None:
    """`pairs` of points (pairs, batch, 6) and their `lengths` in; log-probabilities (pairs, batch, symbols + 1) out."""
    hidden = graph.input("pairs", "time", "batch", PAIR * POINT)
    lengths = graph.input_numbers("lengths", "batch", wide=False)
    for number, layer in enumerate(network.layers):
        hidden = _both_ways(graph, f"layers.{number}", cast(BothWays, layer), hidden, lengths)
    weight = graph.weight("output.weight", network.output.weight.T)
    read = graph.add("Add", graph.add("MatMul", hidden, weight), graph.weight("output.bias", network.output.bias))
    told = graph.add("LogSoftmax", read, axis=2)
    graph.output(told, "told", "time", "batch", network.output.out_features)


def _both_ways(graph: Graph, name: str, layer: BothWays, below: str, lengths: str) -> str:
    """The hidden vectors of both directions side by side, (pairs, batch, 2 × cells)."""
    ways = (layer.along, layer.against)
    cells = ways[0].hidden_size
    weights = [
        graph.weight(f"{name}.{part}", np.stack([_reordered(getattr(way, f"weight_{part}_l0")) for way in ways]))
        for part in ("ih", "hh")
    ]
    biases = [[_reordered(getattr(way, f"bias_{part}_l0")) for part in ("ih", "hh")] for way in ways]
    bias = graph.weight(f"{name}.bias", np.stack([np.concatenate(both) for both in biases]))
    hidden = graph.add(
        "LSTM", below, *weights, bias, lengths, hidden_size=cells, direction="bidirectional", name=f"{name}.hidden"
    )
    joined = graph.add("Transpose", hidden, perm=[0, 2, 1, 3])
    return graph.add("Reshape", joined, graph.constant(f"shape.{cells}", np.array([0, 0, 2 * cells])))


def _reordered(weights) -> Array:
    """Gates in ONNX's order, input output forget cell, from torch's, input forget cell output."""
    i, f, c, o = np.split(plain(weights), 4)
    return np.concatenate([i, o, f, c])
