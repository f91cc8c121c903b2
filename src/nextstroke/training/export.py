"""From trained weights to the model file: an ONNX graph of one time step, with all it needs to be used (design 2).

The graph is written operator by operator, so that it holds what the equations say and nothing else. Weights are
stored as float16 and widened when the file is loaded: half the size, and the loss of it is measured at export.
"""

import hashlib
import json
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor

from nextstroke.engine.modelfile import DIGEST_KEY, FORMAT, METADATA_KEY
from nextstroke.files import write_bytes
from nextstroke.nets.lstm import LSTM
from nextstroke.nets.networks import POINT, PenNetwork, WriterNetwork

OPSET = 20
# ONNX orders gates input, output, forget, cell and peepholes input, output, forget; ours are i f g o and i f o.
GATES, PEEPHOLES = (0, 3, 1, 2), (0, 2, 1)


def export_model(network: PenNetwork, about: dict, path: Path) -> None:
    """Write the model file of a network.

    Args:
        about: Kind, alphabet, normalisation, recipe, training record, licence: anything JSON holds.
    """
    graph = _Graph()
    _build(graph, network)
    states = dict(graph.states)
    record = json.dumps({"format": FORMAT, "states": states, **about}, ensure_ascii=False)
    model = graph.model()
    helper.set_model_props(model, {METADATA_KEY: record})
    onnx.checker.check_model(model)
    write_bytes(path, sealed(model.SerializeToString(deterministic=True)))


def sealed(body: bytes) -> bytes:
    """The model with the digest of its bytes behind it, as one more metadata entry.

    Two protocol buffer messages one after the other read as one, so any ONNX reader takes the file as it is.
    """
    digest = hashlib.sha256(body).hexdigest()
    tail = onnx.ModelProto(metadata_props=[onnx.StringStringEntryProto(key=DIGEST_KEY, value=digest)])
    return body + tail.SerializeToString()


class _Graph:
    """An ONNX graph under construction; `add` returns the name of a node's first output."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self.inputs: list[onnx.ValueInfoProto] = []
        self.outputs: list[onnx.ValueInfoProto] = []
        self.states: list[tuple[str, int]] = []

    def add(self, operator: str, *inputs: str, outputs: int = 1, name: str = "", **attributes) -> str:
        """Append a node; more outputs than one are named NAME.1, NAME.2 …"""
        name = name or f"{operator.lower()}{len(self.nodes)}"
        names = [name] + [f"{name}.{i}" for i in range(1, outputs)]
        self.nodes.append(helper.make_node(operator, list(inputs), names, name=f"node_{name}", **attributes))
        return name

    def weight(self, name: str, values: Tensor | np.ndarray) -> str:
        """A trained weight, kept as float16 and used as float32."""
        half = np.asarray(values.detach().cpu() if isinstance(values, Tensor) else values).astype(np.float16)
        self.weights.append(numpy_helper.from_array(half, f"{name}.half"))
        return self.add("Cast", f"{name}.half", name=name, to=TensorProto.FLOAT)

    def constant(self, name: str, values: np.ndarray) -> str:
        """A constant that is no weight: axes, shapes."""
        self.weights.append(numpy_helper.from_array(np.asarray(values), name))
        return name

    def input(self, name: str, *shape: str | int) -> str:
        """A float32 input of the step."""
        self.inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
        return name

    def output(self, inner: str, name: str, *shape: str | int) -> None:
        """Show a value as an output of the step."""
        self.add("Identity", inner, name=name)
        self.outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))

    def state(self, name: str, width: int) -> str:
        """A state that comes in; its successor goes out as NAME.next through `carry`."""
        self.states.append((name, width))
        return self.input(name, "batch", width)

    def carry(self, name: str, inner: str) -> None:
        """Let `inner` be the successor of state `name`."""
        self.output(inner, f"{name}.next", "batch", dict(self.states)[name])

    def model(self) -> onnx.ModelProto:
        """The finished model."""
        graph = helper.make_graph(self.nodes, "step", self.inputs, self.outputs, self.weights)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=9)


def _build(graph: _Graph, network: PenNetwork) -> None:
    """One step: `point` and states (and `text`) in; `y`, states (and `phi`) out."""
    graph.constant("front", np.array([0], np.int64))
    point = graph.input("point", "batch", POINT)
    below, hidden = [point], []
    for number, layer in enumerate(network.layers, 1):
        if isinstance(network, WriterNetwork) and number == 1:
            hidden.append(_windowed(graph, layer, point))
            below = [point, "window"]
        else:
            hidden.append(_cell(graph, layer, number, [*below, *hidden[-1:]]))
    joined = graph.add("Concat", *hidden, axis=1)
    weight, bias = graph.weight("out.weight", network.output.weight), graph.weight("out.bias", network.output.bias)
    y = graph.add("Gemm", joined, weight, bias, transB=1)
    graph.output(y, "y", "batch", network.output.out_features)


def _cell(graph: _Graph, layer: LSTM, number: int, below: list[str], extra: Tensor | None = None) -> str:
    """An LSTM layer as ONNX's own operator, which takes peepholes; returns its new h."""
    name, cells = f"layer{number}", layer.cells
    weight = layer.weight if extra is None else np.concatenate([_plain(layer.weight), _plain(extra)], 1)
    bias = np.concatenate([_gates(layer.bias), np.zeros(4 * cells, np.float32)])
    weights = [
        graph.weight(f"{name}.weight", _gates(weight)[None]),
        graph.weight(f"{name}.recurrent", _gates(layer.recurrent)[None]),
        graph.weight(f"{name}.bias", bias[None]),
    ]
    peepholes = graph.weight(f"{name}.peepholes", _plain(layer.peepholes)[list(PEEPHOLES)].reshape(1, -1))
    h, c = (graph.add("Unsqueeze", graph.state(f"{part}{number}", cells), "front") for part in "hc")
    x = graph.add("Unsqueeze", graph.add("Concat", *below, axis=1), "front")
    graph.add("LSTM", x, *weights, "", h, c, peepholes, outputs=3, name=name, hidden_size=cells)
    new_h, new_c = (graph.add("Squeeze", f"{name}.{i}", "front") for i in (1, 2))
    graph.carry(f"h{number}", new_h)
    graph.carry(f"c{number}", new_c)
    return new_h


def _windowed(graph: _Graph, layer, point: str) -> str:
    """Layer 1 of the synthesis network with its window (equations 46 to 51); w is named "window"."""
    w_before = graph.state("w", layer.symbols)
    h = _cell(graph, layer.lstm, 1, [point, w_before], layer.reading)
    glance = [graph.weight(f"glance.{part}", getattr(layer.glance, part)) for part in ("weight", "bias")]
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


def _phi(graph: _Graph, kappa: str) -> str:
    """Weights at the places 1 … U + 1; the last is one behind the text (the stop rule needs it)."""
    last = graph.constant("columns", np.array([-1]))
    alpha, beta, location = (graph.add("Unsqueeze", part, last) for part in ("abk", "abk.1", kappa))
    places = graph.input("places", "places_and_one")
    distance = graph.add("Sub", location, places)
    weights = graph.add("Exp", graph.add("Neg", graph.add("Mul", beta, graph.add("Mul", distance, distance))))
    mass = graph.add("Mul", alpha, weights)
    return graph.add("ReduceSum", mass, graph.constant("components", np.array([1])), keepdims=0)


def _plain(values: Tensor | np.ndarray) -> np.ndarray:
    return values.detach().cpu().numpy() if isinstance(values, Tensor) else values


def _gates(values: Tensor | np.ndarray) -> np.ndarray:
    """Rows of four gates in ONNX's order."""
    blocks = np.split(_plain(values), 4)
    return np.concatenate([blocks[gate] for gate in GATES])


def import_weights(path: Path) -> dict[str, Tensor]:
    """The weights of an exported model by the names that the network gives them; the inverse of `export_model`."""
    stored = {weight.name: numpy_helper.to_array(weight) for weight in onnx.load(path).graph.initializer}
    half = {name.removesuffix(".half"): array for name, array in stored.items() if name.endswith(".half")}
    found = {name.replace("out.", "output."): array for name, array in half.items() if name.startswith("out.")}
    for number in range(sum(name.endswith(".recurrent") for name in half)):
        windowed = number == 0 and "glance.weight" in half
        lstm = f"layers.{number}.lstm" if windowed else f"layers.{number}"
        parts = {name: half[f"layer{number + 1}.{name}"] for name in ("weight", "recurrent", "bias", "peepholes")}
        found |= {f"{lstm}.{name}": array for name, array in _cell_weights(**parts).items()}
        if windowed:
            both = found[f"{lstm}.weight"]
            found |= {f"{lstm}.weight": both[:, :POINT], "layers.0.reading": both[:, POINT:]}
            found |= {f"layers.0.glance.{part}": half[f"glance.{part}"] for part in ("weight", "bias")}
    return {name: torch.from_numpy(np.ascontiguousarray(array, np.float32)) for name, array in found.items()}


def _cell_weights(
    weight: np.ndarray, recurrent: np.ndarray, bias: np.ndarray, peepholes: np.ndarray
) -> dict[str, np.ndarray]:
    """The weights of one LSTM operator in our order of gates and peepholes."""
    back = np.argsort(GATES)
    rows = {"weight": weight[0], "recurrent": recurrent[0], "bias": np.split(bias[0], 2)[0]}
    ours = {name: np.concatenate([np.split(array, 4)[gate] for gate in back]) for name, array in rows.items()}
    return ours | {"peepholes": peepholes.reshape(3, -1)[np.argsort(PEEPHOLES)]}
