"""From trained weights to the model file, a step graph with all it needs to be used (design 2)."""

import json
from pathlib import Path
from typing import cast

import numpy as np
import onnx
from onnx import helper

from nextstroke.files import write_bytes
from nextstroke.ink import POINT
from nextstroke.nets.lstm import LSTM
from nextstroke.nets.networks import PredictionNetwork, SynthesisNetwork, TextNetwork, TiedTextNetwork
from nextstroke.nets.recogniser_network import PAIR, BothWays, RecogniserNetwork
from nextstroke.runtime.model_file import FORMAT, METADATA_KEY, sealed
from nextstroke.training.export.onnx_step import Array, Graph, plain
from nextstroke.training.optimisers import Network

# A reader as an ONNX graph: whole lines at once, unlike the other networks' single step.


def build_reader(graph: Graph, network: RecogniserNetwork) -> None:
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


def export_model(network: Network, metadata: dict, path: Path, integer: bool = False) -> None:
    """Write the model file of a network.

    Args:
        metadata: Kind, alphabet, normalisation, recipe, training record, licence: anything JSON holds.
        integer: Keep the large weights as int8 instead of float16.
    """
    graph = Graph(integer)
    build_graph(graph, network)
    states = dict(graph.states)
    record = json.dumps({"format": FORMAT, "states": states, **metadata}, ensure_ascii=False)
    model = graph.model()
    helper.set_model_props(model, {METADATA_KEY: record})
    onnx.checker.check_model(model)
    write_bytes(path, sealed(model.SerializeToString(deterministic=True)))


def build_graph(graph: Graph, network: Network) -> None:
    """One step of a network; a reader has none, and takes whole lines."""
    if isinstance(network, RecogniserNetwork):
        build_reader(graph, network)
    elif isinstance(network, TiedTextNetwork):
        _build_tied_text(graph, network)
    elif isinstance(network, TextNetwork):
        _build_text(graph, network)
    else:
        _build_pen(graph, network)


def _build_pen(graph: Graph, network: PredictionNetwork) -> None:
    """One step of the pen: `point` and states (and `text`) in; `y`, states (and `phi`) out."""
    graph.constant("front", np.array([0], np.int64))
    point = graph.input("point", "batch", POINT)
    below, hidden = point, []
    for number, layer in enumerate(network.layers):
        if isinstance(network, SynthesisNetwork) and number == 0:
            hidden.append(_windowed(graph, layer, point))
            below = graph.add("Concat", point, "window", axis=1)
        else:
            hidden.append(_layer(graph, layer, number, below, *hidden[-1:]))
    _out(graph, network, hidden)


def _build_text(graph: Graph, network: TextNetwork) -> None:
    """One step of a text: the numbers `symbol`, −1 for the null vector, and states in; `y` and states out."""
    symbol = graph.input_numbers("symbol", "batch")
    hidden: list[str] = []
    for number, (layer, table) in enumerate(zip(network.layers, network.tables, strict=True)):
        # −1 takes the last row, which is the null vector's: nothing but the bias.
        rows = graph.weight(f"tables.{number}", np.pad(plain(table), ((0, 1), (0, 0))))
        bias = graph.weight(f"layers.{number}.bias", layer.bias)
        outside = graph.add("Add", graph.add("Gather", rows, symbol), bias)
        hidden.append(_cell(graph, layer, number, outside, plain(layer.weight), *hidden[-1:]))
    _out(graph, network, hidden)


def _build_tied_text(graph: Graph, network: TiedTextNetwork) -> None:
    """As `_build_text`, with one vector a symbol."""
    symbol = graph.input_numbers("symbol", "batch")
    weight = graph.weight("output.weight", network.output.weight)
    null = graph.constant("null", np.zeros((1, network.output.in_features), np.float32))
    read = graph.add("Gather", graph.add("Concat", weight, null, axis=0), symbol)
    hidden: list[str] = []
    for number, layer in enumerate(network.layers):
        hidden.append(_layer(graph, layer, number, read, *hidden[-1:]))
    narrow = [graph.weight(f"narrow.{part}", getattr(network.narrow, part)) for part in ("weight", "bias")]
    predicted = graph.add("Gemm", graph.add("Concat", *hidden, axis=1), *narrow, transB=1)
    _answer(graph, network, predicted, weight)


def _out(graph: Graph, network: PredictionNetwork | TextNetwork, hidden: list[str]) -> None:
    """y-hat from the hidden vectors of all layers (equation 3)."""
    joined = graph.add("Concat", *hidden, axis=1)
    _answer(graph, network, joined, graph.weight("output.weight", network.output.weight))


def _answer(graph: Graph, network: PredictionNetwork | TextNetwork, below: str, weight: str) -> None:
    y = graph.add("Gemm", below, weight, graph.weight("output.bias", network.output.bias), transB=1)
    graph.output(y, "y", "batch", network.output.out_features)


def _layer(graph: Graph, layer: LSTM, number: int, below: str, *hidden_below: str) -> str:
    """An LSTM layer on what comes from outside and the hidden vector of the layer below; returns its new h."""
    width = layer.weight.shape[1] - len(hidden_below) * layer.cells
    outside, inside = plain(layer.weight[:, :width]), plain(layer.weight[:, width:])
    return _cell(graph, layer, number, _outside(graph, layer, number, below, outside), inside, *hidden_below)


def _outside(graph: Graph, layer: LSTM, number: int, below: str, outside: Array) -> str:
    """What the pre-activations owe to the input and to the bias."""
    name = f"layers.{number}"
    weight, bias = graph.weight(f"{name}.outside", outside), graph.weight(f"{name}.bias", layer.bias)
    return graph.add("Gemm", below, weight, bias, transB=1)


def _cell(graph: Graph, layer: LSTM, number: int, outside: str, inside: Array, *hidden_below: str) -> str:
    """One step of an LSTM (equations 7 to 11); what is hidden comes in one product, which may be one of integers."""
    name, cells = f"layers.{number}", layer.cells
    h, c = (graph.state(f"{part}{number + 1}", cells) for part in "hc")
    hidden = graph.add("Concat", *hidden_below, h, axis=1) if hidden_below else h
    from_hidden = graph.product(f"{name}.hidden", np.concatenate([inside, plain(layer.recurrent)], 1), hidden)
    z = graph.add("Add", outside, from_hidden)
    early, z_cell, z_output = graph.split(z, 2 * cells, cells, cells)
    peepholes = graph.weight(f"{name}.peepholes", layer.peepholes.flatten())
    to_early, to_output = graph.split(peepholes, 2 * cells, cells, axis=0)
    looked = graph.add("Mul", graph.add("Concat", c, c, axis=1), to_early)
    i, f = graph.split(graph.add("Sigmoid", graph.add("Add", early, looked)), cells, cells)
    new_c = graph.add("Add", graph.add("Mul", f, c), graph.add("Mul", i, graph.add("Tanh", z_cell)))
    o = graph.add("Sigmoid", graph.add("Add", z_output, graph.add("Mul", new_c, to_output)))
    new_h = graph.add("Mul", o, graph.add("Tanh", new_c))
    graph.carry(f"h{number + 1}", new_h)
    graph.carry(f"c{number + 1}", new_c)
    return new_h


def _windowed(graph: Graph, layer, point: str) -> str:
    """Layer 1 of the synthesis network with its window (equations 46 to 51); w is named "window"."""
    below = graph.add("Concat", point, graph.state("w", layer.symbols), axis=1)
    outside = np.concatenate([plain(layer.lstm.weight), plain(layer.reading)], 1)
    h = _cell(graph, layer.lstm, 0, _outside(graph, layer.lstm, 0, below, outside), outside[:, :0])
    glance = [graph.weight(f"layers.0.glance.{part}", getattr(layer.glance, part)) for part in ("weight", "bias")]
    parameters = graph.add("Exp", graph.add("Gemm", h, *glance, transB=1))
    k = layer.components
    graph.add("Split", parameters, graph.constant("thirds", np.array([k] * 3)), outputs=3, name="abk", axis=1)
    kappa = graph.add("Add", graph.state("kappa", k), "abk.2")
    graph.carry("kappa", kappa)
    phi = _phi(graph, kappa)
    text = graph.input("text", "batch", "places", layer.symbols)
    inside = graph.add(
        "Slice", phi, "front", graph.constant("last", np.array([-1])), graph.constant("axis", np.array([1]))
    )
    rows = graph.add("Unsqueeze", inside, graph.constant("middle", np.array([1])))
    graph.add("Squeeze", graph.add("MatMul", rows, text), "middle", name="window")
    graph.carry("w", "window")
    graph.output(phi, "phi", "batch", "places_and_one")
    return h


def _phi(graph: Graph, kappa: str) -> str:
    """Weights at the places 1 … U + 1; the last is one behind the text (the stop rule needs it)."""
    last = graph.constant("columns", np.array([-1]))
    alpha, beta, location = (graph.add("Unsqueeze", part, last) for part in ("abk", "abk.1", kappa))
    places = graph.input("places", "places_and_one")
    distance = graph.add("Sub", location, places)
    weights = graph.add("Exp", graph.add("Neg", graph.add("Mul", beta, graph.add("Mul", distance, distance))))
    mass = graph.add("Mul", alpha, weights)
    return graph.add("ReduceSum", mass, graph.constant("components", np.array([1])), keepdims=0)
