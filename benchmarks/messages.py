"""Short messages: bits a character and processor time a message, next to the rivals that are installed, in one run.

The messages are lines of dialogue of 40 to 200 characters in a text of English novels; take one that the text model was
not trained on. zstd gets a dictionary made from the dialogue of another text.

python benchmarks/messages.py --books books.valid.xz --training books.xz
"""

import argparse
import importlib
import json
import lzma
import random
import re
import statistics
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nextstroke.compression.message import pack_message, unpack_message

LENGTHS = range(40, 201)
DICTIONARY = 112_640  # bytes, as the zstd command makes
TRAINED_ON = 20_000  # lines of dialogue

Packer = Callable[[bytes], bytes]


def dialogue(path: Path, most: int | None = None) -> list[str]:
    """Return the different lines of dialogue in a text, xz or plain, in a random order that is always the same."""
    data = path.read_bytes()
    text = (lzma.decompress(data) if path.suffix == ".xz" else data).decode("utf-8", "replace")
    found = (" ".join(each.split()) for each in re.findall(r'["“]([A-Z][^"”“]{39,260})["”]', text))
    lines = sorted({each for each in found if len(each) in LENGTHS and each[-1] in ".!?"})
    random.Random(1).shuffle(lines)
    return lines[:most]


def rivals(training: Path | None) -> dict[str, Packer]:
    """Return what the rivals that are installed make of a message."""
    found: dict[str, Packer] = {"zlib, raw deflate": _deflate}
    brotli, zstd, smaz = (_optional(name) for name in ("brotli", "zstandard", "smaz"))
    if brotli:
        found["brotli -q 11"] = lambda data: brotli.compress(data, quality=11, mode=brotli.MODE_TEXT)
    if zstd and training:
        lines = [each.encode() for each in dialogue(training, TRAINED_ON)]
        words = zstd.train_dictionary(DICTIONARY, lines)
        packer = zstd.ZstdCompressor(level=19, dict_data=words, write_content_size=False, write_dict_id=False)
        found["zstd -19, dictionary of dialogue"] = packer.compress
    if smaz:
        found["smaz"] = lambda data: smaz.compress(data.decode())
    return found


def _optional(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def _deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


def measure(name: str, pack: Packer, messages: list[str]) -> dict[str, object]:
    """Return bits for each character of all messages, and median and most milliseconds of processor time."""
    pack(messages[0].encode())  # loads what is loaded once
    size, times = 0, []
    for message in messages:
        begun = time.process_time()
        size += len(pack(message.encode()))
        times.append(1e3 * (time.process_time() - begun))
    bits = 8 * size / sum(map(len, messages))
    return {"tool": name, "bits_per_character": round(bits, 3), "ms": round(statistics.median(times), 2),
            "most_ms": round(max(times), 1)}  # fmt: skip


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--books", type=Path, required=True, help="text with the messages")
    arguments.add_argument("--training", type=Path, help="text for the dictionary of zstd")
    arguments.add_argument("--count", type=int, default=200, help="messages")
    given = arguments.parse_args()
    messages = dialogue(given.books, given.count)
    print(json.dumps({"messages": len(messages), "characters": sum(map(len, messages))}))
    ours: dict[str, Packer] = {"nextstroke --message --check 0": lambda data: pack_message(data, 0)}
    for name, pack in (ours | rivals(given.training)).items():
        print(json.dumps(measure(name, pack, messages)), flush=True)
    frames = [pack_message(each.encode()) for each in messages[:20]]
    if [unpack_message(frame).decode() for frame in frames] != messages[:20]:
        raise AssertionError("a message did not come back")


if __name__ == "__main__":
    main()
