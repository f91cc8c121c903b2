"""Dynamic evaluation: the weights go on learning from the text they are scored on, once, in order (section 3.1).

A segment is predicted and paid for before anything is learned from it, so that the score is one a decoder could reach.
"""

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from nextstroke.datasets.packed_text import TextCorpus
from nextstroke.errors import BadInput, UsageError
from nextstroke.nets.networks import TextNetwork
from nextstroke.nets.softmax import log_loss
from nextstroke.training.device import open_device
from nextstroke.training.evaluation.metrics import TextScore
from nextstroke.training.evaluation.runs import check_alphabet, open_run
from nextstroke.training.tasks.text_task import SymbolBatch, TextExamples, make_text

# How weights are moved while they are scored: two rules, what they need to know, and their step size.
#
# The paper states neither rule nor step size; ours are plain SGD and that of Krause et al. 2018 (arXiv:1709.07432).

Move = Callable[[list[Tensor], list[Tensor], float], None]

TRIALS = 8  # rates tried at most


@dataclass(frozen=True)
class DynamicEvalConfig:
    """How weights are moved while they are scored.

    Attributes:
        rule: "sgd", plain, or "rms": each step divided by the root of the gradient's mean square on training text, and
            a decay back to the trained weights.
        rate: Step size, for the gradient of the sum over a segment; None: chosen on the validation split.
        decay: "rms": the mean share of the way back to the trained weights at each step.
        epsilon: "rms": added to each root, in units of their mean, so that it does not depend on the loss's scale.
        segment: Symbols paid at once, then learned from; None: the recipe's chunk, or a whole sentence.
        statistics: Segments of training text whose gradients are collected.
        choose: So many symbols at the end of the validation split a rate is chosen on; they are then not scored.
    Raises:
        UsageError: a senseless value.
    """

    rule: Literal["sgd", "rms"] = "rms"
    rate: float | None = None
    decay: float = 0.002
    epsilon: float = 0.1
    segment: int | None = None
    statistics: int = 500
    choose: int = 20_000

    def __post_init__(self) -> None:
        if self.rule not in FIRST_RATES:
            raise UsageError(f"rule {self.rule!r}: give {' or '.join(FIRST_RATES)}")
        if self.rate is not None and not (math.isfinite(self.rate) and self.rate >= 0):
            raise UsageError(f"rate {self.rate}: give a number, 0 or above")
        if not 0 <= self.decay <= 1:
            raise UsageError(f"decay {self.decay}: give a number from 0 to 1")
        if not (math.isfinite(self.epsilon) and self.epsilon > 0):
            raise UsageError(f"epsilon {self.epsilon}: give a number above 0")
        if self.segment is not None and self.segment < 1:
            raise UsageError(f"segment {self.segment}: give 1 or more")
        if self.choose < 1:
            raise UsageError(f"choose {self.choose}: give 1 or more")


FIRST_RATES = {"sgd": 3e-3, "rms": 2e-4}  # where the search begins


def plain_rule(weights: list[Tensor], gradients: list[Tensor], rate: float) -> None:
    """θ ← θ − rate · g."""
    torch._foreach_add_(weights, gradients, alpha=-rate)


class NormalisedRule:
    """θ ← θ − rate · g / (r + ε) + min(decay · r / r̄, 1) · (θ_trained − θ); Krause et al. 2018, equations 6 to 8.

    r are the roots of the mean squares of each weight's gradient over segments of training text, r̄ is their mean.

    Args:
        trained: The weights to decay to.
        squares: Mean squares of their gradients.
        decay, epsilon: As in DynamicEvalConfig; the paper's ε is not relative.
    """

    def __init__(self, trained: Sequence[Tensor], squares: Sequence[Tensor], decay: float, epsilon: float):
        roots = [square.sqrt() for square in squares]
        mean = float(sum(root.double().sum().item() for root in roots) / sum(root.numel() for root in roots))
        if mean == 0:
            raise BadInput("no weight has a gradient on the training text; there is nothing to divide a step by")
        self.trained = [weight.detach().clone() for weight in trained]
        self.divisors = [root + epsilon * mean for root in roots]
        self.pulls = [(decay / mean * root).clamp(max=1) for root in roots]

    def __call__(self, weights: list[Tensor], gradients: list[Tensor], rate: float) -> None:
        """Move the weights."""
        torch._foreach_lerp_(weights, self.trained, self.pulls)
        torch._foreach_addcdiv_(weights, gradients, self.divisors, value=-rate)


def learned_weights(network: TextNetwork) -> list[Tensor]:
    """The weights that there are; a lowest layer has none from below."""
    return [weight for weight in network.parameters() if weight.numel()]


def mean_squares(network: TextNetwork, sequences: Sequence[np.ndarray], segment: int | None) -> list[Tensor]:
    """Mean over all segments of the squares of each weight's gradient of a segment's summed loss."""
    weights = learned_weights(network)
    squares, count = [torch.zeros_like(weight) for weight in weights], 0
    for sequence in sequences:
        state = network.start(1)
        for x, target in segments(network, sequence, segment):
            y, state = network(x, state)
            gradients = torch.autograd.grad(log_loss(y, target).sum(), weights)
            state = tuple(part.detach() for part in state)
            torch._foreach_addcmul_(squares, gradients, gradients)
            count += 1
    return [square / max(1, count) for square in squares]


def segments(network: TextNetwork, sequence: np.ndarray, segment: int | None) -> Iterator[tuple[Tensor, ...]]:
    """The symbols before and those to predict, a segment at a time (None: all at once), where the network is."""
    device = network.output.bias.device
    for chunk in SymbolBatch.of([sequence]).chunks(segment):
        yield tuple(torch.from_numpy(np.ascontiguousarray(part)).to(device) for part in chunk)


def choose_rate(bits: Callable[[float], float], first: float) -> float:
    """Climb by factors of 3 from `first` to where both neighbours are worse; a few rates are tried, TRIALS at most."""
    found = {first: bits(first)}
    for factor in (3.0, 1 / 3):
        while len(found) < TRIALS:
            best = min(found, key=found.__getitem__)
            rate = best * factor
            if any(math.isclose(rate, tried) for tried in found):
                break
            found[rate] = bits(rate)
            if not found[rate] < found[best]:
                break
    return min(found, key=found.__getitem__)


LOSS_TOLERATED = 500.0  # nats behind the trained weights, counted from the best moment, until they are returned to
RUN = 20  # segments in a row of each place of the training text that statistics are collected on


class DynamicScorer:
    """A network that learns while it is scored, beside itself as it was trained; the one given stays as it is.

    Where it falls LOSS_TOLERATED nats behind, or a weight is not a number, it returns to the trained weights, and the
    rate is halved: what a divergence costs is bounded. Both are known to a decoder before the next segment.

    Args:
        network: The trained network.
        rule: What moves the weights.
        rate: Step size.

    Attributes:
        moving, static: Nats, wrong guesses and symbols so far, of the learning network and of the trained one.
        prices: What the learning one paid for each symbol in nats, segment by segment.
        returns: How often it returned.
    """

    def __init__(self, network: TextNetwork, rule: Move, rate: float):
        self.trained, self.network = network, copy.deepcopy(network).eval()
        self.rule, self.rate, self.returns, self.behind = rule, rate, 0, 0.0
        self.weights = learned_weights(self.network)
        self.moving, self.static = np.zeros(3), np.zeros(3)
        self.prices: list[np.ndarray] = []

    def read(self, sequence: np.ndarray, segment: int | None) -> None:
        """Pay for a sequence and learn from it, from a fresh state, segment by segment (None: as one)."""
        state = before = self.network.start(1)
        for x, target in segments(self.network, sequence, segment):
            with torch.no_grad():
                plain, before = self.trained(x, before)
            y, after = self.network(x, state)
            self._pay(y.detach(), plain, target)
            if self.rate:
                self._learn(torch.autograd.grad(log_loss(y, target).sum(), self.weights))
            state = tuple(part.detach() for part in after)
            if not all(part.isfinite().all() for layer in state for part in layer):
                state = before

    def _pay(self, y: Tensor, plain: Tensor, target: Tensor) -> None:
        """Count a segment's losses; where a prediction is not one, which shows before the symbol, the trained one's."""
        usable = y.log_softmax(2).isfinite().all(2, keepdim=True)
        y = torch.where(usable, y, plain)
        self.prices.append(log_loss(y, target)[0].cpu().double().numpy())
        ours, theirs = _paid(y, target), _paid(plain, target)
        self.moving += ours
        self.static += theirs
        self.behind = max(0.0, self.behind + ours[0] - theirs[0])

    def _learn(self, gradients: Sequence[Tensor]) -> None:
        with torch.no_grad():
            self.rule(self.weights, list(gradients), self.rate)
            if self.behind > LOSS_TOLERATED or not all(weight.isfinite().all() for weight in self.weights):
                torch._foreach_copy_(self.weights, learned_weights(self.trained))
                self.returns, self.rate, self.behind = self.returns + 1, self.rate / 2, 0.0


def _paid(y: Tensor, target: Tensor) -> np.ndarray:
    """Nats, wrong guesses and symbols of a segment."""
    nats = log_loss(y, target).cpu().double().sum()
    return np.array([float(nats), int((y.argmax(2) != target).sum()), target.numel()])


@dataclass(frozen=True)
class DynamicEvaluation:
    """A network and its texts, scored under some dynamics.

    Args:
        network: The trained network; it is not changed.
        examples: Its texts.
        how: The dynamics.
        segment: Symbols of a segment, None for whole sequences.
    """

    network: TextNetwork
    examples: TextExamples
    how: DynamicEvalConfig
    segment: int | None

    def rule(self) -> Move:
        """What moves the weights; collects statistics where the rule needs them."""
        if self.how.rule == "sgd":
            return plain_rule
        squares = mean_squares(self.network, self._sample(), self.segment)
        return NormalisedRule(learned_weights(self.network), squares, self.how.decay, self.how.epsilon)

    def _sample(self) -> list[np.ndarray]:
        """Sentences, or runs of segments, from all over the training text."""
        text, count = self.examples.train, self.how.statistics
        if self.examples.sentences:
            sentences = self.examples.in_order(text)
            return sentences[:: max(1, len(sentences) // count)]
        length = RUN * (self.segment or 1)
        places = np.linspace(0, max(0, len(text) - length), max(1, count // RUN)).astype(int)
        return [text[place : place + length] for place in places]

    def score(self, text: np.ndarray, rule: Move, rate: float) -> DynamicScorer:
        """Score a text once, in order."""
        scorer = DynamicScorer(self.network, rule, rate)
        for sequence in self.examples.in_order(text):
            scorer.read(sequence, self.segment)
        return scorer

    def steps(self, kept: np.ndarray) -> tuple[Move, float]:
        """The rule and the rate, chosen on `kept` where none is given."""
        rule, rate = self.rule(), self.how.rate
        if rate is None:
            rate = choose_rate(lambda rate: self.score(kept, rule, rate).moving[0], FIRST_RATES[self.how.rule])
        return rule, rate

    def metrics(self, text: np.ndarray, kept: np.ndarray) -> dict[str, float]:
        """Scores of a text by name, static ones beside them."""
        rule, rate = self.steps(kept)
        scorer = self.score(text, rule, rate)
        moving, static = (self._told(text, sums) for sums in (scorer.moving, scorer.static))
        beside = {f"static_{name}": value for name, value in static.items() if isinstance(value, float)}
        return moving | beside | {"rate": rate, "returns_to_the_trained_weights": scorer.returns}

    def _told(self, text: np.ndarray, sums: np.ndarray) -> dict[str, float]:
        nats, wrong, symbols = sums
        words, characters = self.examples.words_of(text), self.examples.characters(text)
        return TextScore(float(nats), int(wrong), int(symbols), words, characters).metrics()


def evaluate_dynamically(
    run: Path, corpus: Path, split: str, how: DynamicEvalConfig, symbols: int | None = None, device: str = "cpu"
) -> dict[str, float]:
    """Scores by name of a run whose weights learn from the text they are scored on; what is stored stays as it is.

    Args:
        run: Folder of a training, one of its checkpoints, or a model file.
        split: The text to be scored.
        symbols: Only so many from its beginning.
    Raises:
        UsageError: the run is not one of text. BadInput: too little text.
    """
    if symbols is not None and symbols < 1:
        raise UsageError(f"symbols {symbols}: give 1 or more")
    evaluation = _open(run, corpus, how, device)
    text, kept = _parts(evaluation.examples, split, how)
    return evaluation.metrics(text[:symbols], kept)


def dynamic_bits(
    run: Path, corpus: Path, texts: Sequence[np.ndarray], how: DynamicEvalConfig, device: str = "cpu"
) -> list[np.ndarray]:
    """Bits of each symbol of some texts, each read from the trained weights on; float64 (symbols,) each.

    Raises as `evaluate_dynamically`.
    """
    evaluation = _open(run, corpus, how, device)
    rule, rate = evaluation.steps(_parts(evaluation.examples, "train", how)[1])
    return [np.concatenate(evaluation.score(text, rule, rate).prices) / math.log(2) for text in texts]


def _open(run: Path, corpus: Path, how: DynamicEvalConfig, device: str) -> DynamicEvaluation:
    network, recipe, metadata, _, _ = open_run(run)
    if recipe.kind != "text":
        raise UsageError(f"{run}: dynamic evaluation is of text, this is a {recipe.kind}")
    examples = make_text(TextCorpus.open(corpus), recipe)
    check_alphabet(examples, metadata, corpus)
    return DynamicEvaluation(network.to(open_device(device)), examples, how, how.segment or recipe.training.chunk)


def _parts(examples: TextExamples, split: str, how: DynamicEvalConfig) -> tuple[np.ndarray, np.ndarray]:
    """The text to be scored, and what a rate is chosen on: the validation text's end, never scored then."""
    text, validation = examples.on(split).validation, examples.validation
    if how.rate is not None:
        return text, validation[:0]
    kept = validation[-how.choose :]
    if len(kept) == len(validation):
        raise BadInput(
            f"{how.choose} symbols to choose a rate on, of {len(validation)} for validation; give a --rate, or "
            "another --choose"
        )
    return (text[: -how.choose] if split == "validation" else text), kept
