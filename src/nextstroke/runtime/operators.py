"""The operators of exported models: the shapes of their outputs and the number of their multiplications."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Shape = tuple[int, ...]


class BadGraph(ValueError):
    """A graph that no export of nextstroke has."""


@dataclass
class Node:
    """The application of an operator in a graph.

    Attributes:
        shapes: Shapes of its inputs.
        constants: Values of the inputs that are stored in the file; None for the others.
        attributes: Its attributes by name.
        outputs: Number of its outputs.
    """

    shapes: list[Shape]
    constants: list[Any]
    attributes: dict[str, Any]
    outputs: int


def products(operator: str, shapes: list[Shape], found: list[Shape]) -> int:
    """Return the number of multiplications of a node; 0 for the operators that take little time.

    Args:
        operator: Name of the operator.
        shapes: Shapes of its inputs.
        found: Shapes of its outputs.
    """
    if operator in ("Gemm", "MatMul", "MatMulInteger"):
        return math.prod(found[0]) * shapes[0][-1]
    if operator == "LSTM":
        return math.prod(shapes[0][:2]) * (math.prod(shapes[1]) + math.prod(shapes[2]))
    return 0


def _gemm(node: Node) -> list[Shape]:
    rows, inner = node.shapes[0]
    weight = node.shapes[1]
    columns, other = weight if node.attributes == {"transB": 1} else (0, 0)
    product = (rows, columns)
    if inner != other or any(np.broadcast_shapes(bias, product) != product for bias in node.shapes[2:]):
        raise BadGraph("a product that does not fit")
    return [product]


def _matmul(node: Node) -> list[Shape]:
    one, two = node.shapes[:2]
    if one[-1] != two[-2]:
        raise BadGraph("a product that does not fit")
    return [(*np.broadcast_shapes(one[:-2], two[:-2]), one[-2], two[-1])]


def _concat(node: Node) -> list[Shape]:
    first = node.shapes[0]
    axis = range(len(first))[node.attributes["axis"]]
    if len({shape[:axis] + shape[axis + 1 :] for shape in node.shapes}) != 1:
        raise BadGraph("parts that do not fit")
    return [(*first[:axis], sum(shape[axis] for shape in node.shapes), *first[axis + 1 :])]


def _split(node: Node) -> list[Shape]:
    whole = node.shapes[0]
    axis = range(len(whole))[node.attributes.get("axis", 0)]
    if node.outputs == 0:
        raise BadGraph("a split into no parts")
    given = len(node.shapes) > 1
    sizes = node.constants[1].tolist() if given else [whole[axis] // node.outputs] * node.outputs
    if sum(sizes) != whole[axis] or len(sizes) != node.outputs or min(sizes) < 0:
        raise BadGraph("parts that do not fit")
    return [(*whole[:axis], size, *whole[axis + 1 :]) for size in sizes]


def _gather(node: Node) -> list[Shape]:
    if node.attributes.get("axis", 0) != 0:
        raise BadGraph("rows along another axis")
    return [node.shapes[1] + node.shapes[0][1:]]


def _slice(node: Node) -> list[Shape]:
    whole = node.shapes[0]
    begin, end, axis = (int(values.item()) for values in node.constants[1:4])
    axis = range(len(whole))[axis]
    kept = len(range(whole[axis])[begin:end])
    return [(*whole[:axis], kept, *whole[axis + 1 :])]


def _sum(node: Node) -> list[Shape]:
    whole = node.shapes[0]
    axes = {range(len(whole))[axis] for axis in node.constants[1].tolist()}
    if node.attributes.get("keepdims", 1):
        raise BadGraph("a sum that keeps its axis")
    return [tuple(size for axis, size in enumerate(whole) if axis not in axes)]


def _reshape(node: Node) -> list[Shape]:
    whole = node.shapes[0]
    wanted = node.constants[1].tolist()
    shape = tuple(whole[i] if size == 0 else size for i, size in enumerate(wanted))
    if math.prod(shape) != math.prod(whole) or min(shape) < 1:
        raise BadGraph("a shape that does not fit")
    return [shape]


def _lstm(node: Node) -> list[Shape]:
    times, lines, width = node.shapes[0]
    cells = node.attributes["hidden_size"]
    gates = (2, 4 * cells)
    weights = [(*gates, width), (*gates, cells), (2, 8 * cells)]
    if node.shapes[1:5] != [*weights, (lines,)] or node.outputs != 1:
        raise BadGraph("an LSTM that does not fit")
    return [(times, 2, lines, cells)]


def _rearranged(
    node: Node,
    function: Callable[[np.ndarray, Any], np.ndarray],
    axes: Any,
) -> list[Shape]:
    """Apply a numpy function of the axes to an array of the input's shape that takes no memory."""
    hollow = np.broadcast_to(np.int8(0), node.shapes[0])
    return [function(hollow, axes).shape]


def _constant_axes(node: Node) -> tuple[int, ...]:
    return tuple(node.constants[1].tolist())


# Shapes of the outputs of a node, by operator.
OPERATORS: dict[str, Callable[[Node], list[Shape]]] = {
    **dict.fromkeys(
        ["Identity", "Cast", "Round", "Sigmoid", "Tanh", "Exp", "Neg", "LogSoftmax", "QuantizeLinear"],
        lambda node: [node.shapes[0]],
    ),
    **dict.fromkeys(["Add", "Sub", "Mul", "Div"], lambda node: [np.broadcast_shapes(*node.shapes)]),
    **dict.fromkeys(["MatMul", "MatMulInteger"], _matmul),
    "Gemm": _gemm,
    "Concat": _concat,
    "Split": _split,
    "Gather": _gather,
    "Slice": _slice,
    "Squeeze": lambda node: _rearranged(node, np.squeeze, _constant_axes(node)),
    "Unsqueeze": lambda node: _rearranged(node, np.expand_dims, _constant_axes(node)),
    "Transpose": lambda node: _rearranged(node, np.transpose, node.attributes["perm"]),
    "ReduceSum": _sum,
    "Reshape": _reshape,
    "LSTM": _lstm,
}
