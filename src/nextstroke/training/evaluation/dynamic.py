"""Dynamic evaluation: the weights learn from the text they are scored on, once, in order (section 3.1).

A segment is scored before anything is learned from it, so that a decoder could reach the score. The
paper states neither rule nor step size; here they are plain SGD and the rule of Krause et al. 2018
(arXiv:1709.07432).
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
from nextstroke.nets.networks import AnyTextNetwork, TextNetwork, TiedTextNetwork
from nextstroke.nets.softmax import log_loss
from nextstroke.training.device import open_device
from nextstroke.training.evaluation.metrics import TextScore
from nextstroke.training.evaluation.runs import check_alphabet, open_run
from nextstroke.training.tasks.text_task import SymbolBatch, TextExamples, make_text

UpdateRule = Callable[[list[Tensor], list[Tensor], float], None]  # weights, gradients, rate

TRIALS = 8  # learning rates tried at most
FIRST_RATES = {"sgd": 3e-3, "rms": 2e-4}  # where the search for a rate begins
LOSS_TOLERATED = 500.0  # nats lost to the trained weights since the best moment, before a return
CONSECUTIVE = 20  # segments from each position of the training text where statistics are collected


@dataclass(frozen=True)
class DynamicEvalConfig:
    """Update rule of the weights while they are scored.

    Attributes:
        rule: "sgd", plain, or "rms": each step divided by the root of the gradient's mean square on
            training text, with a decay back to the trained weights.
        rate: Step size, for the gradient of the sum over a segment; None: chosen on the validation
            split.
        decay: Mean share of the way back to the trained weights at each step of "rms".
        epsilon: Number added to each root of "rms", in units of their mean, so that it does not
            depend on the scale of the loss.
        segment: Symbols scored at once, then learned from; None: the recipe's chunk, or a whole
            sentence.
        statistics: Number of segments of training text whose gradients are collected.
        choose: Number of symbols at the end of the validation split on which a rate is chosen; they
            are then not scored.

    Raises:
        UsageError: a value is out of range.
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


def plain_rule(weights: list[Tensor], gradients: list[Tensor], rate: float) -> None:
    """Move the weights by stochastic gradient descent: θ ← θ − rate · g."""
    torch._foreach_add_(weights, gradients, alpha=-rate)


class NormalisedRule:
    """The update rule of Krause et al. 2018, equations 6 to 8.

        θ ← θ − rate · g / (r + ε) + min(decay · r / r̄, 1) · (θ_trained − θ)

    r are the root mean squares of each weight's gradient over segments of training text, r̄ their
    mean.

    Args:
        trained: Weights to decay to.
        squares: Mean squares of their gradients.
        decay: Mean share of the way back to the trained weights at each step.
        epsilon: ε as a multiple of r̄; that of Krause et al. is absolute.
    """

    def __init__(
        self,
        trained: Sequence[Tensor],
        squares: Sequence[Tensor],
        decay: float,
        epsilon: float,
    ):
        roots = [square.sqrt() for square in squares]
        total = sum(root.double().sum().item() for root in roots)
        mean = float(total / sum(root.numel() for root in roots))
        if mean == 0:
            raise BadInput("no weight has a gradient on the training text; use --rule sgd")
        self.trained = [weight.detach().clone() for weight in trained]
        self.divisors = [root + epsilon * mean for root in roots]
        self.pulls = [(decay / mean * root).clamp(max=1) for root in roots]

    def __call__(self, weights: list[Tensor], gradients: list[Tensor], rate: float) -> None:
        """Move the weights."""
        torch._foreach_lerp_(weights, self.trained, self.pulls)
        torch._foreach_addcdiv_(weights, gradients, self.divisors, value=-rate)


def learned_weights(network: AnyTextNetwork) -> list[Tensor]:
    """Return the weights that are not empty; the lowest layer has no weights for a layer below."""
    return [weight for weight in network.parameters() if weight.numel()]


def mean_squares(
    network: AnyTextNetwork,
    sequences: Sequence[np.ndarray],
    segment: int | None,
) -> list[Tensor]:
    """Return the mean square of each weight's gradient of a segment's summed loss, over all segments."""
    weights = learned_weights(network)
    squares = [torch.zeros_like(weight) for weight in weights]
    count = 0
    for sequence in sequences:
        state = network.start(1)
        for x, target in segments(network, sequence, segment):
            y, state = network(x, state)
            gradients = torch.autograd.grad(log_loss(y, target).sum(), weights)
            state = tuple(part.detach() for part in state)
            torch._foreach_addcmul_(squares, gradients, gradients)
            count += 1
    return [square / max(1, count) for square in squares]


def segments(
    network: AnyTextNetwork,
    sequence: np.ndarray,
    segment: int | None,
) -> Iterator[tuple[Tensor, ...]]:
    """Yield the symbols before and the symbols to predict of each segment, on the network's device.

    Args:
        network: Network that reads them.
        sequence: Ids of the symbols.
        segment: Symbols of a segment; None for the whole sequence.
    """
    device = network.output.bias.device
    for chunk in SymbolBatch.of([sequence]).chunks(segment):
        yield tuple(torch.from_numpy(np.ascontiguousarray(part)).to(device) for part in chunk)


def choose_rate(bits: Callable[[float], float], first: float) -> float:
    """Return a rate whose neighbours by factors of 3 are worse, found in at most TRIALS trials.

    Args:
        bits: Function from a rate to its score; lower is better.
        first: Rate of the first trial.
    """
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


class DynamicScorer:
    """Scores of a copy of a network that learns, and of the trained network, which is unchanged.

    If the copy loses LOSS_TOLERATED nats to the trained network, or a weight is not finite, it
    returns to the trained weights and the rate is halved. This bounds the cost of a divergence. A
    decoder knows of both before the next segment.

    Args:
        network: Trained network.
        rule: Update rule of the weights.
        rate: Step size.

    Attributes:
        moving, static: Nats, wrong guesses and symbols so far, of the copy and of the trained
            network.
        losses: Loss of the copy for each symbol in nats, one array for each segment.
        returns: Number of returns to the trained weights.
    """

    def __init__(self, network: AnyTextNetwork, rule: UpdateRule, rate: float):
        self.trained = network
        self.network = copy.deepcopy(network).eval()
        self.rule = rule
        self.rate = rate
        self.returns = 0
        self.lost = 0.0
        self.weights = learned_weights(self.network)
        self.moving = np.zeros(3)
        self.static = np.zeros(3)
        self.losses: list[np.ndarray] = []

    def read(self, sequence: np.ndarray, segment: int | None) -> None:
        """Score a sequence and learn from it, from a fresh state, segment by segment (None: as one)."""
        state = before = self.network.start(1)
        for x, target in segments(self.network, sequence, segment):
            with torch.no_grad():
                plain, before = self.trained(x, before)
            y, after = self.network(x, state)
            self._score(y.detach(), plain, target)
            if self.rate:
                self._learn(torch.autograd.grad(log_loss(y, target).sum(), self.weights))
            state = tuple(part.detach() for part in after)
            if not all(part.isfinite().all() for layer in state for part in layer):
                state = before

    def _score(self, y: Tensor, plain: Tensor, target: Tensor) -> None:
        """Count a segment's losses; a prediction that is not finite is replaced by the trained network's.

        A decoder sees that a prediction is not finite before it knows the symbol.
        """
        usable = y.log_softmax(2).isfinite().all(2, keepdim=True)
        y = torch.where(usable, y, plain)
        self.losses.append(log_loss(y, target)[0].cpu().double().numpy())
        moving = _sums(y, target)
        static = _sums(plain, target)
        self.moving += moving
        self.static += static
        self.lost = max(0.0, self.lost + moving[0] - static[0])

    def _learn(self, gradients: Sequence[Tensor]) -> None:
        with torch.no_grad():
            self.rule(self.weights, list(gradients), self.rate)
            finite = all(weight.isfinite().all() for weight in self.weights)
            if self.lost > LOSS_TOLERATED or not finite:
                torch._foreach_copy_(self.weights, learned_weights(self.trained))
                self.returns += 1
                self.rate /= 2
                self.lost = 0.0


def _sums(y: Tensor, target: Tensor) -> np.ndarray:
    """Return nats, wrong guesses and symbols of a segment."""
    nats = log_loss(y, target).cpu().double().sum()
    return np.array([float(nats), int((y.argmax(2) != target).sum()), target.numel()])


@dataclass(frozen=True)
class DynamicEvaluation:
    """Dynamic evaluation of a network on its texts.

    Args:
        network: Trained network; it is not changed.
        examples: Texts of the network.
        config: Update rule.
        segment: Symbols of a segment, None for whole sequences.
    """

    network: AnyTextNetwork
    examples: TextExamples
    config: DynamicEvalConfig
    segment: int | None

    def rule(self) -> UpdateRule:
        """Return the update rule; collects statistics of the gradients for "rms"."""
        if self.config.rule == "sgd":
            return plain_rule
        squares = mean_squares(self.network, self._sample(), self.segment)
        trained = learned_weights(self.network)
        return NormalisedRule(trained, squares, self.config.decay, self.config.epsilon)

    def _sample(self) -> list[np.ndarray]:
        """Return sentences, or consecutive segments, from all over the training text."""
        text = self.examples.train
        count = self.config.statistics
        if self.examples.sentences:
            sentences = self.examples.in_order(text)
            return sentences[:: max(1, len(sentences) // count)]
        length = CONSECUTIVE * (self.segment or 1)
        places = max(1, count // CONSECUTIVE)
        begins = np.linspace(0, max(0, len(text) - length), places).astype(int)
        return [text[begin : begin + length] for begin in begins]

    def score(self, text: np.ndarray, rule: UpdateRule, rate: float) -> DynamicScorer:
        """Score a text once, in order."""
        scorer = DynamicScorer(self.network, rule, rate)
        for sequence in self.examples.in_order(text):
            scorer.read(sequence, self.segment)
        return scorer

    def rule_and_rate(self, held_out: np.ndarray) -> tuple[UpdateRule, float]:
        """Return the rule and the rate, which is chosen on `held_out` where none is given."""
        rule = self.rule()
        rate = self.config.rate
        if rate is None:
            first = FIRST_RATES[self.config.rule]
            rate = choose_rate(lambda rate: self.score(held_out, rule, rate).moving[0], first)
        return rule, rate

    def metrics(self, text: np.ndarray, held_out: np.ndarray) -> dict[str, float]:
        """Return the dynamic and static scores of a text by name."""
        rule, rate = self.rule_and_rate(held_out)
        scorer = self.score(text, rule, rate)
        metrics = self._metrics(text, scorer.moving)
        for name, value in self._metrics(text, scorer.static).items():
            if isinstance(value, float):
                metrics[f"static_{name}"] = value
        return metrics | {"rate": rate, "returns_to_the_trained_weights": scorer.returns}

    def _metrics(self, text: np.ndarray, sums: np.ndarray) -> dict[str, float]:
        nats, wrong, symbols = sums
        words = self.examples.words_of(text)
        characters = self.examples.characters(text)
        return TextScore(float(nats), int(wrong), int(symbols), words, characters).metrics()


def evaluate_dynamically(
    run: Path,
    corpus: Path,
    split: str,
    config: DynamicEvalConfig,
    symbols: int | None = None,
    device: str = "cpu",
) -> dict[str, float]:
    """Return the scores of a text network that learns from the text it is scored on, by name.

    The files of the training are not changed.

    Args:
        run: Folder of a training, one of its checkpoints, or a model file.
        corpus: Packed text.
        split: Split to score.
        symbols: Number of symbols to score, from the beginning of the split; None for all.

    Raises:
        UsageError: the network is not one of text.
        BadInput: there is too little text.
    """
    if symbols is not None and symbols < 1:
        raise UsageError(f"symbols {symbols}: give 1 or more")
    evaluation = _open(run, corpus, config, device)
    text, held_out = _texts(evaluation.examples, split, config)
    return evaluation.metrics(text[:symbols], held_out)


def dynamic_bits(
    run: Path,
    corpus: Path,
    texts: Sequence[np.ndarray],
    config: DynamicEvalConfig,
    device: str = "cpu",
) -> list[np.ndarray]:
    """Return the bits of each symbol of some texts, float64 (symbols,) each.

    Each text begins with the trained weights. Raises the errors of `evaluate_dynamically`.
    """
    evaluation = _open(run, corpus, config, device)
    _, held_out = _texts(evaluation.examples, "train", config)
    rule, rate = evaluation.rule_and_rate(held_out)
    scorers = [evaluation.score(text, rule, rate) for text in texts]
    return [np.concatenate(scorer.losses) / math.log(2) for scorer in scorers]


def _open(run: Path, corpus: Path, config: DynamicEvalConfig, device: str) -> DynamicEvaluation:
    network, recipe, metadata, _, _ = open_run(run)
    if not isinstance(network, TextNetwork | TiedTextNetwork):
        raise UsageError(f"{run}: dynamic evaluation is for text networks, this is a {recipe.kind}")
    examples = make_text(TextCorpus.open(corpus), recipe)
    check_alphabet(examples, metadata, corpus)
    segment = config.segment or recipe.training.chunk
    return DynamicEvaluation(network.to(open_device(device)), examples, config, segment)


def _texts(
    examples: TextExamples,
    split: str,
    config: DynamicEvalConfig,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the text to score, and the end of the validation text, where a rate is chosen.

    That end is not scored; it is empty where a rate is given.
    """
    text = examples.on(split).validation
    validation = examples.validation
    if config.rate is not None:
        return text, validation[:0]
    held_out = validation[-config.choose :]
    if len(held_out) == len(validation):
        problem = f"{config.choose} symbols to choose a rate on, of {len(validation)} for validation"
        raise BadInput(f"{problem}; give a --rate, or a smaller --choose")
    return (text[: -config.choose] if split == "validation" else text), held_out
