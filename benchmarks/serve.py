"""How many lines a second the API writes for 1 to 200 clients at once, how long they wait, and what memory it takes.

    python benchmarks/serve.py [--seconds 10] [--best-of 1]

Starts a server of its own; each client asks again as soon as it has its line.
"""

import argparse
import itertools
import statistics
import subprocess
import sys
import threading
import time

import httpx

PORT = 8977
TEXT = "the morning train was late and nobody seemed to mind it much at all"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--best-of", type=int, default=1)
    options = parser.parse_args()
    server = subprocess.Popen(
        [sys.executable, "-m", "nextstroke", "serve", "--port", str(PORT), "--at-once", "256"], stderr=subprocess.PIPE
    )
    try:
        _wait()
        for clients in (1, 8, 32, 200):
            began = time.monotonic()
            waits = _asked(clients, options.seconds, options.best_of)
            p95 = statistics.quantiles(waits, n=20)[-1]
            rate = len(waits) / (time.monotonic() - began)
            told = f"median {statistics.median(waits):.2f} s, p95 {p95:.2f} s, {_memory(server.pid)} MB"
            print(f"{clients:3} clients: {rate:6.2f} lines/s, {told}")
        before = _memory(server.pid)
        _many(1000)
        print(f"after 1,000 more requests: {_memory(server.pid)} MB, before {before} MB")
    finally:
        server.terminate()


def _wait():
    for _ in range(100):
        try:
            httpx.get(f"http://127.0.0.1:{PORT}/health")
            return
        except httpx.TransportError:
            time.sleep(0.1)


def _asked(clients, seconds, best_of):
    """Seconds that each answer took."""
    waits, ends, numbers = [], time.monotonic() + seconds, itertools.count()

    def ask():
        with httpx.Client(timeout=120) as client:
            while time.monotonic() < ends:
                number, began = next(numbers), time.monotonic()
                words = TEXT.split()
                text = " ".join(words[(number + i) % len(words)] for i in range(9))
                order = {"text": text, "seed": number, "best_of": best_of, "style": "neat"}
                client.post(f"http://127.0.0.1:{PORT}/v1/write", json=order).raise_for_status()
                waits.append(time.monotonic() - began)

    threads = [threading.Thread(target=ask) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return waits


def _many(count):
    with httpx.Client(timeout=60) as client:
        for number in range(count):
            order = {"text": f"word {number}", "seed": number, "best_of": 1}
            client.post(f"http://127.0.0.1:{PORT}/v1/write", json=order).raise_for_status()


def _memory(process):
    with open(f"/proc/{process}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) // 1024


if __name__ == "__main__":
    main()
