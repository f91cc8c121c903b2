"""Measurements of a model's writing and of its predictions: the evidence for the paper's claims."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nextstroke.datasets.packed_ink import InkCorpus
from nextstroke.handwriting.density import follow
from nextstroke.handwriting.hands import prime_hand
from nextstroke.handwriting.request import line_requests
from nextstroke.handwriting.sampler import Line, write
from nextstroke.paper.hand_features import TraitValues, diversity, hand_traits, own_prime_share, roughness, steadiness
from nextstroke.paper.legibility import character_error, ocr_available
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
PRIMED_BIASES = (0.0, 1.0)


@dataclass(frozen=True)
class Sharpness:
    """How sharply a network predicts one kind of points.

    Attributes:
        deviation: Geometric mean of the mixture's standard deviation, in normalised units.
        nats: Mean of −log density, in nats a point.
    """

    deviation: float
    nats: float


@dataclass(frozen=True)
class LineSharpness:
    """How sharply a network predicts the points within strokes, and the first points after stroke ends."""

    within_strokes: Sharpness
    after_stroke_ends: Sharpness


@dataclass(frozen=True)
class WindowPath:
    """The path of the window's peak along real lines.

    Attributes:
        time_correlation: Mean correlation of the peak's position with time.
        backward_share: Share of the peak's moves that go back.
        letters_at_borders: Number of letters the window covers (1 / Σ φ²) where its peak moves on.
        letters_within: The same where its peak rests.
    """

    time_correlation: float
    backward_share: float
    letters_at_borders: float
    letters_within: float

    def __str__(self) -> str:
        return (
            f"correlation with time {self.time_correlation:.3g}, share of moves back {self.backward_share:.3g}, "
            f"letters seen at borders {self.letters_at_borders:.3g}, letters seen within {self.letters_within:.3g}"
        )


@dataclass(frozen=True)
class BiasEffect:
    """Lines written with one bias.

    Attributes:
        bias: Sampling bias.
        diversity: Standard deviation of each trait between lines.
        character_error: Error of the OCR program; None where it is not installed.
    """

    bias: float
    diversity: TraitValues
    character_error: float | None

    def __str__(self) -> str:
        error = "" if self.character_error is None else f", character error {self.character_error:.3g}"
        return f"bias {self.bias:.3g}, {self.diversity}{error}"


@dataclass(frozen=True)
class EndShares:
    """Shares of unbiased lines.

    Attributes:
        ended: Those that the paper's stop rule ends.
        complete: Those that it ends with every letter reached.
    """

    ended: float
    complete: float

    def __str__(self) -> str:
        return f"ended {self.ended:.3g}, ended with every letter reached {self.complete:.3g}"


@dataclass(frozen=True)
class HandSteadiness:
    """Correlation of the traits of the two halves of a line, for unbiased samples and for real lines."""

    samples: TraitValues
    real_lines: TraitValues


@dataclass(frozen=True)
class PrimingEffect:
    """Lines written after primes with one bias.

    Attributes:
        bias: Sampling bias.
        own_share: Share of comparisons in which a line is nearer to its own prime than to another.
        slant_correlation: Correlation of the slants of primes and lines.
        roughness: Mean roughness of the lines.
    """

    bias: float
    own_share: float
    slant_correlation: float
    roughness: float

    def __str__(self) -> str:
        return (
            f"bias {self.bias:g}: own prime {self.own_share:.3g}, correlation of slants {self.slant_correlation:.3g}, "
            f"roughness {self.roughness:.3g}"
        )


def sample_lines(corpus: InkCorpus, model: Model, splits: Sequence[str], count: int) -> list[RealLine]:
    """Return up to `count` lines without fault of some splits, evenly spread, that the model could write."""
    texts = [line.text for line in corpus.lines]
    usable = [i for i in corpus.select(*splits) if texts[i] and not model.alphabet.unknown(texts[i])]
    chosen = usable[:: max(1, len(usable) // count)][:count]
    lines = [corpus.lines[i] for i in chosen]
    inks = [model.represented(corpus.ink(i)) for i in chosen]
    return [RealLine(line.name, line.text, ink) for line, ink in zip(lines, inks, strict=True)]


def sharpness(model: Model, lines: Sequence[RealLine]) -> LineSharpness:
    """Measure how sharply a model predicts the points of real lines."""
    within: list[np.ndarray] = []
    after: list[np.ndarray] = []
    for line in lines:
        seen = follow(model, line.ink, line.text)
        nats = -seen.mixture.log_density(model.normalised(line.ink)[:, :2])
        facts = np.stack([np.log(seen.mixture.spread()), nats], 1)
        lifted = line.ink.end_of_stroke[:-1]
        within.append(facts[~lifted])
        after.append(facts[lifted])
    return LineSharpness(_sharpness(within), _sharpness(after))


def _sharpness(parts: list[np.ndarray]) -> Sharpness:
    """Average rows of (log deviation, nats)."""
    log_deviation, nats = np.concatenate(parts).mean(0)
    return Sharpness(float(np.exp(log_deviation)), float(nats))


def window_path(model: Model, lines: Sequence[RealLine]) -> WindowPath:
    """Follow the window's peak along real lines."""
    slopes: list[float] = []
    border: list[np.ndarray] = []
    inside: list[np.ndarray] = []
    back = 0
    moves = 0
    for line in lines:
        phi = follow(model, line.ink, line.text).phi
        peak = phi.argmax(1)
        slopes.append(np.corrcoef(np.arange(len(peak)), peak)[0, 1])
        change = np.diff(peak)
        back += int((change < 0).sum())
        moves += int((change != 0).sum())
        at_border = np.zeros(len(peak), bool)
        at_border[:-1] |= change != 0
        at_border[1:] |= change != 0
        share = phi / phi.sum(1, keepdims=True)
        letters = 1 / (share**2).sum(1)
        border.append(letters[at_border])
        inside.append(letters[~at_border])
    return WindowPath(
        time_correlation=float(np.mean(slopes)),
        backward_share=back / max(moves, 1),
        letters_at_borders=float(np.concatenate(border).mean()),
        letters_within=float(np.concatenate(inside).mean()),
    )


def bias_effect(model: Model, seeds: int = 2) -> list[BiasEffect]:
    """Measure, for each of BIASES, the diversity of lines and how well an OCR program reads them."""
    effects = []
    for bias in BIASES:
        lines = _written(model, bias, seeds)
        error = character_error(lines) if ocr_available() else None
        effects.append(BiasEffect(bias, diversity([line.ink for line in lines]), error))
    return effects


def _written(model: Model, bias: float, seeds: int, paper_stop: bool = False) -> list[Line]:
    lines: list[Line] = []
    for seed in range(1, seeds + 1):
        requests = line_requests(model, TEXTS, bias=bias, seed=seed)
        lines += write(model, requests, attempts=1, paper_stop=paper_stop)
    return lines


def stop_rule(model: Model, seeds: int = 2) -> EndShares:
    """Measure how many unbiased lines the paper's stop rule ends."""
    lines = _written(model, 0.0, seeds, paper_stop=True)
    return EndShares(
        ended=float(np.mean([line.stopped for line in lines])),
        complete=float(np.mean([line.complete for line in lines])),
    )


def hand_steadiness(model: Model, real: Sequence[RealLine], seeds: int = 3) -> HandSteadiness:
    """Measure how steady hands are within lines, for unbiased samples and real lines."""
    samples = [line.ink for line in _written(model, 0.0, seeds) if line.stopped]
    return HandSteadiness(steadiness(samples), steadiness([line.ink for line in real]))


def priming(model: Model, primes: Sequence[RealLine]) -> list[PrimingEffect]:
    """Measure, for each of PRIMED_BIASES, what a prime changes in the lines written after it."""
    slants = [hand_traits(prime.ink)[0] for prime in primes]
    effects = []
    for bias in PRIMED_BIASES:
        written = []
        for prime in primes:
            hand = prime_hand(model, prime.name, prime.ink, prime.text)
            requests = line_requests(model, TEXTS[:2], hand, bias)
            written.append([line.ink for line in write(model, requests, attempts=1)])
        written_slants = [np.mean([hand_traits(ink)[0] for ink in inks]) for inks in written]
        effects.append(
            PrimingEffect(
                bias=bias,
                own_share=own_prime_share([prime.ink for prime in primes], written),
                slant_correlation=float(np.corrcoef(slants, written_slants)[0, 1]),
                roughness=float(np.mean([roughness(ink) for inks in written for ink in inks])),
            )
        )
    return effects
