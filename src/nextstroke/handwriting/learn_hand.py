"""A hand of one's own: lines of ink from anywhere, brought to a model's units and learned as a style."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from nextstroke.datasets.packed_ink import InkCorpus
from nextstroke.errors import BadInk, CorruptFile
from nextstroke.formats.detect import read_with_text
from nextstroke.handwriting.hands import Style, check_length, find_style, learn_style, load_styles
from nextstroke.handwriting.sampler import Check, write_lines
from nextstroke.ink import Ink
from nextstroke.pages.layout import Measures, Page, level
from nextstroke.pages.spline import polyline
from nextstroke.runtime.model_file import Model
from nextstroke.runtime.predictor import WriterPredictor

STYLE = ".style"  # suffix of a stored hand
INK = {".inkml", ".json", ".xml", ".svg", ".ink"}
# What the model writes, in eight hands, to show the size it knows: all heights of letters.
SPECIMEN = "the quick brown fox jumps over the lazy dog"
GAP = 1.2  # between joined lines, in heights of small letters
DECOYS = 12
RAW = 3  # points of raw ink for one of simplified ink


def find_hand(name: str, model: Model, model_name: str) -> Style:
    """A style of the model's gallery by its name, or a hand of one's own from a file: a stored style, or ink.

    Raises:
        UsageError: the gallery has none of that name. BadInput, LimitExceeded: the file cannot be read.
        WrongModel: the style was made with another model. Others as `learn_hand`.
    """
    suffix = Path(name).suffix.lower()
    if suffix == STYLE:
        style = next(iter(load_styles(Path(name)).values()), None)
        if style is None:
            raise CorruptFile(f"{name}: holds no hand; make it with `nextstroke style learn`")
        style.check(model)
        return style
    if suffix in INK:
        return learn_hand(model, Path(name).stem, [read_with_text(name)])
    return find_style(name, model_name)


def learn_hand(model: Model, name: str, lines: Sequence[tuple[Ink, str]], check: Check | None = None) -> Style:
    """Learn a hand from single lines of ink with their texts.

    The ink may have any unit, and any number of points taken at equal times, or not in time at all.

    Args:
        check: Asked before each step; what it raises ends the learning.
    Raises:
        BadInk: there is no text, or it does not fit the ink.
        UnknownCharacters: the text holds characters that the model cannot write.
    """
    if not all(text.strip() for _, text in lines):
        raise BadInk(f"{name}: its text is not known; put it into the file, or into a file of the same name with .txt")
    text = " ".join(text for _, text in lines)
    check_length(text)
    x_height = known_size(model, check)
    ink = _joined([_fitted(ink, text, model, x_height) for ink, text in lines], x_height)
    if not fits(model, ink, text, check):
        raise BadInk(f"{name}: the ink does not seem to say {text[:40]!r}; give the very words, on one line")
    return learn_style(model, name, ink, text, check)


def known_size(model: Model, check: Check | None = None) -> float:
    """Height of small letters in the model's units; `check` as for `learn_hand`."""
    lines = write_lines(model, [SPECIMEN] * 8, 0.0, check=check)
    return float(np.median([Measures.of(line.ink).x_height for line in lines]))


def fit_corpus(model: Model, corpus: InkCorpus) -> InkCorpus:
    """Lines of ink in any unit as a model's own corpus would have them, raw: in its size, with as many points."""
    x_height, lines = known_size(model), range(len(corpus))
    texts = [corpus.lines[i].text for i in lines]
    inks = [_fitted(corpus.ink(i), texts[i], model, x_height, RAW) if texts[i] else corpus.ink(i) for i in lines]
    return InkCorpus.of(corpus.lines, inks)


def fits(model: Model, ink: Ink, text: str, check: Check | None = None) -> bool:
    """Whether the ink is likelier under the text than under the same letters in any of DECOYS other orders.

    A text that has nothing to do with the ink passes once in DECOYS + 1 times. `check` as for `learn_hand`.
    """
    rng = np.random.default_rng(1)
    texts = [text, *("".join(rng.permutation(list(text))) for _ in range(DECOYS))]
    predictor = WriterPredictor(model, [model.alphabet.encode(text + " ") for text in texts])
    likely = np.zeros(len(texts))
    for before, point in pairwise([np.zeros(3), *model.normalised(ink)]):
        if check:
            check()
        predictor.observe(np.repeat(before[None], len(texts), 0))
        likely += predictor.predict(np.zeros(len(texts))).log_density(np.repeat(point[None, :2], len(texts), 0))
    return bool(likely[0] > likely[1:].max())


def _fitted(ink: Ink, text: str, model: Model, x_height: float, times: int = 1) -> Ink:
    """A line in the size and level that the model knows, with so many times the points."""
    (level_ink,) = level([ink], Page(x_height=x_height))
    wanted = times * model.about["points_per_character"] * len(text.replace(" ", ""))
    return thinned(level_ink, wanted)


def thinned(ink: Ink, wanted: float) -> Ink:
    """The same line with about `wanted` points: smoothed and taken at equal steps, or put in between on a spline."""
    share = wanted / len(ink)
    return Ink.from_strokes([_resampled(stroke, share) for stroke in ink.strokes()])


def _resampled(stroke: np.ndarray, share: float) -> np.ndarray:
    if len(stroke) < 3:
        return stroke
    smooth = stroke.copy()
    smooth[1:-1] = (stroke[:-2] + 2 * stroke[1:-1] + stroke[2:]) / 4
    curve = smooth if share <= 1 else polyline(stroke, 8)
    count = max(2, round(len(stroke) * share))
    at, places = np.linspace(0, len(curve) - 1, count), np.arange(len(curve))
    return np.column_stack([np.interp(at, places, axis) for axis in curve.T])


def _joined(lines: Sequence[Ink], x_height: float) -> Ink:
    """Lines one behind the other on one baseline."""
    strokes: list[np.ndarray] = []
    right = 0.0
    for line in lines:
        strokes += line.moved(right, 0).strokes()
        right += line.bounds()[2] + GAP * x_height
    return Ink.from_strokes(strokes)
