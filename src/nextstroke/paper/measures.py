"""What can be measured of a model's writing and expectations: the evidence for the paper's claims."""

from collections.abc import Sequence

import numpy as np

from nextstroke.datasets.packed_ink import InkCorpus
from nextstroke.handwriting.density import follow
from nextstroke.handwriting.hands import prime_hand
from nextstroke.handwriting.request import line_requests
from nextstroke.handwriting.sampler import Line, write
from nextstroke.paper.hand_features import diversity, own_prime_share, roughness, steadiness, traits
from nextstroke.paper.legibility import character_error, readable
from nextstroke.paper.real_lines import RealLine
from nextstroke.runtime.model_file import Model

TEXTS = (
    "We left the harbour before sunrise",
    "Please water the plants on Friday",
    "She plays chess with her uncle",
    "The train to Vienna leaves at noon",
    "My brother bought a yellow bicycle",
    "Thank you for the lovely evening",
    "Bring an umbrella and warm clothes",
    "Our garden is full of wild roses",
    "He fixed the kitchen clock himself",
    "They walked quietly along the river",
    "Lunch is ready, come and sit down",
    "Just a short note from the office",
)
BIASES = (0.0, 0.5, 1.0, 2.0)


def some_lines(corpus: InkCorpus, model: Model, splits: Sequence[str], count: int) -> list[RealLine]:
    """`count` sound lines of some splits, evenly spread, as a model sees them, and that it could write."""
    texts = [line.text for line in corpus.lines]
    there = [i for i in corpus.select(*splits) if texts[i] and not model.alphabet.unknown(texts[i])]
    chosen = there[:: max(1, len(there) // count)][:count]
    lines = [corpus.lines[i] for i in chosen]
    inks = [model.represented(corpus.ink(i)) for i in chosen]
    return [RealLine(line.name, line.text, ink) for line, ink in zip(lines, inks, strict=True)]


def sharpness(model: Model, lines: Sequence[RealLine]) -> dict[str, float]:
    """How sharply the next point is expected within strokes and after their ends: geometric mean of the mixture's
    standard deviation in normalised units, and mean nats of −log density."""
    within: list[np.ndarray] = []
    behind: list[np.ndarray] = []
    for line in lines:
        seen = follow(model, line.ink, line.text)
        nats = -seen.mixture.log_density(model.normalised(line.ink)[:, :2])
        facts = np.stack([np.log(seen.mixture.spread()), nats], 1)
        lifted = line.ink.end_of_stroke[:-1]
        within.append(facts[~lifted])
        behind.append(facts[lifted])
    figures: dict[str, float] = {}
    for name, parts in (("within strokes", within), ("after stroke ends", behind)):
        spread, mean = np.concatenate(parts).mean(0)
        figures |= {f"deviation {name}": float(np.exp(spread)), f"nats a point {name}": float(mean)}
    return figures


def window_path(model: Model, lines: Sequence[RealLine]) -> dict[str, float]:
    """The window's way along real lines: correlation of its peak with time, steps back among its moves, and the number
    of letters it spreads over (1 / Σ share²) where its peak moves on and where it rests."""
    slopes, back, moves, border, inside = [], 0, 0, [], []
    for line in lines:
        phi = follow(model, line.ink, line.text).phi
        peak = phi.argmax(1)
        slopes.append(np.corrcoef(np.arange(len(peak)), peak)[0, 1])
        change = np.diff(peak)
        back, moves = back + int((change < 0).sum()), moves + int((change != 0).sum())
        at_border = np.zeros(len(peak), bool)
        at_border[:-1] |= change != 0
        at_border[1:] |= change != 0
        seen = _letters_seen(phi)
        border.append(seen[at_border])
        inside.append(seen[~at_border])
    return {
        "correlation with time": float(np.mean(slopes)),
        "share of moves back": back / max(moves, 1),
        "letters seen at borders": float(np.concatenate(border).mean()),
        "letters seen within": float(np.concatenate(inside).mean()),
    }


def _letters_seen(phi: np.ndarray) -> np.ndarray:
    share = phi / phi.sum(1, keepdims=True)
    return 1 / (share**2).sum(1)


def bias_effect(model: Model, seeds: int = 2) -> list[dict[str, float]]:
    """For each of BIASES: diversity of traits between lines, and the error of an OCR program where there is one."""
    rows = []
    for bias in BIASES:
        lines = _written(model, bias, seeds)
        row = {"bias": bias} | diversity([line.ink for line in lines])
        rows.append(row | ({"character error": character_error(lines)} if readable() else {}))
    return rows


def _written(model: Model, bias: float, seeds: int, paper_stop: bool = False) -> list[Line]:
    lines: list[Line] = []
    for seed in range(1, seeds + 1):
        requests = line_requests(model, TEXTS, bias=bias, seed=seed)
        lines += write(model, requests, attempts=1, paper_stop=paper_stop)
    return lines


def ends_by_itself(model: Model, seeds: int = 2) -> dict[str, float]:
    """Shares of unbiased lines that the paper's rule ends, and that it ends with every letter reached."""
    lines = _written(model, 0.0, seeds, paper_stop=True)
    return {
        "ended": float(np.mean([line.stopped for line in lines])),
        "ended, every letter reached": float(np.mean([line.complete for line in lines])),
    }


def hands(model: Model, real: Sequence[RealLine], seeds: int = 3) -> dict[str, dict[str, float]]:
    """Steadiness of the traits within lines, of unbiased samples and of real lines."""
    samples = [line.ink for line in _written(model, 0.0, seeds) if line.stopped]
    return {"samples": steadiness(samples), "real lines": steadiness([line.ink for line in real])}


def priming(model: Model, primes: Sequence[RealLine]) -> dict[str, float]:
    """What a prime leaves in lines written after it, unbiased and with bias 1: `own` is the share of comparisons in
    which the traits are nearer to the own prime than to another; slants correlate with those of the primes."""
    found: dict[str, float] = {}
    for bias in (0.0, 1.0):
        written = []
        for prime in primes:
            style = prime_hand(model, prime.name, prime.ink, prime.text)
            requests = line_requests(model, TEXTS[:2], style, bias)
            written.append([line.ink for line in write(model, requests, attempts=1)])
        told = [traits(prime.ink)[0] for prime in primes]
        heard = [np.mean([traits(ink)[0] for ink in inks]) for inks in written]
        found[f"own prime, bias {bias:g}"] = own_prime_share([prime.ink for prime in primes], written)
        found[f"correlation of slants, bias {bias:g}"] = float(np.corrcoef(told, heard)[0, 1])
        found[f"roughness, bias {bias:g}"] = float(np.mean([roughness(ink) for inks in written for ink in inks]))
    return found
