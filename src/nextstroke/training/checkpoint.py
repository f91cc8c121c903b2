"""Checkpoints: all of a training's state in one safetensors file, whole or not at all."""

import hashlib
import json
import os
import struct
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from nextstroke.errors import BadInput, CorruptFile, WrongModel
from nextstroke.files import write_bytes

CHECKPOINT = "checkpoint.safetensors"  # its name in the folder of a training
FORMAT = "nextstroke-checkpoint-2"
OLDER = "nextstroke-checkpoint-1"  # its digest left out what the file says about itself


def save_checkpoint(path: Path, tensors: dict[str, Tensor], about: dict) -> None:
    """Write tensors and metadata; the file before it stays beside it as `previous`.

    Args:
        about: Anything JSON holds.
    Raises:
        LimitExceeded: no room; the checkpoint that was there is untouched.
    """
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    record = {"format": FORMAT, "about": about, "sha256": _digest(plain, about)}
    data = save(plain, {"nextstroke": json.dumps(record)})
    aside = path.with_name("incoming" + path.suffix)
    write_bytes(aside, data)
    if path.exists():
        os.replace(path, previous(path))
    os.replace(aside, path)


def previous(path: Path) -> Path:
    """Where the checkpoint before the newest is kept."""
    return path.with_name("previous" + path.suffix)


def load_checkpoint(path: Path) -> tuple[dict[str, Tensor], dict]:
    """Read and verify a checkpoint.

    Raises:
        BadInput: there is none. CorruptFile: cut short or altered. WrongModel: another version of the format.
    """
    if not path.is_file():
        raise BadInput(f"{path}: no checkpoint there; start the training without --resume, or name its folder")
    data = path.read_bytes()
    try:
        record = json.loads(_metadata(data)["nextstroke"])
        form, about, digest = record["format"], record["about"], record["sha256"]
        tensors = load(data)
    except (SafetensorError, ValueError, KeyError, TypeError, struct.error) as error:
        raise CorruptFile(f"{path}: not a readable checkpoint ({error!r})") from error
    if form not in (FORMAT, OLDER):
        raise WrongModel(f"{path}: format {form!r}, this version reads {FORMAT!r}")
    if digest != _digest(tensors, {} if form == OLDER else about):
        raise CorruptFile(f"{path}: its content was altered since it was written")
    return tensors, about


def load_newest(path: Path) -> tuple[dict[str, Tensor], dict, str]:
    """The checkpoint, or the one before it where it is missing or damaged; the third value says so, else is empty."""
    try:
        return *load_checkpoint(path), ""
    except BadInput as error:
        if not previous(path).is_file():
            raise
        return *load_checkpoint(previous(path)), f"{error}; going on from {previous(path).name}"


def _metadata(data: bytes) -> dict:
    (size,) = struct.unpack("<Q", data[:8])
    return json.loads(data[8 : 8 + size])["__metadata__"]


def _digest(tensors: dict[str, Tensor], about: dict) -> str:
    digest = hashlib.sha256(json.dumps(about, sort_keys=True).encode() if about else b"")
    for name in sorted(tensors):
        digest.update(name.encode())
        digest.update(tensors[name].contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
