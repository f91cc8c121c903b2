"""A text model for the compressor: a model file, or float16 weights as safetensors, named as in nets.TextNetwork."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np
import safetensors.numpy
from safetensors import SafetensorError

from nextstroke.compression.lm.exact_network import ExactNetwork
from nextstroke.errors import BadInput, CorruptFile
from nextstroke.files import write_bytes
from nextstroke.runtime.model_file import find_model
from nextstroke.runtime.onnx_weights import read_weights

NONE = "none"
DEFAULT = "text"
MODEL_FILE = ".onnx"


def save_text_model(weights: Mapping[str, np.ndarray], path: str | Path) -> None:
    """Write a text network's weights so that the compressor can use them.

    Raises:
        CorruptFile: the weights do not make a text network.
    """
    half = {name: np.ascontiguousarray(array, np.float16) for name, array in weights.items()}
    ExactNetwork(half)
    write_bytes(path, safetensors.numpy.save(half))


@cache
def load_text_model(name: str) -> ExactNetwork | None:
    """The network of a file, a model file or one that `save_text_model` wrote; none of NONE.

    Args:
        name: A path, or the name of a bundled model.
    Raises:
        BadInput: there is no such file.
        CorruptFile: it is no text model.
    """
    if name == NONE:
        return None
    path = find_model(name)
    try:
        data = None if path.suffix == MODEL_FILE else safetensors.numpy.load(path.read_bytes())
    except OSError as error:
        raise BadInput(f"{path}: no such text model ({error.strerror}); give a file or {NONE!r}") from error
    except SafetensorError as error:
        raise CorruptFile(f"{path}: not a text model for the compressor ({error})") from error
    return ExactNetwork(read_weights(path) if data is None else data)
