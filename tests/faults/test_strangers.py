"""Files from strangers are data, never code, and bounded in time and memory."""

import io
import json
import os
import pickle
import resource
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from nextstroke.datasets.packed_ink import InkCorpus
from nextstroke.datasets.packed_text import TextCorpus
from nextstroke.errors import CorruptFile, NextstrokeError
from nextstroke.handwriting.hands import Hand, load_hands, pack_hands
from nextstroke.handwriting.learn_hand import find_hand
from nextstroke.runtime.model_file import Model, load_model
from tests.work import calls_at_most


class Canary:
    """Opens a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def read_checkpoint(path):
    from nextstroke.training.checkpoint import load_checkpoint

    return load_checkpoint(path)


READERS = {
    "model.onnx": Model,
    "hands.styles": load_hands,
    "ink.packed": InkCorpus.open,
    "text.packed": TextCorpus.open,
    "checkpoint.safetensors": read_checkpoint,
}


def bomb():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data.npy", bytes(50 << 20))
    return packed.getvalue()


def safetensors(header, data=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def tensor(kind="F32", shape=(2,), offsets=(0, 8)):
    return {"dtype": kind, "shape": list(shape), "data_offsets": list(offsets)}


ABOUT = {"__metadata__": {"nextstroke": json.dumps([{"name": "a", "text": "b "}])}}
HOSTILE = {
    "a zip bomb": bomb(),
    "a header of 2^63 bytes": struct.pack("<Q", 1 << 63) + b"{}",
    "offsets outside": safetensors(ABOUT | {"0.last": tensor(offsets=(0, 1 << 40))}, bytes(8)),
    "overlapping tensors": safetensors(ABOUT | {"0.last": tensor(), "0.state.h1": tensor()}, bytes(8)),
    "a shape that does not fit": safetensors(ABOUT | {"0.last": tensor(shape=(1 << 40,))}, bytes(8)),
    "a type that is none": safetensors(ABOUT | {"0.last": tensor("F99")}, bytes(8)),
    "a key twice": safetensors(b'{"a": %b, "a": %b}' % ((json.dumps(tensor()).encode(),) * 2), bytes(8)),
    "numbers that are none": safetensors(ABOUT | {"0.last": tensor()}, np.full(2, np.nan, np.float32).tobytes()),
    "deep JSON": safetensors(b"[" * 100_000),
    "deep JSON in its metadata": safetensors({"__metadata__": {"nextstroke": "[" * 100_000}}),
    "a hundred thousand tensors": safetensors(
        {f"t{i}": tensor(shape=(0,), offsets=(0, 0)) for i in range(100_000)}
    ),
    "nothing": b"",
}  # fmt: skip


CALLS = 5_000  # of functions, to refuse a file


@pytest.mark.parametrize("name", READERS)
def test_pickles_are_not_executed(name, tmp_path):
    canary = tmp_path / "canary"
    (tmp_path / name).write_bytes(pickle.dumps(Canary(canary)))
    with pytest.raises(NextstrokeError):
        READERS[name](tmp_path / name)
    assert not canary.exists()


@pytest.mark.parametrize("what", HOSTILE)
@pytest.mark.parametrize("name", READERS)
def test_hostile_files_are_refused_with_little_work_and_memory(name, what, tmp_path):
    if name.startswith("checkpoint"):
        pytest.importorskip("torch")
    path = Path(tmp_path / name)
    path.write_bytes(HOSTILE[what])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with calls_at_most(CALLS), pytest.raises(NextstrokeError) as refused:
        READERS[name](path)
    assert refused.value.exit_code in (3, 4)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # kB
    assert os.listdir(tmp_path) == [name]


def style(state, last):
    return [Hand("a", "b ", {"h1": np.zeros(**state)}, np.zeros(**last))]


ROW, LAST = {"shape": (1, 4), "dtype": np.float32}, {"shape": (1, 3), "dtype": np.float32}
MISSHAPEN = {
    "no hand": [],
    "a state without rows": style(ROW | {"shape": 4}, LAST),
    "several rows for one": style(ROW | {"shape": (2, 4)}, LAST),
    "other numbers": style(ROW | {"dtype": np.float64}, LAST),
    "a point without rows": style(ROW, LAST | {"shape": 3}),
    "a point of five numbers": style(ROW, LAST | {"shape": (1, 5)}),
    "several points": style(ROW, LAST | {"shape": (2, 3)}),
}


@pytest.mark.parametrize("what", MISSHAPEN)
def test_a_style_that_no_model_could_take_is_refused(what, tmp_path):
    path = tmp_path / "a.style"
    path.write_bytes(pack_hands(MISSHAPEN[what]))
    with pytest.raises(CorruptFile, match=r"a\.style"):
        find_hand(str(path), load_model("writer", "writer"), "writer")
