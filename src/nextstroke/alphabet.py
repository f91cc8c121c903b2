"""Characters to ids and back."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from nextstroke.errors import EmptyText, UnknownCharacters

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
NON_LETTER = "\N{REPLACEMENT CHARACTER}"


@dataclass(frozen=True)
class Alphabet:
    """An ordered set of characters; the id of a character is its place in `characters`.

    A `NON_LETTER` in the set stands for every character that is not in it (the paper's reduction to 57 labels).
    """

    characters: str

    @classmethod
    def of(cls, texts: Iterable[str]) -> "Alphabet":
        """The sorted characters that occur in `texts`."""
        return cls("".join(sorted(set().union(*texts))))

    @classmethod
    def paper(cls) -> "Alphabet":
        """The paper's 57 labels (section 5.2): letters, blank, three marks and one label for all the rest.

        Which marks were kept is not stated; full stop, comma and apostrophe are the most frequent ones.
        """
        return cls(LETTERS + " .,'" + NON_LETTER)

    @cached_property
    def _ids(self) -> dict[str, int]:
        return {character: i for i, character in enumerate(self.characters)}

    def __len__(self) -> int:
        return len(self.characters)

    def unknown(self, text: str) -> list[str]:
        """The characters of `text` that have no id, each once, in order of appearance."""
        if NON_LETTER in self._ids:
            return []
        return [character for character in dict.fromkeys(text) if character not in self._ids]

    def encode(self, text: str) -> np.ndarray:
        """The ids of `text`, int64 of shape (characters,).

        Raises:
            EmptyText: `text` has no characters.
            UnknownCharacters: it holds characters without an id; all are named.
        """
        if not text:
            raise EmptyText("the text is empty; give at least one character")
        unknown = self.unknown(text)
        if unknown:
            named = ", ".join(f"{character!r} (U+{ord(character):04X})" for character in unknown)
            raise UnknownCharacters(f"the model cannot write {named}; leave them out or replace them")
        other = self._ids.get(NON_LETTER, -1)
        return np.array([self._ids.get(character, other) for character in text], dtype=np.int64)

    def decode(self, ids: Iterable[int]) -> str:
        """The text of `ids`."""
        return "".join(self.characters[i] for i in ids)
