"""Write files so that a reader never meets half of one; read files that may have no end."""

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from nextstroke.errors import LimitExceeded, UsageError


@contextmanager
def atomic_write(path: str | Path, original: os.stat_result | None = None) -> Iterator[IO[bytes]]:
    """Open `path` for writing bytes; it appears whole or not at all.

    The bytes go to a hidden sibling that only its owner can read, are flushed to disk and renamed over `path` when the
    block ends without an error. A link stays one, what it points to is written. A pipe or a device, such as
    /dev/stdout, is written as it stands.
    A file that is replaced leaves its mode and owner to the new one; a new file has the mode that the umask gives.

    Args:
        original: Status of the file that the bytes were made from: its mode, times and, as root, its owner go to
            `path`; of the modes of both the original and a file that is replaced, only what both permit is kept.

    Raises:
        UsageError: The path cannot be written (missing folder, no permission, is a folder).
        LimitExceeded: The disk or the quota is full; `path` is as it was before.
    """
    path = Path(path)
    try:
        with open(path, "wb") if _is_device(path) else _aside(Path(os.path.realpath(path)), original) as stream:
            yield stream
    except OSError as error:
        raise _explained(error, path) from error


def check_writable(*paths: str | Path | None) -> None:
    """Say before the work, not after it, that a file cannot be written; None and "-" are no files.

    Raises:
        UsageError: The folder is missing or not writable, there is a folder of that name, or the name is too long.
    """
    for path in (Path(name) for name in paths if name not in (None, "-")):  # type: ignore[arg-type]
        try:
            folder = path.absolute().parent
            writable = not path.is_dir() and folder.is_dir() and os.access(folder, os.W_OK)
        except OSError as error:
            raise _explained(error, path) from error
        if not writable:
            raise UsageError(f"{path}: cannot be written; name a file in a folder that exists and takes files")


def read_at_most(path: Path, limit: int) -> bytes:
    """Return the content of a file or pipe, which may have no end as /dev/zero has none.

    Raises:
        LimitExceeded: It is longer than `limit` bytes.
        OSError: It cannot be read.
    """
    with path.open("rb") as stream:
        return read_stream_at_most(stream, limit, str(path))


def read_stream_at_most(stream: IO[bytes], limit: int, name: str) -> bytes:
    """Return the rest of a stream; raises LimitExceeded, with its name, if it is longer than `limit` bytes."""
    data = stream.read(limit + 1)
    if len(data) > limit:
        raise LimitExceeded(f"{name}: longer than {limit} bytes; give less")
    return data


def write_bytes(path: str | Path, data: bytes) -> None:
    """Write `data` to `path` with `atomic_write`."""
    with atomic_write(path) as stream:
        stream.write(data)


def _is_device(path: Path) -> bool:
    """Whether `path` is a thing that a rename must not put a file in the place of."""
    return os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path)


@contextmanager
def _aside(path: Path, original: os.stat_result | None) -> Iterator[IO[bytes]]:
    """Open a hidden file in the folder of `path`, which replaces it at the end or is removed."""
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    # Named before it is there, so that an interrupt at the very moment it is made cannot leave it behind.
    name = path.parent / f".{path.name[:40]}.{secrets.token_hex(8)}.part"
    try:
        with open(name, "xb", opener=_open_private) as stream:
            yield stream
            stream.flush()
            if os.name == "posix":
                _set_attributes(stream.fileno(), _status(path), original)
            os.fsync(stream.fileno())
        os.replace(name, path)
        sync_folder(path.parent)
    except BaseException:
        with suppress(OSError):
            os.unlink(name)
        raise


def _open_private(name: str, flags: int) -> int:
    return os.open(name, flags, 0o600)


def _status(path: Path) -> os.stat_result | None:
    """Return the status of a file, None where there is none."""
    try:
        return os.stat(path)
    except FileNotFoundError:
        return None


def _set_attributes(handle: int, replaced: os.stat_result | None, original: os.stat_result | None) -> None:
    """Give an open file the mode, owner and times that `atomic_write` promises."""
    known = [status for status in (original, replaced) if status]
    mode = 0o777 if known else 0o666 & ~_umask()
    for status in known:
        mode &= status.st_mode
    if known:
        owner = known[0].st_uid if os.geteuid() == 0 else -1
        try:
            os.fchown(handle, owner, known[0].st_gid)
        except OSError:
            # Another group than that of the known file must not get what was permitted to that group.
            mode &= ~0o070
    os.fchmod(handle, mode)
    if original:
        os.utime(handle, ns=(original.st_atime_ns, original.st_mtime_ns))


def _umask() -> int:
    """Return the mode bits that new files of this process do not get."""
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text("utf-8", "replace").splitlines():
            if line.startswith("Umask:"):
                return int(line.split()[1], 8)
    # Elsewhere it can only be read by setting it; files that other threads make meanwhile are private.
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


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
