"""The file of a text model for the compressor: a safetensors file of float16 weights, named as in nets.TextNetwork."""

from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import Path

import numpy as np
import safetensors.numpy
from safetensors import SafetensorError

from nextstroke.codec.exact import ExactNetwork
from nextstroke.errors import BadInput, CorruptFile
from nextstroke.files import write_bytes

NONE = "none"
DEFAULT = "default"


def save_text_model(weights: Mapping[str, np.ndarray], path: str | Path) -> None:
    """Write a text network's weights so that the compressor can use them.

    Raises:
        CorruptFile: the weights do not make a text network.
    """
    half = {name: np.ascontiguousarray(array, np.float16) for name, array in weights.items()}
    ExactNetwork(half)
    write_bytes(path, safetensors.numpy.save(half))


def has_default() -> bool:
    """Whether a text model is bundled."""
    return _bundled().is_file()


@cache
def load_text_model(name: str) -> ExactNetwork | None:
    """The network of a file, the bundled one of DEFAULT, none of NONE or where none is bundled.

    Raises:
        BadInput: there is no such file.
        CorruptFile: it is no text model.
    """
    if name == NONE or (name == DEFAULT and not has_default()):
        return None
    path = _bundled() if name == DEFAULT else Path(name)
    try:
        return ExactNetwork(safetensors.numpy.load(path.read_bytes()))
    except OSError as error:
        raise BadInput(f"{path}: no such text model ({error.strerror}); give a file or {NONE!r}") from error
    except SafetensorError as error:
        raise CorruptFile(f"{path}: not a text model for the compressor ({error})") from error


def _bundled() -> Path:
    return Path(str(resources.files("nextstroke") / "models" / "text.safetensors"))
