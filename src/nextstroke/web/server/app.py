"""The server: the studio's page and the API."""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import anyio
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import StreamingResponse
from starlette.concurrency import iterate_in_threadpool, run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.types import Receive

from nextstroke import __version__
from nextstroke.errors import LimitExceeded, NextstrokeError
from nextstroke.web.server.batcher import Gone, Ticket, TimeOver
from nextstroke.web.server.memory import Busy
from nextstroke.web.server.middleware import Guard, refused
from nextstroke.web.server.request_limits import Limits
from nextstroke.web.server.schemas import GenerateBody, LearnBody, Refusal, WriteBody
from nextstroke.web.server.service import Service
from nextstroke.web.server.static_files import Asset
from nextstroke.web.site import TYPES, site_sources

KINDS = {
    "svg": "image/svg+xml", "png": "image/png", "jpg": "image/jpeg", "pdf": "application/pdf", "gif": "image/gif",
    "apng": "image/apng", "inkml": "application/inkml+xml", "xopp": "application/x-xopp", "json": "application/json",
    "gcode": "text/plain; charset=us-ascii", "hpgl": "application/vnd.hp-hpgl", "zip": "application/zip",
}  # fmt: skip
STATUS: dict[type[Exception], int] = {TimeOver: 504, Busy: 429, LimitExceeded: 413}
NDJSON = "application/x-ndjson"
REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {"model": Refusal} for status in (400, 408, 413, 415, 422, 429, 504)
}

FILES: dict[int | str, dict[str, Any]] = {200: {"content": {kind: {} for kind in [*KINDS.values(), NDJSON]}}}
PLAIN = "text/plain; charset=utf-8"
TEXT: dict[int | str, dict[str, Any]] = {200: {"content": {PLAIN: {}}}}


def make_app(limits: Limits, hosts: Sequence[str] = ("127.0.0.1", "localhost"), threads: int = 1) -> FastAPI:
    """The application.

    Args:
        hosts: Names under which it may be called; others are refused, so that no foreign page can reach it by its name.
        threads: That write side by side.
    """
    service = Service(limits, threads)

    @asynccontextmanager
    async def stopping(app: FastAPI) -> AsyncIterator[None]:
        yield
        service.stop()

    app = FastAPI(title="nextstroke", version=__version__, docs_url=None, redoc_url=None, lifespan=stopping)
    app.add_middleware(Guard, limits=limits, memory=service.memory, hosts=hosts)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(NextstrokeError, _refused)
    app.add_exception_handler(HTTPException, _told)
    app.add_exception_handler(Gone, _refused)  # nobody reads it
    app.state.service = service
    _add_api(app, service)
    _add_site(app)
    return app


def _add_api(app: FastAPI, service: Service) -> None:
    seconds = service.limits.seconds

    @app.get("/health")
    def health() -> dict[str, str]:
        return {"status": "ok", "version": __version__}

    @app.get("/v1/styles")
    def styles() -> list[dict[str, str]]:
        return service.styles()

    @app.post("/v1/styles", responses=REFUSALS)
    async def learn(body: LearnBody, request: Request) -> dict[str, str]:
        ticket = service.admit(Ticket(seconds))
        return await _while_there(request, ticket, partial(service.learn, body, ticket))

    @app.post("/v1/write", response_class=Response, responses=REFUSALS | FILES)
    async def write(body: WriteBody, request: Request) -> Response:
        ticket = service.admit(Ticket(seconds))
        if body.format == "ndjson":
            return await _streamed(request, ticket, partial(service.stream, body, ticket), NDJSON)
        kind, data = await _while_there(request, ticket, partial(service.write, body, ticket))
        return Response(data, media_type=KINDS[kind])

    @app.post("/v1/generate", response_class=StreamingResponse, responses=REFUSALS | TEXT)
    async def generate(body: GenerateBody, request: Request) -> Response:
        ticket = service.admit(Ticket(seconds))
        return await _streamed(request, ticket, partial(service.generate, body, ticket), PLAIN)


def _add_site(app: FastAPI) -> None:
    """Each file of the studio has a route of its own: no name that a client sends becomes a path."""

    assets = {name: Asset(TYPES[Path(name).suffix], source) for name, source in site_sources().items()}
    for name, asset in ({"": assets["index.html"]} | assets).items():
        app.add_route(f"/{name}", asset.answer, include_in_schema=False)


async def _while_there(request: Request, ticket: Ticket, work: Callable[[], Any]) -> Any:
    """The result of work in a thread, given up when the client leaves."""

    async def watch() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass
        ticket.gone.set()

    async with anyio.create_task_group() as group:
        group.start_soon(watch)
        try:
            result = await run_in_threadpool(work)
        except (NextstrokeError, Gone) as error:  # a task group would wrap it
            result = error
        group.cancel_scope.cancel()
    if isinstance(result, Exception):
        raise result
    return result


async def _streamed(request: Request, ticket: Ticket, start: Callable[[], Iterator[str]], kind: str) -> Response:
    """Pieces as they come. The first is waited for, so that a bad request is refused and not broken off."""
    pieces = await run_in_threadpool(start)
    first = await _while_there(request, ticket, partial(next, pieces, ""))

    async def sent() -> AsyncIterator[str]:
        with suppress(Gone):  # nobody reads what would be said of it
            yield first
            async for piece in iterate_in_threadpool(pieces):
                yield piece

    return _Streamed(sent(), ticket, kind)


class _Streamed(StreamingResponse):
    """Told of a client that leaves while a thread still makes the next piece: only the ticket can end that."""

    def __init__(self, pieces: AsyncIterator[str], ticket: Ticket, kind: str):
        super().__init__(pieces, media_type=kind)
        self.ticket = ticket

    async def listen_for_disconnect(self, receive: Receive) -> None:
        await super().listen_for_disconnect(receive)
        self.ticket.gone.set()


async def _invalid(request: Request, error: Exception) -> Response:
    """What does not fit, without what was sent: it may hold numbers that JSON cannot."""
    assert isinstance(error, RequestValidationError)
    found = [f"{'.'.join(map(str, each['loc'][1:]))}: {each['msg']}" for each in error.errors()]
    return refused(422, "; ".join(found)[:2000])


async def _told(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return refused(error.status_code, str(error.detail), dict(error.headers or {}))


async def _refused(request: Request, error: Exception) -> Response:
    status = next((code for kind, code in STATUS.items() if isinstance(error, kind)), 422)
    return refused(status, str(error), {"retry-after": "2"} if status == 429 else None)
