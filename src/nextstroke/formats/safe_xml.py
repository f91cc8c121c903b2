"""Parse XML of unknown origin as a stream: only short internal entities, no deep nesting, no huge tags."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Protocol
from xml.parsers import expat

from nextstroke.errors import BadInk, LimitExceeded

MAX_TOKEN = 1 << 18  # bytes of one tag or comment; an official tag has less than 200
MAX_DEPTH = 64  # official files have 4 levels, InkML has a dozen
MAX_ENTITY = 200  # bytes of one entity; drawing programs declare names of namespaces
MAX_EXPANSION = 1 << 20  # bytes that all entities of a document may expand to
CHUNK = 1 << 16
# Characters that XML 1.0 cannot hold, escaped or not.
ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class StopParsing(Exception):
    """Raised by a handler that needs no more of the file; the parsing then ends without an error."""


class Handler(Protocol):
    """Receiver of the elements of a document.

    It may raise StopParsing, or BadInk or LimitExceeded, whose messages are then prefixed with file and line.

    Tags and attributes are "namespace name", or the name alone where there is no namespace.
    """

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """An element begins."""

    def end(self, tag: str) -> None:
        """An element ends."""


def parse_xml(data: bytes, name: Path | str, handler: Handler, text: Callable[[str], None] | None = None) -> None:
    """Pass all elements of a document to `handler` in order, and its text, piece by piece, to `text`.

    A document type declaration is ignored but for its internal entities, which are text. External ones are never read.

    Args:
        data: Content of the file.
        name: Name of the file for messages.
        handler: Receiver of the elements.
        text: Receiver of the text; None to ignore it.

    Raises:
        BadInk: not well-formed, an entity that is not a short text, elements nested too deep, or too long a tag.
    """
    parser = _guarded(handler, data.count(b"&"))
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
    """Return the tag of the outermost element, without namespace."""
    finder = _RootFinder()
    parse_xml(data, name, finder)
    return local(finder.tag)


def legal_text(text: str) -> str:
    """Return a text without the characters that XML cannot hold."""
    return ILLEGAL.sub("", text)


def local(tag: str) -> str:
    """Return a tag or attribute without its namespace."""
    return tag.rpartition(" ")[2]


class _RootFinder:
    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self.tag = tag
        raise StopParsing

    def end(self, tag: str) -> None:
        """Never reached."""


def _feed(parser: expat.XMLParserType, data: bytes) -> None:
    """Parse in pieces, so that a tag without end is noticed before expat scans it repeatedly."""
    for begin in range(0, len(data), CHUNK):
        piece = data[begin : begin + CHUNK]
        parser.Parse(piece, False)
        if begin + len(piece) - parser.CurrentByteIndex > MAX_TOKEN:
            raise BadInk(f"a tag of more than {MAX_TOKEN} bytes")
    parser.Parse(b"", True)


def _guarded(handler: Handler, references: int) -> expat.XMLParserType:
    """Return a parser that limits depth and entities.

    Args:
        handler: Receiver of the elements.
        references: Upper bound of the number of entity references in the document.
    """
    parser = expat.ParserCreate(namespace_separator=" ")
    depth = 0

    def enter(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > MAX_DEPTH:
            raise BadInk(f"elements nested more than {MAX_DEPTH} deep")
        handler.start(tag, attributes)

    def leave(tag: str) -> None:
        nonlocal depth
        depth -= 1
        handler.end(tag)

    def declare(name: str, is_parameter: bool, value: str | None, *_: object) -> None:
        # Nested entities grow exponentially; a long one grows with the number of its references.
        if is_parameter or value is None or "&" in value or "%" in value or len(value.encode()) > MAX_ENTITY:
            raise BadInk(f"the entity {name[:40]!r}; only entities of up to {MAX_ENTITY} bytes of text are read")
        if len(value.encode()) * references > MAX_EXPANSION:
            raise BadInk(f"entities of more than {MAX_EXPANSION} bytes in all")

    def refuse(name: str, *_: object) -> None:
        raise BadInk(f"the entity {str(name)[:40]!r}, which is not declared in the file")

    parser.StartElementHandler = enter
    parser.EndElementHandler = leave
    parser.EntityDeclHandler = declare
    parser.SkippedEntityHandler = refuse
    return parser
