"""How soon the studio is usable and writes, in Chromium, from a folder on a web host and from `nextstroke serve`.

    python -m benchmarks studio [--rounds 7] [--json]

Each load is that of a browser without a cache. The time of a fixed loop in the same browser is measured before and
after all rounds: it shows how fast the machine was.
"""

import gzip
import json
import shutil
import statistics
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.attacks.server import serving
from nextstroke.errors import UsageError
from nextstroke.web.site import TYPES, export_site

WARM_UP = 5  # redraws before memory is measured
REDRAWS = 50
TYPED = "#text=good%20mornin&candidates=1"
REDRAWN = "#text=good%20morning&candidates=1"
READY = "#pages[data-ready]"

# Notes the time of the first ink, and of the first ink after each input, as the next frame shows it.
WATCH = """() => {
  window.ink = { first: null, input: null, after: null };
  const see = (changes) => {
    const drawn = changes.some(({ target, attributeName }) =>
      attributeName === "d" && target.closest?.("#pages .line") && target.getAttribute("d"));
    if (!drawn) return;
    requestAnimationFrame(() => {
      ink.first ??= performance.now();
      if (ink.input !== null) ink.after ??= performance.now();
    });
  };
  new MutationObserver(see).observe(document, { subtree: true, attributes: true, attributeFilter: ["d"] });
  addEventListener("input", () => Object.assign(ink, { input: performance.now(), after: null }), true);
}"""
LOOP = """() => {
  const start = performance.now();
  let value = 1;
  for (let i = 0; i < 3e7; i++) value = (Math.imul(value, 1664525) + 1013904223) | 0;
  return value === 0.5 ? 0 : performance.now() - start;
}"""


class Row(NamedTuple):
    """A figure of one host: the median of all rounds, the least, and what is wanted."""

    host: str
    figure: str
    unit: str
    median: float
    least: float
    wanted: float | None = None


def bench_studio(rounds: int) -> list[Row]:
    """Measure the studio as an exported site and as `nextstroke serve` serves it.

    Raises:
        UsageError: playwright or Chromium is missing.
    """
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise UsageError("playwright is missing; install it: pip install playwright") from None
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if not program:
        raise UsageError("chromium is missing; on Debian or Ubuntu: apt-get install chromium")
    rows = []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        before = loop_times(browser, rounds)
        for host, serve in (("export", exported), ("serve", served)):
            with serve() as address:
                rows += host_rows(host, browser, address, rounds)
        for when, times in (("before", before), ("after", loop_times(browser, rounds))):
            rows.append(Row("this machine", f"loop of 3e7 steps, {when}", "ms", *middle(times)))
        browser.close()
    return rows


def host_rows(host: str, browser: Any, address: str, rounds: int) -> list[Row]:
    """Measure one host."""
    load_times(browser, address)  # the first answers are packed, and the browser compiles its own parts
    loads = [load_times(browser, address) for _ in range(rounds)]
    typed = typing_times(browser, address, rounds)
    memory = memory_growth(browser, address, rounds)
    interactive, first, megabytes = (list(each) for each in zip(*loads, strict=True))
    return [
        Row(host, "interactive", "s", *middle(interactive), 0.5),
        Row(host, "first ink", "s", *middle(first), 1.0),
        Row(host, "packed to first ink", "MB", *middle(megabytes), 6.0),
        Row(host, "letter to ink", "s", *middle(typed), 0.4),
        *[Row(host, name, "MB", *middle(values)) for name, values in memory.items()],
    ]


def middle(values: list[float]) -> tuple[float, float]:
    """Return the median and the minimum."""
    return statistics.median(values), min(values)


def loop_times(browser: Any, rounds: int) -> list[float]:
    """Return the milliseconds that a fixed loop takes."""
    page = browser.new_page()
    times = [page.evaluate(LOOP) for _ in range(rounds)]
    page.close()
    return times


def load_times(browser: Any, address: str) -> tuple[float, float, float]:
    """Load the studio without a cache: seconds until it is interactive, seconds and packed MB until the first ink."""
    context = browser.new_context(service_workers="block")
    page = context.new_page()
    requests: list[Any] = []
    page.on("requestfinished", lambda request: requests.append(request))
    page.add_init_script(f"({WATCH})()")
    page.goto(address + "/")
    until(page, "ink.first")
    first = page.evaluate("ink.first")
    origin = page.evaluate("performance.timeOrigin")
    interactive = page.evaluate("performance.getEntriesByName('interactive')[0].startTime")
    page.wait_for_selector(READY, state="attached", timeout=120_000)
    packed = 0
    for request in requests:
        ended = request.timing["startTime"] + request.timing["responseEnd"]
        if ended <= origin + first:
            sizes = request.sizes()
            packed += sizes["responseBodySize"] + sizes["responseHeadersSize"]
    context.close()
    return interactive / 1e3, first / 1e3, packed / 1e6


def until(page: Any, condition: str) -> None:
    """Wait for a condition of the page; its policy of scripts forbids what playwright has for that."""
    page.evaluate(
        f"new Promise((done) => {{ const look = () => (({condition}) ? done() : setTimeout(look, 10)); look(); }})"
    )


def typing_times(browser: Any, address: str, rounds: int) -> list[float]:
    """Return the seconds from a typed letter until ink of the new text is shown, at one attempt at each line."""
    context = browser.new_context(service_workers="block")
    page = context.new_page()
    page.add_init_script(f"({WATCH})()")
    times = []
    for seed in range(rounds):
        page.goto("about:blank")
        page.goto(f"{address}/{TYPED}&seed={seed}")
        page.wait_for_selector(READY, state="attached", timeout=120_000)
        page.keyboard.press("Escape")  # all ink of the first text is shown
        page.wait_for_timeout(500)
        page.focus("#text")
        page.keyboard.press("End")
        page.keyboard.type("g")
        until(page, "ink.after")
        times.append(page.evaluate("ink.after - ink.input") / 1e3)
    context.close()
    return times


def memory_growth(browser: Any, address: str, rounds: int) -> dict[str, list[float]]:
    """Return the memory in MB after a few redraws and its growth over 50 more, after collections of garbage."""
    context = browser.new_context(service_workers="block", reduced_motion="reduce")
    page = context.new_page()
    devtools = context.new_cdp_session(page)
    page.goto(f"{address}/{REDRAWN}")
    page.wait_for_selector(READY, state="attached", timeout=120_000)

    def measured() -> tuple[float, float]:
        devtools.send("HeapProfiler.collectGarbage")
        heap = devtools.send("Runtime.getHeapUsage")["usedSize"]
        return heap / 1e6, renderer_megabytes(browser)

    def redraw(count: int) -> None:
        for _ in range(count):
            shown = page.get_attribute("#pages", "data-ready")
            page.evaluate("document.getElementById('another').click()")
            until(page, f"document.getElementById('pages').dataset.ready !== {json.dumps(shown)}")

    redraw(WARM_UP)
    before = measured()
    redraw(REDRAWS)
    after = measured()
    context.close()
    return {
        "heap": [before[0]],
        f"heap, {REDRAWS} redraws later": [after[0]],
        "process": [before[1]],
        f"process, {REDRAWS} redraws later": [after[1]],
    }


def renderer_megabytes(browser: Any) -> float:
    """Return the resident memory of the browser's largest process of a page, its worker included."""
    session = browser.new_browser_cdp_session()
    processes = session.send("SystemInfo.getProcessInfo")["processInfo"]
    session.detach()
    sizes = [resident_megabytes(each["id"]) for each in processes if each["type"] == "renderer"]
    return max(sizes)


def resident_megabytes(process: int) -> float:
    """Return the resident memory of a process, in MB."""
    try:
        status = Path(f"/proc/{process}/status").read_text("utf-8")
    except OSError:  # it has ended
        return 0.0
    return next((int(line.split()[1]) * 1.024e-3 for line in status.splitlines() if line.startswith("VmRSS")), 0.0)


class PackingHandler(SimpleHTTPRequestHandler):
    """Serves a folder as web hosts do: text is packed, and what is packed already is left as it is."""

    def do_GET(self) -> None:
        """Answer one request."""
        path = Path(self.directory) / self.path.split("?")[0].lstrip("/")
        path = path / "index.html" if path.is_dir() else path
        if not path.is_file():
            self.send_error(404)
            return
        data = path.read_bytes()
        self.send_response(200)
        self.send_header("content-type", TYPES[path.suffix])
        if path.suffix != ".gz":
            data = gzip.compress(data)
            self.send_header("content-encoding", "gzip")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *arguments: object) -> None:
        """Say nothing: a request is no event of the measurement."""


@contextmanager
def exported() -> Iterator[str]:
    """Export the site and serve its folder."""
    with tempfile.TemporaryDirectory() as folder:
        for _ in export_site(Path(folder)):
            pass
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(PackingHandler, directory=folder))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@contextmanager
def served() -> Iterator[str]:
    """Run `nextstroke serve` on a free port."""
    with tempfile.TemporaryDirectory() as folder, serving([], Path(folder)) as (_, port):
        yield f"http://127.0.0.1:{port}"
