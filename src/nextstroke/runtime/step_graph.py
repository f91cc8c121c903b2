"""The graph in a model file, checked before any runtime sees it.

A model file may come from a stranger. Only what an export of nextstroke has is accepted: its
operators, its inputs and outputs, weights inside the file, and no value that takes more memory than
those of the largest networks. Shapes are computed for LINES lines of PLACES characters.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nextstroke.runtime.operators import OPERATORS, BadGraph, Node, Shape, products
from nextstroke.runtime.protobuf import Value, fields, varints

# Sizes at which shapes are computed; primes, so that two dimensions are equal only where they must
# be.
LINES = 61
PLACES = 251
TIMES = 307
DIMENSIONS = {"batch": LINES, "places": PLACES, "places_and_one": PLACES + 1, "time": TIMES}
MAX_NODES = 1000
MAX_NUMBERS = 1 << 25  # in one value of the graph: 128 MB
MAX_TOTAL = 100_000_000  # in all values of a step
MAX_PRODUCTS = 1 << 35  # multiplications of a step
# Fields by number, as onnx.proto has them; others, such as external data or functions, are refused.
MODEL = {
    1: "version",
    2: "producer",
    3: "producer_version",
    5: "model_version",
    7: "graph",
    8: "opset",
    14: "metadata",
}
DOMAIN = 1  # field of an opset; empty for the standard operators
GRAPH = {1: "node", 2: "name", 5: "initializer", 11: "input", 12: "output"}
NODE = {1: "input", 2: "output", 3: "name", 4: "operator", 5: "attribute"}
ATTRIBUTE = {1: "name", 3: "i", 4: "s", 8: "ints", 20: "type"}
TENSOR = {1: "dims", 2: "type", 8: "name", 9: "raw"}
ENTRY = {1: "name", 2: "value"}
TENSOR_TYPE = {1: "type", 2: "shape"}
REPEATED = {
    "opset", "metadata", "node", "initializer", "input", "output", "attribute", "ints", "dims",
}  # fmt: skip
TYPES = {1: np.float32, 2: np.uint8, 3: np.int8, 6: np.int32, 7: np.int64, 10: np.float16}


@dataclass
class Graph:
    """The interface of the graph in a model file.

    Attributes:
        metadata: Entries by name, as bytes.
        inputs: Declared shapes and number types by name, with the dimensions of DIMENSIONS.
        outputs: As the inputs.
    """

    metadata: dict[str, bytes] = field(default_factory=dict)
    inputs: dict[str, tuple[Shape, type]] = field(default_factory=dict)
    outputs: dict[str, tuple[Shape, type]] = field(default_factory=dict)


def read_graph(data: bytes) -> Graph:
    """Check the graph of a model file and return its interface.

    Args:
        data: Bytes of an ONNX file.

    Raises:
        BadGraph: It has what no export of nextstroke has.
    """
    try:
        return _read(memoryview(data))
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, OverflowError) as error:
        raise BadGraph(f"{type(error).__name__}: {error}"[:200]) from error


def _read(data: memoryview) -> Graph:
    model = _message(data, MODEL)
    for opset in model["opset"]:
        if any(number == DOMAIN and value for number, value in fields(opset)):
            raise BadGraph("operators of another domain")
    found = Graph(_metadata(model["metadata"]))
    graph = _message(model["graph"], GRAPH)
    if len(graph["node"]) > MAX_NODES:
        raise BadGraph(f"{len(graph['node'])} nodes")
    found.inputs = dict(map(_declared, graph["input"]))
    found.outputs = dict(map(_declared, graph["output"]))
    if len(found.inputs) != len(graph["input"]) or len(found.outputs) != len(graph["output"]):
        raise BadGraph("an input or output twice")
    shapes = Shapes()
    for tensor in graph["initializer"]:
        shapes.put_constant(*_tensor(tensor))
    for name, (shape, _) in found.inputs.items():
        shapes.put(name, shape)
    for node in graph["node"]:
        shapes.take(_message(node, NODE))
    for name, (shape, _) in found.outputs.items():
        if shapes.known.get(name) != shape:
            raise BadGraph(f"output {name} of the shape {shapes.known.get(name)}, not {shape}")
    return found


def _metadata(entries: Sequence[Value]) -> dict[str, bytes]:
    """Return the metadata of a model by name; raises BadGraph where a name occurs twice."""
    found: dict[str, bytes] = {}
    for entry in entries:
        read = _message(_inside(entry), ENTRY)
        name = bytes(read["name"]).decode()
        if name in found:
            raise BadGraph(f"metadata {name!r} twice")
        found[name] = bytes(read["value"])
    return found


def _message(data: memoryview, names: dict[int, str]) -> dict[str, Any]:
    """Return the fields of a message by name; a field that may be repeated is a list."""
    found: dict[str, Any] = {name: [] for name in names.values() if name in REPEATED}
    repeats_ends = names is NODE
    for number, value in fields(data):
        name = names[number]
        if name in REPEATED or (repeats_ends and name in ("input", "output")):
            found[name].append(value)
        elif name in found:
            raise BadGraph(f"field {name} twice")
        else:
            found[name] = value
    return found


def _text(value: Value) -> str:
    return bytes(_inside(value)).decode()


def _inside(value: Value) -> memoryview:
    """Return the bytes of a field; raises BadGraph where it is a number."""
    if isinstance(value, int):
        raise BadGraph("a number in a message's place")
    return value


def _numbers(values: Sequence[Value]) -> list[int]:
    """Return the integers of a repeated field, single or packed; 64 bits in two's complement."""
    found: list[int] = []
    for value in values:
        if isinstance(value, int):
            found.append(value)
        else:
            found.extend(varints(value))
    return [n - (1 << 64) if n >> 63 else n for n in found]


def _declared(data: memoryview) -> tuple[str, tuple[Shape, type]]:
    """Return the name, shape and number type of an input or output."""
    entry = _message(data, ENTRY)
    kind = _message(_message(entry["value"], {1: "tensor"})["tensor"], TENSOR_TYPE)
    shape = tuple(_dimension(each) for _, each in fields(kind["shape"]))
    return _text(entry["name"]), (shape, TYPES[kind["type"]])


def _dimension(data: Value) -> int:
    ((number, value),) = fields(_inside(data))
    if number == 2:
        return DIMENSIONS[_text(value)]
    if number != 1 or not isinstance(value, int) or not 0 < value < MAX_NUMBERS:
        raise BadGraph("a dimension out of range")
    return value


def _tensor(data: memoryview) -> tuple[str, np.ndarray]:
    """Return the name and values of a weight, which must be stored in the file itself."""
    tensor = _message(data, TENSOR)
    shape = _numbers(tensor["dims"])
    if any(size < 0 for size in shape):
        raise BadGraph("a negative dimension")
    return _text(tensor["name"]), np.frombuffer(tensor["raw"], TYPES[tensor["type"]]).reshape(shape)


class Shapes:
    """The shapes of the values of a graph, inferred node by node.

    Attributes:
        known: Shapes by name.
        constants: Values that are stored in the file, by name.
        numbers: Number of elements of all values.
        products: Number of multiplications of a step.
    """

    def __init__(self) -> None:
        self.known: dict[str, Shape] = {}
        self.constants: dict[str, np.ndarray] = {}
        self.numbers = 0
        self.products = 0

    def put(self, name: str, shape: Shape) -> None:
        """Add a value; raises BadGraph where it, or the sum of all, is too large."""
        if name in self.known:
            raise BadGraph(f"two values named {name}")
        size = math.prod(shape)
        self.known[name] = shape
        self.numbers += size
        if size > MAX_NUMBERS or self.numbers > MAX_TOTAL:
            raise BadGraph(f"{name} of {size} numbers takes too much memory")

    def put_constant(self, name: str, values: np.ndarray) -> None:
        """Add a value that is stored in the file."""
        self.put(name, values.shape)
        self.constants[name] = values

    def take(self, node: dict[str, Any]) -> None:
        """Add the outputs of a node; raises BadGraph where its inputs do not fit."""
        operator = _text(node["operator"])
        if operator not in OPERATORS:
            raise BadGraph(f"operator {operator}")
        attributes = dict(map(_attribute, node["attribute"]))
        inputs = [_text(name) for name in node["input"]]
        outputs = [_text(name) for name in node["output"]]
        shapes = [self.known[name] for name in inputs]
        constants = [self.constants.get(name) for name in inputs]
        found = OPERATORS[operator](Node(shapes, constants, attributes, len(outputs)))
        self.products += products(operator, shapes, found)
        if self.products > MAX_PRODUCTS:
            raise BadGraph("a step takes too many multiplications")
        for name, shape in zip(outputs, found, strict=True):
            self.put(name, shape)


def _attribute(data: memoryview) -> tuple[str, Any]:
    attribute = _message(data, ATTRIBUTE)
    name = _text(attribute["name"])
    if "s" in attribute:
        return name, _text(attribute["s"])
    return name, _numbers(attribute["ints"]) or _numbers([attribute.get("i", 0)])[0]
