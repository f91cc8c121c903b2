"""Compress bytes with Huffman codes alone, as a zlib stream that any reader unpacks.

Ports of zlib choose different matches for the same bytes, and browsers have others than Python. This has no choice to
make, so that a file of the browser (static/deflate.js) is the command's byte for byte. Coordinates repeat little:
matches would make them a tenth smaller.
"""

import zlib

import numpy as np

BLOCK = 1 << 16  # bytes that share one table of codes
LONGEST = 15  # bits of a code, the most that deflate allows
END = 256  # the symbol that ends a block
LENGTH_BITS = 4  # of each code length in the table: all of 0 to 15 have codes of 4 bits
LENGTH_ORDER = (16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15)  # RFC 1951, 3.2.7
HEADER = b"\x78\x01"  # of a zlib stream


def deflate(data: bytes) -> bytes:
    """Return a zlib stream of literals in dynamic Huffman codes (RFC 1950, RFC 1951)."""
    blocks = [data[start : start + BLOCK] for start in range(0, len(data), BLOCK)] or [b""]
    bits = [_block_bits(block, is_last=number == len(blocks) - 1) for number, block in enumerate(blocks)]
    packed = np.packbits(np.concatenate(bits), bitorder="little").tobytes()
    return HEADER + packed + zlib.adler32(data).to_bytes(4, "big")


def _block_bits(block: bytes, is_last: bool) -> np.ndarray:
    """Return one block as bits in the order in which they are stored."""
    symbols = np.append(np.frombuffer(block, np.uint8).astype(np.int64), END)
    lengths = code_lengths(np.bincount(symbols, minlength=END + 1).tolist())
    codes = _codes(lengths)
    # Type 2, dynamic codes: 257 for literals, two for distances (which do not occur), 19 for lengths of codes.
    fields = [(int(is_last), 1), (2, 2), (0, 5), (1, 5), (len(LENGTH_ORDER) - 4, 4)]
    fields += [(LENGTH_BITS if value <= LONGEST else 0, 3) for value in LENGTH_ORDER]
    fields += [(_reversed(length, LENGTH_BITS), LENGTH_BITS) for length in [*lengths, 1, 1]]
    head = np.array(fields)
    values = np.concatenate([head[:, 0], np.array(codes)[symbols]])
    widths = np.concatenate([head[:, 1], np.array(lengths)[symbols]])
    starts = np.cumsum(widths) - widths
    shifts = np.arange(widths.sum()) - np.repeat(starts, widths)
    return ((np.repeat(values, widths) >> shifts) & 1).astype(np.uint8)


def code_lengths(counts: list[int]) -> list[int]:
    """Return the bits of each symbol's code, 0 for a symbol that does not occur, LONGEST at most.

    Package-merge (Larmore and Hirschberg 1990): the cheapest codes of bounded length. Equal weights keep the order of
    the symbols, and symbols are before packages of them.
    """
    used = [([symbol], count) for symbol, count in enumerate(counts) if count]
    lengths = [0] * len(counts)
    if len(used) == 1:
        lengths[used[0][0][0]] = 1
        return lengths
    leaves = sorted(used, key=lambda item: item[1])
    items = leaves
    for _ in range(LONGEST - 1):
        pairs = zip(items[0::2], items[1::2], strict=False)
        packages = [(first[0] + second[0], first[1] + second[1]) for first, second in pairs]
        items = sorted(leaves + packages, key=lambda item: item[1])
    for symbols, _ in items[: 2 * len(leaves) - 2]:
        for symbol in symbols:
            lengths[symbol] += 1
    return lengths


def _codes(lengths: list[int]) -> list[int]:
    """Return the canonical code of each symbol (RFC 1951, 3.2.2), its bits reversed as they are stored."""
    codes = [0] * len(lengths)
    code = 0
    for length in range(1, LONGEST + 1):
        code <<= 1
        for symbol, bits in enumerate(lengths):
            if bits == length:
                codes[symbol] = _reversed(code, length)
                code += 1
    return codes


def _reversed(value: int, bits: int) -> int:
    return int(f"{value:0{bits}b}"[::-1], 2)
