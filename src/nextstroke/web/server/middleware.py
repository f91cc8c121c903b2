"""ASGI middleware: headers, body type, time-outs and concurrency."""

import asyncio
import ipaddress
from collections.abc import Sequence

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from nextstroke.errors import LimitExceeded
from nextstroke.web.server.memory import Busy, MemoryPool
from nextstroke.web.server.request_limits import Limits

# Nothing but what this host serves; WebAssembly needs a word of its own.
POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
HEADERS = [
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
]
NOT_KEPT = (b"cache-control", b"no-cache")  # where an answer does not say otherwise
CLOSE = {"connection": "close"}
AGAIN = {"retry-after": "2"}
READ_BYTES = 24  # of memory for a byte of JSON: a point in 6 bytes becomes a list and two numbers


class Guard:
    """An ASGI middleware.

    Refuses with 400 a host name that it was not given, so that no foreign page can reach it by a name of its own; with
    415 a body that is not JSON; with 429 more requests than `at_once`, or than there is memory to read them; with 408 a
    client that takes longer than `sending` for its body.
    """

    def __init__(self, app: ASGIApp, limits: Limits, memory: MemoryPool, hosts: Sequence[str]):
        self.app = app
        self.limits = limits
        self.memory = memory
        self.hosts = {host.lower() for host in hosts}
        self.busy = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal:
            await refusal(scope, receive, _with_headers(send))
            return
        if scope["method"] != "POST":
            await self._serve(scope, receive, _with_headers(send))
            return
        self.busy += 1
        try:
            with self.memory.reserved(READ_BYTES * self._declared(scope)):
                await self._serve(scope, receive, _with_headers(send))
        except LimitExceeded as error:
            status = 429 if isinstance(error, Busy) else 413
            await refused(status, str(error), AGAIN if status == 429 else None)(scope, receive, _with_headers(send))
        finally:
            self.busy -= 1

    def _known(self, host: str, scope: Scope) -> bool:
        """Whether the server may be called so: by a name given, or by the very address that the request came to."""
        if "*" in self.hosts or host in self.hosts:
            return True
        if any(known.startswith("*.") and host.endswith(known[1:]) for known in self.hosts):
            return True
        # No name of a foreign page leads to a bare address, so it cannot be misused as a name can.
        own = address(str((scope.get("server") or ("",))[0]))
        return own is not None and address(host) == own

    def _declared(self, scope: Scope) -> int:
        """Return the bytes of the body as its header says, or, where that says nothing, as many as are taken."""
        length = dict(scope["headers"]).get(b"content-length", b"")
        return int(length) if length.isdigit() and len(length) < 20 else self.limits.body

    def _too_large(self) -> JSONResponse:
        return refused(413, f"the body has more than {self.limits.body} bytes; send less")

    def _refusal(self, scope: Scope) -> JSONResponse | None:
        headers = dict(scope["headers"])
        host = host_name(headers.get(b"host", b"").decode("latin-1"))
        if not self._known(host, scope):
            return refused(400, f"host name {host[:100]!r} is not known; start the server with --name {host[:100]}")
        if scope["method"] != "POST":
            return None
        kind = headers.get(b"content-type", b"").split(b";")[0].strip().lower()
        if kind != b"application/json":
            return refused(415, "send JSON, with the header content-type: application/json")
        if self._declared(scope) > self.limits.body:
            return self._too_large()
        if self.busy >= self.limits.at_once:
            return refused(429, f"{self.busy} requests are under way; try again in a while", AGAIN)
        return None

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request whose body comes in time and is not too large; else answer in place of the application.

        To the application, a client that was answered so has left.
        """
        ends = asyncio.get_running_loop().time() + self.limits.sending
        whole = answered = False
        size = 0

        async def answer(response: JSONResponse) -> Message:
            nonlocal answered
            answered = True
            await response(scope, receive, send)
            return {"type": "http.disconnect"}

        async def body() -> Message:
            nonlocal whole, size
            if whole:
                return await receive()
            try:
                message = await asyncio.wait_for(receive(), ends - asyncio.get_running_loop().time())
            except TimeoutError:
                return await answer(refused(408, f"the request did not arrive within {self.limits.sending:g} s", CLOSE))
            size += len(message.get("body", b""))
            if size > self.limits.body:  # of a body in pieces, whose header says no length
                return await answer(self._too_large())
            whole = not message.get("more_body", False)
            return message

        async def unless_answered(message: Message) -> None:
            if not answered:
                await send(message)

        await self.app(scope, body, unless_answered)


def host_name(told: str) -> str:
    """Return the name in a Host header, lower case, without its port and without the brackets of IPv6."""
    if told.startswith("["):
        name, bracket, _ = told[1:].partition("]")
        return name.lower() if bracket else told.lower()
    return told.partition(":")[0].lower()


def address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return the address that a host is given by; None for a name. IPv4 within IPv6 is IPv4."""
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def refused(status: int, message: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """An answer that says why not."""
    return JSONResponse({"error": message}, status, headers)


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = list(message["headers"])
            kept = [] if any(name == b"cache-control" for name, _ in own) else [NOT_KEPT]
            message["headers"] = [*own, *HEADERS, *kept]
        await send(message)

    return sending
