import os
import re
import signal
import socket
import subprocess
import sys

import httpx
import pytest

from nextstroke.cli.main import main
from tests.conftest import START


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_studio_is_served_until_it_is_told_to_stop(number, code):
    command = [sys.executable, "-c", START, "serve", "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        address = re.search(r"http://\S+", server.stderr.readline())[0]
        assert httpx.get(f"{address}health").json()["status"] == "ok"
        os.kill(server.pid, number)
        assert server.wait(20) == code
        assert "Traceback" not in server.stderr.read()


def test_a_port_that_is_taken_is_said(capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert main(["serve", "--port", str(taken.getsockname()[1])]) == 2
    assert "cannot listen" in capsys.readouterr().err


def test_an_address_that_is_none_is_said(capsys):
    assert main(["serve", "--host", "300.1.1.1"]) == 2
    assert "300.1.1.1" in capsys.readouterr().err
