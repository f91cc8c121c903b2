"""No library sends anything or stores an identifier: every file made and every connection is looked at."""

import ast
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

import nextstroke
from tests.conftest import START

ROOT = Path(__file__).parent.parent
LOADER = "src/nextstroke/runtime/onnx_session.py"
NETWORK = re.compile(r"sa_family=AF_INET6?\b.*")
LOOPBACK = re.compile(r'"127\.0\.0\.1"|"::1"')
API = """
import nextstroke as ns
ns.write("Hi", style="wide", best_of=1).save("hi.svg")
ns.decompress(ns.compress(b"some text, some more text"))
"""
COMMANDS = {
    "write": ["-c", START, "write", "Hi", "-o", "hi.png", "--best-of", "1"],
    "generate": ["-c", START, "generate", "--prime", "The ", "--length", "3"],
    "compress": ["-c", START, "compress", "-c", "texts.jsonl", "-o", "-"],
    "batch in two processes": ["-c", START, "batch", "texts.jsonl", "-o", "ink", "--shard", "1"]
    + ["--workers", "2", "--best-of", "1"],
    "Python": ["-c", API],
}


@pytest.fixture
def private(tmp_path, monkeypatch):
    """An empty home folder and an environment without the variables that switch telemetry off; gives both."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "texts.jsonl").write_text('"one"\n"two"\n')
    env = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(Path(nextstroke.__file__).parents[1]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home / "cache"),
        "TMPDIR": str(home),
        "ORT_DISABLE_TELEMETRY": "0",  # a value that leaves telemetry on
    }
    return home, env


@pytest.fixture(scope="session")
def strace():
    """The program strace; skips loudly where it is missing or not permitted."""
    program = shutil.which("strace")
    if not program or subprocess.run([program, "-f", "true"], capture_output=True).returncode:
        pytest.skip("connections are NOT TESTED: strace is missing or not permitted; apt-get install strace")
    return program


def traced(strace, folder):
    """The start of a command line that records the network calls of a process and of its children in files."""
    return [strace, "-ff", "-qq", "-e", "trace=connect,sendto,sendmsg,sendmmsg", "-o", str(folder / "trace")]


def foreign_addresses(folder):
    traces = list(folder.glob("trace.*"))
    assert traces
    calls = [line for path in traces for line in NETWORK.findall(path.read_text("utf-8", "replace"))]
    return [call for call in calls if not LOOPBACK.search(call)]


@pytest.mark.parametrize("arguments", COMMANDS.values(), ids=COMMANDS.keys())
def test_nothing_is_left_in_the_home_folder(private, arguments):
    home, env = private
    subprocess.run([sys.executable, *arguments], env=env, check=True, capture_output=True, timeout=240)
    assert sorted(home.rglob("*")) == []


@pytest.mark.parametrize("arguments", COMMANDS.values(), ids=COMMANDS.keys())
def test_nothing_is_sent(private, strace, tmp_path, arguments):
    _, env = private
    command = [*traced(strace, tmp_path), sys.executable, *arguments]
    subprocess.run(command, env=env, check=True, capture_output=True, timeout=240)
    assert foreign_addresses(tmp_path) == []


def test_a_server_sends_nothing_but_its_answers(private, strace, tmp_path):
    home, env = private
    command = [*traced(strace, tmp_path), sys.executable, "-c", START, "serve", "--port", "0"]
    with subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True, start_new_session=True) as server:
        try:
            address = re.search(r"http://\S+", server.stderr.readline())[0]
            answer = httpx.post(f"{address}v1/write", json={"text": "Hi", "best_of": 1}, timeout=200)
        finally:
            os.killpg(server.pid, signal.SIGTERM)
    assert answer.status_code == 200
    assert foreign_addresses(tmp_path) == []
    assert sorted(home.rglob("*")) == []


def test_a_connection_would_be_seen(private, strace, tmp_path):
    """The check itself: a datagram to an address of the documentation range, which no network routes."""
    _, env = private
    sends = "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect_ex(('192.0.2.1', 9))"
    subprocess.run([*traced(strace, tmp_path), sys.executable, "-c", sends], env=env, check=True)
    assert len(foreign_addresses(tmp_path)) == 1


def imported(source):
    """The top-level packages that a Python source imports anywhere in it."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").split(".")[0]
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) in LATE:
            yield from (str(getattr(word, "value", "")).split(".")[0] for word in node.args)


LATE = {"import_module", "importorskip", "__import__"}


def test_onnxruntime_is_imported_in_one_place_only():
    paths = [path for folder in ("src", "benchmarks", "tests", "docs") for path in (ROOT / folder).rglob("*.py")]
    found = {str(path.relative_to(ROOT)) for path in paths if "onnxruntime" in imported(path.read_text("utf-8"))}
    assert found == {LOADER}


@pytest.mark.parametrize(
    "source",
    ["import onnxruntime as ort", "def f():\n    from onnxruntime.capi import x", "import_module('onnxruntime')"],
)
def test_an_import_elsewhere_would_be_seen(source):
    assert "onnxruntime" in imported(source)
