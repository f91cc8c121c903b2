import threading
import time

import pytest
import uvicorn

from nextstroke.web.limits import Limits
from nextstroke.web.server import make_app

LIMITS = Limits(text=300, length=2000, points=2000, seconds=20.0, sending=1.0, at_once=8, kept=2)


class Served:
    """A server in a thread of its own, on a port of its own."""

    def __init__(self, app):
        self.server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", ws="none"))
        self.thread = threading.Thread(target=self.server.run)

    def __enter__(self):
        self.thread.start()
        while not self.server.started:
            time.sleep(0.02)
        self.port = self.server.servers[0].sockets[0].getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        return self

    def __exit__(self, *error):
        self.server.should_exit = True
        self.thread.join(20)


@pytest.fixture(scope="session")
def served():
    with Served(make_app(LIMITS, threads=1)) as server:
        yield server
