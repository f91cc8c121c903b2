"""Figures 3 to 8: a real page of Wikipedia beside a generated one, each character as dark as it is surprising."""

import codecs
import html
import math
import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from nextstroke.datasets.packed_text import TextCorpus
from nextstroke.errors import BadInput
from nextstroke.paper.text_claims import PRIME, check_bytes
from nextstroke.runtime.model_file import Model
from nextstroke.runtime.predictor import TextPredictor
from nextstroke.text.generate import Choice, Spelling, generate

PAGE = re.compile(rb"  <page>\n.*?\n  </page>\n", re.DOTALL)
LEAST, MOST = 2500, 4500  # bytes of a page that is shown
SHADES = 12  # one for each bit, the last for all from there on
STYLE = """body{font:15px/1.4 system-ui,sans-serif;margin:1.5rem;color:#1a1a2e}.pair{display:grid;
grid-template-columns:1fr 1fr;gap:1.5rem}pre{font:12px/1.35 ui-monospace,"DejaVu Sans Mono",monospace;margin:0;
white-space:pre-wrap;overflow-wrap:anywhere;border:1px solid #dde;padding:.6rem}h2{margin:1.5rem 0 .3rem}
h3{margin:.4rem 0;font-weight:600;font-size:1rem}small{color:#555}"""


class Shaded(NamedTuple):
    """A text with the surprise of each of its characters.

    Attributes:
        pieces: Its characters.
        bits: −log2 of the probability of each, summed over its bytes.
    """

    pieces: list[str]
    bits: list[float]

    @classmethod
    def of(cls, symbols: np.ndarray, bits: np.ndarray) -> "Shaded":
        """Bytes with the bits of each; what is no UTF-8 is replaced."""
        decoder, made, sums, waiting = codecs.getincrementaldecoder("utf-8")("replace"), [], [], 0.0
        for place, (symbol, bit) in enumerate(zip(symbols, bits, strict=True), 1):
            waiting += float(bit)
            if piece := decoder.decode(bytes([symbol]), final=place == len(symbols)):
                made.append(piece)
                sums.append(waiting)
                waiting = 0.0
        return cls(made, sums)


class Pair(NamedTuple):
    """The two pages, by one way of predicting them."""

    name: str
    real: Shaded
    generated: Shaded


def real_page(validation: np.ndarray, number: int) -> np.ndarray:
    """The `number`-th page of a fitting length, from 1, going round; raises BadInput where there is none."""
    whole = validation.astype(np.uint8).tobytes()
    pages = [page for page in PAGE.findall(whole) if LEAST <= len(page) <= MOST]
    if not pages:
        raise BadInput(f"no page of Wikipedia of {LEAST} to {MOST} bytes in the validation text")
    return np.frombuffer(pages[(number - 1) % len(pages)], np.uint8)


def generated_page(model: Model, length: int, seed: int) -> np.ndarray:
    """The first `length` bytes that a model writes behind the beginning of a page; the first attempt, none chosen."""
    prime = Spelling(model).read(PRIME)
    drawn = generate(model, prime, max(0, length - len(prime)), Choice(), seed)
    return np.array([*prime, *drawn], np.uint8)[:length]


def surprise(model: Model, symbols: np.ndarray) -> np.ndarray:
    """−log2 of the probability of each symbol of a text that begins with nothing before it, float64 (symbols,)."""
    predictor, bits = TextPredictor(model), np.empty(len(symbols))
    for i, symbol in enumerate(symbols):
        y = predictor.y[0].astype(np.float64) - predictor.y[0].max()
        bits[i] = (np.log(np.exp(y).sum()) - y[symbol]) / math.log(2)
        predictor.observe(np.array([symbol]))
    return bits


def two_pages(model: Model, corpus: TextCorpus, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A real page, and a generated one of its length."""
    check_bytes(model, corpus)
    real = real_page(corpus.split("validation"), seed)
    return real, generated_page(model, len(real), seed)


def shaded(name: str, pages: Sequence[np.ndarray], bits: Sequence[np.ndarray]) -> Pair:
    """The two pages with the bits of their bytes."""
    return Pair(name, *(Shaded.of(*both) for both in zip(pages, bits, strict=True)))


def page_of_pairs(pairs: Sequence[Pair], about: str) -> str:
    """One HTML file that needs no other."""
    head = f'<meta charset="utf-8"><title>Figures 3 to 8</title><style>{STYLE}{_shades()}</style>'
    top = f"<h1>Figures 3 to 8: Wikipedia, real and generated</h1><p><small>{html.escape(about)}</small></p>"
    legend = "".join(f'<span class="s{level}"> {level} </span>' for level in range(SHADES))
    scale = f"<p>Surprise in bits a character: {legend} and more</p>"
    body = top + scale + "".join(map(_section, pairs))
    return f"<!doctype html><html lang=en><head>{head}</head><body>{body}</body></html>\n"


def _shades() -> str:
    return "".join(f".s{level}{{background:rgba(214,84,0,{level / SHADES:.2f})}}" for level in range(SHADES))


def _section(pair: Pair) -> str:
    columns = _column("Real, held out (Figures 3, 4)", pair.real) + _column("Generated (Figures 5–8)", pair.generated)
    return f'<h2>{html.escape(pair.name)}</h2><div class="pair">{columns}</div>'


def _column(title: str, text: Shaded) -> str:
    mean = sum(text.bits) / max(1, len(text.bits))
    return f"<div><h3>{title}: {mean:.2f} bits a character</h3><pre>{_marked(text)}</pre></div>"


def _marked(text: Shaded) -> str:
    """Characters in spans of one shade, as few as do."""
    parts, last = [], None
    for piece, bits in zip(text.pieces, text.bits, strict=True):
        level = min(SHADES - 1, int(bits))
        if level != last:
            parts.append(f'{"" if last is None else "</span>"}<span class="s{level}">')
            last = level
        parts.append(html.escape(piece))
    return "".join(parts) + ("" if last is None else "</span>")
