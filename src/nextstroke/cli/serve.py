"""nextstroke serve: the studio and the API."""

import os
import socket
import sys
from pathlib import Path
from typing import Annotated

import typer


def serve(
    host: Annotated[
        str, typer.Option(help="address to listen on; 0.0.0.0 for all IPv4 addresses, :: for IPv6 too")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="port to listen on; 0: any free port", min=0, max=65535)] = 8021,
    name: Annotated[
        str, typer.Option(help="host names that clients may use besides the addresses, as a,b; *: all names")
    ] = "",
    export: Annotated[Path | None, typer.Option(help="write the studio into a folder for a web host, and exit")] = None,
    text: Annotated[int, typer.Option(help="most characters that one request may have written", min=1)] = 5000,
    body: Annotated[int, typer.Option(help="most bytes of one request", min=1)] = 1 << 20,
    length: Annotated[int, typer.Option(help="most symbols that one request may generate", min=1)] = 20_000,
    points: Annotated[int, typer.Option(help="most points of ink that a style is learned from", min=1)] = 20_000,
    seconds: Annotated[float, typer.Option(help="most seconds of work on one request", min=0.1)] = 60,
    sending: Annotated[float, typer.Option(help="most seconds that a client may take to send a request", min=0.1)] = 10,
    at_once: Annotated[int, typer.Option(help="most requests at the same time", min=1)] = 64,
    memory: Annotated[int, typer.Option(help="most MiB of one request, estimated before it begins", min=16)] = 512,
    memory_total: Annotated[
        int, typer.Option(help="most MiB of all requests; models and writing take about 400 more", min=16)
    ] = 1024,
    pages: Annotated[int, typer.Option(help="most pages of one request", min=1)] = 500,
    threads: Annotated[int, typer.Option(help="threads that write; 0: one per core", min=0)] = 0,
) -> None:
    """Run the studio, a page that writes in the browser, and an HTTP API for programs.

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
    from nextstroke.web.server.memory import share_arenas

    limits = Limits(
        body, text, points, length, seconds=seconds, sending=sending, at_once=at_once,
        memory=memory, memory_total=memory_total, pages=pages,
    )  # fmt: skip
    names = [part.strip() for part in name.split(",") if part.strip()]
    host = host.removeprefix("[").removesuffix("]")
    with _listening(host, port) as listening:
        share_arenas()
        app = make_app(limits, [*names, "127.0.0.1", "::1", "localhost", host], threads or os.cpu_count() or 1)
        shown = f"[{host}]" if ":" in host else host
        address = f"http://{shown}:{listening.getsockname()[1]}/"
        print(f"The studio is at {address} (Ctrl-C ends it)", file=sys.stderr, flush=True)
        make_server(app, limits, app.state.service.stop, log_level="warning").run([listening])


def _listening(host: str, port: int) -> socket.socket:
    from nextstroke.errors import UsageError

    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, *_, address = found[0]
        both = host == "::" and socket.has_dualstack_ipv6()
        return socket.create_server(address[:2], family=family, dualstack_ipv6=both)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"cannot listen at {host}:{port} ({reason}); give another --host or --port") from error
