"""Styles: named primes, with the state that reading them leaves (section 5.5)."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from nextstroke.alphabet import Alphabet
from nextstroke.errors import CorruptFile, LimitExceeded, UsageError, WrongModel
from nextstroke.files import write_bytes
from nextstroke.ink import POINT, Ink
from nextstroke.runtime.model_file import Model, find_model
from nextstroke.runtime.predictor import WriterPredictor

MOST_HEADER = 1 << 20  # bytes; a gallery of sixteen hands takes 15,000
# Characters of a prime. The window looks at all of them for every point of every line written next to it, so that a
# longer prime takes memory and time from other lines.
MAX_TEXT = 2000


@dataclass(frozen=True, eq=False)
class Style:
    """A hand to write in: what a model remembers after it has read a real line.

    Attributes:
        name: How it is called.
        text: What the prime says, with the blank that parts it from what is to be written; empty for no style.
        state: The network's state before the prime's last point, one row each.
        last: That point, normalised, (1, 3). It is read when the text behind the prime is known, as the window looks at
            its first letter by then: a network that saw nothing there would begin the letter blindly.
    """

    name: str = ""
    text: str = ""
    state: dict[str, np.ndarray] = field(default_factory=dict)
    last: np.ndarray = field(default_factory=lambda: np.zeros((1, 3), np.float32))

    @classmethod
    def none(cls) -> "Style":
        """No prime: the network picks a hand by itself, another for each line."""
        return cls()

    @property
    def empty(self) -> bool:
        """Whether this is no style."""
        return not self.text

    def text_ids(self, alphabet: Alphabet) -> np.ndarray:
        """Ids of the prime's text."""
        return alphabet.encode(self.text) if self.text else np.zeros(0, np.int64)

    def check(self, model: Model) -> None:
        """Check that a model can write in this style, before any line is.

        Raises:
            WrongModel: another model made it.
            UnknownCharacters: its text holds characters that the model does not know.
            LimitExceeded: its text is longer than MAX_TEXT.
        """
        check_length(self.text)
        self.start(model)
        self.text_ids(model.alphabet)

    def start(self, model: Model) -> dict[str, np.ndarray]:
        """The state to begin a line with; raises WrongModel where another model made it."""
        if self.empty:
            return model.start(1)
        if {name: rows.shape[1] for name, rows in self.state.items()} != model.about["states"]:
            raise WrongModel(f"style {self.name!r} was made with another model; make it again with this one")
        return self.state


def start_of(styles: Sequence[Style], model: Model) -> dict[str, np.ndarray]:
    """The state to begin lines of these hands with, one row each."""
    states = {style: style.start(model) for style in styles}
    return {name: np.concatenate([states[style][name] for style in styles]) for name in model.about["states"]}


def check_length(text: str) -> None:
    """Raise LimitExceeded if the text of a prime is longer than MAX_TEXT characters."""
    if len(text) > MAX_TEXT:
        raise LimitExceeded(f"a style's text of {len(text)} characters: at most {MAX_TEXT}; give fewer lines of ink")


def learn_style(model: Model, name: str, ink: Ink, text: str, check: Callable[[], None] | None = None) -> Style:
    """Prime a model with a real line.

    Args:
        ink: The line, in the representation and the units of the model's corpus.
        text: What it says.
        check: Asked before each point; what it raises ends the reading.
    """
    text = text.strip() + " "
    check_length(text)
    predictor = WriterPredictor(model, [model.alphabet.encode(text)])
    *points, last = [np.zeros(3), *model.normalised(ink)]
    for point in points:
        if check:
            check()
        predictor.observe(point[None])
    if points:
        _catch_up(predictor, len(text))
    return Style(name, text, predictor.state, last[None].astype(np.float32))


def _catch_up(predictor: WriterPredictor, length: int) -> None:
    """Put a window that fell behind on the blank after the prime; else what is left of it would be written first."""
    behind = length - 1 - int(predictor.phi[0].argmax())
    if behind > 1:
        predictor.state["kappa"] = predictor.kappa + np.float32(behind)


def save_styles(path: Path, styles: list[Style]) -> None:
    """Write a gallery of styles as one safetensors file."""
    write_bytes(path, pack_styles(styles))


def pack_styles(styles: list[Style]) -> bytes:
    """A gallery of styles as the bytes of a safetensors file."""
    tensors: dict[str, np.ndarray] = {}
    for number, style in enumerate(styles):
        tensors |= {f"{number}.state.{name}": rows for name, rows in style.state.items()}
        tensors[f"{number}.last"] = style.last
    about = [{"name": style.name, "text": style.text} for style in styles]
    return save(tensors, {"nextstroke": json.dumps(about)})


def load_styles(path: Path) -> dict[str, Style]:
    """Read a gallery; raises CorruptFile."""
    try:
        return unpack_styles(path.read_bytes(), str(path))
    except OSError as error:
        raise CorruptFile(f"{path}: cannot be read ({error.strerror})") from error


def unpack_styles(data: bytes, name: str) -> dict[str, Style]:
    """Read a gallery from the bytes of a file; raises CorruptFile."""
    try:
        size = int.from_bytes(data[:8], "little")
        if size > MOST_HEADER:
            raise ValueError(f"a header of {size} bytes")
        tensors = load(data)
        about = json.loads(json.loads(data[8 : 8 + size])["__metadata__"]["nextstroke"])
        return {entry["name"]: _read_style(tensors, number, entry) for number, entry in enumerate(about)}
    except (SafetensorError, KeyError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise CorruptFile(f"{name}: not a readable gallery of styles ({error})") from error


def _read_style(tensors: dict[str, np.ndarray], number: int, entry: dict) -> Style:
    prefix = f"{number}.state."
    state = {name.removeprefix(prefix): rows for name, rows in tensors.items() if name.startswith(prefix)}
    last = tensors[f"{number}.last"]
    for rows in (*state.values(), last):
        # The model is fed them as they are; what it says of another shape or type is no error of ours.
        if rows.dtype != np.float32 or rows.ndim != 2 or len(rows) != 1:
            raise ValueError(f"{rows.dtype} numbers of shape {rows.shape} for one row of float32")
        if not np.isfinite(rows).all():
            raise ValueError("numbers that are not finite")
    if last.shape != (1, POINT):
        raise ValueError(f"a point of {last.shape[1]} numbers")
    return Style(str(entry["name"]), str(entry["text"]), state, last)


def gallery(model: Path) -> dict[str, Style]:
    """The styles that stand beside a model file."""
    path = model.with_suffix(".styles")
    return load_styles(path) if path.is_file() else {}


def find_style(name: str, model: str) -> Style:
    """A style of a model's gallery.

    Args:
        name: "none" for no style; empty for the first of the gallery, or no style where there is no gallery.
    Raises:
        UsageError: there is none of that name; those there are, are named.
    """
    if name == "none":
        return Style.none()
    styles = gallery(find_model(model))
    if not name:
        return next(iter(styles.values()), Style.none())
    if name not in styles:
        raise UsageError(f"style {name!r}: not in the gallery (there are: {', '.join(styles) or 'none'})")
    return styles[name]
