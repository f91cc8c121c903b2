"""The paper's checkable claims, each with the measurement that confirms or denies it."""

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from typing import NamedTuple

from nextstroke.datasets.iam import TRAINING, VALIDATION
from nextstroke.datasets.packed_ink import InkCorpus
from nextstroke.paper import measures, text_claims
from nextstroke.paper.hand_features import TraitValues
from nextstroke.paper.legibility import PROGRAM
from nextstroke.paper.tables import Measured
from nextstroke.paper.text_claims import TextComparison
from nextstroke.runtime.model_file import Model

CONFIRMED = "confirmed"
DENIED = "denied"
OPEN = "not measured"
LINES = 40  # real lines that a claim is measured on
PRIMES = 24  # real lines that are used as primes

# Claims on text networks; `nextstroke evaluate` measures them.
TEXT = (
    "Penn Treebank, Table 1",
    "enwik8: 1.42 bits in training, 1.67 static, 1.33 dynamic",
    "characters predict as well as words once regularised",
    "dynamic evaluation gains .03 bits a character on the Penn Treebank, .34 on enwik8",
)


class Chart(NamedTuple):
    """Numbers that are compared: what they are, and each by its name."""

    title: str
    values: dict[str, float]


@dataclass(frozen=True)
class Claim:
    """A claim of the paper.

    Attributes:
        text: What the paper says.
        verdict: CONFIRMED, DENIED or OPEN.
        evidence: The measurement, or why there is none.
        charts: The measurement as charts side by side; empty where there is none.
    """

    text: str
    verdict: str
    evidence: str
    charts: tuple[Chart, ...] = ()


@dataclass(frozen=True)
class ClaimInputs:
    """Models, data and results that the claims are measured with.

    Attributes:
        writer: The synthesis network that writes.
        prediction, synthesis: Models of raw ink, whose densities are compared; None where there is none.
        corpus: Real lines.
        table: The rows of Tables 3 and 4.
        texts: A real, a generated and a baseline text; None where there is no packed text.
        has_real_lines: Whether people wrote the lines of `corpus`.
    """

    writer: Model
    prediction: Model | None
    synthesis: Model | None
    corpus: InkCorpus
    table: Sequence[Measured]
    texts: TextComparison | None = None
    has_real_lines: bool = True

    def measured(self) -> dict[str, Measured]:
        """Return the rows of the table that have scores, by name."""
        return {one.row.name: one for one in self.table if one.scores}


@dataclass(frozen=True)
class GainClaim:
    """A claim that one training predicts better than another.

    Attributes:
        text: What the paper says.
        pairs: Names of trainings to compare, (better, worse); the paper's own recipes first.
        nats: The paper's gain in nats a line.
        longer: Whether the better one always learned longer, as a training with adaptive noise goes on from the one
            without; the points they learned from are not compared then.
    """

    text: str
    pairs: tuple[tuple[str, str], ...]
    nats: float
    longer: bool = False


GAINS = (
    GainClaim(
        "3 × 400 predicts better than 1 × 900 by about 15 nats",
        (("prediction-3x400", "prediction-1x900"), ("prediction", "prediction-900")),
        15.3,
    ),
    GainClaim(
        "adaptive noise gains 17 nats in prediction",
        (("prediction-3x400-adaptive", "prediction-3x400"), ("prediction-adaptive", "prediction")),
        16.7,
        longer=True,
    ),
    GainClaim(
        "adaptive noise gains 31 nats in synthesis",
        (("synthesis-adaptive", "synthesis"), ("writer-raw-adaptive", "writer-raw")),
        31.3,
        longer=True,
    ),
)


def check_claims(inputs: ClaimInputs, report: Callable[[str], None]) -> list[Claim]:
    """Check all claims of the acceptance list, in the paper's order.

    Args:
        inputs: Models, data and results.
        report: Called with a sentence before each measurement.
    """
    claims = [Claim(text, OPEN, "a claim on text networks; see `nextstroke evaluate` of those") for text in TEXT]
    claims += check_texts(inputs.texts)
    claims += [check_gain(inputs, gain) for gain in GAINS]
    for name, check in CHECKS.items():
        report(f"checking claims: {name}")
        claims.append(check(inputs))
    why = "an OCR program prefers frequent words as well, so that its errors would prove nothing"
    return [*claims, Claim("more errors on rare words", OPEN, why)]


def check_texts(texts: TextComparison | None) -> list[Claim]:
    """Check the claims on what a text network writes."""
    claims = []
    for text, check in text_claims.CLAIMS:
        if texts is None:
            claims.append(Claim(text, OPEN, "no packed text of Wikipedia; see --text"))
            continue
        holds, evidence = check(texts)
        claims.append(Claim(text, OPEN if holds is None else _verdict(holds), evidence))
    return claims


def _verdict(holds: bool) -> str:
    return CONFIRMED if holds else DENIED


def check_gain(inputs: ClaimInputs, gain: GainClaim) -> Claim:
    """Check that one training has a lower log-loss than another."""
    found = inputs.measured()
    pair = next((pair for pair in gain.pairs if found.keys() >= set(pair)), None)
    if pair is None:
        missing = [name for name in gain.pairs[0] if name not in found]
        return Claim(gain.text, OPEN, f"no training of {' and of '.join(missing)}")
    better, worse = (found[name] for name in pair)
    difference = worse.nats_per_line - better.nats_per_line
    evidence = f"{difference:.1f} nats a line ({pair[0]}, {pair[1]}); the paper {gain.nats}"
    reason = "" if gain.longer else _incomparable(better.points, worse.points)
    if reason:
        return Claim(gain.text, OPEN, f"{evidence}; {reason}")
    losses = {pair[1]: worse.nats_per_line, pair[0]: better.nats_per_line}
    return Claim(gain.text, _verdict(difference > 0), evidence, (Chart("nats a line", losses),))


def _incomparable(one: float, other: float) -> str:
    """Return why trainings on `one` and `other` points cannot be compared; empty where they can."""
    # Written so that NaN fails too.
    if not max(one, other) <= 2 * min(one, other):
        return f"not to be compared: they learned from {one / 1e6:.1f} and {other / 1e6:.1f} M points"
    return ""


def check_squared_error(inputs: ClaimInputs) -> Claim:
    """Check that the text roughly halves the squared error."""
    text = "synthesis has about half the squared error of prediction (.41 → .23)"
    found = inputs.measured()
    for names in (("prediction-3x400", "synthesis"), ("prediction", "writer-raw")):
        if not found.keys() >= set(names):
            continue
        prediction, synthesis = (found[name] for name in names)
        before, after = prediction.squared_error_per_point, synthesis.squared_error_per_point
        evidence = f"{before:.3f} ({names[0]}) → {after:.3f} ({names[1]}), squared distance to the mixture's mean"
        reason = _incomparable(prediction.points, synthesis.points)
        if reason:
            return Claim(text, OPEN, f"{evidence}; {reason}")
        chart = Chart("squared error a point", {names[0]: before, names[1]: after})
        return Claim(text, _verdict(after < 0.75 * before), evidence, (chart,))
    return Claim(text, OPEN, "no pair of trainings of the same kind")


def check_densities(inputs: ClaimInputs) -> Claim:
    """Check that knowing the text sharpens the densities, most of all after stroke ends."""
    text = "densities are sharper in synthesis than in prediction, mostly at stroke ends"
    if inputs.prediction is None or inputs.synthesis is None:
        return Claim(text, OPEN, "needs a prediction and a synthesis model of raw ink")
    lines = measures.sample_lines(inputs.corpus, inputs.synthesis, VALIDATION, LINES)
    before = measures.sharpness(inputs.prediction, lines)
    after = measures.sharpness(inputs.synthesis, lines)
    parts = {
        "within strokes": (before.within_strokes, after.within_strokes),
        "after stroke ends": (before.after_stroke_ends, after.after_stroke_ends),
    }
    evidence = "; ".join(
        f"{name}: deviation {one.deviation:.3f} → {other.deviation:.3f}, "
        f"{one.nats - other.nats:.2f} nats a point better"
        for name, (one, other) in parts.items()
    )
    charts = tuple(
        Chart(f"deviation {name}", {"prediction": one.deviation, "synthesis": other.deviation})
        for name, (one, other) in parts.items()
    )
    models = (inputs.prediction, inputs.synthesis)
    learned = [model.metadata.get("record", {}).get("points", math.nan) for model in models]
    reason = _incomparable(*learned) if inputs.has_real_lines else "not to be judged: a model wrote the lines"
    if reason:
        return Claim(text, OPEN, f"{evidence}; {reason}", charts)
    sharper = all(other.deviation < one.deviation for one, other in parts.values())
    gain_within = before.within_strokes.nats - after.within_strokes.nats
    gain_at_ends = before.after_stroke_ends.nats - after.after_stroke_ends.nats
    return Claim(text, _verdict(sharper and gain_at_ends > gain_within), evidence, charts)


def check_window(inputs: ClaimInputs) -> Claim:
    """Check that the window moves along the text without going back."""
    path = measures.window_path(inputs.writer, measures.sample_lines(inputs.corpus, inputs.writer, VALIDATION, LINES))
    straight = path.time_correlation > 0.95 and path.backward_share < 0.05
    # The spread is reported only: two measures of it disagree, and a border is where the peak moves, which favours
    # the one reported.
    text = "the window moves straight along the text (that it spreads at letters' borders is reported, not judged)"
    charts = (
        Chart("the window's peak", {"correlation with time": path.time_correlation, "moves back": path.backward_share}),
        Chart("letters it covers", {"at borders": path.letters_at_borders, "within letters": path.letters_within}),
    )
    return Claim(text, _verdict(straight), str(path), charts)


def check_stop_rule(inputs: ClaimInputs) -> Claim:
    """Check that unbiased lines end by themselves."""
    shares = measures.stop_rule(inputs.writer)
    chart = Chart("share of lines", {"ended": shares.ended, "ended with every letter": shares.complete})
    text = "the stop rule ends a line after its last letter"
    return Claim(text, _verdict(shares.complete >= 0.9), str(shares), (chart,))


def check_bias(inputs: ClaimInputs) -> Claim:
    """Check that a bias makes lines more legible and less diverse."""
    text = "more bias: easier to read, less diverse"
    effects = measures.bias_effect(inputs.writer)
    evidence = "; ".join(map(str, effects))
    charts = tuple(
        Chart(
            f"deviation of {trait.name} between lines",
            {f"bias {one.bias:g}": getattr(one.diversity, trait.name) for one in effects},
        )
        for trait in fields(TraitValues)
    )
    errors = {f"bias {one.bias:g}": one.character_error for one in effects if one.character_error is not None}
    charts += (Chart(f"character error ({PROGRAM})", errors),) if errors else ()
    least, most = effects[0], effects[-1]
    less_diverse = most.diversity.all_below(least.diversity)
    if least.character_error is None or most.character_error is None:
        verdict = OPEN if less_diverse else DENIED
        return Claim(text, verdict, f"{evidence}; legibility not measured: {PROGRAM} is not installed", charts)
    return Claim(text, _verdict(less_diverse and most.character_error < least.character_error), evidence, charts)


def check_hands(inputs: ClaimInputs) -> Claim:
    """Check that a line has one hand, and different lines different ones."""
    lines = measures.sample_lines(inputs.corpus, inputs.writer, VALIDATION, LINES)
    steady = measures.hand_steadiness(inputs.writer, lines)
    evidence = f"correlation of halves, samples: {steady.samples}; real lines: {steady.real_lines}"
    charts = tuple(
        Chart(f"correlation of halves: {name}", asdict(values))
        for name, values in (("samples", steady.samples), ("real lines", steady.real_lines))
    )
    text = "style is constant within a line and varies between lines"
    return Claim(text, _verdict(steady.samples.least() > 0.5), evidence, charts)


def check_priming(inputs: ClaimInputs) -> Claim:
    """Check that lines keep the hand of their prime."""
    primes = measures.sample_lines(inputs.corpus, inputs.writer, TRAINING, PRIMES)
    effects = measures.priming(inputs.writer, primes)
    kept = min(effect.own_share for effect in effects) > 0.6
    slanted = min(effect.slant_correlation for effect in effects) > 0.5
    smoother = effects[-1].roughness < effects[0].roughness
    charts = tuple(
        Chart(title, {f"bias {effect.bias:g}": getattr(effect, name) for effect in effects})
        for title, name in (
            ("nearer to its own prime", "own_share"),
            ("correlation of slants", "slant_correlation"),
            ("roughness", "roughness"),
        )
    )
    text = "a prime's style is carried on; with bias its slant stays and the line is smoother"
    return Claim(text, _verdict(kept and slanted and smoother), "; ".join(map(str, effects)), charts)


CHECKS: dict[str, Callable[[ClaimInputs], Claim]] = {
    "squared errors": check_squared_error,
    "densities": check_densities,
    "window": check_window,
    "stop rule": check_stop_rule,
    "bias": check_bias,
    "hands": check_hands,
    "priming": check_priming,
}
