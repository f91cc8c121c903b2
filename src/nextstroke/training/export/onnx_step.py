"""An ONNX graph of one time step, built operator by operator so that it holds the equations alone.

Trained weights are stored as float16 and widened when the file is loaded. Those that multiply
hidden vectors may be stored as int8, a quarter of float32: reading them is the cost of a step.
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
        integer: Store the weights of `product` as int8.
    """

    def __init__(self, integer: bool) -> None:
        self.integer = integer
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self.inputs: list[onnx.ValueInfoProto] = []
        self.outputs: list[onnx.ValueInfoProto] = []
        self.states: list[tuple[str, int]] = []

    def add(
        self,
        operator: str,
        *inputs: str,
        outputs: int = 1,
        name: str = "",
        **attributes,
    ) -> str:
        """Append a node and return the name of its first output; further ones are NAME.1, NAME.2 …"""
        name = name or f"{operator.lower()}{len(self.nodes)}"
        names = [name] + [f"{name}.{i}" for i in range(1, outputs)]
        node = helper.make_node(operator, list(inputs), names, name=f"node_{name}", **attributes)
        self.nodes.append(node)
        return name

    def weight(self, name: str, values: Tensor | Array) -> str:
        """Add a trained weight, stored as float16 and used as float32; return its name."""
        half = plain(values).astype(np.float16)
        self.weights.append(numpy_helper.from_array(half, f"{name}.half"))
        return self.add("Cast", f"{name}.half", name=name, to=TensorProto.FLOAT)

    def constant(self, name: str, values: Array) -> str:
        """Add a constant that is no weight, such as axes or a shape, once for each name."""
        if name not in (weight.name for weight in self.weights):
            self.weights.append(numpy_helper.from_array(np.asarray(values), name))
        return name

    def split(self, whole: str, *widths: int, axis: int = 1) -> list[str]:
        """Split a value into parts of the given widths; return their names."""
        sizes = self.constant("sizes." + ".".join(map(str, widths)), np.array(widths))
        first = self.add("Split", whole, sizes, outputs=len(widths), axis=axis)
        return [first, *(f"{first}.{i}" for i in range(1, len(widths)))]

    def product(self, name: str, weight: Array, hidden: str) -> str:
        """Add the product of hidden vectors and a transposed weight; return its name.

        Args:
            name: Name of the weight.
            weight: (outputs, inputs).
            hidden: Name of the hidden vectors, (batch, inputs), within ±1.
        """
        if self.integer:
            return self._integer_product(name, weight, hidden)
        return self.add("Gemm", hidden, self.weight(name, weight), transB=1)

    def _integer_product(self, name: str, weight: Array, hidden: str) -> str:
        """Add the product with the weight in 8 bits and `hidden` in 16, as two rows of 8.

        The quantisation step is fixed: the runtime's dynamic one would let a line depend on the
        others in its batch.
        """
        rows, scale = quantised(weight)
        scales = self.constant(f"{name}.scale", scale / 127)
        low_step = self.constant("low_step", np.array(254, np.float32))
        fine = self.add("Mul", hidden, self.constant("high_step", np.array(127, np.float32)))
        high = self.add("Round", fine)
        low = self.add("Mul", self.add("Sub", fine, high), low_step)
        both = self.add("Concat", high, low, axis=0)
        zero = self.constant("zero", np.array(128, np.uint8))
        one = self.constant("one", np.array(1, np.float32))
        both_bytes = self.add("QuantizeLinear", both, one, zero)
        sums = self.add("MatMulInteger", both_bytes, self.constant(f"{name}.int8", rows.T), zero)
        scaled = self.add("Mul", self.add("Cast", sums, to=TensorProto.FLOAT), scales)
        high = self.add("Split", scaled, outputs=2, num_outputs=2, axis=0)
        return self.add("Add", high, self.add("Div", f"{high}.1", low_step))

    def input(self, name: str, *shape: str | int) -> str:
        """Add a float32 input of the step."""
        self.inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
        return name

    def input_numbers(self, name: str, *shape: str | int, wide: bool = True) -> str:
        """Add an int64 input of the step; int32 unless `wide`."""
        kind = TensorProto.INT64 if wide else TensorProto.INT32
        self.inputs.append(helper.make_tensor_value_info(name, kind, shape))
        return name

    def output(self, inner: str, name: str, *shape: str | int) -> None:
        """Add an output of the step."""
        self.add("Identity", inner, name=name)
        self.outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))

    def state(self, name: str, width: int) -> str:
        """Add an input of a state; `carry` adds the output NAME.next."""
        self.states.append((name, width))
        return self.input(name, "batch", width)

    def carry(self, name: str, inner: str) -> None:
        """Add the output NAME.next of a state."""
        self.output(inner, f"{name}.next", "batch", dict(self.states)[name])

    def model(self) -> onnx.ModelProto:
        """Return the finished model."""
        graph = helper.make_graph(self.nodes, "step", self.inputs, self.outputs, self.weights)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=9)


def plain(values: Tensor | Array) -> Array:
    """Return the values of a tensor as an array; an array unchanged."""
    return values.detach().cpu().numpy() if isinstance(values, Tensor) else values


def quantised(weight: Array) -> tuple[Array, Array]:
    """Return the rows of a weight as int8 and the scale of each row as float32.

    The absolute values of two neighbours add up to 127 at most: processors without VNNI add
    products of bytes in pairs that saturate beyond that, and the step would give other values
    there.
    """
    even = np.pad(np.abs(weight), ((0, 0), (0, weight.shape[1] % 2)))
    largest = even.reshape(len(weight), -1, 2).sum(2).max(1)
    scale = np.maximum(largest / 127, np.finfo(np.float32).tiny)
    return np.round(weight / scale[:, None]).astype(np.int8), scale.astype(np.float32)
