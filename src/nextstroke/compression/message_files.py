"""Messages from files and to files; a message is short, so it is read and written whole."""

import sys

from nextstroke.compression.base91 import from_base91, to_base91
from nextstroke.compression.files_in_out import PIPE, check_target, open_source, open_target
from nextstroke.compression.message import MOST, pack_message, unpack_message
from nextstroke.errors import CorruptFile

_MOST_READ = 4 * MOST  # bytes: more than any frame as text


def pack_message_file(source: str, target: str, check: int, as_text: bool, force: bool) -> None:
    """Write the message in a file as a frame; `-` is standard input or output.

    Args:
        source, target: Names of files.
        check: Bytes of the checksum.
        as_text: Write base91 and a line end.
        force: Overwrite an existing file; write bytes to a terminal.

    Raises:
        LimitExceeded: The file is longer than a message may be.
    """
    check_target(source, target, force or (as_text and target == PIPE))
    frame = pack_message(_read(source), check)
    _write(target, f"{to_base91(frame)}\n".encode() if as_text else frame)


def unpack_message_file(source: str, target: str, is_text: bool, force: bool) -> None:
    """Write the message whose frame a file holds, as base91 if `is_text`; other arguments as in pack_message_file.

    Raises:
        CorruptFile: The file holds no frame.
    """
    check_target(source, target, force or target == PIPE)
    data = _read(source)
    if is_text:
        try:
            data = from_base91(data.decode("ascii").strip())
        except UnicodeDecodeError as error:
            raise CorruptFile(f"{_called(source)}: no message as text: it is not ASCII; leave out --text") from error
    _write(target, unpack_message(data, _called(source)))


def _called(source: str) -> str:
    return "standard input" if source == PIPE else source


def _read(source: str) -> bytes:
    """Return the contents of a file, or of one that is too long the beginning, which is too long as well."""
    data = b""
    with open_source(source) as stream:
        while len(data) < _MOST_READ and (piece := stream.read(_MOST_READ - len(data))):
            data += piece
    return data


def _write(target: str, data: bytes) -> None:
    with open_target(target, None) as stream:
        stream.write(data)
    if target == PIPE:
        sys.stdout.flush()
