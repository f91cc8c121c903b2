"""The standard streams: closed ones are replaced, and what a stream's encoding cannot express is escaped."""

import codecs
import os
import sys
from contextlib import suppress
from typing import IO

_ESCAPE = "nextstroke.escape"
_MODES = {0: "r", 1: "w", 2: "w"}
# Reading from the input and writing to the output fails, as they were closed; messages are discarded.
_FLAGS = {0: os.O_WRONLY, 1: os.O_RDONLY, 2: os.O_WRONLY}


def open_closed_streams() -> None:
    """Replace the standard streams that whoever started the process has closed.

    The next file that is opened would get the descriptor of a closed stream, and with it all that is written to that
    stream by libraries; and `print` to a missing standard error writes to standard output.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            setattr(sys, name, _replacement(number))


def discard_output() -> None:
    """Discard what standard output still buffers; the interpreter would report an error for it at its end."""
    with suppress(AttributeError, OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)


def escape_unencodable() -> None:
    """Write characters that the encoding of standard output lacks as escapes, and file names as their bytes."""
    codecs.register_error(_ESCAPE, _escaped)
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors=_ESCAPE)


def _replacement(number: int) -> IO[str]:
    """Return a stream on a standard descriptor that was closed; elsewhere the descriptor is left alone."""
    try:
        os.fstat(number)
    except OSError:
        opened = os.open(os.devnull, _FLAGS[number])
        if opened != number:
            os.dup2(opened, number)
            os.close(opened)
        return open(number, _MODES[number], encoding="utf-8", errors="replace", closefd=False)
    return open(os.devnull, _MODES[number], encoding="utf-8", errors="replace")


def _escaped(error: UnicodeError) -> tuple[str | bytes, int]:
    """Return the replacement of characters that could not be encoded: bytes of a file name as they are."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    data = b"".join(_escaped_character(mark) for mark in error.object[error.start : error.end])
    return data, error.end


def _escaped_character(mark: str) -> bytes:
    # Python represents bytes of arguments and file names that are not text by these code points.
    if "\udc80" <= mark <= "\udcff":
        return bytes([ord(mark) - 0xDC00])
    return mark.encode("ascii", "backslashreplace")
