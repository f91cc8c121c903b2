"""Entry point of the command line: runs a command and turns every exception into one line and an exit code.

Exit codes: 0 done · 1 some of several files failed, or an internal error, which the line says · 2 invalid request ·
3 bad or corrupt input · 4 wrong model or version · 5 limit, disk full or out of memory · 130 SIGINT · 143 SIGTERM ·
141 broken pipe of standard output.
"""

import errno
import os
import select
import signal
import sys
import traceback
from contextlib import suppress
from itertools import takewhile
from typing import Any, NoReturn

from nextstroke.cli.direct_call import plain_call
from nextstroke.cli.streams import discard_output, escape_unencodable, open_closed_streams
from nextstroke.cli.verbs import VERBS, make_command
from nextstroke.errors import BadInput, LimitExceeded, NextstrokeError, UsageError

DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
TOO_MANY_FILES = (errno.EMFILE, errno.ENFILE)
# Errors of the system that are caused by a name that the user gave, or by the working folder.
CAUSED_BY_NAMES = (
    errno.EACCES, errno.EBUSY, errno.EEXIST, errno.EIO, errno.EISDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.ENODEV,
    errno.ENOENT, errno.ENOTDIR, errno.ENOTEMPTY, errno.ENXIO, errno.EPERM, errno.EROFS, errno.ESTALE, errno.ETXTBSY,
)  # fmt: skip
EXTRAS = {
    "torch": "train", "onnx": "train", "matplotlib": "figures", "distributed": "cluster",
    "fastapi": "web", "pyarrow": "parquet", "starlette": "web", "uvicorn": "web",
}  # fmt: skip
COMPLETION = "_NEXTSTROKE_COMPLETE"
BROKEN_PIPE = 128 + 13  # SIGPIPE, which Windows does not have
MAX_MESSAGE = 4000  # characters; a path or a list of faults may be far longer


class _Terminated(KeyboardInterrupt):
    """SIGTERM was received; like Ctrl-C it unwinds the stack, so that no partial file is left."""


def main(arguments: list[str] | None = None) -> int:
    """Run one command line and return its exit code.

    Args:
        arguments: Arguments without the name of the program; default: those of the process.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    open_closed_streams()
    escape_unencodable()
    try:
        before = signal.signal(signal.SIGTERM, _terminate)
        try:
            _check(arguments)
            _run(arguments)
        finally:
            signal.signal(signal.SIGTERM, before)
    except BaseException as error:
        return _report(error, debug="--debug" in takewhile(lambda word: word.startswith("-"), arguments))
    return 0


def _check(arguments: list[str]) -> None:
    """Raise UsageError for a NUL byte, which no file name can have and no shell can give."""
    from nextstroke.errors import UsageError

    for argument in arguments:
        if "\0" in argument:
            raise UsageError(f"{argument}: has a NUL byte; leave it out")


def _terminate(number: int, frame: object) -> NoReturn:
    raise _Terminated


def _run(arguments: list[str]) -> None:
    call = plain_call(arguments, tuple(VERBS))
    if call:
        call()
    else:
        _read_and_run(arguments)
    # A full disk or a closed pipe is noticed here, where it can still be reported, and not at the end of the process.
    if sys.stdout:
        sys.stdout.flush()


def _read_and_run(arguments: list[str]) -> None:
    command = make_command()
    if COMPLETION in os.environ:
        # Set by the scripts of --install-completion: what could follow the words of the command line is printed.
        command.main(args=[], prog_name="nextstroke", standalone_mode=False)
    try:
        with command.make_context("nextstroke", list(arguments)) as context:
            command.invoke(context)
    except Exception as error:
        if not _is(error, "NoArgsIsHelpError"):
            raise
        print(error.ctx.get_help())  # type: ignore[attr-defined]


def _report(error: BaseException, debug: bool) -> int:
    """Print the line for an exception on standard error and return the exit code."""
    if isinstance(error, BrokenPipeError) and _stdout_closed():
        return BROKEN_PIPE
    line, code = _line_and_code(error)
    if line and debug:
        traceback.print_exception(error)
    if line:
        print_error(line)
    return code


def _line_and_code(error: BaseException) -> tuple[str, int]:
    """Return the line for an exception, empty where nothing is to be printed, and the exit code."""
    known = known_error(error)
    if known is not None:
        return str(known), known.exit_code
    if _is(error, "Exit") or isinstance(error, SystemExit):
        return _of_exit(error)
    if isinstance(error, KeyboardInterrupt) or _is(error, "Abort"):
        number = signal.SIGTERM if isinstance(error, _Terminated) else signal.SIGINT
        return f"stopped by {number.name}", 128 + number
    cause = f"{type(error).__name__}: {error}"
    return f"internal error (bug): {cause}; run again with --debug before the command to see where", 1


def _of_exit(error: Any) -> tuple[str, int]:
    """Return line and code of typer.Exit, which --help raises, or of SystemExit, whose code may be None or text."""
    code = error.exit_code if hasattr(error, "exit_code") else error.code
    return (code, 1) if isinstance(code, str) else ("", code or 0)


def known_error(error: BaseException) -> NextstrokeError | None:
    """Return an exception that the user can act on as a NextstrokeError, or None for a bug."""
    if isinstance(error, NextstrokeError):
        return error
    if _is(error, "ClickException"):
        return _of_click(error)
    if isinstance(error, ModuleNotFoundError) and error.name in EXTRAS:
        extra = EXTRAS[error.name]
        command = f"pip install 'nextstroke[{extra}]', or '.[{extra}]' in a clone"
        return UsageError(f"this needs {error.name}, which is not installed; {command}")
    if isinstance(error, MemoryError) or _is(error, "OutOfMemoryError") or _is_torch_out_of_memory(error):
        return LimitExceeded("out of memory; give less text, a smaller page or a smaller batch")
    return _of_system(error) if isinstance(error, OSError) else None


def _is_torch_out_of_memory(error: BaseException) -> bool:
    """Return whether torch could not get memory on the CPU, for which it has no class of its own."""
    told = str(error)
    return isinstance(error, RuntimeError) and ("DefaultCPUAllocator" in told or "size calculation overflowed" in told)


def _of_system(error: OSError) -> NextstrokeError | None:
    """Return an error of the operating system as a NextstrokeError, if the user can act on it."""
    if error.errno in DISK_FULL:
        return LimitExceeded(f"{error.filename or 'output'}: no room left ({error.strerror}); free some and try again")
    if error.errno in TOO_MANY_FILES:
        return LimitExceeded(f"{error.strerror}; raise the limit (ulimit -n) or close some")
    if error.errno == errno.EBADF and error.filename is None:
        discard_output()
        return UsageError("a standard stream that this needs is closed; leave it open, or name files instead")
    if error.errno not in CAUSED_BY_NAMES:
        return None
    if error.filename is None and not _working_folder_exists():
        return UsageError("the working folder does not exist any more; change to another")
    if error.filename is None:
        return None
    return BadInput(f"{error.filename}: cannot be used ({error.strerror}); name another file or folder")


def _working_folder_exists() -> bool:
    try:
        os.getcwd()
    except OSError:
        return False
    return True


def _of_click(error: Any) -> UsageError:
    """Return an error of typer as one line that names the help to read."""
    text = " ".join(error.format_message().split()).rstrip(".")
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "nextstroke"
    return UsageError(f"{text[:1].lower()}{text[1:]}; see {path} --help")


def _is(error: BaseException, name: str) -> bool:
    """Return whether the exception has a class of this name; the module of typer's classes depends on its version."""
    return any(kind.__name__ == name for kind in type(error).__mro__)


def _stdout_closed() -> bool:
    """Return whether the reader of standard output has closed it; if so, discard what is still buffered."""
    try:
        poll = select.poll()
        poll.register(sys.stdout.fileno(), select.POLLOUT)
        closed = any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))
    except (AttributeError, OSError, ValueError):
        return True
    if closed:
        discard_output()
    return closed


def print_error(line: str) -> None:
    """Print one line on standard error; unprintable characters, line ends among them, are escaped."""
    if not sys.stderr:
        return
    shown = "".join(
        mark if mark.isprintable() else mark.encode("unicode_escape").decode() for mark in line[:MAX_MESSAGE]
    )
    cut = "…" if len(line) > MAX_MESSAGE else ""
    # On a terminal the line may still hold a progress bar.
    clear = "\r\x1b[K" if sys.stderr.isatty() else ""
    with suppress(OSError):
        print(f"{clear}nextstroke: {shown}{cut}", file=sys.stderr, flush=True)
