"""nextstroke serve: the studio and the API."""

import os
import socket
import sys
from pathlib import Path
from typing import Annotated

import typer


def serve(
    host: Annotated[
        str, typer.Option(help="address to listen at, ::1 too; 0.0.0.0 for all of this machine, :: with IPv6")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="0 for a free one", min=0, max=65535)] = 8021,
    name: Annotated[
        str, typer.Option(help="names under which it may be called besides its addresses, as a,b; * for all")
    ] = "",
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
    from nextstroke.web.server.app import make_app
    from nextstroke.web.server.connection import make_server

    limits = Limits(
        body, text, points, length, seconds=seconds, sending=sending, at_once=at_once,
        memory=memory, memory_total=memory_total, pages=pages,
    )  # fmt: skip
    names = [part.strip() for part in name.split(",") if part.strip()]
    host = host.removeprefix("[").removesuffix("]")
    with _listening(host, port) as listening:
        app = make_app(limits, [*names, "127.0.0.1", "::1", "localhost", host], threads or os.cpu_count() or 1)
        shown = f"[{host}]" if ":" in host else host
        place = f"http://{shown}:{listening.getsockname()[1]}/"
        print(f"The studio is at {place} (Ctrl-C ends it)", file=sys.stderr, flush=True)
        make_server(app, limits, app.state.service.stop, log_level="warning").run([listening])


def _listening(host: str, port: int) -> socket.socket:
    from nextstroke.errors import UsageError

    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, *_, place = found[0]
        both = host == "::" and socket.has_dualstack_ipv6()
        return socket.create_server(place[:2], family=family, dualstack_ipv6=both)
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"cannot listen at {host}:{port} ({why}); give another --host or --port") from error
