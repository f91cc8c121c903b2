"""nextstroke serve: the studio and the API."""

import os
import socket
import sys
from pathlib import Path
from typing import Annotated

import typer


def serve(
    host: Annotated[str, typer.Option(help="address to listen at; 0.0.0.0 for all")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="0 for a free one", min=0, max=65535)] = 8021,
    name: Annotated[str, typer.Option(help="names under which it may be called, as a,b; * for all")] = "",
    export: Annotated[Path | None, typer.Option(help="write the page into a folder for any web host, and end")] = None,
    text: Annotated[int, typer.Option(help="characters written for one request", min=1)] = 5000,
    body: Annotated[int, typer.Option(help="bytes of one request", min=1)] = 1 << 20,
    length: Annotated[int, typer.Option(help="symbols generated for one request", min=1)] = 20_000,
    points: Annotated[int, typer.Option(help="points of ink that a hand is learned from", min=1)] = 20_000,
    seconds: Annotated[float, typer.Option(help="that one request is worked on", min=0.1)] = 60,
    sending: Annotated[float, typer.Option(help="seconds that a client may take to send", min=0.1)] = 10,
    at_once: Annotated[int, typer.Option(help="requests worked on side by side", min=1)] = 64,
    memory: Annotated[
        int, typer.Option(help="MiB that one request may take, estimated before it begins", min=16)
    ] = 512,
    memory_total: Annotated[
        int, typer.Option(help="MiB that all requests may take, besides some 400 for models and writing", min=16)
    ] = 1024,
    pages: Annotated[int, typer.Option(help="pages of one request", min=1)] = 500,
    threads: Annotated[int, typer.Option(help="that write; 0 for one a core", min=0)] = 0,
) -> None:
    """Serve the studio, a page that writes in the browser, and an API for programs.

    Example: nextstroke serve --port 8021
    """
    from nextstroke.web.server.request_limits import Limits
    from nextstroke.web.site import export_site

    if export is not None:
        for path in export_site(export):
            print(path, file=sys.stderr)
        return
    import uvicorn

    from nextstroke.web.server.app import make_app

    limits = Limits(
        body, text, points, length, seconds=seconds, sending=sending, at_once=at_once,
        memory=memory, memory_total=memory_total, pages=pages,
    )  # fmt: skip
    names = [part.strip() for part in name.split(",") if part.strip()]
    with _listening(host, port) as listening:
        app = make_app(limits, [*names, "127.0.0.1", "localhost", host], threads or os.cpu_count() or 1)
        place = f"http://{host}:{listening.getsockname()[1]}/"
        print(f"The studio is at {place} (Ctrl-C ends it)", file=sys.stderr, flush=True)
        uvicorn.Server(uvicorn.Config(app, log_level="warning", server_header=False)).run([listening])


def _listening(host: str, port: int) -> socket.socket:
    from nextstroke.errors import UsageError

    try:
        return socket.create_server((host, port))
    except OSError as error:
        why = error.strerror or str(error)
        raise UsageError(f"cannot listen at {host}:{port} ({why}); give another --host or --port") from error
