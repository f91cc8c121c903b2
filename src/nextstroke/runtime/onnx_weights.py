"""Read the weights of a model file without the library onnx, to compress text or to train further."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from nextstroke.errors import CorruptFile, WrongModel
from nextstroke.ink import POINT
from nextstroke.runtime.model_file import SEAL, sealed, unsealed
from nextstroke.runtime.protobuf import fields, varints

# Field numbers of onnx.proto: of ModelProto, of GraphProto, and the others of TensorProto.
GRAPH = 7
INITIALISER = 5
DIMENSIONS = 1
TYPE = 2
NAME = 8
RAW = 9
TYPES = {1: np.float32, 2: np.uint8, 3: np.int8, 7: np.int64, 10: np.float16}
# Quantisation of the text model that is downloaded.
LEVELS = 47  # values of an int8 weight
STEPS = {"tables.0.half": 2**-2, "tables.1.half": 2**-2, "output.weight.half": 2**-7}

Arrays = dict[str, np.ndarray]


def read_weights(path: Path) -> Arrays:
    """Return the weights of an exported network by their names in nets/, all as float32.

    Raises:
        BadInput: The file cannot be read.
        CorruptFile: The file is truncated or altered.
        WrongModel: An older version with another layout of weights wrote the file.
    """
    return _named(_stored(unsealed(path), path), path)


def read_rounded_weights(path: Path) -> Arrays:
    """Return the weights that `rounded` leaves in a text model's file, as `read_weights`: those of the npm package."""
    return _named(_stored(rounded(path), path), path)


def _named(found: Arrays, path: Path) -> Arrays:
    """Return the trained weights by their names in nets/."""
    if "layers.0.ih" in found:
        return _recogniser(found)
    windowed = "layers.0.glance.weight" in found
    for number in range(sum(name.endswith(".peepholes") for name in found)):
        name = f"layers.{number}"
        if f"{name}.hidden" not in found:
            problem = "its weights are laid out as by an older version; export the training again"
            raise WrongModel(f"{path}: {problem}")
        if f"tables.{number}" in found:  # of a text model; the last row is the null vector's
            found[f"tables.{number}"] = found[f"tables.{number}"][:-1]
            found[f"{name}.outside"] = found[f"{name}.hidden"][:, :0]
        names = ("outside", "hidden", "bias", "peepholes")
        parts = {part: found.pop(f"{name}.{part}") for part in names}
        found |= _layer(f"{name}.lstm" if windowed and number == 0 else name, **parts)
    if windowed:
        both = found["layers.0.lstm.weight"]
        found |= {"layers.0.lstm.weight": both[:, :POINT], "layers.0.reading": both[:, POINT:]}
    return {name: np.array(array, np.float32, order="C") for name, array in found.items()}


def _recogniser(found: Arrays) -> Arrays:
    """Return the weights of a recogniser by the names of torch's LSTM, given those of the graph."""
    named = {"output.weight": found["output.weight"].T, "output.bias": found["output.bias"]}
    for number in range(sum(name.endswith(".ih") for name in found)):
        for way, direction in enumerate(("along", "against")):
            layer = f"layers.{number}.{direction}"
            ih, hh = (found[f"layers.{number}.{part}"][way] for part in ("ih", "hh"))
            bias_ih, bias_hh = np.split(found[f"layers.{number}.bias"][way], 2)
            named |= {
                f"{layer}.weight_ih_l0": _torch_gates(ih),
                f"{layer}.weight_hh_l0": _torch_gates(hh),
                f"{layer}.bias_ih_l0": _torch_gates(bias_ih),
                f"{layer}.bias_hh_l0": _torch_gates(bias_hh),
            }
    return {name: np.array(array, np.float32, order="C") for name, array in named.items()}


def _torch_gates(weights: np.ndarray) -> np.ndarray:
    """Reorder gates from ONNX's input, output, forget, cell to torch's input, forget, cell, output."""
    i, o, f, c = np.split(weights, 4)
    return np.concatenate([i, f, c, o])


def rounded(path: Path) -> bytes:
    """Return the model file of a text model with its weights quantised, so that it compresses better.

    The loss in compression is in notes/log.md.
    """
    data = bytearray(unsealed(path)[:-SEAL])
    top = LEVELS // 2
    for name, array in _tensors(memoryview(data)):
        if array.dtype == np.int8:
            array[:] = np.rint(np.rint(array * (top / 127)) * (127 / top))
        elif name in STEPS:
            array[:] = np.rint(array / STEPS[name]) * STEPS[name]
    return sealed(bytes(data))


def _layer(
    name: str,
    outside: np.ndarray,
    hidden: np.ndarray,
    bias: np.ndarray,
    peepholes: np.ndarray,
) -> Arrays:
    """Return the weights of an LSTM layer by their names in nets/.

    Args:
        name: Name of the layer.
        outside: Weights of the network's input, (4 cells, inputs).
        hidden: Weights of the layer below, followed by the recurrent ones, (4 cells, below +
            cells).
        bias: Biases, (4 cells,).
        peepholes: Peephole weights, (3 cells,) in any shape.
    """
    cells = len(bias) // 4
    return {
        f"{name}.weight": np.concatenate([outside, hidden[:, :-cells]], 1),
        f"{name}.recurrent": hidden[:, -cells:],
        f"{name}.bias": bias,
        f"{name}.peepholes": peepholes.reshape(3, -1),
    }


def _stored(data: bytes, path: Path) -> Arrays:
    """Return the trained weights in the contents of a file by their names in the graph, quantised ones as floats."""
    try:
        arrays = dict(_tensors(memoryview(data)))
    except (IndexError, ValueError, KeyError) as error:
        problem = f"its weights cannot be read ({type(error).__name__}); export it anew"
        raise CorruptFile(f"{path}: {problem}") from error
    found = {}
    for name, array in arrays.items():
        if name.endswith(".half"):
            found[name.removesuffix(".half")] = array
        elif name.endswith(".int8"):
            weight = name.removesuffix(".int8")
            found[weight] = array.T * (127 * arrays[f"{weight}.scale"][:, None])
    return found


def _tensors(data: memoryview) -> Iterator[tuple[str, np.ndarray]]:
    """Iterate over the names and arrays of the weights in a file; the arrays are views of its bytes."""
    for graph in _messages(data, GRAPH):
        for tensor in _messages(graph, INITIALISER):
            yield _array(tensor)


def _messages(message: memoryview, wanted: int) -> Iterator[memoryview]:
    """Iterate over the messages in a field of a message."""
    for field, value in fields(message):
        if field == wanted and isinstance(value, memoryview):
            yield value


def _array(tensor: memoryview) -> tuple[str, np.ndarray]:
    """Return the name and the values of a TensorProto."""
    shape: list[int] = []
    kind = 0
    name = ""
    raw = memoryview(b"")
    for field, value in fields(tensor):
        if field == DIMENSIONS:
            shape += [value] if isinstance(value, int) else list(varints(value))
        elif isinstance(value, int):
            kind = value if field == TYPE else kind
        elif field == NAME:
            name = bytes(value).decode()
        elif field == RAW:
            raw = value
    return name, np.frombuffer(raw, TYPES[kind]).reshape(shape)
