"""Export of trained weights to a model file: a step graph with its metadata."""

import json
from pathlib import Path
from typing import cast

import numpy as np
import onnx
from onnx import helper
from torch import Tensor

from nextstroke.files import write_bytes
from nextstroke.ink import POINT
from nextstroke.nets.lstm import LSTM
from nextstroke.nets.networks import (
    AnyTextNetwork,
    InkNetwork,
    Network,
    SynthesisNetwork,
    TextNetwork,
    TiedTextNetwork,
    lstm_layers,
)
from nextstroke.nets.recogniser_network import PAIR, BothWays, RecogniserNetwork
from nextstroke.nets.window import WindowedLSTM
from nextstroke.runtime.model_file import FORMAT, METADATA_KEY, sealed
from nextstroke.training.export.onnx_step import Array, Graph, plain


def export_model(network: Network, metadata: dict, path: Path, integer: bool = False) -> None:
    """Write the model file of a network.

    Args:
        metadata: Kind, alphabet, normalisation, recipe, training record and licence, as JSON
            allows.
        integer: Store the large weights as int8 instead of float16.
    """
    graph = Graph(integer)
    build_graph(graph, network)
    entries = {"format": FORMAT, "states": dict(graph.states), **metadata}
    record = json.dumps(entries, ensure_ascii=False)
    model = graph.model()
    helper.set_model_props(model, {METADATA_KEY: record})
    onnx.checker.check_model(model)
    write_bytes(path, sealed(model.SerializeToString(deterministic=True)))


def build_graph(graph: Graph, network: Network) -> None:
    """Add one step of a network to a graph, or all of a recogniser, which reads whole lines."""
    if isinstance(network, RecogniserNetwork):
        _build_recogniser(graph, network)
    elif isinstance(network, TiedTextNetwork):
        _build_tied_text(graph, network)
    elif isinstance(network, TextNetwork):
        _build_text(graph, network)
    else:
        _build_ink(graph, network)


def _build_recogniser(graph: Graph, network: RecogniserNetwork) -> None:
    """Add a recogniser, which reads whole lines.

    Inputs are `pairs`, (pairs, batch, 6), and `lengths`; the output is the log-probabilities, (pairs,
    batch, symbols + 1).
    """
    hidden = graph.input("pairs", "time", "batch", PAIR * POINT)
    lengths = graph.input_numbers("lengths", "batch", wide=False)
    for number, layer in enumerate(network.layers):
        hidden = _both_ways(graph, f"layers.{number}", cast(BothWays, layer), hidden, lengths)
    weight = graph.weight("output.weight", network.output.weight.T)
    product = graph.add("MatMul", hidden, weight)
    logits = graph.add("Add", product, graph.weight("output.bias", network.output.bias))
    read = graph.add("LogSoftmax", logits, axis=2)
    graph.output(read, "told", "time", "batch", network.output.out_features)


def _both_ways(graph: Graph, name: str, layer: BothWays, below: str, lengths: str) -> str:
    """Return the hidden vectors of both directions joined, (pairs, batch, 2 × cells)."""
    ways = (layer.along, layer.against)
    cells = layer.along.hidden_size
    weights = []
    for part in ("ih", "hh"):
        by_way = [_onnx_gates(getattr(way, f"weight_{part}_l0")) for way in ways]
        weights.append(graph.weight(f"{name}.{part}", np.stack(by_way)))
    biases = []
    for way in ways:
        both = [_onnx_gates(getattr(way, f"bias_{part}_l0")) for part in ("ih", "hh")]
        biases.append(np.concatenate(both))
    bias = graph.weight(f"{name}.bias", np.stack(biases))
    hidden = graph.add(
        "LSTM",
        below,
        *weights,
        bias,
        lengths,
        hidden_size=cells,
        direction="bidirectional",
        name=f"{name}.hidden",
    )
    joined = graph.add("Transpose", hidden, perm=[0, 2, 1, 3])
    shape = graph.constant(f"shape.{cells}", np.array([0, 0, 2 * cells]))
    return graph.add("Reshape", joined, shape)


def _onnx_gates(weights: Tensor) -> Array:
    """Reorder gates from torch's input, forget, cell, output to ONNX's input, output, forget, cell."""
    i, f, c, o = np.split(plain(weights), 4)
    return np.concatenate([i, o, f, c])


def _build_ink(graph: Graph, network: InkNetwork) -> None:
    """Add a step of a handwriting network.

    Inputs are `point` and the states, outputs `y` and the next states; a synthesis network also has the
    input `text` and the output `phi`.
    """
    graph.constant("front", np.array([0], np.int64))
    point = graph.input("point", "batch", POINT)
    hidden: list[str] = []
    below = point
    if isinstance(network, SynthesisNetwork):
        hidden.append(_windowed(graph, network.windowed, point))
        below = graph.add("Concat", point, "window", axis=1)
    for layer in lstm_layers(network):
        hidden.append(_layer(graph, layer, len(hidden), below, *hidden[-1:]))
    _out(graph, network, hidden)


def _build_text(graph: Graph, network: TextNetwork) -> None:
    """Add a step of a text network.

    Inputs are `symbol`, ids with −1 for the null vector, and the states; outputs are `y` and the next
    states.
    """
    symbol = graph.input_numbers("symbol", "batch")
    hidden: list[str] = []
    for number, (layer, table) in enumerate(zip(lstm_layers(network), network.tables, strict=True)):
        # −1 takes the last row, that of the null vector, which adds nothing to the bias.
        rows = graph.weight(f"tables.{number}", np.pad(plain(table), ((0, 1), (0, 0))))
        bias = graph.weight(f"layers.{number}.bias", layer.bias)
        outside = graph.add("Add", graph.add("Gather", rows, symbol), bias)
        hidden.append(_cell(graph, layer, number, outside, plain(layer.weight), *hidden[-1:]))
    _out(graph, network, hidden)


def _build_tied_text(graph: Graph, network: TiedTextNetwork) -> None:
    """Add a step of a text network with one vector for each symbol; inputs as for `_build_text`."""
    symbol = graph.input_numbers("symbol", "batch")
    weight = graph.weight("output.weight", network.output.weight)
    null = graph.constant("null", np.zeros((1, network.output.in_features), np.float32))
    read = graph.add("Gather", graph.add("Concat", weight, null, axis=0), symbol)
    hidden: list[str] = []
    for number, layer in enumerate(lstm_layers(network)):
        hidden.append(_layer(graph, layer, number, read, *hidden[-1:]))
    narrow = graph.weight("narrow.weight", network.narrow.weight)
    bias = graph.weight("narrow.bias", network.narrow.bias)
    joined = graph.add("Concat", *hidden, axis=1)
    predicted = graph.add("Gemm", joined, narrow, bias, transB=1)
    _output(graph, network, predicted, weight)


def _out(graph: Graph, network: InkNetwork | TextNetwork, hidden: list[str]) -> None:
    """Add y-hat from the hidden vectors of all layers (equation 3)."""
    joined = graph.add("Concat", *hidden, axis=1)
    _output(graph, network, joined, graph.weight("output.weight", network.output.weight))


def _output(graph: Graph, network: InkNetwork | AnyTextNetwork, below: str, weight: str) -> None:
    y = graph.add("Gemm", below, weight, graph.weight("output.bias", network.output.bias), transB=1)
    graph.output(y, "y", "batch", network.output.out_features)


def _layer(graph: Graph, layer: LSTM, number: int, below: str, *hidden_below: str) -> str:
    """Add an LSTM layer on an input and the hidden vector of the layer below; return its new h."""
    width = layer.weight.shape[1] - len(hidden_below) * layer.cells
    outside = plain(layer.weight[:, :width])
    inside = plain(layer.weight[:, width:])
    z_outside = _outside(graph, layer, number, below, outside)
    return _cell(graph, layer, number, z_outside, inside, *hidden_below)


def _outside(graph: Graph, layer: LSTM, number: int, below: str, outside: Array) -> str:
    """Add the part of the pre-activations that comes from the input and the bias."""
    name = f"layers.{number}"
    weight = graph.weight(f"{name}.outside", outside)
    return graph.add("Gemm", below, weight, graph.weight(f"{name}.bias", layer.bias), transB=1)


def _cell(
    graph: Graph,
    layer: LSTM,
    number: int,
    outside: str,
    inside: Array,
    *hidden_below: str,
) -> str:
    """Add one step of an LSTM (equations 7 to 11); return its new h.

    One product, which may be one of integers, reads all hidden vectors.
    """
    name = f"layers.{number}"
    cells = layer.cells
    h = graph.state(f"h{number + 1}", cells)
    c = graph.state(f"c{number + 1}", cells)
    hidden = graph.add("Concat", *hidden_below, h, axis=1) if hidden_below else h
    weight = np.concatenate([inside, plain(layer.recurrent)], 1)
    from_hidden = graph.product(f"{name}.hidden", weight, hidden)
    z = graph.add("Add", outside, from_hidden)
    early, z_cell, z_output = graph.split(z, 2 * cells, cells, cells)
    peepholes = graph.weight(f"{name}.peepholes", layer.peepholes.flatten())
    to_early, to_output = graph.split(peepholes, 2 * cells, cells, axis=0)
    from_cells = graph.add("Mul", graph.add("Concat", c, c, axis=1), to_early)
    i, f = graph.split(graph.add("Sigmoid", graph.add("Add", early, from_cells)), cells, cells)
    new_c = graph.add("Add", graph.add("Mul", f, c), graph.add("Mul", i, graph.add("Tanh", z_cell)))
    o = graph.add("Sigmoid", graph.add("Add", z_output, graph.add("Mul", new_c, to_output)))
    new_h = graph.add("Mul", o, graph.add("Tanh", new_c))
    graph.carry(f"h{number + 1}", new_h)
    graph.carry(f"c{number + 1}", new_c)
    return new_h


def _windowed(graph: Graph, layer: WindowedLSTM, point: str) -> str:
    """Add layer 1 of the synthesis network with its window (equations 46 to 51); w is named "window"."""
    below = graph.add("Concat", point, graph.state("w", layer.symbols), axis=1)
    outside = np.concatenate([plain(layer.lstm.weight), plain(layer.reading)], 1)
    h = _cell(graph, layer.lstm, 0, _outside(graph, layer.lstm, 0, below, outside), outside[:, :0])
    weight = graph.weight("layers.0.glance.weight", layer.glance.weight)
    bias = graph.weight("layers.0.glance.bias", layer.glance.bias)
    parameters = graph.add("Exp", graph.add("Gemm", h, weight, bias, transB=1))
    k = layer.components
    thirds = graph.constant("thirds", np.array([k] * 3))
    graph.add("Split", parameters, thirds, outputs=3, name="abk", axis=1)
    kappa = graph.add("Add", graph.state("kappa", k), "abk.2")
    graph.carry("kappa", kappa)
    phi = _phi(graph, kappa)
    text = graph.input("text", "batch", "places", layer.symbols)
    last = graph.constant("last", np.array([-1]))
    inside = graph.add("Slice", phi, "front", last, graph.constant("axis", np.array([1])))
    rows = graph.add("Unsqueeze", inside, graph.constant("middle", np.array([1])))
    graph.add("Squeeze", graph.add("MatMul", rows, text), "middle", name="window")
    graph.carry("w", "window")
    graph.output(phi, "phi", "batch", "places_and_one")
    return h


def _phi(graph: Graph, kappa: str) -> str:
    """Add phi at the positions 1 … U + 1; the last is after the text, which the stop rule needs."""
    last = graph.constant("columns", np.array([-1]))
    alpha, beta, location = (graph.add("Unsqueeze", part, last) for part in ("abk", "abk.1", kappa))
    places = graph.input("places", "places_and_one")
    distance = graph.add("Sub", location, places)
    square = graph.add("Mul", distance, distance)
    weights = graph.add("Exp", graph.add("Neg", graph.add("Mul", beta, square)))
    terms = graph.add("Mul", alpha, weights)
    return graph.add("ReduceSum", terms, graph.constant("components", np.array([1])), keepdims=0)
