import json
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from functools import partial

import httpx
import pytest

from nextstroke.cli.main import main
from tests.conftest import START
from tests.web.conftest import HEAD

PATIENCE = 120  # seconds: what takes longer hangs, however busy the machine is
get = partial(httpx.get, timeout=PATIENCE)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_studio_is_served_until_a_signal(number, code):
    command = [sys.executable, "-c", START, "serve", "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        address = re.search(r"http://\S+", server.stderr.readline())[0]
        assert get(f"{address}health").json()["status"] == "ok"
        os.kill(server.pid, number)
        assert server.wait(PATIENCE) == code
        assert "Traceback" not in server.stderr.read()


@contextmanager
def serving(*options, files=None):
    """A server process; its output is read after it has ended."""

    def limit():
        if files:
            resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))

    command = [sys.executable, "-c", START, "serve", "--port", "0", *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, preexec_fn=limit) as server:
        try:
            server.address = re.search(r"http://\S+", server.stderr.readline())[0]
            server.port = int(server.address.rstrip("/").rpartition(":")[2])
            yield server
        finally:
            server.kill()


def test_clients_that_do_not_read_do_not_keep_it_from_ending():
    with serving() as server, ExitStack() as lines:
        for _ in range(20):
            line = lines.enter_context(socket.socket())
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            line.connect(("127.0.0.1", server.port))
            line.sendall(b"GET /models/text.onnx.gz HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n")
            assert line.recv(10) == b"HTTP/1.1 2"
        server.terminate()
        assert server.wait(PATIENCE) == 143


@pytest.mark.parametrize("path", ["write", "styles"])
def test_work_under_way_does_not_keep_it_from_ending(path):
    line = {"text": "many words of a line " * 9, "strokes": [[[i, i % 9] for i in range(300)]] * 10}
    order = {"write": {"text": "many words " * 300, "best_of": 16}, "styles": {"lines": [line] * 6}}[path]
    with serving("--seconds", "500") as server, socket.create_connection(("127.0.0.1", server.port)) as client:
        body = json.dumps(order).encode()
        client.sendall(HEAD.replace("write", path).format(len(body)).encode() + body)
        while get(f"{server.address}health").status_code != 200:
            pass
        time.sleep(1)
        server.terminate()
        assert server.wait(PATIENCE) == 143


def test_a_call_that_cannot_be_broken_off_does_not_keep_it_from_ending():
    start = (
        "import time; from nextstroke.web.server.service import Service; Service.styles = lambda self: time.sleep(300)"
    )
    command = [sys.executable, "-c", f"{start}\n{START}", "serve", "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        port = int(re.search(r":(\d+)/", server.stderr.readline())[1])
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(b"GET /v1/styles HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n")
            time.sleep(1)
            server.terminate()
            try:
                assert server.wait(PATIENCE) == 143
            finally:
                server.kill()
        assert "work was cut off" in server.stderr.read()


def test_with_few_file_descriptors_it_still_answers():
    with serving(files=100) as server, ExitStack() as lines:
        for _ in range(150):
            line = lines.enter_context(socket.create_connection(("127.0.0.1", server.port)))
            line.sendall(b"GET /health HTTP/1.1\r\n")
        for _ in range(3):
            assert get(f"{server.address}health").json()["status"] == "ok"
        server.terminate()
        assert "Too many open files" not in server.stderr.read()


def test_addresses_of_the_machine_are_known():
    with serving("--host", "0.0.0.0") as server:
        assert get(f"http://127.0.0.2:{server.port}/health").status_code == 200
        headers = {"host": "machine.example"}
        answer = get(f"http://127.0.0.2:{server.port}/health", headers=headers)
        assert "--name machine.example" in answer.json()["error"]


def test_an_address_of_ipv6_is_served():
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("NOT TESTED with IPv6: this machine has none")
    with serving("--host", "::1") as server:
        assert server.address == f"http://[::1]:{server.port}/"
        assert get(f"{server.address}health").status_code == 200


def test_a_port_in_use_is_named(capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert main(["serve", "--port", str(taken.getsockname()[1])]) == 2
    assert "cannot listen" in capsys.readouterr().err


def test_an_invalid_address_is_named(capsys):
    assert main(["serve", "--host", "300.1.1.1"]) == 2
    assert "300.1.1.1" in capsys.readouterr().err
