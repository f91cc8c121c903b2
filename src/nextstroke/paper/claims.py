"""The paper's checkable claims, each with the measurement that confirms or denies it."""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from nextstroke.datasets.iam import TRAINING, VALIDATION
from nextstroke.datasets.packed_ink import InkCorpus
from nextstroke.paper import measures, text_claims
from nextstroke.paper.hand_features import TRAITS
from nextstroke.paper.legibility import PROGRAM, readable
from nextstroke.paper.tables import Measured
from nextstroke.paper.text_claims import Traits
from nextstroke.runtime.model_file import Model

CONFIRMED, DENIED, OPEN = "confirmed", "denied", "not measured"
LINES, PRIMES = 40, 24

# What the text networks have to show is measured by their own commands.
TEXT = (
    "Penn Treebank, Table 1",
    "enwik8: 1.42 bits in training, 1.67 static, 1.33 dynamic",
    "characters predict as well as words once regularised",
    "dynamic evaluation gains .03 bits a character on the Penn Treebank, .34 on enwik8",
)


class Claim(NamedTuple):
    """A claim of the paper, one of the three verdicts, and what it rests on."""

    text: str
    verdict: str
    evidence: str


class Given(NamedTuple):
    """What there is to measure.

    Attributes:
        writer: The model that writes.
        prediction, synthesis: Models of raw ink, whose densities are compared; None where there is none.
        corpus: Real lines.
        table: The rows of Tables 3 and 4.
        texts: Traits of a real text, a generated one and a baseline; None where there is no packed text.
    """

    writer: Model
    prediction: Model | None
    synthesis: Model | None
    corpus: InkCorpus
    table: Sequence[Measured]
    texts: dict[str, Traits] | None = None


def check_claims(given: Given, say: Callable[[str], None]) -> list[Claim]:
    """All of the acceptance list, in the paper's order."""
    claims = [Claim(text, OPEN, "a claim on text networks; see `nextstroke evaluate` of those") for text in TEXT]
    claims += check_texts(given.texts)
    claims += [_better(given, *pair) for pair in PAIRS]
    for check in (_errors, _densities, _window, _stop, _bias, _hands, _primes):
        say(f"checking claims: {check.__name__.strip('_')}")
        claims.append(check(given))
    why = "an OCR program prefers frequent words as well, so that its errors would prove nothing"
    return [*claims, Claim("more errors on rare words", OPEN, why)]


def check_texts(found: dict[str, Traits] | None) -> list[Claim]:
    """The claims on what a text network writes."""
    claims = []
    for text, check in text_claims.CLAIMS:
        holds, told = check(found) if found else (None, "no packed text of Wikipedia; see --text")
        claims.append(Claim(text, OPEN if holds is None else CONFIRMED if holds else DENIED, told))
    return claims


# Of each claim the trainings to compare, the paper's own recipes first, and the paper's gain in nats a line.
PAIRS = (
    (
        "3 × 400 predicts better than 1 × 900 by about 15 nats",
        (("prediction-3x400", "prediction-1x900"), ("prediction", "prediction-900")),
        15.3,
    ),
    (
        "adaptive noise gains 17 nats in prediction",
        (("prediction-3x400-adaptive", "prediction-3x400"), ("prediction-adaptive", "prediction")),
        16.7,
    ),
    (
        "adaptive noise gains 31 nats in synthesis",
        (("synthesis-adaptive", "synthesis"), ("writer-raw-adaptive", "writer-raw")),
        31.3,
    ),
)


def _better(given: Given, text: str, pairs: tuple[tuple[str, str], ...], nats: float) -> Claim:
    found = {one.row.name: one for one in given.table if one.figures}
    there = [pair for pair in pairs if found.keys() >= set(pair)]
    if not there:
        missing = [name for name in pairs[0] if name not in found]
        return Claim(text, OPEN, f"no training of {' and of '.join(missing)}")
    better, worse = there[0]
    first, second = found[better], found[worse]
    gain = second.figures["nats_per_line"] - first.figures["nats_per_line"]
    told = f"{gain:.1f} nats a line ({better}, {worse}); the paper {nats}"
    # With noise a training goes on from the one without, so that it has always learned longer.
    if "adaptive" not in better and (unlike := _unlike(first.points, second.points)):
        return Claim(text, OPEN, f"{told}; {unlike}")
    return Claim(text, CONFIRMED if gain > 0 else DENIED, told)


def _unlike(one: float, other: float) -> str:
    """Why two trainings cannot be compared; empty where they can."""
    if not max(one, other) <= 2 * min(one, other):
        return f"not to be compared: they learned from {one / 1e6:.1f} and {other / 1e6:.1f} M points"
    return ""


def _errors(given: Given) -> Claim:
    text = "synthesis has about half the squared error of prediction (.41 → .23)"
    found = {one.row.name: one for one in given.table if one.figures}
    for names in (("prediction-3x400", "synthesis"), ("prediction", "writer-raw")):
        if found.keys() >= set(names):
            first, second = (found[name] for name in names)
            before, after = (one.figures["squared_error_per_point"] for one in (first, second))
            told = f"{before:.3f} ({names[0]}) → {after:.3f} ({names[1]}), squared distance to the mixture's mean"
            if unlike := _unlike(first.points, second.points):
                return Claim(text, OPEN, f"{told}; {unlike}")
            return Claim(text, CONFIRMED if after < 0.75 * before else DENIED, told)
    return Claim(text, OPEN, "no pair of trainings of the same kind")


def _densities(given: Given) -> Claim:
    text = "densities are sharper in synthesis than in prediction, mostly at stroke ends"
    if given.prediction is None or given.synthesis is None:
        return Claim(text, OPEN, "needs a prediction and a synthesis model of raw ink")
    lines = measures.some_lines(given.corpus, given.synthesis, VALIDATION, LINES)
    before, after = (measures.sharpness(model, lines) for model in (given.prediction, given.synthesis))
    gain = {place: before[f"nats a point {place}"] - after[f"nats a point {place}"] for place in PLACES}
    told = "; ".join(
        f"{place}: deviation {before[f'deviation {place}']:.3f} → {after[f'deviation {place}']:.3f}, "
        f"{gain[place]:.2f} nats a point better"
        for place in PLACES
    )
    learned = [
        model.metadata.get("record", {}).get("points", math.nan) for model in (given.prediction, given.synthesis)
    ]
    if unlike := _unlike(*learned):
        return Claim(text, OPEN, f"{told}; {unlike}")
    sharper = all(after[f"deviation {place}"] < before[f"deviation {place}"] for place in PLACES)
    return Claim(text, CONFIRMED if sharper and gain[PLACES[1]] > gain[PLACES[0]] else DENIED, told)


PLACES = ("within strokes", "after stroke ends")


def _window(given: Given) -> Claim:
    found = measures.window_path(given.writer, measures.some_lines(given.corpus, given.writer, VALIDATION, LINES))
    straight = found["correlation with time"] > 0.95 and found["share of moves back"] < 0.05
    # Two measures of the spread disagree, and a border is where the peak moves, which favours the one told here.
    text = "the window moves straight along the text (that it spreads at letters' borders is told, not judged)"
    return Claim(text, CONFIRMED if straight else DENIED, _told(found))


def _stop(given: Given) -> Claim:
    found = measures.ends_by_itself(given.writer)
    text = "the stop rule ends a line after its last letter"
    return Claim(text, CONFIRMED if found["ended, every letter reached"] >= 0.9 else DENIED, _told(found))


def _bias(given: Given) -> Claim:
    text = "more bias: easier to read, less diverse"
    rows = measures.bias_effect(given.writer)
    told = "; ".join(_told(row) for row in rows)
    diverse = all(rows[-1][trait] < rows[0][trait] for trait in TRAITS)
    if not readable():
        verdict = OPEN if diverse else DENIED
        return Claim(text, verdict, f"{told}; legibility not measured: {PROGRAM} is not installed")
    legible = rows[-1]["character error"] < rows[0]["character error"]
    return Claim(text, CONFIRMED if diverse and legible else DENIED, told)


def _hands(given: Given) -> Claim:
    lines = measures.some_lines(given.corpus, given.writer, VALIDATION, LINES)
    found = measures.hands(given.writer, lines)
    text = "style is constant within a line and varies between lines"
    told = "; ".join(f"correlation of halves, {name}: {_told(row)}" for name, row in found.items())
    return Claim(text, CONFIRMED if min(found["samples"].values()) > 0.5 else DENIED, told)


def _primes(given: Given) -> Claim:
    found = measures.priming(given.writer, measures.some_lines(given.corpus, given.writer, TRAINING, PRIMES))
    carried = min(found["own prime, bias 0"], found["own prime, bias 1"]) > 0.6
    slanted = min(found["correlation of slants, bias 0"], found["correlation of slants, bias 1"]) > 0.5
    smoother = found["roughness, bias 1"] < found["roughness, bias 0"]
    text = "a prime's style is carried on; with bias its slant stays and the line is smoother"
    return Claim(text, CONFIRMED if carried and slanted and smoother else DENIED, _told(found))


def _told(figures: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value:.3g}" for name, value in figures.items())
