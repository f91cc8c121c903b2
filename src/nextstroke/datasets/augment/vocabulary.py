"""WordSampler words: numbers, words in capitals, rare letters and signs, as letters to the world hold them."""

from collections.abc import Iterable

import numpy as np

DIGITS, CAPITALS = "0123456789", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
RARE = "QXZJKUVqxzjk"
AROUND = (('"', '"'), ("'", "'"), ("(", ")"), ("[", "]"), ("(", "."), ('"', "."))
BEHIND = ".,;:!?"
INSIDE = "&+/-"
# Kinds of words and how often each is drawn.
KINDS = {"number": 5, "capitals": 3, "rare": 2, "title": 2, "plain": 2, "sign": 1}


class WordSampler:
    """Draws words; letters follow each other as in the words it is given, except where the kind is about rare ones."""

    def __init__(self, texts: Iterable[str]):
        words = {word.strip("".join(map("".join, AROUND)) + BEHIND) for text in texts for word in text.split()}
        self.words = sorted(word for word in words if word.isascii() and word.isalpha() and 1 < len(word) < 11)
        self.rare = [word for word in self.words if set(word) & set(RARE)]

    def word(self, random: np.random.Generator, small: bool) -> str:
        """A word; with `small` also in small letters, which a joined hand has no pieces for."""
        kinds = list(KINDS) if small else ["number", "capitals", "sign"]
        weights = np.array([KINDS[kind] for kind in kinds], float)
        kind = kinds[random.choice(len(kinds), p=weights / weights.sum())]
        return self._marked(getattr(self, "_" + kind)(random), random)

    def _marked(self, word: str, random: np.random.Generator) -> str:
        draw = random.random()
        if draw < 0.12:
            left, right = AROUND[random.integers(len(AROUND))]
            return left + word + right
        return word + BEHIND[random.integers(len(BEHIND))] if draw < 0.27 else word

    def _pick(self, words: list[str], random: np.random.Generator) -> str:
        return words[random.integers(len(words))]

    def _number(self, random: np.random.Generator) -> str:
        def digits(least: int, most: int = 0) -> str:
            return "".join(random.choice(list(DIGITS), random.integers(least, max(least, most) + 1)))

        shapes = (
            lambda: digits(1, 6),
            lambda: random.choice(["19", "20", "18", "17"]) + digits(2),
            lambda: f"{digits(1, 3)},{digits(3)}",
            lambda: f"{digits(1, 2)}.{digits(1, 2)}",
            lambda: f"{digits(2)}:{digits(2)}",
            lambda: f"{digits(2)}/{digits(2)}/{digits(4)}",
            lambda: f"{digits(3)}-{digits(4)}",
            lambda: f"+{digits(2)}",
            lambda: random.choice(list(CAPITALS)) + digits(1, 3),
        )
        return shapes[random.integers(len(shapes))]()

    def _capitals(self, random: np.random.Generator) -> str:
        return self._pick(self.words, random).upper()

    def _rare(self, random: np.random.Generator) -> str:
        word = self._pick(self.rare, random)
        place = random.integers(len(word))
        letter = RARE[random.integers(6)] if place == 0 else RARE[random.integers(6, len(RARE))]
        return word[:place] + letter + word[place + 1 :] if random.random() < 0.6 else word

    def _title(self, random: np.random.Generator) -> str:
        return CAPITALS[random.integers(26)] + self._pick(self.words, random).lower()

    def _plain(self, random: np.random.Generator) -> str:
        return self._pick(self.words, random)

    def _sign(self, random: np.random.Generator) -> str:
        left, right = (self._pick(self.words, random).upper()[:3] for _ in range(2))
        return left + INSIDE[random.integers(len(INSIDE))] + right
