"""The operators of exported models: the shapes of their outputs, and how many multiplications they take."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

Shape = tuple[int, ...]


class BadGraph(ValueError):
    """A graph that no export of nextstroke has."""


def products(operator: str, shapes: list[Shape], found: list[Shape]) -> int:
    """Multiplications of the operators that take most time."""
    if operator in ("Gemm", "MatMul", "MatMulInteger"):
        return math.prod(found[0]) * shapes[0][-1]
    if operator == "LSTM":
        return math.prod(shapes[0][:2]) * (math.prod(shapes[1]) + math.prod(shapes[2]))
    return 0


Operator = Callable[[list[Shape], list[Any], dict[str, Any], int], list[Shape]]


def _same(shapes: list[Shape], constants: list[Any], attributes: dict[str, Any], outputs: int) -> list[Shape]:
    return [shapes[0]]


def _broadcast(shapes: list[Shape], constants: list[Any], attributes: dict[str, Any], outputs: int) -> list[Shape]:
    return [np.broadcast_shapes(*shapes)]


def _gemm(shapes: list[Shape], constants: list[Any], attributes: dict[str, Any], outputs: int) -> list[Shape]:
    (rows, inner), weight = shapes[0], shapes[1]
    columns, other = weight if attributes == {"transB": 1} else (0, 0)
    if inner != other or any(np.broadcast_shapes(bias, (rows, columns)) != (rows, columns) for bias in shapes[2:]):
        raise BadGraph("a product that does not fit")
    return [(rows, columns)]


def _matmul(shapes: list[Shape], constants: list[Any], attributes: dict[str, Any], outputs: int) -> list[Shape]:
    one, two = shapes[:2]
    if one[-1] != two[-2]:
        raise BadGraph("a product that does not fit")
    return [(*np.broadcast_shapes(one[:-2], two[:-2]), one[-2], two[-1])]


def _concat(shapes: list[Shape], constants: list[Any], attributes: dict[str, Any], outputs: int) -> list[Shape]:
    axis = range(len(shapes[0]))[attributes["axis"]]
    if len({shape[:axis] + shape[axis + 1 :] for shape in shapes}) != 1:
        raise BadGraph("parts that do not fit")
    return [(*shapes[0][:axis], sum(shape[axis] for shape in shapes), *shapes[0][axis + 1 :])]


def _split(shapes: list[Shape], constants: list[Any], attributes: dict[str, Any], outputs: int) -> list[Shape]:
    whole = shapes[0]
    axis = range(len(whole))[attributes.get("axis", 0)]
    sizes = constants[1].tolist() if len(shapes) > 1 else [whole[axis] // outputs] * outputs
    if sum(sizes) != whole[axis] or len(sizes) != outputs or min(sizes) < 0:
        raise BadGraph("parts that do not fit")
    return [(*whole[:axis], size, *whole[axis + 1 :]) for size in sizes]


def _gather(shapes: list[Shape], constants: list[Any], attributes: dict[str, Any], outputs: int) -> list[Shape]:
    if attributes.get("axis", 0) != 0:
        raise BadGraph("rows along another axis")
    return [shapes[1] + shapes[0][1:]]


def _slice(shapes: list[Shape], constants: list[Any], attributes: dict[str, Any], outputs: int) -> list[Shape]:
    begin, end, axis = (int(values.item()) for values in constants[1:4])
    axis = range(len(shapes[0]))[axis]
    kept = len(range(shapes[0][axis])[begin:end])
    return [(*shapes[0][:axis], kept, *shapes[0][axis + 1 :])]


def _unsqueeze(shapes: list[Shape], constants: list[Any], attributes: dict[str, Any], outputs: int) -> list[Shape]:
    return [np.expand_dims(_hollow(shapes[0]), tuple(constants[1].tolist())).shape]


def _squeeze(shapes: list[Shape], constants: list[Any], attributes: dict[str, Any], outputs: int) -> list[Shape]:
    return [np.squeeze(_hollow(shapes[0]), tuple(constants[1].tolist())).shape]


def _sum(shapes: list[Shape], constants: list[Any], attributes: dict[str, Any], outputs: int) -> list[Shape]:
    axes = {range(len(shapes[0]))[axis] for axis in constants[1].tolist()}
    if attributes.get("keepdims", 1):
        raise BadGraph("a sum that keeps its axis")
    return [tuple(size for axis, size in enumerate(shapes[0]) if axis not in axes)]


def _transpose(shapes: list[Shape], constants: list[Any], attributes: dict[str, Any], outputs: int) -> list[Shape]:
    return [_hollow(shapes[0]).transpose(attributes["perm"]).shape]


def _reshape(shapes: list[Shape], constants: list[Any], attributes: dict[str, Any], outputs: int) -> list[Shape]:
    shape = tuple(shapes[0][i] if size == 0 else size for i, size in enumerate(constants[1].tolist()))
    if math.prod(shape) != math.prod(shapes[0]) or min(shape) < 1:
        raise BadGraph("a shape that does not fit")
    return [shape]


def _lstm(shapes: list[Shape], constants: list[Any], attributes: dict[str, Any], outputs: int) -> list[Shape]:
    (times, lines, width), cells = shapes[0], attributes["hidden_size"]
    gates = (2, 4 * cells)
    if shapes[1:5] != [(*gates, width), (*gates, cells), (2, 8 * cells), (lines,)] or outputs != 1:
        raise BadGraph("an LSTM that does not fit")
    return [(times, 2, lines, cells)]


def _hollow(shape: Shape) -> np.ndarray:
    """An array of a shape, that takes no memory."""
    return np.broadcast_to(np.int8(0), shape)


OPERATORS: dict[str, Operator] = {
    **dict.fromkeys(
        ["Identity", "Cast", "Round", "Sigmoid", "Tanh", "Exp", "Neg", "LogSoftmax", "QuantizeLinear"], _same
    ),
    **dict.fromkeys(["Add", "Sub", "Mul", "Div"], _broadcast),
    **dict.fromkeys(["MatMul", "MatMulInteger"], _matmul),
    "Gemm": _gemm, "Concat": _concat, "Split": _split, "Gather": _gather, "Slice": _slice, "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze, "ReduceSum": _sum, "Transpose": _transpose, "Reshape": _reshape, "LSTM": _lstm,
}  # fmt: skip
