"""Checkpoints: the complete state of a training in one safetensors file, written atomically."""

import hashlib
import itertools
import json
import os
import struct
from contextlib import suppress
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from nextstroke.errors import BadInput, CorruptFile, WrongModel
from nextstroke.files import sync_folder, write_bytes

CHECKPOINT = "checkpoint.safetensors"  # file name in the folder of a training
BEST = "best.safetensors"  # file name of the best of all that were evaluated
FORMAT = "nextstroke-checkpoint-2"
OLDER = "nextstroke-checkpoint-1"  # its digest leaves out the metadata


def save_checkpoint(path: Path, tensors: dict[str, Tensor], metadata: dict, keep: int = 2) -> None:
    """Write tensors and metadata; keep the `keep` − 1 checkpoints before it as `previous`.

    Args:
        path: Path of the newest checkpoint.
        tensors: Tensors by name.
        metadata: Values that JSON can hold.
        keep: Number of checkpoints to keep, the new one included.

    Raises:
        LimitExceeded: The disk is full; the existing checkpoints are unchanged.
    """
    incoming = path.with_name("incoming" + path.suffix)
    write_checkpoint(incoming, tensors, metadata)
    _rotate(path, keep)
    os.replace(incoming, path)
    sync_folder(path.parent)


def write_checkpoint(path: Path, tensors: dict[str, Tensor], metadata: dict) -> None:
    """Write one file as `save_checkpoint` does, over the existing one."""
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    record = {"format": FORMAT, "about": metadata, "sha256": _digest(plain, metadata)}
    write_bytes(path, save(plain, {"nextstroke": json.dumps(record)}))


def _rotate(path: Path, keep: int) -> None:
    """Rename each kept file to the name of the next older one, oldest first: no failure loses one."""
    older_names = [path.with_name(f"previous-{age}{path.suffix}") for age in range(2, keep)]
    names = [path, previous(path), *older_names][:keep]
    for surplus in set(kept(path)) - set(names):
        surplus.unlink()
    for younger, older in reversed(list(itertools.pairwise(names))):
        if younger.exists():
            os.replace(younger, older)


def previous(path: Path) -> Path:
    """Return the path of the checkpoint before the newest; older ones have numbers, from 2 on."""
    return path.with_name("previous" + path.suffix)


def kept(path: Path) -> list[Path]:
    """Return the checkpoints before the newest, youngest first."""
    found = path.parent.glob("previous*" + path.suffix)
    return sorted(found, key=lambda older: (len(older.name), older.name))


def load_checkpoint(path: Path) -> tuple[dict[str, Tensor], dict]:
    """Read and verify a checkpoint.

    Raises:
        BadInput: there is none.
        CorruptFile: it is truncated or altered.
        WrongModel: it has another version of the format.
    """
    if not os.path.exists(path):
        advice = "start the training without --resume, or name its folder"
        raise BadInput(f"{path}: no checkpoint there; {advice}")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CorruptFile(f"{path}: cannot be read ({error.strerror}); move it away") from error
    try:
        record = json.loads(_metadata(data)["nextstroke"])
        form = record["format"]
        metadata = record["about"]
        digest = record["sha256"]
        tensors = load(data)
    except (SafetensorError, ValueError, KeyError, TypeError, RecursionError, struct.error) as error:
        raise CorruptFile(f"{path}: not a readable checkpoint ({error!r})") from error
    if form not in (FORMAT, OLDER):
        raise WrongModel(f"{path}: format {form!r}, this version reads {FORMAT!r}")
    if digest != _digest(tensors, {} if form == OLDER else metadata):
        raise CorruptFile(f"{path}: its content was altered since it was written")
    return tensors, metadata


def load_newest(path: Path) -> tuple[dict[str, Tensor], dict, str]:
    """Return the newest intact checkpoint, and a remark, empty if it is the newest of all."""
    try:
        return *load_checkpoint(path), ""
    except BadInput as error:
        for older in kept(path):
            with suppress(CorruptFile):
                return *load_checkpoint(older), f"{error}; going on from {older.name}"
        raise


def _metadata(data: bytes) -> dict:
    (size,) = struct.unpack("<Q", data[:8])
    return json.loads(data[8 : 8 + size])["__metadata__"]


def _digest(tensors: dict[str, Tensor], metadata: dict) -> str:
    digest = hashlib.sha256(json.dumps(metadata, sort_keys=True).encode() if metadata else b"")
    for name in sorted(tensors):
        digest.update(name.encode())
        digest.update(tensors[name].contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
