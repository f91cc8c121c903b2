"""The files of a batch of lines: shards of ink, pictures, parts of a manifest, and their folder."""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from nextstroke.errors import BadInput, UsageError
from nextstroke.files import write_bytes
from nextstroke.handwriting.request import LineRequest
from nextstroke.runtime.model_file import SEAL, find_model, unsealed

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

MANIFEST = "manifest.jsonl"
LOCK = ".lock"


class BatchLine(NamedTuple):
    """A line of a batch.

    Attributes:
        number: Index of its row in the batch file.
        request: What is to be written.
    """

    number: int
    request: LineRequest


class Shard(NamedTuple):
    """Work for one process: lines that are written together into one file.

    Attributes:
        number: Index of the shard.
        lines: The lines, in the order of the batch file.
        model: Model file, or the name of a bundled one.
        dpi: Resolution of a picture of each line; None for no pictures.
    """

    number: int
    lines: list[BatchLine]
    model: str
    dpi: float | None


class Result(NamedTuple):
    """The files of a shard.

    Attributes:
        number: Index of the shard.
        ink: Its ink as an npz file.
        pictures: PNG files by name.
        records: Its part of the manifest.
    """

    number: int
    ink: bytes
    pictures: dict[str, bytes]
    records: list[dict[str, Any]]


def shard_name(number: int) -> str:
    """Return the file name of a shard's ink."""
    return f"ink-{number:05d}.npz"


class Folder:
    """The folder of a batch. Each shard has ink, pictures, a part of the manifest, and last a seal: the shard is done.

    Args:
        path: The folder; it is made if there is none.

    Attributes:
        broken: Files of finished shards that are lost or were altered since; the shards are written again.

    Raises:
        UsageError: The folder cannot be made.
    """

    def __init__(self, path: Path):
        self.path = path
        self.broken: list[Path] = []
        try:
            path.mkdir(parents=True, exist_ok=True)
        except FileExistsError as error:
            raise UsageError(f"{path}: is a file, not a folder") from error
        except OSError as error:
            raise UsageError(f"{path}: cannot be made ({error.strerror}); name another --out") from error

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes out; the operating system frees the lock when the process dies.

        Raises:
            UsageError: Another batch is being written there, the folder takes no files, or the system is not POSIX.
        """
        if fcntl is None:
            raise UsageError("a batch needs Linux or macOS: this system has no locks of folders (fcntl)")
        try:
            handle = (self.path / LOCK).open("w")
        except OSError as error:
            raise UsageError(f"{self.path}: cannot be written ({error.strerror}); name another --out") from error
        with handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise UsageError(f"{self.path}: another batch is being written there; name another --out") from None
            yield

    def has(self, shard: Shard) -> bool:
        """Whether a shard is there whole, made from the same lines with the same options.

        Raises:
            BadInput: It was made from other lines, or its part of the manifest is damaged.
        """
        part = self._part(shard.number)
        if not os.path.lexists(part):
            return False
        wanted = [requested(shard, line) for line in shard.lines]
        if [{name: record.get(name) for name in wanted[0]} for record in _records(part)] != wanted:
            raise BadInput(f"{part}: holds other lines than were requested; name another --out, or empty this folder")
        try:
            seal = json.loads(self._seal(shard.number).read_bytes())
            files = seal["files"].items()
            dpi = seal["dpi"]
            model = seal["model"]
        except (OSError, ValueError, KeyError, AttributeError, TypeError):
            self.broken.append(self._seal(shard.number))
            return False
        if model != _model_digest(shard.model) or (shard.dpi is not None and dpi != shard.dpi):
            return False
        broken = [self.path / name for name, digest in files if _digest(self.path / name) != digest]
        self.broken += broken
        return not broken

    def keep(self, result: Result, shard: Shard) -> None:
        """Write a shard."""
        lines = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in result.records)
        part = self._part(result.number).name
        files = {shard_name(result.number): result.ink} | result.pictures | {part: lines.encode()}
        for name, data in files.items():
            write_bytes(self.path / name, data)
        digests = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
        seal = {"dpi": shard.dpi, "model": _model_digest(shard.model), "files": digests}
        write_bytes(self._seal(result.number), json.dumps(seal).encode())

    def finish(self, shards: int) -> None:
        """Join the parts of the manifest."""
        write_bytes(self.path / MANIFEST, b"".join(self._part(number).read_bytes() for number in range(shards)))

    def _part(self, number: int) -> Path:
        return self.path / f"manifest-{number:05d}.jsonl"

    def _seal(self, number: int) -> Path:
        return self.path / f"seal-{number:05d}.json"


def _records(part: Path) -> list[dict[str, Any]]:
    """Return the records in a part of a manifest; raises BadInput where they are damaged."""
    try:
        records = [json.loads(line) for line in part.read_text("utf-8").splitlines()]
    except (OSError, ValueError, RecursionError) as error:
        raise BadInput(f"{part}: damaged ({error}); remove it to have its lines written again") from error
    if not records or not all(isinstance(record, dict) and "text" in record for record in records):
        raise BadInput(f"{part}: damaged (not the records of lines); remove it to have its lines written again")
    return records


def requested(shard: Shard, line: BatchLine) -> dict[str, Any]:
    """Return what decides the ink of a line, as its record holds it."""
    request = line.request
    return {
        "number": line.number,
        "text": request.text.shown,
        "style": request.hand.name or "none",
        "bias": request.bias,
        "occurrence": request.occurrence,
        "seed": request.seed,
        "model": shard.model,
    }


def _model_digest(name: str) -> str:
    """Return the digest at the end of a model file: another model may have been put under the same name."""
    return hashlib.sha256(unsealed(find_model(name))[-SEAL:]).hexdigest()


def _digest(path: Path) -> str:
    """Return the digest of a file; empty where it cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""
