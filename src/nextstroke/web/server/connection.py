"""Connections: how long one may take to say what it wants, how many there are at most, and how the server ends."""

import asyncio
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from nextstroke.web.server.request_limits import Limits

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

FILES_ELSEWHERE = 512  # file descriptors of a process where the system does not say (Windows)
RESERVED_FILES = 40  # file descriptors for everything but connections
TURNS = 4  # of the event loop, from accepting a connection to closing another
# Seconds after the signal to stop: when work is given up, when connections are cut off, when the process ends anyway.
WORK_ENDS, CONNECTIONS_END, PROCESS_ENDS = 2.0, 3, 4.5


def make_server(app: Any, limits: Limits, stop: Callable[[], None], **settings: Any) -> "Server":
    """The server of an application.

    Args:
        stop: Gives up all work; called from another thread when the server has to end.
        settings: Of uvicorn.
    """
    most, backlog = connection_counts()
    kind = type("LimitedConnection", (Connection,), {"seconds": limits.sending, "most": most})
    config = uvicorn.Config(
        app,
        http=kind,
        ws="none",
        server_header=False,
        backlog=backlog,
        timeout_graceful_shutdown=CONNECTIONS_END,
        **settings,
    )
    return Server(config, stop)


def connection_counts() -> tuple[int, int]:
    """Return how many connections the process has file descriptors for, and how many it may accept at once.

    A connection is accepted some turns of the event loop before it, or another one instead, can be closed.
    """
    if resource is None:
        files = FILES_ELSEWHERE
    else:
        files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        if files == resource.RLIM_INFINITY:
            files = 1 << 16
    backlog = min(max(files // 16, 8), 512)
    return max(8, files - RESERVED_FILES - TURNS * backlog), backlog


class Server(uvicorn.Server):
    """Ends within PROCESS_ENDS seconds after the signal, whatever clients or threads do."""

    def __init__(self, config: uvicorn.Config, stop: Callable[[], None]):
        super().__init__(config)
        self.stop = stop
        self.ending = False

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to end. In a thread: a lock that the interrupted code holds would never be free here."""
        super().handle_exit(sig, frame)
        if not self.ending:
            self.ending = True
            threading.Thread(target=self._end, args=(sig,), daemon=True).start()

    def _end(self, sig: int) -> None:
        time.sleep(WORK_ENDS)
        self.stop()
        time.sleep(PROCESS_ENDS - WORK_ENDS)
        # A thread in a call that cannot be broken off would keep the process.
        print(f"nextstroke: stopped by {signal.Signals(sig).name}; work was cut off", file=sys.stderr, flush=True)
        os._exit(128 + sig)


class Connection(H11Protocol):
    """One connection.

    The head of each request must arrive within `seconds`. Beyond `most` connections the one that has waited longest
    without a request under way is closed; where all have one, the new connection is refused.
    """

    seconds: float
    most: int

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin."""
        super().connection_made(transport)
        self.since = self.loop.time()
        self.timer: asyncio.TimerHandle | None = None
        if len(self.connections) > self.most:
            waiting = [other for other in self.connections if isinstance(other, Connection) and other._waits()]
            longest = min(waiting, key=lambda other: other.since)  # this one waits too
            longest._refuse(503, "too many connections; try again in a while")
        self._watch()

    def data_received(self, data: bytes) -> None:
        """Take in bytes."""
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        super().connection_lost(exc)
        self._unwatch()

    def _waits(self) -> bool:
        """Whether the head of a request is not yet there."""
        return self.conn.their_state is h11.IDLE and not self.transport.is_closing()

    def _watch(self) -> None:
        """Start the clock of a head that begins, stop that of one that is whole."""
        if not self._waits():
            self._unwatch()
        elif self.timer is None:
            self.since = self.loop.time()
            self.timer = self.loop.call_later(self.seconds, self._late)

    def _unwatch(self) -> None:
        if self.timer:
            self.timer.cancel()
            self.timer = None

    def _late(self) -> None:
        if self._waits():
            self._refuse(408, f"the head of the request did not arrive within {self.seconds:g} s")

    def _refuse(self, status: int, message: str) -> None:
        self._unwatch()
        body = json.dumps({"error": message}).encode()
        reason = {408: "Request Timeout", 503: "Service Unavailable"}[status]
        head = f"HTTP/1.1 {status} {reason}\r\ncontent-type: application/json\r\nx-content-type-options: nosniff\r\n"
        self.transport.write(f"{head}content-length: {len(body)}\r\nconnection: close\r\n\r\n".encode() + body)
        # Its place is free now, though the operating system may still hold what was written.
        self.connections.discard(self)
        self.transport.close()
