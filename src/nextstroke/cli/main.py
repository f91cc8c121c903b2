"""The entry of the command line: finds the verb, and turns what goes wrong into one line and an exit code.

Exit codes: 0 done · 1 a bug · 2 senseless request · 3 bad or corrupt input · 4 wrong model or version · 5 a limit, no
room or no memory · 130, 143, 141 stopped by SIGINT, by SIGTERM, by a closed standard output.
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

from nextstroke.cli.streams import discard_output, escape_unencodable, open_closed_streams
from nextstroke.cli.verbs import make_command
from nextstroke.errors import BadInput, LimitExceeded, NextstrokeError, UsageError

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
TOO_MANY = (errno.EMFILE, errno.ENFILE)
# Errors of the system that a name causes which the user has given, or the folder that he works in.
OF_NAMES = (
    errno.EACCES, errno.EBUSY, errno.EEXIST, errno.EIO, errno.EISDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.ENODEV,
    errno.ENOENT, errno.ENOTDIR, errno.ENOTEMPTY, errno.ENXIO, errno.EPERM, errno.EROFS, errno.ESTALE, errno.ETXTBSY,
)  # fmt: skip
EXTRAS = {
    "torch": "train", "onnx": "train", "matplotlib": "figures", "distributed": "cluster",
    "fastapi": "web", "starlette": "web", "uvicorn": "web",
}  # fmt: skip
LONGEST = 4000  # characters of a message; a path or a list of faults may be far longer


class _Terminated(KeyboardInterrupt):
    """SIGTERM; like Ctrl-C it unwinds everything on its way, so that no half file stays."""


def main(arguments: list[str] | None = None) -> int:
    """Run one command line and return its exit code.

    Args:
        arguments: Without the name of the program; those of the process if not given.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    open_closed_streams()
    escape_unencodable()
    try:
        before = signal.signal(signal.SIGTERM, _terminate)
        try:
            _run(arguments)
        finally:
            signal.signal(signal.SIGTERM, before)
    except BaseException as error:
        return _explain(error, debug="--debug" in takewhile(lambda word: word.startswith("-"), arguments))
    return 0


def _terminate(number: int, frame: object) -> NoReturn:
    raise _Terminated


def _run(arguments: list[str]) -> None:
    command = make_command()
    try:
        with command.make_context("nextstroke", list(arguments)) as context:
            command.invoke(context)
    except Exception as error:
        if not _is(error, "NoArgsIsHelpError"):
            raise
        print(error.ctx.get_help())  # type: ignore[attr-defined]
    # Here, and not at the end of the process, a full disk or a closed pipe can still be told.
    if sys.stdout:
        sys.stdout.flush()


def _explain(error: BaseException, debug: bool) -> int:
    """Say what happened; the exit code."""
    if isinstance(error, BrokenPipeError) and _stdout_closed():
        return 128 + signal.SIGPIPE
    line, code = _described(error)
    if line and debug:
        traceback.print_exception(error)
    if line:
        _tell(line)
    return code


def _described(error: BaseException) -> tuple[str, int]:
    """The line for an error, empty where nothing is to be said, and its exit code."""
    known = _known(error)
    if known is not None:
        return str(known), known.exit_code
    if _is(error, "Exit") or isinstance(error, SystemExit):
        return _of_exit(error)
    if isinstance(error, KeyboardInterrupt) or _is(error, "Abort"):
        number = signal.SIGTERM if isinstance(error, _Terminated) else signal.SIGINT
        return f"stopped by {number.name}", 128 + number
    told = f"{type(error).__name__}: {error}"
    return f"internal error (bug): {told}; run again with --debug before the verb to see where", 1


def _of_exit(error: Any) -> tuple[str, int]:
    """typer.Exit after --help, or a SystemExit of somebody's, whose code may be None or a text."""
    code = error.exit_code if hasattr(error, "exit_code") else error.code
    return (code, 1) if isinstance(code, str) else ("", code or 0)


def _known(error: BaseException) -> NextstrokeError | None:
    """The error of our tree that tells the same, if there is one."""
    if isinstance(error, NextstrokeError):
        return error
    if _is(error, "ClickException"):
        return _of_click(error)
    if isinstance(error, ModuleNotFoundError) and error.name in EXTRAS:
        extra = EXTRAS[error.name]
        return UsageError(f"this needs {error.name}, which is not installed; pip install 'nextstroke[{extra}]'")
    if isinstance(error, MemoryError) or _is(error, "OutOfMemoryError"):
        return LimitExceeded("not enough memory for this; make it smaller")
    return _of_system(error) if isinstance(error, OSError) else None


def _of_system(error: OSError) -> NextstrokeError | None:
    """Return an error of the operating system as one of ours, if the user can mend it."""
    if error.errno in NO_ROOM:
        return LimitExceeded(f"{error.filename or 'output'}: no room left ({error.strerror}); free some and try again")
    if error.errno in TOO_MANY:
        return LimitExceeded(f"{error.strerror}; raise the limit (ulimit -n) or close some")
    if error.errno == errno.EBADF and error.filename is None:
        discard_output()
        return UsageError("a standard stream that this needs is closed; leave it open, or name files instead")
    if error.errno not in OF_NAMES:
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
    """Typer's complaint as one of ours: on one line, and with the help to look at."""
    text = " ".join(error.format_message().split()).rstrip(".")
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "nextstroke"
    return UsageError(f"{text[:1].lower()}{text[1:]}; see {path} --help")


def _is(error: BaseException, name: str) -> bool:
    """Whether a class of this name is among the error's; typer's own live in other modules from version to version."""
    return any(kind.__name__ == name for kind in type(error).__mro__)


def _stdout_closed() -> bool:
    """Whether the reader of standard output has gone; if so nothing more is written to it."""
    try:
        watch = select.poll()
        watch.register(sys.stdout.fileno(), select.POLLOUT)
        gone = any(event & (select.POLLERR | select.POLLHUP) for _, event in watch.poll(0))
    except (AttributeError, OSError, ValueError):
        return True
    if gone:
        discard_output()
    return gone


def _tell(line: str) -> None:
    """One line on standard error, whatever the text holds."""
    if not sys.stderr:
        return
    shown = "".join(mark if mark.isprintable() else mark.encode("unicode_escape").decode() for mark in line[:LONGEST])
    cut = "…" if len(line) > LONGEST else ""
    # On a terminal a progress bar may still stand in the line.
    wipe = "\r\x1b[K" if sys.stderr.isatty() else ""
    with suppress(OSError):
        print(f"{wipe}nextstroke: {shown}{cut}", file=sys.stderr, flush=True)
