"""HTTP: bodies, heads, host names, proxies, two servers on one port, and memory over thousands of requests."""

import http.client
import http.server
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from random import Random
from typing import Any, ClassVar

from benchmarks.attacks.judge import CPU_SECONDS, START, Fault, Group, Setting, judge, run, seconds_of
from benchmarks.attacks.odd import altered, damaged, nested, odd_value

STATUSES = {200, 400, 404, 405, 408, 411, 413, 415, 422, 429, 431}
CHOICES: dict[str, list[Any]] = {
    "text": ["Hello there", "a", "two\nlines", "one two three four " * 12, "x" * 300, "\n", "a\n" * 100],
    "style": ["wide", "none", "", "nobody", "A" * 400, "a" * 199_999],
    "bias": [0, 0.5, 1, 1000, 1e-300],
    "seed": [0, 1, 2**63 - 1, 2**63],
    "best_of": [1, 1, 1, 2, 16, 17],
    "format": ["svg", "png", "pdf", "gif", "apng", "inkml", "json", "gcode", "hpgl", "ndjson", "exe"],
    "page": [None, "a4", "a3", "100x50", "1x1", "5000x5000", "9" * 19 + "x" + "9" * 19, "99x" + "9" * 37, "30x20"],
    "size": [2.2, 0.1, 0.01, 100, 1e-300, 5e-324],
    "line_height": [10, 0.1, 0.01, 500, 1e-5, 1e-300, 5e-324],
    "margin": [0, 4, 500, None, 1e-300],
    "align": ["left", "center", "right", "up"],
    "ruled": [True, False],
    "pen": [0.35, 0.01, 50],
    "colour": ["navy", "navy,red", "#123", "nocolour", ","],
    "nib": [True, False],
    "animate": [True, False],
    "speed": [1, 0.1, 100],
    "dpi": [20, 100, 300, None, 299.999],
}
LINES = [{"text": "abc", "strokes": [[[0, 1.5], [2, 3]], [[5, 5]]]}]


def body_of_write(rng: Random) -> dict[str, Any]:
    """Return a request to write, of which each value alone is one that some request may have."""
    names = rng.sample(list(CHOICES), rng.choice([1, 3, 6, 12]))
    body: dict[str, Any] = {"text": "Hello", "best_of": 1} | {name: rng.choice(CHOICES[name]) for name in names}
    if len(body["text"]) > 50 and body["best_of"] > 2:
        body["best_of"] = 2
    return body


def body_of(rng: Random) -> tuple[str, Any]:
    """Return path and body of a request."""
    way = rng.randrange(6)
    if way < 4:
        return "/v1/write", body_of_write(rng)
    if way == 4:
        return "/v1/styles", {"lines": LINES * rng.choice([1, 2, 21]), "keep": rng.randrange(2) == 0}
    prime = rng.choice(["The ", "", "é\0", "x" * 500])
    body = {"prime": prime, "length": rng.choice([0, 5, 40, 20_001]), "temperature": rng.choice([0, 0.7, 100])}
    return "/v1/generate", body | {"top_k": rng.choice([None, 1, 10**9]), "top_p": rng.choice([1, 1e-300, 0.5])}


class Served(Group):
    """A server with its defaults, in a process of its own."""

    OPTIONS: ClassVar[list[str]] = []

    def __init__(self, folder: Path):
        super().__init__(folder)
        self.process, self.port = start(self.OPTIONS, folder)
        self.servers = [self.process.pid]

    def close(self) -> None:
        """End the server."""
        self.process.kill()
        self.process.wait()

    def ask(self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> Any:
        """Return status, headers and body of an answer; raises Fault where it is none that was promised."""
        before = seconds_of(self.process.pid)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=100)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            data = answer.read()
        except OSError as error:
            self._check_alive()
            raise Fault(f"no answer ({error!r})") from error
        finally:
            connection.close()
        if answer.status not in STATUSES:
            raise Fault(f"status {answer.status}: {data[:300]!r}")
        if answer.status >= 400 and method != "HEAD" and "error" not in json.loads(data):
            raise Fault(f"status {answer.status} without a reason: {data[:300]!r}")
        if answer.getheader("x-content-type-options") != "nosniff":
            raise Fault(f"status {answer.status} without the headers that keep browsers from guessing")
        spent = seconds_of(self.process.pid) - before
        if spent > CPU_SECONDS:
            raise Fault(f"{spent:.1f} s of processor time")
        return answer, data

    def _check_alive(self) -> None:
        if self.process.poll() is not None:
            raise Fault(f"the server ended with {self.process.returncode}")


class Bodies(Served):
    """Bodies whose values are odd, each or together; damaged JSON."""

    def attempt(self, number: int, rng: Random) -> None:
        path, body = body_of(rng)
        if number % 2:
            body = altered(rng, body, rng.choice([1, 1, 2]))
        data = json.dumps(body).encode()
        if number % 10 == 4:
            data = damaged(rng, data)
        elif number % 100 == 6:
            data = b"[" * rng.choice([10, 1000, 500_000])
        elif number % 100 == 16:
            data = json.dumps({"text": nested(50)} | {str(i): odd_value(rng) for i in range(200)}).encode()
        self.what = f"{path} {data[:300]!r}"
        self.ask("POST", path, data, {"content-type": "application/json"})


class Heads(Served):
    """Heads that are odd, broken, endless or for another host, as raw bytes."""

    OPTIONS: ClassVar = ["--sending", "1"]
    HOSTS: ClassVar = [
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "evil.example:8021",
        "0.0.0.0",
        "[::1",
        "[::2]",
        "169.254.169.254",
        "localhost@evil.example",
        "127.0.0.1#evil.example",
        "",
        " ",
        "LOCALHOST.",
        "a" * 9000,
        "127.1",
        "0x7f000001",
        "2130706433",
        "127.0.0.1, evil.example",
        "\xff\xfe",
        "evil.example\x00localhost",
        "*",
        "..",
    ]
    KNOWN: ClassVar = ["127.0.0.1", "localhost", "LocalHost:80", "[::1]:5", "127.0.0.1:99999", "localhost:"]
    PARTS: ClassVar = [
        b"content-length: -1",
        b"content-length: 9999999999999999999999",
        b"content-length: 5, 5",
        b"content-length: x",
        b"transfer-encoding: chunked",
        b"transfer-encoding: gzip",
        b"expect: 100-continue",
        b"upgrade: websocket",
        b"connection: upgrade",
        b"accept-encoding: gzip",
        b"range: bytes=0-9999999999999",
        b"range: bytes=-0",
        b"range: bytes=5-1,,-",
        b"if-none-match: *",
        b"content-encoding: gzip",
        b"content-type: text/plain",
        b"content-type: application/json",
        b"content-type: application/json; charset=utf-7",
        b"x: " + b"y" * 20_000,
        b"x-forwarded-for: \xff",
        b"x-forwarded-prefix: //evil.example",
        b"origin: null",
        b" folded: yes",
        b":",
        b"a\0b: c",
        b"cookie: " + b"a=b;" * 500,
    ]
    LINES: ClassVar = [
        b"GET / HTTP/1.1",
        b"GET /health HTTP/1.0",
        b"GET /health HTTP/9.9",
        b"HEAD / HTTP/1.1",
        b"OPTIONS * HTTP/1.1",
        b"TRACE / HTTP/1.1",
        b"CONNECT evil.example:443 HTTP/1.1",
        b"PRI * HTTP/2.0",
        b"GET  /  HTTP/1.1",
        b"G\0T / HTTP/1.1",
        b"GET http://evil.example/ HTTP/1.1",
        b"GET /../../etc/passwd HTTP/1.1",
        b"GET /%2e%2e/%00 HTTP/1.1",
        b"PUT / HTTP/1.1",
        b"GET /" + b"a" * 70_000 + b" HTTP/1.1",
        b"GET /\xff\xfe HTTP/1.1",
        b"DELETE /v1/styles HTTP/1.1",
        b"POST / HTTP/1.1",
        b"POST /v1/write HTTP/1.1",
        b"GET /v1/write HTTP/1.1",
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"",
        b"GET /models/../studio.js HTTP/1.1",
        b"GET /models/writer.onnx HTTP/1.1",
        b"GET /engine.json?a=%ff HTTP/1.1",
        b"GET /openapi.json HTTP/1.1",
    ]

    def attempt(self, number: int, rng: Random) -> None:
        foreign = rng.randrange(2) == 0
        host = rng.choice(self.HOSTS if foreign else self.KNOWN)
        parts = [rng.choice(self.LINES), b"host: " + host.encode("latin-1")]
        parts += rng.sample(self.PARTS, rng.choice([0, 1, 2, 3]))
        end = rng.choice([b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r"])
        data = (
            end.join(parts)
            + end * rng.choice([2, 2, 2, 1])
            + rng.choice([b"", b"{}", b"5\r\nhello\r\n0\r\n\r\n", b"\0" * 99])
        )
        if number % 5 == 4:
            data = damaged(rng, data)
            foreign = False
        self.what = f"{data[:300]!r}"
        told = self._exchange(data)
        statuses = [int(code) for code in re.findall(rb"^HTTP/1\.1 (\d{3}) ", told, re.MULTILINE)]
        if any(status >= 500 for status in statuses):
            raise Fault(f"{told[:300]!r}")
        if foreign and 200 in statuses:
            raise Fault("a foreign host name was accepted")
        if number % 10 == 0:
            self.ask("GET", "/health")

    def _exchange(self, data: bytes) -> bytes:
        """Return all that the server says until it closes the connection."""
        told = b""
        with socket.create_connection(("127.0.0.1", self.port)) as line:
            line.settimeout(30)
            try:
                with suppress(ConnectionError):
                    line.sendall(data)
                    line.shutdown(socket.SHUT_WR)
                    while len(told) < 10_000_000 and (part := line.recv(1 << 16)):
                        told += part
            except TimeoutError as error:
                self._check_alive()
                raise Fault("the connection was kept for 30 s") from error
        return told


class Sites(Group):
    """Servers behind a proxy with a prefix, on a port in use, with the longest work, and at their end."""

    def __init__(self, folder: Path):
        super().__init__(folder)
        self.ways: list[Callable[[], None]] = [
            self._prefix, self._one_port, self._long_text, self._long_request, self._end_under_way, self._leavers,
            self._described,
        ]  # fmt: skip
        self.has_schemathesis = find_spec("schemathesis") is not None

    def attempt(self, number: int, rng: Random) -> None:
        way = self.ways[number % len(self.ways)]
        self.what = way.__name__.strip("_")
        way()

    def _prefix(self) -> None:
        """The studio and the API below /pen/ of a proxy that takes the prefix away and has a name of its own."""
        with serving(["--name", "proxy.example"], self.folder) as (_, port), proxied(port, "/pen") as proxy_port:
            queue, seen = [""], set()
            while queue:
                name = queue.pop()
                if name in seen:
                    continue
                seen.add(name)
                status, data = fetch(proxy_port, f"/pen/{name}")
                if status != 200:
                    raise Fault(f"/pen/{name}: status {status}")
                queue += linked(name, data)
            if len(seen) < 10:
                raise Fault(f"only {sorted(seen)} were found to be linked")
            body = json.dumps({"text": "Hi", "best_of": 1}).encode()
            status, data = fetch(proxy_port, "/pen/v1/write", body)
            if status != 200 or not data.startswith(b"<?xml"):
                raise Fault(f"/pen/v1/write: status {status}, {data[:200]!r}")

    def _one_port(self) -> None:
        """A second server on the port is refused, whatever its address; the first goes on."""
        with serving([], self.folder) as (_, port):
            for host in ("127.0.0.1", "0.0.0.0", "localhost", "::"):
                outcome = run(["serve", "--port", str(port), "--host", host], Setting(self.folder, kill_after=60))
                if outcome.code != 2 or "cannot listen" not in outcome.err:
                    raise Fault(f"a second server at {host}: exit code {outcome.code}, {outcome.err[-200:]}")
            if fetch(port, "/health")[0] != 200:
                raise Fault("the first server does not answer any more")

    def _long_text(self) -> None:
        """The command writes 10,000 words with 64 candidates a line, until Ctrl-C, in bounded memory."""
        words = ["write", "-", "--best-of", "64", "--page", "a4", "-o", "long.svg"]
        text = " ".join(["word"] * 10_000).encode()
        command = ["timeout", "--preserve-status", "--signal=INT", "--kill-after=20", "25"]
        # The command is stopped by `timeout`, which gives its exit code.
        outcome = run(words, Setting(self.folder, text), command)
        if (self.folder / "long.svg").exists() and outcome.code:
            raise Fault("stopped, but left a file")
        judge(outcome, frozenset({0, 2, 5, 130}))

    def _long_request(self) -> None:
        """The server refuses 10,000 words, and 64 candidates, before any work."""
        with serving([], self.folder) as (process, port):
            for body in ({"text": "word " * 10_000}, {"text": "a", "best_of": 64}):
                before = seconds_of(process.pid)
                status, data = fetch(port, "/v1/write", json.dumps(body).encode())
                if status != 413 or seconds_of(process.pid) - before > 2:
                    raise Fault(f"status {status} after {seconds_of(process.pid) - before:.1f} s, {data[:200]!r}")

    def _end_under_way(self) -> None:
        """SIGTERM while requests are under way and others are half sent."""
        with ExitStack() as lines, serving(["--seconds", "500"], self.folder) as (process, port):
            body = json.dumps({"text": "many words " * 300, "best_of": 16}).encode()
            for number in range(10):
                line = lines.enter_context(socket.create_connection(("127.0.0.1", port)))
                line.sendall(head("/v1/write", len(body)) + body[: len(body) if number % 2 else 50])
            time.sleep(1)
            began = time.monotonic()
            process.terminate()
            try:
                code = process.wait(60)
            except subprocess.TimeoutExpired as error:
                raise Fault("not ended 60 s after SIGTERM") from error
            if code != 128 + signal.SIGTERM or time.monotonic() - began > 20:
                raise Fault(f"ended with {code} after {time.monotonic() - began:.1f} s")

    def _leavers(self) -> None:
        """A hundred clients leave at once; then the server still has time for the next."""
        with serving([], self.folder) as (_, port):
            body = json.dumps({"text": "many words " * 100, "best_of": 4}).encode()
            for number in range(100):
                with socket.create_connection(("127.0.0.1", port)) as line:
                    line.sendall(head("/v1/write", len(body)) + body[: len(body) if number % 2 else 50])
            for _ in range(100):
                status, _data = fetch(port, "/v1/write", json.dumps({"text": "Hi", "best_of": 1}).encode())
                if status == 200:
                    return
                if status != 429:
                    raise Fault(f"status {status}")
                time.sleep(0.5)
            raise Fault("still busy with the requests of clients that left")

    def _described(self) -> None:
        """Requests that the OpenAPI description allows or forbids (schemathesis)."""
        if not self.has_schemathesis:
            return
        with serving(["--text", "40", "--length", "100"], self.folder) as (_, port):
            command = [sys.executable, "-m", "schemathesis.cli", "run", f"http://127.0.0.1:{port}/openapi.json"]
            checks = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
            options = ["-n", "100", "--seed", "2", "--checks", checks, "--request-timeout", "240", "--no-color"]
            done = subprocess.run([*command, *options], capture_output=True, text=True, cwd=self.folder)
            if done.returncode:
                raise Fault(done.stdout[-1500:])

    def figures(self) -> dict[str, Any]:
        """Return whether requests could be made up from the description."""
        return {} if self.has_schemathesis else {"not tried": "schemathesis is missing"}


class Memory(Served):
    """Thousands of mixed requests to one server, whose memory stays as it is.

    A sixth of the requests comes first, so that everything has been loaded and the largest pieces have been taken.
    """

    WARM: ClassVar = 6  # the share of requests that come before memory is compared
    GROWTH = 0.10  # that the last sixth may take more than the second one
    EVERY = 100

    def __init__(self, folder: Path):
        super().__init__(folder)
        self.curve: list[tuple[int, float]] = []

    def attempt(self, number: int, rng: Random) -> None:
        path, body = body_of(rng)
        self.what = f"{path} {json.dumps(body)[:300]}"
        leaves = number % 11 == 0
        if leaves:
            data = json.dumps(body).encode()
            with socket.create_connection(("127.0.0.1", self.port)) as line:
                line.sendall(head(path, len(data)) + data)
        elif number % 13 == 0:
            self.ask("GET", rng.choice(["/", "/health", "/v1/styles", "/openapi.json", "/models/writer.onnx", "/x"]))
        else:
            self.ask("POST", path, json.dumps(body).encode(), {"content-type": "application/json"})
        if (number + 1) % self.EVERY == 0:
            self.curve.append((number + 1, resident(self.process.pid)))

    def figures(self) -> dict[str, Any]:
        """Return the curve of resident memory, and by what share it grew from the second sixth to the last."""
        found: dict[str, Any] = {"resident MB": [(count, round(size, 1)) for count, size in self.curve]}
        part = len(self.curve) // self.WARM
        if part:
            early = max(size for _, size in self.curve[part : 2 * part])
            found["growth"] = round(max(size for _, size in self.curve[-part:]) / early - 1, 3)
        if found.get("growth", 0) > self.GROWTH:
            found["fault"] = f"memory grew by {found['growth']:.1%} from the second sixth of the requests to the last"
        return found


def start(options: list[str], folder: Path) -> tuple[subprocess.Popen[str], int]:
    """Start a server; return its process and port."""
    command = [sys.executable, "-c", START, "serve", "--port", "0", *options]
    with open(folder / "server.log", "a") as log:
        process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=log, text=True, cwd=folder)
    assert process.stderr
    found = re.search(r":(\d+)/ ", process.stderr.readline())
    if not found:
        process.kill()
        raise Fault("the server did not start")
    threading.Thread(target=process.stderr.read, daemon=True).start()
    return process, int(found[1])


@contextmanager
def serving(options: list[str], folder: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Give the process and the port of a server; it is killed at the end."""
    process, port = start(options, folder)
    try:
        yield process, port
    finally:
        process.kill()
        process.wait()


def head(path: str, length: int) -> bytes:
    """Return the head of a request with a body of JSON."""
    lines = [f"POST {path} HTTP/1.1", "host: 127.0.0.1", "content-type: application/json", f"content-length: {length}"]
    return "\r\n".join([*lines, "", ""]).encode()


def fetch(port: int, path: str, body: bytes | None = None) -> tuple[int, bytes]:
    """Return status and body of an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=100)
    try:
        headers = {"content-type": "application/json"} if body else {}
        connection.request("POST" if body else "GET", path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def linked(name: str, data: bytes) -> list[str]:
    """Return the files that a page, a script or a style sheet names; raises Fault for one outside of its folder."""
    if not name.endswith((".js", ".css", ".html")) and name:
        return []
    text = data.decode("utf-8")
    found = re.findall(r"""(?:src|href)="([^"#:]+)"|(?:from|import)\s+"(\.[^"]+)"|new URL\("([^"]+)",""", text)
    names = []
    for link in ("".join(parts) for parts in found):
        path = os.path.normpath(os.path.join(os.path.dirname(name), link.split("?")[0]))
        if link.startswith("/") or path.startswith(".."):
            raise Fault(f"{name or 'the page'} names {link}, which is outside of the prefix")
        names.append("" if path == "." else path)
    return names


@contextmanager
def proxied(port: int, prefix: str) -> Iterator[int]:
    """Give the port of a reverse proxy of a server; it takes a prefix away."""
    proxy = http.server.ThreadingHTTPServer(("127.0.0.1", 0), proxy_to(port, prefix))
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    try:
        yield proxy.server_address[1]
    finally:
        proxy.shutdown()
        proxy.server_close()


def proxy_to(port: int, prefix: str) -> type[http.server.BaseHTTPRequestHandler]:
    """Return the handler of a reverse proxy that takes a prefix away."""

    class Proxy(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._forward(None)

        def do_POST(self) -> None:
            self._forward(self.rfile.read(int(self.headers["content-length"])))

        def _forward(self, body: bytes | None) -> None:
            if not self.path.startswith(prefix + "/"):
                self.send_error(404)
                return
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=100)
            headers = {"host": "proxy.example", "content-type": self.headers.get("content-type", "")}
            connection.request(self.command, self.path[len(prefix) :], body, headers)
            answer = connection.getresponse()
            data = answer.read()
            connection.close()
            self.send_response(answer.status)
            self.send_header("content-type", answer.getheader("content-type", ""))
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Proxy


def resident(process: int) -> float:
    """Return the resident memory of a process in MB."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) * 1024 / 1e6
