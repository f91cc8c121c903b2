import json
import shutil
import subprocess
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from nextstroke.runtime.model_file import load_model
from nextstroke.web.engine_constants import engine_json
from nextstroke.web.server.app import make_app
from nextstroke.web.server.connection import make_server
from nextstroke.web.server.request_limits import Limits
from nextstroke.web.site import site_files

HEAD = "POST /v1/write HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n"
LIMITS = Limits(text=300, length=2000, points=2000, seconds=200.0, sending=1.0, at_once=8, kept=2)


class Served:
    """A server in a thread of its own, on a port of its own."""

    def __init__(self, app):
        self.app = app
        service = app.state.service
        self.server = make_server(app, service.limits, service.stop, port=0, log_level="error")
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


@pytest.fixture(scope="session")
def client(served):
    with httpx.Client(base_url=served.address, timeout=200) as client:
        yield client


@pytest.fixture
def studio(chromium, served):
    """A fresh page without motion; at its end, its console is empty and nothing was asked of another host."""
    context = chromium.new_context(
        accept_downloads=True,
        permissions=["clipboard-read", "clipboard-write"],
        reduced_motion="reduce",
        service_workers="block",
    )
    with watched(context, served) as page:
        yield page


@contextmanager
def watched(context, served):
    """A page of a context, which is closed at the end; see `studio`."""
    page, told, asked = context.new_page(), [], []
    page.on("console", lambda message: told.append(message.text))
    page.on("pageerror", lambda error: told.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.set_default_timeout(200_000)
    page.told = told
    page.address = served.address
    page.open = lambda fragment="": _open(page, served.address, fragment)
    yield page
    context.close()
    assert [line for line in told if "blocked by Playwright" not in line] == []
    assert all(url.startswith((served.address, "blob:", "data:")) for url in asked)


def _open(page, address, fragment):
    """Open a state; with one attempt at each line where it does not say how many."""
    if "candidates=" not in fragment:
        fragment += "&candidates=1" if fragment else "#candidates=1"
    page.goto("about:blank")  # another fragment alone would not load the page again
    page.goto(f"{address}/{fragment}")
    page.wait_for_selector("#pages[data-ready]", state="attached")


@pytest.fixture(scope="session")
def browser_engine(tmp_path_factory):
    """Runs jobs (vectors.mjs) in the browser's engine, all of one call in one process of node."""
    node = shutil.which("node")
    if not node:
        pytest.skip("NOT TESTED: the browser's engine, for want of node; on Debian or Ubuntu: apt-get install nodejs")
    files = site_files()
    constants = tmp_path_factory.mktemp("engine") / "engine.json"
    constants.write_bytes(engine_json())
    inputs = [files["engine/sampler.js"].parent, files["models/writer.onnx"].parent, constants]
    command = [node, Path(__file__).parent / "vectors.mjs", *inputs]

    def run(*jobs):
        done = subprocess.run(command, input=json.dumps(jobs), capture_output=True, text=True, timeout=240)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


@pytest.fixture(scope="session")
def writer():
    return load_model("writer", "writer")
