"""The site's files as they are sent."""

import gzip
import hashlib
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response

from nextstroke.web.site import GZIP

# The page, its worker and its service worker ask for the same files within seconds; later a browser asks whether they
# changed.
SENT = {"vary": "accept-encoding", "cache-control": "max-age=10"}


class Asset:
    """A file of the site: packed for whoever takes gzip, and not sent again to whoever has it.

    Args:
        kind: Its media type.
        source: Where it lies, or what makes it.
    """

    def __init__(self, kind: str, source: Path | Callable[[], bytes]):
        self.kind, self.source = kind, source

    def answer(self, request: Request) -> Response:
        """The answer to GET and HEAD; parts of a file are sent as they are, never packed."""
        if "gzip" in request.headers.get("accept-encoding", "") and "range" not in request.headers:
            return self._packed(request.headers.get("if-none-match", ""))
        if isinstance(self.source, Path):
            return FileResponse(self.source, media_type=self.kind, headers=SENT)
        return Response(self.source(), media_type=self.kind, headers=SENT)

    def _packed(self, known: str) -> Response:
        headers = SENT | {"etag": self.tag}
        if self.tag in known:
            return Response(status_code=304, headers=headers)
        if self.kind != GZIP:
            headers["content-encoding"] = "gzip"
        return Response(self.packed, media_type=self.kind, headers=headers)

    @cached_property
    def packed(self) -> bytes:
        """Packed, at the first request; what is packed already is left as it is."""
        data = self.source.read_bytes() if isinstance(self.source, Path) else self.source()
        return data if self.kind == GZIP else gzip.compress(data, mtime=0)

    @cached_property
    def tag(self) -> str:
        """What a browser keeps it by."""
        return f'"{hashlib.sha256(self.packed).hexdigest()[:32]}"'
