"""Which file goes where: names, refusals and what becomes of the original, in zstd's way."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from nextstroke.compression.container import read_members
from nextstroke.compression.segment import Progress
from nextstroke.compression.stream import Sizes, compress_stream, decompress_stream
from nextstroke.errors import BadInput, UsageError
from nextstroke.files import atomic_write, check_writable

SUFFIX = ".nst"
PIPE = "-"


def target_name(source: str, packing: bool) -> str:
    """Name of what comes of `source`; standard output of standard input.

    Raises:
        UsageError: the name has no suffix to take off, or has it already.
    """
    if source == PIPE:
        return PIPE
    if packing and source.endswith(SUFFIX):
        raise UsageError(f"{source}: has the suffix {SUFFIX} already; give -o to compress it once more")
    if packing:
        return source + SUFFIX
    if not source.endswith(SUFFIX) or Path(source).name == SUFFIX:
        raise UsageError(f"{source}: has no suffix {SUFFIX} to take off; give -o FILE or -c")
    return source.removesuffix(SUFFIX)


def check_target(source: str, target: str, force: bool) -> None:
    """Refuse, before any work, to lose a file or to fill a terminal with binary.

    Raises:
        UsageError: `target` is there, cannot be written or is `source` itself.
    """
    if target == PIPE:
        if not force and sys.stdout.isatty():
            raise UsageError("standard output is a terminal; give -o FILE, or -f to write there all the same")
        return
    check_writable(target)
    if os.path.exists(target) and source != PIPE and os.path.exists(source) and os.path.samefile(source, target):
        raise UsageError(f"{target}: is the file to read; give another name with -o")
    if not force and os.path.isfile(target):
        raise UsageError(f"{target}: is there already; give -f to replace it")


def pack_file(source: str, target: str, model: str, threads: int, progress: Progress | None = None) -> Sizes:
    """Compress one file to another; `-` is standard input or output."""
    with _opened(source) as stream, _written(target) as out:
        return compress_stream(stream, out, model, threads, progress)


def unpack_file(
    source: str,
    target: str | None,
    model: str,
    threads: int,
    max_output: int | None,
    progress: Progress | None = None,
) -> Sizes:
    """Decompress one file to another, or without a target only see whether it would."""
    with _opened(source) as stream, _written(target) as out:
        return decompress_stream(stream, out, source, model, threads, max_output, progress)


def list_file(source: str) -> list[Sizes]:
    """What the members of an archive hold, by its heads and the sums of its blocks; nothing is decoded."""
    with _opened(source) as stream:
        return [Sizes(member.size, len(member.pack())) for member in read_members(stream, source)]


@contextmanager
def _opened(source: str) -> Iterator[IO[bytes]]:
    if source == PIPE:
        yield sys.stdin.buffer
        return
    try:
        stream = open(source, "rb")  # noqa: SIM115
    except OSError as error:
        raise BadInput(f"{source}: cannot be read ({error.strerror}); give a file that is there") from error
    with stream:
        yield stream


@contextmanager
def _written(target: str | None) -> Iterator[IO[bytes]]:
    opened: Callable = {None: _nowhere, PIPE: _standard_output}.get(target, lambda: atomic_write(str(target)))
    with opened() as stream:
        yield stream


@contextmanager
def _nowhere() -> Iterator[IO[bytes]]:
    with open(os.devnull, "wb") as stream:
        yield stream


@contextmanager
def _standard_output() -> Iterator[IO[bytes]]:
    yield sys.stdout.buffer
    sys.stdout.buffer.flush()
