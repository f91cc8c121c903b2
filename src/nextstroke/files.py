"""Writing files so that a reader never meets half of one."""

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from nextstroke.errors import LimitExceeded, UsageError


@contextmanager
def atomic_write(path: str | Path) -> Iterator[IO[bytes]]:
    """Open `path` for writing bytes; it appears whole or not at all.

    The bytes go to a hidden sibling, are flushed to disk and renamed over `path` when the block ends without an error.
    A link stays one, what it points to is written. A pipe or a device, such as /dev/stdout, is written as it stands.

    Raises:
        UsageError: the place cannot be written (missing folder, no permission, is a folder).
        LimitExceeded: the disk or the quota is full; `path` is as it was before.
    """
    path = Path(path)
    try:
        with open(path, "wb") if _is_device(path) else _aside(Path(os.path.realpath(path))) as stream:
            yield stream
    except OSError as error:
        raise _explained(error, path) from error


def check_writable(*paths: str | Path | None) -> None:
    """Say before the work, not after it, that a file cannot be written; None and "-" are no files.

    Raises:
        UsageError: the folder is missing or not writable, or there is a folder of that name.
    """
    for path in (Path(name) for name in paths if name not in (None, "-")):  # type: ignore[arg-type]
        folder = path.absolute().parent
        if path.is_dir() or not folder.is_dir() or not os.access(folder, os.W_OK):
            raise UsageError(f"{path}: cannot be written; name a file in a folder that exists and takes files")


def write_bytes(path: str | Path, data: bytes) -> None:
    """Write `data` to `path` with `atomic_write`."""
    with atomic_write(path) as stream:
        stream.write(data)


def _is_device(path: Path) -> bool:
    """Whether `path` is a thing that a rename must not put a file in the place of."""
    return os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path)


@contextmanager
def _aside(path: Path) -> Iterator[IO[bytes]]:
    """A hidden file beside `path` that takes its place at the end, or goes away."""
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    # Named before it is there, so that an interrupt at the very moment it is made cannot leave it behind.
    name = path.parent / f".{path.name[:40]}.{secrets.token_hex(8)}.part"
    try:
        with open(name, "xb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(name, path)
        sync_folder(path.parent)
    except BaseException:
        with suppress(OSError):
            os.unlink(name)
        raise


def sync_folder(folder: Path) -> None:
    """Flush the names in a folder to disk: before that, a power cut may undo a rename."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _explained(error: OSError, path: Path) -> Exception:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return LimitExceeded(f"{path}: no room left to write it ({error.strerror}); free some space and try again")
    return UsageError(f"{path}: cannot be written ({error.strerror}); choose another place")
