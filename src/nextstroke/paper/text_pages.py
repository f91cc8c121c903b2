"""Figures 3 to 8: a real and a generated page of Wikipedia, each character shaded by its information in bits."""

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
LEAST, MOST = 2500, 4500  # size of a page in bytes
SHADES = 12  # one for each bit; the last one for all higher values
STYLE = """body{font:15px/1.4 system-ui,sans-serif;margin:1.5rem;color:#1a1a2e}.pair{display:grid;
grid-template-columns:1fr 1fr;gap:1.5rem}pre{font:12px/1.35 ui-monospace,"DejaVu Sans Mono",monospace;margin:0;
white-space:pre-wrap;overflow-wrap:anywhere;border:1px solid #dde;padding:.6rem}h2{margin:1.5rem 0 .3rem}
h3{margin:.4rem 0;font-weight:600;font-size:1rem}small{color:#555}"""


class Shaded(NamedTuple):
    """A text with the information content of each character.

    Attributes:
        pieces: Its characters.
        bits: −log2 of the probability of each, summed over its bytes.
    """

    pieces: list[str]
    bits: list[float]

    @classmethod
    def of(cls, symbols: np.ndarray, bits: np.ndarray) -> "Shaded":
        """Decode bytes with the bits of each; malformed UTF-8 is replaced."""
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        made: list[str] = []
        sums: list[float] = []
        waiting = 0.0
        for count, (symbol, bit) in enumerate(zip(symbols, bits, strict=True), 1):
            waiting += float(bit)
            if piece := decoder.decode(bytes([symbol]), final=count == len(symbols)):
                made.append(piece)
                sums.append(waiting)
                waiting = 0.0
        return cls(made, sums)


class Pair(NamedTuple):
    """A real and a generated page with the bits of one way of predicting."""

    name: str
    real: Shaded
    generated: Shaded


def real_page(validation: np.ndarray, number: int) -> np.ndarray:
    """Return the `number`-th page of suitable length, counted cyclically from 1; raise BadInput if there is none."""
    whole = validation.astype(np.uint8).tobytes()
    pages = [page for page in PAGE.findall(whole) if LEAST <= len(page) <= MOST]
    if not pages:
        raise BadInput(f"no page of Wikipedia of {LEAST} to {MOST} bytes in the validation text")
    return np.frombuffer(pages[(number - 1) % len(pages)], np.uint8)


def generated_page(model: Model, length: int, seed: int) -> np.ndarray:
    """Return the first `length` bytes of a page that a model writes; one attempt, without selection."""
    prime = Spelling(model).read(PRIME)
    drawn = generate(model, prime, max(0, length - len(prime)), Choice(), seed)
    return np.array([*prime, *drawn], np.uint8)[:length]


def surprise(model: Model, symbols: np.ndarray) -> np.ndarray:
    """Return −log2 of the probability of each symbol of a text from the initial state, float64 (symbols,)."""
    predictor = TextPredictor(model)
    bits = np.empty(len(symbols))
    for i, symbol in enumerate(symbols):
        y = predictor.y[0].astype(np.float64) - predictor.y[0].max()
        bits[i] = (np.log(np.exp(y).sum()) - y[symbol]) / math.log(2)
        predictor.observe(np.array([symbol]))
    return bits


def two_pages(model: Model, corpus: TextCorpus, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a real page, and a generated one of the same length."""
    check_bytes(model, corpus)
    real = real_page(corpus.split("validation"), seed)
    return real, generated_page(model, len(real), seed)


def shaded(name: str, pages: Sequence[np.ndarray], bits: Sequence[np.ndarray]) -> Pair:
    """Return the two pages with the bits of their characters."""
    return Pair(name, *(Shaded.of(*both) for both in zip(pages, bits, strict=True)))


def page_of_pairs(pairs: Sequence[Pair], about: str) -> str:
    """Return the pages as HTML that refers to no other file."""
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
    """Return HTML with a span for each run of characters of one shade."""
    parts: list[str] = []
    last: int | None = None
    for piece, bits in zip(text.pieces, text.bits, strict=True):
        level = min(SHADES - 1, int(bits))
        if level != last:
            parts.append(f'{"" if last is None else "</span>"}<span class="s{level}">')
            last = level
        parts.append(html.escape(piece))
    return "".join(parts) + ("" if last is None else "</span>")
