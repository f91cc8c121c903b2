"""Which file goes where: names, refusals and what becomes of the original, in zstd's way."""

import errno
import os
import stat
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple, cast

from nextstroke.compression.container import read_members
from nextstroke.compression.segment import Progress
from nextstroke.compression.stream import Sizes, compress_stream, rescue_stream
from nextstroke.errors import BadInput, CorruptFile, LimitExceeded, UsageError
from nextstroke.files import atomic_write, check_writable

SUFFIX = ".nst"
PIPE = "-"
MAX_LIST = 16 << 20  # bytes of a list of names


class Source(NamedTuple):
    """A file to read.

    Attributes:
        name: Its name; "-" for standard input.
        place: Its place in the folder that takes what comes of it.
    """

    name: str
    place: str


class Sources(NamedTuple):
    """The files that a command names.

    Attributes:
        files: Those to read, in order.
        passed_over: How many files of folders have, or lack, the suffix of archives, and so are not read.
    """

    files: list[Source]
    passed_over: int


def find_sources(names: Sequence[str], recursive: bool, packing: bool) -> Sources:
    """Return the files that are named, and with `recursive` those in the folders that are named.

    Links and devices in folders are passed over, since their data would be packed twice or never end. To pack, archives
    in folders are passed over; to unpack, everything else is. A folder that cannot be read counts as a file, which
    will not be readable either.

    Raises:
        BadInput: The folders hold no file to read.
    """
    files: list[Source] = []
    passed_over = 0
    for name in names:
        if not (recursive and os.path.isdir(name)):
            files.append(Source(name, os.path.basename(name)))
            continue
        # A folder keeps its name where it is put, as cp -r does it; of "." there is only what is in it.
        above = os.path.dirname(os.path.abspath(name)) if os.path.basename(os.path.normpath(name)) != "." else name
        unreadable: list[OSError] = []
        for folder, folders, inside in os.walk(name, onerror=unreadable.append):
            folders.sort()
            for path in sorted(os.path.join(folder, each) for each in inside):
                if not os.path.isfile(path) or os.path.islink(path):
                    continue
                if path.endswith(SUFFIX) == packing:
                    passed_over += 1
                else:
                    files.append(Source(path, os.path.relpath(path, above)))
        files += [Source(error.filename, os.path.basename(error.filename)) for error in unreadable]
    if not files:
        wanted = "files to compress" if packing else f"files that end in {SUFFIX}"
        raise BadInput(f"{', '.join(map(str, names))}: no {wanted} there")
    return Sources(files, passed_over)


def read_file_list(name: str) -> list[str]:
    """Return the names in a file, one a line; blank lines are skipped.

    Args:
        name: The file; "-" for standard input.

    Raises:
        BadInput: It cannot be read, has no names, or one with a NUL byte.
        LimitExceeded: It is longer than MAX_LIST bytes.
    """
    data = b""
    with open_source(name) as stream:
        while piece := stream.read(1 << 16):
            data += piece
            if len(data) > MAX_LIST:
                raise LimitExceeded(f"{name}: longer than {MAX_LIST} bytes; give the names in several lists")
    names = [os.fsdecode(line) for line in data.splitlines() if line.strip()]
    if not names:
        raise BadInput(f"{name}: has no names of files; give one in each line")
    if b"\0" in data:
        raise BadInput(f"{name}: has a NUL byte, so it is no list of file names; give one name in each line")
    return names


def target_in(folder: str, source: Source, packing: bool) -> str:
    """Return where in a folder what comes of a file goes.

    Raises:
        UsageError: The name has no suffix to take off or has it already, or it is standard input.
    """
    if source.name == PIPE:
        raise UsageError(f"-o {folder}: is a folder, and standard input has no name; give -o FILE")
    target_name(source.name, packing)
    return os.path.join(folder, target_name(source.place, packing))


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


def check_removal(source: str, target: str) -> None:
    """Refuse to remove an original whose data no file would hold afterwards.

    Raises:
        UsageError: `target` is standard output, a device or a pipe.
    """
    if target == PIPE or (os.path.exists(target) and not os.path.isfile(target)):
        place = "standard output" if target == PIPE else target
        raise UsageError(f"{source}: --rm would lose it, {place} is no file that keeps the data; leave out --rm")


def pack_file(source: str, target: str, model: str, threads: int, progress: Progress | None = None) -> Sizes:
    """Compress one file to another; `-` is standard input or output."""
    with open_source(source) as stream, open_target(target, _original(source)) as out:
        return compress_stream(stream, out, model, threads, progress)


def unpack_file(
    source: str,
    target: str | None,
    model: str,
    threads: int,
    max_output: int | None,
    progress: Progress | None = None,
    keep_broken: bool = False,
) -> Sizes:
    """Decompress one file to another, or without a target only see whether it would.

    Args:
        keep_broken: Whether the data of the whole members before the first damaged one are kept in `target`.

    Raises:
        CorruptFile: The archive is damaged, also where a part of it was kept.
    """
    with open_source(source) as stream, open_target(target, _original(source)) as out:
        sizes, damage = rescue_stream(stream, out, source, model, threads, max_output, progress)
        # Raised in here, it makes the target vanish; raised below, the target stays.
        if damage and not keep_broken:
            raise damage
        if damage and not sizes.size:
            raise CorruptFile(f"{damage}; nothing could be rescued: no whole member is before it")
    if damage:
        place = "on standard output" if target == PIPE else f"in {target}"
        raise CorruptFile(f"{damage}; the {sizes.size} bytes of data before the damage are {place}")
    return sizes


class Contents(NamedTuple):
    """What an archive holds: bytes of data, its own bytes, its members, and how many archives are joined in it."""

    size: int
    packed: int
    members: int
    archives: int


def list_file(source: str) -> Contents:
    """Return what an archive holds, by its heads; checksums and order are verified, nothing is decoded."""
    with open_source(source) as stream:
        rows = [(member.size, len(member.pack()), 1, not member.more) for member in read_members(stream, source)]
    return Contents(*(sum(column) for column in zip(*rows, strict=True)))


def _original(source: str) -> os.stat_result | None:
    """Return the status of a file, whose mode and times what is made of it shall have; None for pipes and devices."""
    try:
        status = os.stat(source)
    except OSError:
        return None
    return status if source != PIPE and stat.S_ISREG(status.st_mode) else None


class _Source:
    """A file or pipe that is read; an error is that of the source, and not of what is written meanwhile."""

    def __init__(self, stream: IO[bytes], name: str):
        self._stream = stream
        self._name = name

    def read(self, length: int) -> bytes:
        try:
            return self._stream.read(length)
        except OSError as error:
            raise _unreadable(self._name, error) from error


def _unreadable(name: str, error: OSError) -> BadInput:
    advice = "give a file, or -r for the files in it" if error.errno == errno.EISDIR else "give a file that is there"
    return BadInput(f"{name}: cannot be read ({error.strerror}); {advice}")


@contextmanager
def open_source(source: str) -> Iterator[IO[bytes]]:
    """Open a file to read, or standard input for `-`; raises BadInput where it cannot be read."""
    if source == PIPE:
        yield cast(IO[bytes], _Source(sys.stdin.buffer, "standard input"))
        return
    try:
        stream = open(source, "rb")  # noqa: SIM115
    except OSError as error:
        raise _unreadable(source, error) from error
    with stream:
        yield cast(IO[bytes], _Source(stream, source))


@contextmanager
def open_target(target: str | None, original: os.stat_result | None) -> Iterator[IO[bytes]]:
    """Open a file that appears whole when the block ends, standard output for `-`, or nothing for None."""
    if target is None:
        with open(os.devnull, "wb") as stream:
            yield stream
    elif target == PIPE:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    else:
        with atomic_write(target, original) as stream:
            yield stream
