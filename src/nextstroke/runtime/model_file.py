"""The model file: an ONNX graph of one step with its metadata, sealed by a digest."""

import hashlib
import os
from functools import cached_property
from importlib import resources
from pathlib import Path

import numpy as np

from nextstroke.alphabet import Alphabet
from nextstroke.errors import BadInput, CorruptFile, LimitExceeded, WrongModel
from nextstroke.ink import Ink
from nextstroke.runtime.metadata import BadMetadata, read_metadata
from nextstroke.runtime.onnx_session import open_session
from nextstroke.runtime.operators import BadGraph
from nextstroke.runtime.step_graph import read_graph

FORMAT = "nextstroke-model-1"
METADATA_KEY = "nextstroke"
# The tail of a sealed file: one metadata entry (field 14 of ONNX's ModelProto) of a fixed length.
_TAIL = b"\x72\x4a\x0a\x06sha256\x12\x40"
_DIGITS = 64
SEAL = len(_TAIL) + _DIGITS  # bytes
MAX_BYTES = 128 << 20  # of a model file: 60 million weights
PREDICTIONS = {"y", "told"}  # outputs that are read; the others go back into the graph


class Model:
    """A loaded model file, which runs one step of a network for a batch of lines.

    Args:
        path: Path of the file.
        threads: Number of threads within one operator.

    Attributes:
        path: Path of the file.
        metadata: Metadata: kind, alphabet, normalisation, recipe, record, licence.
        outputs: Names of the outputs, in order.
    """

    def __init__(self, path: Path, threads: int = 1):
        data = unsealed(path)
        try:
            self.metadata = read_metadata(read_graph(data), METADATA_KEY, FORMAT)
        except BadGraph as error:
            reason = f"its graph is not one that an export of this version has ({error})"
            raise WrongModel(f"{path}: not a model of nextstroke; {reason}") from error
        except BadMetadata as error:
            problem = f"{path}: not a model of nextstroke that can be used: {error}"
            raise WrongModel(problem) from error
        self.path = path
        try:
            self.session = open_session(data, threads)
        except Exception as error:  # the runtime's own errors share no narrower class
            raise WrongModel(f"{path}: not a model of nextstroke ({_first_line(error)})") from error
        self.outputs = [output.name for output in self.session.get_outputs()]

    @property
    def kind(self) -> str:
        """Kind of the network: "writer", "pen", "text" or "reader"."""
        return self.metadata["kind"]

    @cached_property
    def alphabet(self) -> Alphabet:
        """The characters the model can write."""
        return Alphabet(self.metadata["alphabet"])

    @cached_property
    def mean(self) -> np.ndarray:
        """Mean (dx, dy) of the training offsets, (2,), in the units of its corpus."""
        return np.array(self.metadata["normalisation"]["mean"])

    @cached_property
    def std(self) -> np.ndarray:
        """Standard deviation of the training offsets, (2,), in the units of its corpus."""
        return np.array(self.metadata["normalisation"]["std"])

    @property
    def representation(self) -> str:
        """Representation of the training ink: "raw" or "simplified"."""
        return self.metadata["recipe"]["data"]["ink"]

    def represented(self, ink: Ink) -> Ink:
        """Return raw ink in the representation of the training ink."""
        return ink.simplified() if self.representation == "simplified" else ink

    def normalised(self, ink: Ink) -> np.ndarray:
        """Return ink in that representation as normalised offsets, (points − 1, 3).

        The first point has no offset: no network predicts it.
        """
        offsets = ink.offsets()[1:]
        offsets[:, :2] = (offsets[:, :2] - self.mean) / self.std
        return offsets

    def start(self, lines: int) -> dict[str, np.ndarray]:
        """Return the states before the first step by name: zeros, each (lines, width)."""
        widths = self.metadata["states"]
        return {name: np.zeros((lines, width), np.float32) for name, width in widths.items()}

    def step(self, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Run one step and return the outputs and the next states ("NAME.next") by name.

        Args:
            inputs: Inputs and states by name.

        Raises:
            WrongModel: The graph cannot be run, or its outputs are not finite numbers.
        """
        try:
            found = dict(zip(self.outputs, self.session.run(None, inputs), strict=True))
        except Exception as error:  # as above
            reason = _first_line(error)
            raise WrongModel(f"{self.path}: its graph cannot be run ({reason})") from error
        for name in found.keys() & PREDICTIONS:
            if not np.isfinite(found[name]).all():
                problem = "its outputs are not finite numbers; the model or the style is damaged"
                raise WrongModel(f"{self.path}: {problem}")
        return found


def load_model(name: str, kind: str) -> Model:
    """Load a model given by its path or by the name of a bundled model.

    Args:
        name: Path or name.
        kind: Required kind: "writer", "pen", "text" or "reader".

    Raises:
        BadInput: There is no such model.
        CorruptFile: The file is truncated or altered.
        WrongModel: The model is of another kind or version.
    """
    model = Model(find_model(name))
    if model.kind != kind:
        raise WrongModel(f"{name}: a {model.kind} model, a {kind} model is needed")
    return model


def find_model(name: str) -> Path:
    """Return the path of a model given by its path or by the name of a bundled model.

    Raises:
        BadInput: There is no such model.
    """
    folder = Path(str(resources.files("nextstroke") / "models"))
    bundled = {path.stem: path for path in sorted(folder.glob("*.onnx"))}
    if name in bundled:  # also where the working folder has a file of that name
        return bundled[name]
    if os.path.isfile(name):
        return Path(name)
    known = ", ".join(bundled) or "none"
    problem = f"no such model file, and no bundled model of that name (there are: {known})"
    raise BadInput(f"{name}: {problem}")


def unsealed(path: Path) -> bytes:
    """Return the bytes of a model file, its seal included, after verifying it.

    Raises:
        BadInput: The file cannot be read.
        LimitExceeded: The file is too large.
        CorruptFile: The file is truncated or altered.
    """
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise LimitExceeded(f"{path}: {size} bytes, at most {MAX_BYTES} are read")
        data = path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror})") from error
    tail = len(data) - SEAL
    if tail < 0 or data[tail : tail + len(_TAIL)] != _TAIL:
        problem = "not a whole model file of nextstroke (its seal is missing); get it again"
        raise CorruptFile(f"{path}: {problem}")
    if hashlib.sha256(data[:tail]).hexdigest().encode() != data[-_DIGITS:]:
        raise CorruptFile(f"{path}: its content was altered or cut; get it again")
    return data


def sealed(body: bytes) -> bytes:
    """Return the bytes of a model followed by their digest, which is one more metadata entry.

    A protocol buffer message appended to another is merged with it, so any ONNX reader takes the
    file.
    """
    return body + _TAIL + hashlib.sha256(body).hexdigest().encode()


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__
