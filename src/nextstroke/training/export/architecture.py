"""Architecture of a network: connections, delays and numbers of weights of its exported step graph.

A picture of it shows what the model file computes and nothing else.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import onnx

from nextstroke.alphabet import Alphabet
from nextstroke.config import find_recipe, load_recipe
from nextstroke.errors import UsageError
from nextstroke.nets.networks import Network
from nextstroke.training.evaluation.runs import open_run
from nextstroke.training.export.networks_export import build_graph
from nextstroke.training.export.onnx_step import Graph
from nextstroke.training.optimisers import build_network

INPUTS = {"point": "x", "text": "text"}
WEIGHTLESS = {"text": 0, "kappa": 1}  # inputs of the window without a weight: delays in steps


class Connection(NamedTuple):
    """A connection between two parts: `delay` in steps, `weights` their number."""

    source: str
    target: str
    delay: int
    weights: int


class Architecture(NamedTuple):
    """A network as parts and connections.

    Attributes:
        sizes: Width of each part: x, text (symbols), window (Gaussians), h1 …, y.
        connections: The connections between the parts.
        own: Number of biases and peepholes of each part.
    """

    sizes: dict[str, int]
    connections: list[Connection]
    own: dict[str, int]

    @property
    def weights(self) -> int:
        """Number of all weights."""
        return sum(connection.weights for connection in self.connections) + sum(self.own.values())


def _check_kind(path: Path, kind: str) -> None:
    """Raise UsageError for a network of another kind than those of handwriting."""
    if kind not in ("writer", "pen"):
        found = {"reader": "a reader", "text": "a text network"}[kind]
        shown = "the figure shows networks of handwriting that go step by step"
        raise UsageError(f"{path}: {found}; {shown}")


def open_architecture(path: Path) -> Architecture:
    """Return the architecture of a training, a model file or a recipe.

    Raises:
        UsageError: the network has no step graph of ink, or the recipe's corpus decides its
            alphabet.
    """
    path = find_recipe(path)
    if path.suffix != ".toml":
        trained = open_run(path)
        _check_kind(path, trained.recipe.kind)
        return read_architecture(trained.network)
    recipe = load_recipe(path)
    _check_kind(path, recipe.kind)
    if recipe.kind == "writer" and recipe.data.alphabet != "paper":
        problem = "the corpus decides its alphabet; give a training or a model file"
        raise UsageError(f"{path}: {problem}")
    network: Any = build_network(recipe, len(Alphabet.paper()))
    return read_architecture(network)


def read_architecture(network: Network) -> Architecture:
    """Return the architecture of a handwriting network."""
    return _StepGraph(network).read()


def gates_look_at(network: Network) -> dict[str, str]:
    """Return which cell the peepholes of the first layer's gates see: "before" or "after" the step."""
    graph = _StepGraph(network)
    new_cell = graph.carried["c1"]
    early, output = [node.output[0] for node in graph.graph.nodes if node.op_type == "Sigmoid"][:2]
    seen_early = "after" if new_cell in graph.above(early) else "before"
    seen_output = "after" if new_cell in graph.above(output) else "before"
    return {"input": seen_early, "forget": seen_early, "output": seen_output}


class _StepGraph:
    """A step graph with its nodes by their outputs."""

    def __init__(self, network: Network):
        self.graph = Graph(integer=False)
        build_graph(self.graph, network)
        nodes = self.graph.nodes
        self.makers = {name: node for node in nodes for name in node.output}
        ends = {node.output[0]: node.input[0] for node in nodes if node.op_type == "Identity"}
        self.carried = {name.removesuffix(".next"): inner for name, inner in ends.items()}
        self.parts = {"window": "window"}  # parts by the value that is their result
        for name, inner in self.carried.items():
            if name.startswith("h") or name == "y":
                self.parts[inner] = name
        self.shapes: dict[str, list[int]] = {}
        for weight in self.graph.weights:
            self.shapes[weight.name.removesuffix(".half")] = list(weight.dims)
        self.widths = dict(self.graph.states)

    def read(self) -> Architecture:
        """Return the architecture."""
        connections: list[Connection] = []
        for node in self.graph.nodes:
            if node.op_type == "Gemm":
                connections += self._weighted(node)
        if "window" in self.makers:
            seen = self.above("window")
            for name, source in {"text": "text", "kappa": "window"}.items():
                if name in seen:
                    connections.append(Connection(source, "window", WEIGHTLESS[name], 0))
        own: dict[str, int] = {}
        for name, shape in self.shapes.items():
            if name.endswith(("bias", "peepholes")):
                own[self._part(name)] = own.get(self._part(name), 0) + shape[0]
        return Architecture(self._sizes(), connections, own)

    def _sizes(self) -> dict[str, int]:
        sizes = {"x": self.shapes["layers.0.outside"][1] - self.widths.get("w", 0)}
        if "window" in self.makers:
            sizes |= {"text": self.widths["w"], "window": self.widths["kappa"]}
        sizes |= {name: width for name, width in self.widths.items() if name.startswith("h")}
        return sizes | {"y": self.shapes["output.weight"][0]}

    def _weighted(self, node: onnx.NodeProto) -> Iterator[Connection]:
        """Yield the connections through one product, one for each part that it reads."""
        rows, columns = self.shapes[node.input[1]]
        sources = list(self._sources(node.input[0]))
        widths = [self._width(source) for source, _ in sources]
        assert sum(widths) == columns, (node.name, sources)
        for (source, delay), width in zip(sources, widths, strict=True):
            yield Connection(source, self._part(node.input[1]), delay, rows * width)

    def _sources(self, name: str) -> Iterator[tuple[str, int]]:
        """Yield the parts that a value is the concatenation of, each with its delay."""
        if name in self.parts:
            yield self.parts[name], 0
        elif name in self.widths:
            yield ("window" if name == "w" else name), 1
        elif name in INPUTS:
            yield INPUTS[name], 0
        else:
            for part in self.makers[name].input:
                yield from self._sources(part)

    def _width(self, part: str) -> int:
        return self.widths["w"] if part == "window" else self._sizes()[part]

    def _part(self, name: str) -> str:
        """Return the part whose result is the first that depends on a value."""
        reached = [name]
        for value in reached:
            if value in self.parts:
                return self.parts[value]
            for node in self.graph.nodes:
                if value in node.input:
                    reached += node.output
        raise AssertionError(f"{name} leads nowhere")

    def above(self, name: str) -> set[str]:
        """Return all values that a value depends on within this step."""
        found = [name]
        for value in found:
            if value in self.makers:
                found += [origin for origin in self.makers[value].input if origin not in found]
        return set(found)
