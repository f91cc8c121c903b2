"""Mixed commands and requests at random, some killed at random, for a while: nothing may break.

    python benchmarks/soak.py [--minutes 30] [--seed 1]

A server runs all the time and takes valid and invalid requests; at the same time command lines run, one in four killed
with SIGKILL at a random moment. Reported at the end, with exit code 1: tracebacks and exit codes that no error of
nextstroke has, answers of 500, files that appeared half, growth of the server's memory by more than 5 % after a fifth
of the time.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from xml.etree import ElementTree

import httpx

PORT = 8978
START = [sys.executable, "-m", "nextstroke"]
OURS = {0, 2, 3, 4, 5, 130, 143}
WORDS = [
    "Hello",
    "café",
    "12 %",
    "QUIZ",
    "a",
    "",
    "snow \N{SNOWMAN}",
    "</text><script>",
    "x" * 80,
    "two\nlines",
    "\x00",
]


def commands(rng, folder):
    """A random command line, and the file it writes."""
    text, name = " ".join(rng.choices(WORDS, k=3)), folder / f"{rng.getrandbits(40):x}"
    suffix = rng.choice(["svg", "png", "pdf", "gcode", "json", "inkml"])
    style, bias = rng.choice(["wide", "none", "cursive", "nobody"]), rng.choice(["0", "1", "nan", "-1", "0.5"])
    source = folder / "source.txt"
    return rng.choice(
        [
            (
                ["write", text, "--style", style, "--bias", bias, "--best-of", "2", "-o", f"{name}.{suffix}"],
                f"{name}.{suffix}",
            ),
            (
                ["write", text, "--page", rng.choice(["a5", "1x1", "b9"]), "--best-of", "1", "-o", f"{name}.svg"],
                f"{name}.svg",
            ),
            (["compress", str(source), "-k", "-f", "--model", "none", "-o", f"{name}.nst"], f"{name}.nst"),
            (["decompress", str(folder / "broken.nst"), "-o", f"{name}.txt"], f"{name}.txt"),
            (["generate", "--length", "200", "--prime", text], ""),
            (["style", "learn", str(folder / "ink.json"), "-o", f"{name}.style"], f"{name}.style"),
        ]
    )


def requests(rng):
    """A random request."""
    text = " ".join(rng.choices(WORDS, k=rng.randint(1, 5)))
    write = {"text": text, "best_of": rng.choice([1, 2, 4]), "format": rng.choice(["svg", "ndjson", "pdf", "exe"])}
    return rng.choice(
        [
            ("/v1/write", json.dumps(write)),
            ("/v1/write", '{"text": "a", "bias": NaN}'),
            ("/v1/generate", json.dumps({"prime": text, "length": 100})),
            ("/v1/styles", json.dumps({"lines": [{"text": text or "a", "strokes": [[[0, 0], [rng.random(), 1]]]}]})),
            ("/v1/write", "{" * rng.randint(1, 5000)),
        ]
    )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as place:
        faults, told = soak(rng, Path(place), 60 * options.minutes)
    print(told)
    for fault in faults:
        print(f"FAULT: {fault}")
    raise SystemExit(bool(faults))


def soak(rng, folder, seconds):
    """Faults, and a line on what was done."""
    (folder / "source.txt").write_text("some words to be compressed " * 300)
    (folder / "broken.nst").write_bytes(b"\x00broken" * 10)
    (folder / "ink.json").write_text(json.dumps({"text": "no", "strokes": [[[0, 0], [1, 1]]]}))
    server = subprocess.Popen([*START, "serve", "--port", str(PORT)], stderr=subprocess.DEVNULL)
    faults, counts, memories, began = [], {"commands": 0, "killed": 0, "requests": 0}, [], time.monotonic()
    try:
        wait(server)
        warm_up()
        while (passed := time.monotonic() - began) < seconds:
            faults += run(rng, folder, counts)
            faults += ask(rng, counts)
            memories.append((passed, memory(server.pid)))
        if server.poll() is not None:
            faults.append(f"the server ended with {server.returncode}")
    finally:
        server.terminate()
    early = max(kilobytes for passed, kilobytes in memories if passed <= max(seconds / 5, memories[0][0]))
    late = memories[-1][1]
    if late > 1.05 * early:
        faults.append(f"the server's memory grew from {early} to {late} kB")
    return faults, f"{counts}, the server's memory {early} kB after a fifth of the time, {late} at the end"


def run(rng, folder, counts):
    """Run a command line, perhaps kill it; the faults found."""
    arguments, output = commands(rng, folder)
    if any("\0" in argument for argument in arguments):
        return []
    process = subprocess.Popen([*START, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    counts["commands"] += 1
    killed = rng.random() < 0.25
    if killed:
        time.sleep(rng.random())
        process.send_signal(signal.SIGKILL)
        counts["killed"] += 1
    error = process.communicate(timeout=300)[1]
    faults = [f"{arguments}: {what}" for what in (half(output),) if what]
    if "Traceback" in error or process.returncode not in OURS | ({-signal.SIGKILL} if killed else set()):
        faults.append(f"{arguments}: {process.returncode}, {error[-300:]}")
    for path in folder.glob("*"):
        if path.name not in ("source.txt", "broken.nst", "ink.json") and not (killed and path.name.startswith(".")):
            path.unlink()
    return faults


def half(output):
    """What is wrong with a file that appeared; empty if nothing."""
    if not output or not os.path.exists(output):
        return ""
    data = Path(output).read_bytes()
    try:
        if output.endswith((".svg", ".inkml")):
            ElementTree.fromstring(data)
        elif output.endswith(".json"):
            json.loads(data)
        elif output.endswith(".pdf") and not data.rstrip().endswith(b"%%EOF"):
            return "half a PDF"
        elif output.endswith(".png") and not data.endswith(b"IEND\xaeB`\x82"):
            return "half a PNG"
    except (ValueError, ElementTree.ParseError) as error:
        return f"half a file ({error})"
    return "" if data else "an empty file"


def ask(rng, counts):
    """Send a request, sometimes leaving before the answer; the faults found."""
    path, body = requests(rng)
    counts["requests"] += 1
    try:
        answer = httpx.post(
            f"http://127.0.0.1:{PORT}{path}", content=body, headers={"content-type": "application/json"},
            timeout=rng.choice([0.05, 60]),
        )  # fmt: skip
    except httpx.TimeoutException:
        return []
    return [f"{path} {body[:200]}: {answer.status_code}"] if answer.status_code >= 500 else []


def wait(server):
    for _ in range(200):
        try:
            httpx.get(f"http://127.0.0.1:{PORT}/health")
            return
        except httpx.TransportError:
            time.sleep(0.1)
    raise SystemExit(f"the server did not come up ({server.poll()})")


def warm_up():
    """The heaviest requests, so that later memory beyond theirs is a leak."""
    for seed in range(40):
        order = {"text": "x" * 80 + " two\nlines and " + "y" * 60, "best_of": 4, "seed": seed}
        httpx.post(f"http://127.0.0.1:{PORT}/v1/write", json=order, timeout=60).raise_for_status()
    for order in ({"text": "a", "format": "pdf"}, {"text": "a", "format": "gif"}):
        httpx.post(f"http://127.0.0.1:{PORT}/v1/write", json=order, timeout=60).raise_for_status()
    httpx.post(f"http://127.0.0.1:{PORT}/v1/generate", json={"length": 100}, timeout=60).raise_for_status()


def memory(process):
    """Resident memory in kB."""
    with open(f"/proc/{process}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


if __name__ == "__main__":
    main()
