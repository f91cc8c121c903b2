"""An ONNX graph of one time step, built operator by operator, so that it holds what the equations say and nothing else.

Trained weights are stored as float16 and widened when the file is loaded, or, where they multiply hidden vectors, as
int8: a quarter of float32, read as often as points are drawn, which is what a step costs.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor

OPSET = 20

Array = np.ndarray


class Graph:
    """An ONNX graph of one step under construction; `add` returns the name of a node's first output.

    Args:
        integer: Keep the weights of `product` as int8.
    """

    def __init__(self, integer: bool) -> None:
        self.integer = integer
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

    def weight(self, name: str, values: Tensor | Array) -> str:
        """A trained weight, kept as float16 and used as float32."""
        half = plain(values).astype(np.float16)
        self.weights.append(numpy_helper.from_array(half, f"{name}.half"))
        return self.add("Cast", f"{name}.half", name=name, to=TensorProto.FLOAT)

    def constant(self, name: str, values: Array) -> str:
        """A constant that is no weight: axes, shapes; one name, one constant."""
        if name not in (weight.name for weight in self.weights):
            self.weights.append(numpy_helper.from_array(np.asarray(values), name))
        return name

    def split(self, whole: str, *widths: int, axis: int = 1) -> list[str]:
        """Parts of the given widths."""
        sizes = self.constant("sizes." + ".".join(map(str, widths)), np.array(widths))
        first = self.add("Split", whole, sizes, outputs=len(widths), axis=axis)
        return [first, *(f"{first}.{i}" for i in range(1, len(widths)))]

    def product(self, name: str, weight: Array, hidden: str) -> str:
        """`hidden` (batch, inputs), all within ±1, times the turned `weight` (outputs, inputs)."""
        if self.integer:
            return self._integer_product(name, weight, hidden)
        return self.add("Gemm", hidden, self.weight(name, weight), transB=1)

    def _integer_product(self, name: str, weight: Array, hidden: str) -> str:
        """The product with the weight in 8 bits and `hidden` in 16, taken as two rows of 8.

        A fixed step, not the runtime's dynamic one, which would let a line depend on those beside it.
        """
        rows, scale = quantised(weight)
        scales = self.constant(f"{name}.scale", scale / 127)
        low_step = self.constant("low_step", np.array(254, np.float32))
        fine = self.add("Mul", hidden, self.constant("high_step", np.array(127, np.float32)))
        high = self.add("Round", fine)
        low = self.add("Mul", self.add("Sub", fine, high), low_step)
        both, zero = self.add("Concat", high, low, axis=0), self.constant("zero", np.array(128, np.uint8))
        both_bytes = self.add("QuantizeLinear", both, self.constant("one", np.array(1, np.float32)), zero)
        sums = self.add("MatMulInteger", both_bytes, self.constant(f"{name}.int8", rows.T), zero)
        scaled = self.add("Mul", self.add("Cast", sums, to=TensorProto.FLOAT), scales)
        high = self.add("Split", scaled, outputs=2, num_outputs=2, axis=0)
        return self.add("Add", high, self.add("Div", f"{high}.1", low_step))

    def input(self, name: str, *shape: str | int) -> str:
        """A float32 input of the step."""
        self.inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
        return name

    def input_numbers(self, name: str, *shape: str | int, wide: bool = True) -> str:
        """An int64 input of the step; int32 unless `wide`."""
        kind = TensorProto.INT64 if wide else TensorProto.INT32
        self.inputs.append(helper.make_tensor_value_info(name, kind, shape))
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


def plain(values: Tensor | Array) -> Array:
    """Values of a tensor, or those given."""
    return values.detach().cpu().numpy() if isinstance(values, Tensor) else values


def quantised(weight: Array) -> tuple[Array, Array]:
    """Rows of a weight as int8 and the scale of each row, float32.

    Two neighbours together stay within 127: on processors without VNNI, products of bytes are added in pairs that
    saturate beyond that, and the step would give other values there.
    """
    even = np.pad(np.abs(weight), ((0, 0), (0, weight.shape[1] % 2)))
    scale = np.maximum(even.reshape(len(weight), -1, 2).sum(2).max(1) / 127, np.finfo(np.float32).tiny)
    return np.round(weight / scale[:, None]).astype(np.int8), scale.astype(np.float32)
