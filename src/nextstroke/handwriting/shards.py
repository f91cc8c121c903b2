"""The files of a batch of lines: shards of ink, pictures, parts of a manifest, and their folder."""

import errno
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from nextstroke.errors import BadInput, UsageError
from nextstroke.files import atomic_write, write_bytes
from nextstroke.handwriting.line_pictures import PictureOptions, Range
from nextstroke.handwriting.request import LineRequest
from nextstroke.runtime.model_file import SEAL, find_model, unsealed

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

LOCK = ".lock"
# In folders that other libraries read, what they would take for data is hidden from them.
HIDDEN = ".batch"
# The second is what the library `datasets` reads next to pictures. The other formats have all in their files.
MANIFESTS = {"ink": "manifest.jsonl", "imagefolder": "metadata.jsonl"}
# Keys of a record that say what became of a line; the others say what was asked for.
RESULT_KEYS = frozenset(
    ["written", "points", "complete", "left_out", "shard", "file_name", "mask_file_name", "width", "height"]
    + ["characters", "words"]
)
# Keys that a row of the batch file may not have of its own: those of a record, and those of a data set.
OWN_KEYS = RESULT_KEYS | frozenset(
    ["text", "given", "number", "style", "bias", "occurrence", "seed", "model", "best_of", "image", "mask"]
    + ["__key__", "__url__"]
)
NOT_IN_ROWS = ("text", "written", "left_out", "shard")
FORMATS = ("ink", "imagefolder", "webdataset", "parquet")


class BatchLine(NamedTuple):
    """A line of a batch.

    Attributes:
        number: Index of its row in the batch file.
        request: What is to be written.
        extra: Further keys of its row, which go into its record.
    """

    number: int
    request: LineRequest
    extra: dict[str, Any]


@dataclass(frozen=True)
class BatchOptions:
    """What holds for all lines of a batch.

    Attributes:
        model: Model file, or the name of a bundled one.
        format: One of FORMATS.
        best_of: Number of candidates of each line.
        incomplete: What is done with incomplete lines: "keep", "refuse" or "leave out".
        slant: Least and greatest angle in degrees by which lines are slanted, to the right where it is above 0.
        pictures: How pictures are drawn; None for none, in the format ink only.
        columns: Names and types of the further keys of the rows.

    Raises:
        UsageError: The format is not known or needs pictures, or an angle is out of its range.
    """

    model: str = "writer"
    format: str = "ink"
    best_of: int = 1
    incomplete: str = "keep"
    slant: Range = (0.0, 0.0)
    pictures: PictureOptions | None = None
    columns: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        if self.format not in FORMATS:
            raise UsageError(f"format {self.format!r}: give one of {', '.join(FORMATS)}")
        if self.format != "ink" and self.pictures is None:
            raise UsageError(f"format {self.format}: needs pictures; give --height or --dpi")
        if not -60 <= self.slant[0] <= self.slant[1] <= 60:
            raise UsageError(f"slant {self.slant[0]:g}:{self.slant[1]:g}: give degrees, -60 to 60")


class Shard(NamedTuple):
    """Work for one process: lines that are written together into one file.

    Attributes:
        number: Index of the shard.
        lines: The lines, in the order of the batch file.
        options: What holds for all lines of the batch.
    """

    number: int
    lines: list[BatchLine]
    options: BatchOptions


class Result(NamedTuple):
    """The files of a shard.

    Attributes:
        number: Index of the shard.
        files: Its files by name, relative to the folder.
        records: Its part of the manifest.
    """

    number: int
    files: dict[str, bytes]
    records: list[dict[str, Any]]


def shard_name(number: int) -> str:
    """Return the file name of a shard's ink."""
    return f"ink-{number:05d}.npz"


class Folder:
    """The folder of a batch. Each shard has files, a part of the manifest, and last a seal: the shard is done.

    Args:
        path: The folder; it is made if there is none.
        format: One of FORMATS.

    Attributes:
        broken: Files of finished shards that are lost or were altered since; the shards are written again.

    Raises:
        UsageError: The folder cannot be made, or holds a batch of another format.
    """

    def __init__(self, path: Path, format: str = "ink"):
        self.path = path
        self.format = format
        self.broken: list[Path] = []
        self._model_digest = cache(_model_digest)  # the whole file is read and verified for it
        self._parts = path if format == "ink" else path / HIDDEN
        other = path / HIDDEN if format == "ink" else path / "manifest-00000.jsonl"
        if os.path.lexists(other):
            raise UsageError(f"{path}: holds a batch of another --format; name another folder, or empty this one")
        try:
            self._parts.mkdir(parents=True, exist_ok=True)
        except FileExistsError as error:
            raise UsageError(f"{path}: is a file, not a folder") from error
        except OSError as error:
            raise UsageError(f"{path}: cannot be made ({error.strerror}); name another folder") from error

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
            raise UsageError(f"{self.path}: cannot be written ({error.strerror}); name another folder") from error
        with handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise UsageError(f"{self.path}: another batch is being written there; name another folder") from None
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
        found = [{name: each[name] for name in each if name not in RESULT_KEYS} for each in _records(part)]
        if found != json.loads(json.dumps(wanted)):
            raise BadInput(f"{part}: holds other lines than were requested; name another folder, or empty this folder")
        try:
            seal = json.loads(_content(self._seal(shard.number)))
            files = seal["files"].items()
            options = seal["options"]
            model = seal["model"]
            if not all(map(_is_inside, seal["files"])):
                raise ValueError("it names a file outside the folder")
        except (OSError, ValueError, KeyError, AttributeError, TypeError, RecursionError):
            self.broken.append(self._seal(shard.number))
            return False
        if model != self._model_digest(shard.options.model) or not _covers(options, _sealed(shard.options)):
            return False
        broken = [self.path / name for name, digest in files if _digest(self.path / name) != digest]
        self.broken += broken
        return not broken

    def check_end(self, shards: int) -> None:
        """Raise BadInput if there are more shards in the folder than in the batch: a reader would take them too."""
        if os.path.lexists(self._part(shards)):
            raise BadInput(
                f"{self._part(shards)}: belongs to a longer batch; name another folder, or empty this folder"
            )

    def keep(self, result: Result, shard: Shard) -> None:
        """Write a shard."""
        lines = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in result.records)
        part = self._part(result.number).relative_to(self.path).as_posix()
        files = result.files | {part: lines.encode()}
        for folder in {(self.path / name).parent for name in files}:
            folder.mkdir(exist_ok=True)
        for name, data in files.items():
            write_bytes(self.path / name, data)
        digests = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
        seal = {"options": _sealed(shard.options), "model": self._model_digest(shard.options.model), "files": digests}
        write_bytes(self._seal(result.number), json.dumps(seal).encode())

    @property
    def first_file(self) -> Path:
        """What a reader begins with: the manifest, or the folder where each file of it can be read by itself."""
        return self.path / MANIFESTS[self.format] if self.format in MANIFESTS else self.path

    def finish(self, shards: Sequence[Shard]) -> None:
        """Join the parts of the manifest, without the lines that are left out, where the format has one."""
        if self.format not in MANIFESTS:
            return
        with atomic_write(self.first_file) as stream:
            for shard in shards:
                for record in _records(self._part(shard.number)):
                    if not record.pop("left_out", False):
                        row = record if self.format == "ink" else label_row(record, shard.options.columns)
                        stream.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")

    def left_out(self, shards: int) -> list[dict[str, Any]]:
        """Return the records of the lines that are left out, in order."""
        records = [record for number in range(shards) for record in _records(self._part(number))]
        return [record for record in records if record.get("left_out")]

    def _part(self, number: int) -> Path:
        return self._parts / f"manifest-{number:05d}.jsonl"

    def _seal(self, number: int) -> Path:
        return self._parts / f"seal-{number:05d}.json"


def _records(part: Path) -> list[dict[str, Any]]:
    """Return the records in a part of a manifest; raises BadInput where they are damaged."""
    try:
        records = [json.loads(line) for line in _content(part).decode("utf-8").split("\n") if line]
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
        "model": shard.options.model,
        "best_of": shard.options.best_of,
    } | line.extra


def label_row(record: dict[str, Any], columns: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Return a record as a row of a data set: `text` is the label, what is drawn; `given` what was asked for.

    All rows have the same keys, and a key has values of one kind: readers refuse others.

    Args:
        columns: Names and types of the further keys of all rows, as `column_types` gives them.
    """
    kinds = dict(columns)
    row = {"text": record["written"], "given": record["text"]}
    row |= {name: value for name, value in record.items() if name not in NOT_IN_ROWS and name not in kinds}
    return row | {name: _cell(record.get(name), kind) for name, kind in kinds.items()}


def _cell(value: Any, kind: str) -> Any:
    """Return the value of a further key in the type of its column."""
    if value is None or kind not in ("json", "float64"):
        return value
    return float(value) if kind == "float64" else json.dumps(value, ensure_ascii=False)


def column_types(extras: Iterable[dict[str, Any]]) -> tuple[tuple[str, str], ...]:
    """Return the column type of each further key of a batch: string, bool, int64 or float64.

    Lists, objects and values of several kinds are "json": a string with the value as JSON.
    """
    kinds: dict[str, set[str]] = {}
    for extra in extras:
        for name, value in extra.items():
            kinds.setdefault(name, set()).update([] if value is None else [_kind(value)])
    return tuple((name, _common_kind(found)) for name, found in kinds.items())


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "int64" if -(2**63) <= value < 2**63 else "json"
    return {str: "string", float: "float64"}.get(type(value), "json")


def _common_kind(kinds: set[str]) -> str:
    if kinds == {"int64", "float64"}:
        return "float64"
    return kinds.pop() if len(kinds) == 1 else "string" if not kinds else "json"


def _sealed(options: BatchOptions) -> dict[str, Any]:
    """Return the options as JSON gives them back."""
    return json.loads(json.dumps(asdict(options)))


def _covers(sealed: Any, wanted: dict[str, Any]) -> bool:
    """Whether files made with some options are those of others; pictures that are not asked for are no fault."""
    if not isinstance(sealed, dict):
        return False
    return sealed == wanted or (wanted["pictures"] is None and sealed | {"pictures": None} == wanted)


def _model_digest(name: str) -> str:
    """Return the digest at the end of a model file: another model may have been put under the same name."""
    return hashlib.sha256(unsealed(find_model(name))[-SEAL:]).hexdigest()


def _digest(path: Path) -> str:
    """Return the digest of a file; empty where it cannot be read."""
    try:
        return hashlib.sha256(_content(path)).hexdigest()
    except OSError:
        return ""


def _content(path: Path) -> bytes:
    """Return the bytes of a regular file; raises OSError for a device, which may have no end, or a pipe."""
    if not path.is_file():
        raise OSError(errno.ENOENT, "not a regular file")
    return path.read_bytes()


def _is_inside(name: str) -> bool:
    """Whether a name in a seal is that of a file in the folder, as those of a shard are, however deep."""
    path = PurePosixPath(name)
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts and "\0" not in name
