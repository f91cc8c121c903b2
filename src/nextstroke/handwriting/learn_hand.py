"""Learn a hand from lines of ink in any unit: check them, fit them to the model and prime it with them."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from nextstroke.datasets.packed_ink import InkCorpus
from nextstroke.errors import BadInk, CorruptFile
from nextstroke.formats.detect import read_all_with_text
from nextstroke.handwriting.fit_hand import fitted_hand
from nextstroke.handwriting.glyphs.diacritics import normal
from nextstroke.handwriting.glyphs.symbols import plain
from nextstroke.handwriting.hands import Hand, check_length, gallery_hand, load_hands, prime_hand
from nextstroke.handwriting.ink_check import InkChecker
from nextstroke.handwriting.recogniser import recogniser_of
from nextstroke.handwriting.request import line_requests, shown_text
from nextstroke.handwriting.resample import thinned
from nextstroke.handwriting.sampler import Cancelled, write
from nextstroke.ink import Ink
from nextstroke.pages.layout import Measures, Page, level
from nextstroke.runtime.model_file import Model

STYLE = ".style"  # suffix of a stored hand
INK = {".inkml", ".json", ".xml", ".svg", ".svgz", ".ink", ".xopp", ".csv", ".npy", ".jiix", ".ndjson"}
# What the model writes, in eight hands of its own, to measure the size it knows; it has letters of all heights.
SPECIMEN = "the quick brown fox jumps over the lazy dog"
SPECIMENS = 8
GAP = 1.2  # between joined lines, in heights of small letters
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
    if suffix in INK or os.path.isfile(name):
        return learn_hand(model, Path(name).stem, read_all_with_text(name))
    return gallery_hand(name, model_name)


def learn_hand(model: Model, name: str, lines: Sequence[tuple[Ink, str]], cancelled: Cancelled | None = None) -> Hand:
    """Learn a hand from lines or pages of ink with their texts.

    Args:
        model: A writer.
        name: Name of the new hand.
        lines: Ink in any unit, with any number of points, at equal times or not, and what it says. Pages are split
            into lines; their texts have a row for each line, or one row.
        cancelled: Called before each step; raises to cancel the learning.

    Raises:
        BadInk: There is no text, or the ink is a drawing, is turned, or does not say its text, no more and no less.
        UnknownCharacters: The text holds characters that the model cannot write.
        LimitExceeded: The text is longer than MAX_TEXT.
    """
    if not all(text.strip() for _, text in lines):
        raise BadInk(f"{name}: its text is not known; put it into the file, or into a file of the same name with .txt")
    check_length(" ".join(text for _, text in lines))
    checker = InkChecker(recogniser_of(model))
    checked = []
    for ink, text in lines:
        if cancelled:
            cancelled()
        checked += checker.lines(ink, text)
    for number, line in enumerate(checked, 1):
        if line.fault:
            place = f"line {number}: " if len(checked) > 1 else ""
            raise BadInk(f"{name}: {place}{line.fault}")
    texts = [plain(normal(shown_text(line.text)), model.alphabet) for line in checked]
    x_height = known_size(model, cancelled)
    fitted = fitted_lines(model, [line.ink for line in checked], texts, x_height)
    primes = [prime_hand(model, name, ink, text, cancelled) for ink, text in zip(fitted, texts, strict=True)]
    if len(primes) > 1:
        primes.append(prime_hand(model, name, joined_lines(fitted, x_height), " ".join(texts), cancelled))
    return fitted_hand(model, primes, [line.ink for line in checked], texts, cancelled)


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


def fitted_lines(model: Model, inks: Sequence[Ink], texts: Sequence[str], x_height: float) -> list[Ink]:
    """Return lines in the size, level and point rate that a model knows.

    Args:
        inks: Lines in any unit.
        texts: What they say.
        x_height: Height of small letters in the model's units.
    """
    return [_fitted(ink, text, model, x_height) for ink, text in zip(inks, texts, strict=True)]


def _fitted(ink: Ink, text: str, model: Model, x_height: float, rate: int = 1) -> Ink:
    """Return a line in the size and level that the model knows, with `rate` times its points a character."""
    (levelled,) = level([ink], Page(x_height=x_height))
    return thinned(levelled, rate * model.metadata["points_per_character"] * len(text.replace(" ", "")))


def joined_lines(lines: Sequence[Ink], x_height: float) -> Ink:
    """Return lines one after the other on one baseline."""
    strokes: list[np.ndarray] = []
    right = 0.0
    for line in lines:
        strokes += line.moved(right, 0).strokes()
        right += line.bounds()[2] + GAP * x_height
    return Ink.from_strokes(strokes)
