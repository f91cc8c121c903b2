"""Learn a hand from lines of ink in any unit: bring them to the model's units and prime the model with them."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from nextstroke.datasets.packed_ink import InkCorpus
from nextstroke.errors import BadInk, CorruptFile
from nextstroke.formats.detect import read_with_text
from nextstroke.handwriting.hands import Hand, check_length, gallery_hand, load_hands, prime_hand
from nextstroke.handwriting.request import line_requests
from nextstroke.handwriting.sampler import Cancelled, write
from nextstroke.ink import Ink
from nextstroke.pages.layout import Measures, Page, level
from nextstroke.pages.spline import polyline
from nextstroke.runtime.model_file import Model
from nextstroke.runtime.predictor import WriterPredictor

STYLE = ".style"  # suffix of a stored hand
INK = {".inkml", ".json", ".xml", ".svg", ".ink"}
# What the model writes, in eight hands of its own, to measure the size it knows; it has letters of all heights.
SPECIMEN = "the quick brown fox jumps over the lazy dog"
SPECIMENS = 8
GAP = 1.2  # between joined lines, in heights of small letters
DECOYS = 12
PIECES = 8  # of each segment of the spline on which points are interpolated
RAW = 3  # points of raw ink for one of simplified ink


def find_hand(name: str, model: Model, model_name: str) -> Hand:
    """Return a hand of the model's gallery by its name, or one from a file: a stored hand, or ink.

    Args:
        name: Name of a style; "none" for no hand; empty for the first of the gallery; or a file's name.
        model_name: Name or file of the model, which its gallery belongs to.

    Raises:
        UsageError: The gallery has none of that name.
        BadInput, LimitExceeded: The file cannot be read.
        WrongModel: The hand was made with another model.
        BadInk, UnknownCharacters: As `learn_hand`.
    """
    suffix = Path(name).suffix.lower()
    if suffix == STYLE:
        hand = next(iter(load_hands(Path(name)).values()), None)
        if hand is None:
            raise CorruptFile(f"{name}: holds no style; make it with `nextstroke style learn`")
        hand.check(model)
        return hand
    if suffix in INK:
        return learn_hand(model, Path(name).stem, [read_with_text(name)])
    return gallery_hand(name, model_name)


def learn_hand(model: Model, name: str, lines: Sequence[tuple[Ink, str]], cancelled: Cancelled | None = None) -> Hand:
    """Learn a hand from single lines of ink with their texts.

    Args:
        model: A writer.
        name: Name of the new hand.
        lines: Ink in any unit, with any number of points, at equal times or not, and what it says.
        cancelled: Called before each step; raises to cancel the learning.

    Raises:
        BadInk: There is no text, or it does not fit the ink.
        UnknownCharacters: The text holds characters that the model cannot write.
        LimitExceeded: The text is longer than MAX_TEXT.
    """
    if not all(text.strip() for _, text in lines):
        raise BadInk(f"{name}: its text is not known; put it into the file, or into a file of the same name with .txt")
    text = " ".join(text for _, text in lines)
    check_length(text)
    x_height = known_size(model, cancelled)
    ink = _joined([_fitted(ink, text, model, x_height) for ink, text in lines], x_height)
    if not fits(model, ink, text, cancelled):
        raise BadInk(f"{name}: the ink does not seem to say {text[:40]!r}; give the very words, on one line")
    return prime_hand(model, name, ink, text, cancelled)


def known_size(model: Model, cancelled: Cancelled | None = None) -> float:
    """Return the height of small letters in the model's units; `cancelled` as for `learn_hand`."""
    requests = line_requests(model, [SPECIMEN] * SPECIMENS, bias=0.0)
    lines = write(model, requests, attempts=1, cancelled=cancelled)
    return float(np.median([Measures.of(line.ink).x_height for line in lines]))


def fit_corpus(model: Model, corpus: InkCorpus) -> InkCorpus:
    """Return lines of ink in any unit as the model's own corpus would have them: raw, in its size and point rate."""
    x_height = known_size(model)
    inks = []
    for i, line in enumerate(corpus.lines):
        ink = corpus.ink(i)
        inks.append(_fitted(ink, line.text, model, x_height, RAW) if line.text else ink)
    return InkCorpus.of(corpus.lines, inks)


def fits(model: Model, ink: Ink, text: str, cancelled: Cancelled | None = None) -> bool:
    """Whether the ink is likelier under the text than under the same letters in any of DECOYS other orders.

    A text that has nothing to do with the ink is accepted at a rate of 1 / (DECOYS + 1). `cancelled` as for
    `learn_hand`.
    """
    rng = np.random.default_rng(1)
    texts = [text, *("".join(rng.permutation(list(text))) for _ in range(DECOYS))]
    predictor = WriterPredictor(model, [model.alphabet.encode(text + " ") for text in texts])
    log_likelihood = np.zeros(len(texts))
    for before, point in pairwise([np.zeros(3), *model.normalised(ink)]):
        if cancelled:
            cancelled()
        predictor.observe(np.repeat(before[None], len(texts), 0))
        offsets = np.repeat(point[None, :2], len(texts), 0)
        log_likelihood += predictor.predict(np.zeros(len(texts))).log_density(offsets)
    return bool(log_likelihood[0] > log_likelihood[1:].max())


def _fitted(ink: Ink, text: str, model: Model, x_height: float, rate: int = 1) -> Ink:
    """Return a line in the size and level that the model knows, with `rate` times its points a character."""
    (levelled,) = level([ink], Page(x_height=x_height))
    return thinned(levelled, rate * model.metadata["points_per_character"] * len(text.replace(" ", "")))


def thinned(ink: Ink, points: float) -> Ink:
    """Return a line with about `points` points: smoothed and taken at equal steps, or interpolated on a spline."""
    share = points / len(ink)
    return Ink.from_strokes([_resampled(stroke, share) for stroke in ink.strokes()])


def _resampled(stroke: np.ndarray, share: float) -> np.ndarray:
    if len(stroke) < 3:
        return stroke
    smooth = stroke.copy()
    smooth[1:-1] = (stroke[:-2] + 2 * stroke[1:-1] + stroke[2:]) / 4
    curve = smooth if share <= 1 else polyline(stroke, PIECES)
    steps = np.linspace(0, len(curve) - 1, max(2, round(len(stroke) * share)))
    positions = np.arange(len(curve))
    return np.column_stack([np.interp(steps, positions, axis) for axis in curve.T])


def _joined(lines: Sequence[Ink], x_height: float) -> Ink:
    """Return lines one after the other on one baseline."""
    strokes: list[np.ndarray] = []
    right = 0.0
    for line in lines:
        strokes += line.moved(right, 0).strokes()
        right += line.bounds()[2] + GAP * x_height
    return Ink.from_strokes(strokes)
