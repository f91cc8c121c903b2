"""Odd values, damaged bytes and altered JSON, drawn at random."""

import copy
import json
from random import Random
from typing import Any

TOKENS = [
    b"NaN", b"1e308", b"-1e308", b"1e999", b"-1", b"0", b"99999999999999999999", b"", b"null", b"true", b'"', b"[",
    b"{", b"<", b"&amp;", b"\0", b"\xff\xfe", b"\r\n", b"1e-300", b"0x10", b"inf",
]  # fmt: skip
TEXTS = [
    "", " ", "\0", "a" * 5000, "漢", "\ud800", "é", "../../etc/passwd", "/dev/zero", "-", "--", "a\nb", "\x1b[31m",
    "</text><script>", "none", "null", "1e400", "%s%n", "{}", "\N{SNOWMAN}", "\u202eabc", "a\u0301" * 50, "NaN",
]  # fmt: skip
NUMBERS: list[Any] = [
    0, -1, 1, 2, 0.5, 1e-300, 5e-324, 1e308, -1e308, float("nan"), float("inf"), -float("inf"), 2**31, 2**63, 2**64,
    10**40, 10**400, 0.1, 7, 1000, 100_000,
]  # fmt: skip
OTHERS: list[Any] = [None, True, False, [], {}, [[]], [None], {"": None}, [0] * 1000, [1, 2], {"a": {"b": 1}}]


def odd_value(rng: Random) -> Any:
    """Return a value that few would expect."""
    return rng.choice(rng.choice([TEXTS, NUMBERS, OTHERS]))


def nested(depth: int) -> Any:
    """Return lists within lists."""
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


def damaged(rng: Random, data: bytes, other: bytes = b"") -> bytes:
    """Return bytes with one to four changes: bits, pieces cut, doubled, moved or taken from `other`, odd tokens."""
    changed = bytearray(data)
    for _ in range(rng.choice([1, 1, 1, 2, 4])):
        place = rng.randrange(len(changed) + 1)
        length = rng.choice([1, 2, 4, 8, 40, 200])
        piece = changed[place : place + length]
        way = rng.randrange(8)
        if way == 0 and place < len(changed):
            changed[place] ^= 1 << rng.randrange(8)
        elif way == 1:
            del changed[place : place + length]
        elif way == 2:
            changed[place:place] = piece * rng.choice([1, 1, 50])
        elif way == 3:
            changed[place : place + rng.choice([0, 1, 4])] = rng.choice(TOKENS)
        elif way == 4:
            del changed[place : place + length]
            there = rng.randrange(len(changed) + 1)
            changed[there:there] = piece
        elif way == 5:
            changed[place : place + length] = rng.randbytes(length)
        elif way == 6 and other:
            begin = rng.randrange(len(other))
            changed[place : place + length] = other[begin : begin + length]
        elif rng.randrange(3) == 0:
            del changed[place:]
    return bytes(changed)


def altered(rng: Random, value: Any, changes: int = 1) -> Any:
    """Return a copy of a JSON value in which nodes are replaced, removed, doubled or renamed."""
    value = copy.deepcopy(value)
    for _ in range(changes):
        value = _altered_once(rng, value)
    return value


def _altered_once(rng: Random, value: Any) -> Any:
    places = list(_places(value))
    if not places:
        return odd_value(rng)
    holder, key = rng.choice(places)
    way = rng.randrange(6)
    if way == 0:
        del holder[key]
    elif way == 1 and isinstance(holder, dict):
        holder[rng.choice(TEXTS)] = holder.pop(key)
    elif way == 2 and isinstance(holder, list):
        holder.extend(holder[:] * rng.choice([1, 1, 100]))
    elif way == 3:
        other, name = rng.choice(places)
        holder[key] = copy.deepcopy(other[name])
    else:
        holder[key] = odd_value(rng)
    return value


def _places(value: Any) -> Any:
    if isinstance(value, dict):
        for key in value:
            yield value, key
            yield from _places(value[key])
    elif isinstance(value, list):
        for i, item in enumerate(value[:50]):
            yield value, i
            yield from _places(item)


def parts_of(data: bytes) -> tuple[Any, bytes]:
    """Return the header of a safetensors file and the bytes after it."""
    size = int.from_bytes(data[:8], "little")
    return json.loads(data[8 : 8 + size]), data[8 + size :]


def joined(header: Any, body: bytes) -> bytes:
    """Return a safetensors file of a header and the bytes after it."""
    text = json.dumps(header).encode("utf-8", "surrogatepass")
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + body
