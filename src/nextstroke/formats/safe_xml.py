"""The one door for XML from outside: streaming, with no entities, no deep nesting and no huge tags."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Protocol
from xml.parsers import expat

from nextstroke.errors import BadInk, LimitExceeded

MAX_TOKEN = 1 << 18  # bytes of one tag or comment; an official tag has less than 200
MAX_DEPTH = 64  # official files have 4 levels, InkML has a dozen
CHUNK = 1 << 16
# Characters that XML 1.0 cannot hold, escaped or not.
ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class StopParsing(Exception):
    """Raised by a handler that needs nothing more of the file; the reading ends well."""


class Handler(Protocol):
    """What is called while a file goes by.

    It may raise StopParsing, or BadInk or LimitExceeded, which get the file and the line put before them.

    Tags and attributes come as "namespace name", or just the name where there is no namespace.
    """

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """An element begins."""

    def end(self, tag: str) -> None:
        """An element ends."""


def parse_xml(data: bytes, name: Path | str, handler: Handler, text: Callable[[str], None] | None = None) -> None:
    """Show all elements of a document to `handler` in order, and its text, piece by piece, to `text`.

    Raises:
        BadInk: not well-formed, a document type or entity declaration, nested too deep, too long a tag. `name` and the
            line are named.
    """
    parser = _guarded(handler)
    if text is not None:
        parser.CharacterDataHandler = text
    try:
        _feed(parser, data)
    except StopParsing:
        return
    except expat.ExpatError as error:
        raise BadInk(f"{name}:{error.lineno}: not well-formed XML ({expat.ErrorString(error.code)})") from error
    except (BadInk, LimitExceeded) as error:
        raise type(error)(f"{name}:{parser.CurrentLineNumber}: {error}") from error
    except (ValueError, LookupError) as error:
        raise BadInk(f"{name}:{parser.CurrentLineNumber}: its encoding cannot be read ({error})") from error


def root_tag(data: bytes, name: Path | str) -> str:
    """The tag of the outermost element, without namespace."""
    finder = _RootFinder()
    parse_xml(data, name, finder)
    return local(finder.tag)


def legal_text(text: str) -> str:
    """Return a text without the characters that XML cannot hold."""
    return ILLEGAL.sub("", text)


def local(tag: str) -> str:
    """A tag or attribute without its namespace."""
    return tag.rpartition(" ")[2]


class _RootFinder:
    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self.tag = tag
        raise StopParsing

    def end(self, tag: str) -> None:
        """Never reached."""


def _feed(parser: expat.XMLParserType, data: bytes) -> None:
    """Parse in pieces, so that a tag without end is noticed before expat has looked at it again and again."""
    for begin in range(0, len(data), CHUNK):
        piece = data[begin : begin + CHUNK]
        parser.Parse(piece, False)
        if begin + len(piece) - parser.CurrentByteIndex > MAX_TOKEN:
            raise BadInk(f"a tag of more than {MAX_TOKEN} bytes")
    parser.Parse(b"", True)


def _guarded(handler: Handler) -> expat.XMLParserType:
    """A parser that counts the depth and refuses every document type declaration, and with it every entity."""
    parser = expat.ParserCreate(namespace_separator=" ")
    begin, finish = handler.start, handler.end
    depth = 0

    def enter(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > MAX_DEPTH:
            raise BadInk(f"elements nested more than {MAX_DEPTH} deep")
        begin(tag, attributes)

    def leave(tag: str) -> None:
        nonlocal depth
        depth -= 1
        finish(tag)

    def refuse(*_: object) -> None:
        raise BadInk("document types and entities are not read; remove the <!DOCTYPE ...> declaration")

    parser.StartElementHandler, parser.EndElementHandler = enter, leave
    parser.StartDoctypeDeclHandler = refuse
    return parser
