"""Hands: named primes, with the state that reading them leaves (section 5.5)."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from nextstroke.alphabet import Alphabet
from nextstroke.errors import CorruptFile, LimitExceeded, UsageError, WrongModel
from nextstroke.files import write_bytes
from nextstroke.handwriting.adaptation import Adaptation
from nextstroke.ink import POINT, Ink
from nextstroke.runtime.model_file import Model, find_model
from nextstroke.runtime.predictor import WriterPredictor

MOST_HEADER = 1 << 20  # bytes; a gallery of 61 hands takes 47,000
# Characters of a prime. The window looks at all of them for every point of every line written next to it, so that a
# longer prime takes memory and time from other lines.
MAX_TEXT = 2000
STEP = 2**-8  # of a state stored as float16
# The window's positions in the text: beyond 64 characters float16 would round them by up to 0.03 of a character.
EXACT = "kappa"
NO_ADAPTATION = Adaptation()


@dataclass(frozen=True, eq=False, repr=False)
class Hand:
    """A hand to write in: the state of a model that has read a real line, its prime.

    Attributes:
        name: Name of the style.
        text: The prime's text, with the blank that separates it from what is to be written; empty for no hand.
        state: The network's state before the prime's last point, each (1, width).
        last: That point, normalised, (1, 3). It is read when the text after the prime is known, since the window is on
            its first letter by then: a network that saw nothing there would begin the letter blindly.
        group: Group of the gallery that the hand belongs to, such as "joined"; empty for none.
        adaptation: What is changed of the lines that the network writes after the prime.
    """

    name: str = ""
    text: str = ""
    state: dict[str, np.ndarray] = field(default_factory=dict)
    last: np.ndarray = field(default_factory=lambda: np.zeros((1, POINT), np.float32))
    group: str = ""
    adaptation: Adaptation = NO_ADAPTATION

    def __repr__(self) -> str:
        return f"Hand({self.name or 'none'!r})"

    @classmethod
    def none(cls) -> "Hand":
        """Return no hand: the network picks one by itself, another for each line."""
        return cls()

    @property
    def empty(self) -> bool:
        """Whether this is no hand."""
        return not self.text

    def text_ids(self, alphabet: Alphabet) -> np.ndarray:
        """Return the ids of the prime's text, (characters,)."""
        return alphabet.encode(self.text) if self.text else np.zeros(0, np.int64)

    def check(self, model: Model) -> None:
        """Check that a model can write in this hand, before any line is written.

        Raises:
            WrongModel: Another model made it.
            UnknownCharacters: Its text holds characters that the model does not know.
            LimitExceeded: Its text is longer than MAX_TEXT.
        """
        check_length(self.text)
        self.start(model)
        self.text_ids(model.alphabet)

    def start(self, model: Model) -> dict[str, np.ndarray]:
        """Return the state to begin a line with, each (1, width); raises WrongModel where another model made it."""
        if self.empty:
            return model.start(1)
        if {name: rows.shape[1] for name, rows in self.state.items()} != model.metadata["states"]:
            raise WrongModel(f"style {self.name!r} was made with another model; make it again with this one")
        return self.state


def start_state(hands: Sequence[Hand], model: Model) -> dict[str, np.ndarray]:
    """Return the state to begin lines of these hands with, each (lines, width)."""
    states = {hand: hand.start(model) for hand in hands}
    return {name: np.concatenate([states[hand][name] for hand in hands]) for name in model.metadata["states"]}


def check_length(text: str) -> None:
    """Raise LimitExceeded if the text of a prime is longer than MAX_TEXT characters."""
    if len(text) > MAX_TEXT:
        raise LimitExceeded(f"a style's text of {len(text)} characters: at most {MAX_TEXT}; give fewer lines of ink")


def prime_hand(model: Model, name: str, ink: Ink, text: str, cancelled: Callable[[], None] | None = None) -> Hand:
    """Prime a model with a real line (section 5.5).

    Args:
        ink: The line, in the representation and the units of the model's corpus.
        text: What it says.
        cancelled: Called before each point; raises to cancel the reading.

    Raises:
        UnknownCharacters: The text holds characters that the model does not know.
        LimitExceeded: The text is longer than MAX_TEXT.
    """
    text = text.strip() + " "
    check_length(text)
    predictor = WriterPredictor(model, [model.alphabet.encode(text)])
    *points, last = [np.zeros(POINT), *model.normalised(ink)]
    for point in points:
        if cancelled:
            cancelled()
        predictor.observe(point[None])
    if points:
        # A window that is still before the blank after the prime would have the rest of the prime written first.
        lag = len(text) - 1 - int(predictor.phi[0].argmax())
        if lag > 1:
            predictor.state["kappa"] = predictor.kappa + np.float32(lag)
    return Hand(name, text, predictor.state, last[None].astype(np.float32))


def save_hands(path: Path, hands: list[Hand], half: bool = False) -> None:
    """Write a gallery of hands as one safetensors file; `half` as for `pack_hands`."""
    write_bytes(path, pack_hands(hands, half))


def _in_steps(rows: np.ndarray) -> np.ndarray:
    """Return a state as float16 in whole STEPs, which compresses to less than two thirds."""
    return (np.rint(rows / STEP) * STEP).astype(np.float16)


def pack_hands(hands: list[Hand], half: bool = False) -> bytes:
    """Return a gallery of hands as the bytes of a safetensors file.

    Args:
        half: Whether states are stored as float16 instead of float32; `kappa` and the last point stay float32.
    """
    tensors: dict[str, np.ndarray] = {}
    entries = []
    for number, hand in enumerate(hands):
        for name, rows in hand.state.items():
            tensors[f"{number}.state.{name}"] = _in_steps(rows) if half and name != EXACT else rows
        tensors[f"{number}.last"] = hand.last
        # An entry without group and adaptation has the form that files had before there were any.
        entry: dict[str, Any] = {"name": hand.name, "text": hand.text}
        more = {"group": hand.group, "adaptation": hand.adaptation.stored()}
        entries.append(entry | {key: value for key, value in more.items() if value})
    return save(tensors, {"nextstroke": json.dumps(entries)})


def load_hands(path: Path) -> dict[str, Hand]:
    """Read a gallery by names; raises CorruptFile."""
    try:
        return unpack_hands(path.read_bytes(), str(path))
    except OSError as error:
        raise CorruptFile(f"{path}: cannot be read ({error.strerror})") from error


def unpack_hands(data: bytes, name: str) -> dict[str, Hand]:
    """Read a gallery from the bytes of a file named `name`; raises CorruptFile."""
    try:
        size = int.from_bytes(data[:8], "little")
        if size > MOST_HEADER:
            raise ValueError(f"a header of {size} bytes")
        tensors = load(data)
        entries = json.loads(json.loads(data[8 : 8 + size])["__metadata__"]["nextstroke"])
        return {entry["name"]: _read_hand(tensors, number, entry) for number, entry in enumerate(entries)}
    except (SafetensorError, KeyError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise CorruptFile(f"{name}: not a readable gallery of styles ({error})") from error


def _read_hand(tensors: dict[str, np.ndarray], number: int, entry: dict[str, Any]) -> Hand:
    prefix = f"{number}.state."
    state = {
        name.removeprefix(prefix): rows.astype(np.float32) if rows.dtype == np.float16 else rows
        for name, rows in tensors.items()
        if name.startswith(prefix)
    }
    last = tensors[f"{number}.last"]
    for rows in (*state.values(), last):
        # The model is fed them as they are, and its errors about another shape or type would not name this file.
        if rows.dtype != np.float32 or rows.ndim != 2 or len(rows) != 1:
            raise ValueError(f"{rows.dtype} numbers of shape {rows.shape} for one row of float32 or float16")
        if not np.isfinite(rows).all():
            raise ValueError("numbers that are not finite")
    if last.shape != (1, POINT):
        raise ValueError(f"a point of {last.shape[1]} numbers")
    adaptation = Adaptation.read(entry.get("adaptation", {}))
    return Hand(str(entry["name"]), str(entry["text"]), state, last, str(entry.get("group", "")), adaptation)


def hands_by_group(hands: Iterable[Hand]) -> dict[str, list[Hand]]:
    """Return hands by their groups; groups and the hands of each are in the order of the gallery."""
    groups: dict[str, list[Hand]] = {}
    for hand in hands:
        groups.setdefault(hand.group, []).append(hand)
    return groups


def gallery(model: Path) -> dict[str, Hand]:
    """Return the hands of a model's gallery, a file next to the model's, by their names."""
    path = model.with_suffix(".styles")
    return load_hands(path) if path.is_file() else {}


def gallery_hand(name: str, model_name: str) -> Hand:
    """Return a hand of a model's gallery.

    Args:
        name: "none" for no hand; empty for the first of the gallery, or no hand where there is no gallery.
        model_name: Model file, or the name of a bundled one.

    Raises:
        UsageError: The gallery has none of that name; those it has are listed.
    """
    if name == "none":
        return Hand.none()
    hands = gallery(find_model(model_name))
    if not name:
        return next(iter(hands.values()), Hand.none())
    if name not in hands:
        raise UsageError(f"style {name!r}: not in the gallery (there are: {', '.join(hands) or 'none'})")
    return hands[name]
