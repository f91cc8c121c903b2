"""The weights in a model file, read without the library of its format: for the compressor, and to learn on."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from nextstroke.errors import CorruptFile, WrongModel
from nextstroke.ink import POINT
from nextstroke.runtime.model_file import SEAL, sealed, unsealed
from nextstroke.runtime.protobuf import fields, varints

# Fields of the protocol buffers in an ONNX file, and their types of numbers.
GRAPH, INITIALISER = 7, 5
DIMENSIONS, TYPE, NAME, RAW = 1, 2, 8, 9
TYPES = {1: np.float32, 2: np.uint8, 3: np.int8, 7: np.int64, 10: np.float16}
# To what a text model's weights are rounded where it is fetched: values of an int8 weight, steps of the others.
LEVELS = 47
STEPS = {"tables.0.half": 2**-2, "tables.1.half": 2**-2, "output.weight.half": 2**-7}

Arrays = dict[str, np.ndarray]


def read_weights(path: Path) -> Arrays:
    """The weights of an exported network by the names that nets/ gives them, int8 and float16 widened to float32.

    Raises:
        BadInput, CorruptFile: no such file, or cut or altered.
        WrongModel: it was written by a version that laid them out otherwise.
    """
    return _named(_stored(unsealed(path), path), path)


def read_rounded_weights(path: Path) -> Arrays:
    """The weights that `rounded` leaves in a text model's file, as `read_weights`: those of the npm package."""
    return _named(_stored(rounded(path), path), path)


def _named(found: Arrays, path: Path) -> Arrays:
    """The trained weights by the names that nets/ gives them."""
    if "layers.0.ih" in found:
        return _recogniser(found)
    windowed = "layers.0.glance.weight" in found
    for number in range(sum(name.endswith(".peepholes") for name in found)):
        name = f"layers.{number}"
        if f"{name}.hidden" not in found:
            raise WrongModel(f"{path}: its weights are laid out as by an older version; export the training again")
        if f"tables.{number}" in found:  # a text's, with the row of the null vector
            found[f"tables.{number}"] = found[f"tables.{number}"][:-1]
            found[f"{name}.outside"] = found[f"{name}.hidden"][:, :0]
        parts = {part: found.pop(f"{name}.{part}") for part in ("outside", "hidden", "bias", "peepholes")}
        found |= _layer(f"{name}.lstm" if windowed and number == 0 else name, **parts)
    if windowed:
        both = found["layers.0.lstm.weight"]
        found |= {"layers.0.lstm.weight": both[:, :POINT], "layers.0.reading": both[:, POINT:]}
    return {name: np.array(array, np.float32, order="C") for name, array in found.items()}


def _recogniser(found: Arrays) -> Arrays:
    """The weights of a recogniser, by the names of torch's LSTM, from those of the graph."""
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
    """A text model's file whose weights take fewer values, so that it packs smaller (notes/log.md: what that loses)."""
    data = bytearray(unsealed(path)[:-SEAL])
    top = LEVELS // 2
    for name, array in _tensors(memoryview(data)):
        if array.dtype == np.int8:
            array[:] = np.rint(np.rint(array * (top / 127)) * (127 / top))
        elif name in STEPS:
            array[:] = np.rint(array / STEPS[name]) * STEPS[name]
    return sealed(bytes(data))


def _layer(name: str, outside: np.ndarray, hidden: np.ndarray, bias: np.ndarray, peepholes: np.ndarray) -> Arrays:
    """The weights of one LSTM from those of the graph."""
    cells = len(bias) // 4
    inside, recurrent = hidden[:, :-cells], hidden[:, -cells:]
    found = {"weight": np.concatenate([outside, inside], 1), "recurrent": recurrent, "bias": bias}
    return {f"{name}.{part}": array for part, array in found.items()} | {f"{name}.peepholes": peepholes.reshape(3, -1)}


def _stored(data: bytes, path: Path) -> Arrays:
    """The trained weights in the contents of a file, by the names of the graph."""
    try:
        arrays = dict(_tensors(memoryview(data)))
    except (IndexError, ValueError, KeyError) as error:
        raise CorruptFile(f"{path}: its weights cannot be read ({type(error).__name__}); export it anew") from error
    half = {name.removesuffix(".half"): array for name, array in arrays.items() if name.endswith(".half")}
    whole = {name.removesuffix(".int8"): array for name, array in arrays.items() if name.endswith(".int8")}
    return half | {name: array.T * (127 * arrays[f"{name}.scale"][:, None]) for name, array in whole.items()}


def _tensors(data: memoryview) -> Iterator[tuple[str, np.ndarray]]:
    """The arrays in a file by their names; each lies where it lies in the file."""
    return (_array(tensor) for graph in _inside(data, GRAPH) for tensor in _inside(graph, INITIALISER))


def _inside(message: memoryview, wanted: int) -> Iterator[memoryview]:
    """The messages in a field of a message."""
    return (value for field, value in fields(message) if field == wanted and isinstance(value, memoryview))


def _array(tensor: memoryview) -> tuple[str, np.ndarray]:
    shape, kind, name, raw = [], 0, "", memoryview(b"")
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
