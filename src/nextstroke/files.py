"""Writing files so that a reader never meets half of one."""

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from nextstroke.errors import LimitExceeded, UsageError


@contextmanager
def atomic_write(path: str | Path) -> Iterator[IO[bytes]]:
    """Open `path` for writing bytes; it appears whole or not at all.

    The bytes go to a hidden sibling, are flushed to disk and renamed over `path` when the block ends without an error.

    Raises:
        UsageError: the place cannot be written (missing folder, no permission, is a folder).
        LimitExceeded: the disk or the quota is full; `path` is as it was before.
    """
    path = Path(path)
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name[:40]}.", suffix=".part", dir=path.parent)
    except OSError as error:
        raise _explained(error, path) from error
    try:
        with os.fdopen(handle, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        _open_to_others(name)
        os.replace(name, path)
    except BaseException as error:
        with suppress(OSError):
            os.unlink(name)
        if isinstance(error, OSError):
            raise _explained(error, path) from error
        raise


def write_bytes(path: str | Path, data: bytes) -> None:
    """Write `data` to `path` with `atomic_write`."""
    with atomic_write(path) as stream:
        stream.write(data)


def _open_to_others(name: str) -> None:
    """Give the file the permissions that open() would have; mkstemp makes it private."""
    mask = os.umask(0)
    os.umask(mask)
    os.chmod(name, 0o666 & ~mask)


def _explained(error: OSError, path: Path) -> Exception:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return LimitExceeded(f"{path}: no room left to write it ({error.strerror}); free some space and try again")
    return UsageError(f"{path}: cannot be written ({error.strerror}); choose another place")
