"""Writing: text and style in, ink out (sections 5.3 to 5.5)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nextstroke.engine.draw import uniforms
from nextstroke.engine.marks import normal, with_marks
from nextstroke.engine.modelfile import Model
from nextstroke.engine.pen import Pen
from nextstroke.engine.signs import plain, with_signs, without_signs
from nextstroke.engine.styles import Style
from nextstroke.errors import EmptyText, UsageError
from nextstroke.ink import Ink

NO_STYLE = Style.none()
Check = Callable[[], None]  # raises where nobody waits for the lines any more


@dataclass(frozen=True, eq=False)
class Written:
    """One written line.

    Attributes:
        text: What was to be written, accents joined with their letters and typographic signs as a pen makes them.
        bare: What the network drew, in the units of the model's corpus, y downwards.
        ink: The same with what it cannot draw: accents, bars and signs.
        phi: Window weights, float32 (points of `ink`, characters + 1): the last column is one behind the text.
        stopped: Whether the line ended by itself, not by the limit of steps.
    """

    text: str
    bare: Ink
    ink: Ink
    phi: np.ndarray
    stopped: bool

    @property
    def missed(self) -> list[int]:
        """Places of characters, blanks left out, that never held the window's peak."""
        peaks = set(self.phi.argmax(1).tolist())
        return [u for u, character in enumerate(self.text) if character != " " and u not in peaks]

    @property
    def sound(self) -> bool:
        """Whether the line ended by itself and every character was reached."""
        return self.stopped and not self.missed


def write_lines(
    model: Model,
    texts: Sequence[str],
    bias: float | Sequence[float] = 0.5,
    seed: int | Sequence[int] = 1,
    style: Style | Sequence[Style] = NO_STYLE,
    paper_stop: bool = False,
    places: Sequence[tuple[int, int]] | None = None,
    check: Check | None = None,
) -> list[Written]:
    """Write lines side by side, each a line of text of its own.

    Args:
        bias: >= 0, one for all or one for each line; 0 is unbiased.
        seed: Together with the line's place it decides the ink; one for all or one for each.
        style: The hand to write in, one for all or one for each.
        paper_stop: Stop exactly as the paper does; else finish the last letter, its bars and dots included.
        places: Number of each line and of the attempt at it; 0, 1, 2 … at the first attempt if not given.
        check: Asked before each point; what it raises ends the writing.
    Raises:
        EmptyText, UnknownCharacters: the text cannot be written. UsageError: bias is not a number >= 0.
    """
    texts = [normal(text) for text in texts]
    ids = [_encoded(model, text) for text in texts]
    pen = Pen(model, each_of(style, len(texts)), ids, biases_of(bias, len(texts)), paper_stop)
    places = places or [(i, 0) for i in range(len(texts))]
    kinds = zip(each_of(seed, len(texts)), places, pen.limits, strict=True)
    numbers = [uniforms(seed, *place, limit) for seed, place, limit in kinds]
    while len(pen.active):
        if check:
            check()
        step = pen.steps
        pen.move(np.stack([numbers[i][step] for i in pen.active]))
    return [_finished(model, text, *pen.trace(i)) for i, text in enumerate(texts)]


def each_of(value: Any, count: int) -> list:
    """One value for each line."""
    return [value] * count if isinstance(value, int | float | Style) else list(value)


def _finished(model: Model, text: str, ink: Ink, phi: np.ndarray, stopped: bool) -> Written:
    marked = with_marks(ink, phi, without_signs(text), model.alphabet)
    return Written(text, ink, *with_signs(*marked, text), stopped)


def write_soundly(
    model: Model,
    texts: Sequence[str],
    bias: float | Sequence[float] = 0.5,
    seed: int | Sequence[int] = 1,
    style: Style | Sequence[Style] = NO_STYLE,
    numbers: Sequence[int] | None = None,
    attempts: int = 4,
    first_attempt: int = 0,
    check: Check | None = None,
) -> list[Written]:
    """Write lines, and write those again that broke off or missed a character; the last attempt stays as it is.

    Args:
        numbers: Of the lines: lines under one seed differ by their number; 0, 1, 2 … if not given.
        attempts: How often a line is tried at most.
        first_attempt: Number of the first; each attempt has random numbers of its own.
        Others as for `write_lines`.
    """
    numbers = range(len(texts)) if numbers is None else numbers
    biases, seeds, styles = (each_of(values, len(texts)) for values in (bias, seed, style))
    done: dict[int, Written] = {}
    for attempt in range(first_attempt, first_attempt + attempts):
        left = [i for i in range(len(texts)) if i not in done or not done[i].sound]
        if left:
            places = [(numbers[i], attempt) for i in left]
            how = ([values[i] for i in left] for values in (biases, seeds, styles))
            again = write_lines(model, [texts[i] for i in left], *how, places=places, check=check)  # type: ignore[misc, arg-type]
            done |= dict(zip(left, again, strict=True))
    return [done[i] for i in range(len(texts))]


def _encoded(model: Model, text: str) -> np.ndarray:
    if not text.strip():
        raise EmptyText("the text is empty; give at least one character that leaves ink")
    return model.alphabet.encode(plain(text, model.alphabet))


def biases_of(bias: float | Sequence[float], lines: int) -> np.ndarray:
    """A bias for each of `lines` lines; raises UsageError unless all are numbers >= 0."""
    biases = np.broadcast_to(np.asarray(bias, float), lines)
    if not (np.isfinite(biases) & (biases >= 0)).all():
        wrong = next(bias for bias in biases.tolist() if not 0 <= bias < np.inf)
        raise UsageError(f"bias {wrong}: give a number >= 0; 0 is unbiased, 0.5 to 1 reads well")
    return biases
