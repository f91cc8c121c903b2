"""Random words with many digits, capitals, rare letters and signs."""

from collections.abc import Iterable

import numpy as np

from nextstroke.errors import BadInput

DIGITS = "0123456789"
CAPITALS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
RARE = "QXZJKUVqxzjk"
BRACKETS = (('"', '"'), ("'", "'"), ("(", ")"), ("[", "]"), ("(", "."), ('"', "."))
AFTER = ".,;:!?"
BETWEEN = "&+/-"
# Kinds of words and their relative frequencies.
KINDS = {"number": 5, "capitals": 3, "rare": 2, "title": 2, "plain": 2, "sign": 1}


class WordSampler:
    """Sampler of words: real words of the given texts, changed or replaced according to their kind.

    Raises:
        BadInput: the texts hold no word to sample.
    """

    def __init__(self, texts: Iterable[str]):
        signs = "".join(map("".join, BRACKETS)) + AFTER
        words = {word.strip(signs) for text in texts for word in text.split()}
        plain = [word for word in words if word.isascii() and word.isalpha()]
        self.words = sorted(word for word in plain if 1 < len(word) < 11)
        if not self.words:
            raise BadInput("the texts hold no word of 2 to 10 letters; give more lines")
        # A short text may have no rare letters; other words get one then.
        self.rare = [word for word in self.words if set(word) & set(RARE)] or self.words

    def word(self, random: np.random.Generator, small: bool) -> str:
        """Return a random word.

        Args:
            random: Random numbers.
            small: Whether kinds with lower-case letters are allowed; a joined hand has no single
                ones.
        """
        kinds = list(KINDS) if small else ["number", "capitals", "sign"]
        weights = np.array([KINDS[kind] for kind in kinds], float)
        kind = kinds[random.choice(len(kinds), p=weights / weights.sum())]
        return self._marked(getattr(self, "_" + kind)(random), random)

    def _marked(self, word: str, random: np.random.Generator) -> str:
        draw = random.random()
        if draw < 0.12:
            left, right = BRACKETS[random.integers(len(BRACKETS))]
            return left + word + right
        return word + AFTER[random.integers(len(AFTER))] if draw < 0.27 else word

    def _pick(self, words: list[str], random: np.random.Generator) -> str:
        return words[random.integers(len(words))]

    def _number(self, random: np.random.Generator) -> str:
        def digits(least: int, most: int = 0) -> str:
            """Return `least` to `most` digits."""
            count = random.integers(least, max(least, most) + 1)
            return "".join(random.choice(list(DIGITS), count))

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
        position = random.integers(len(word))
        letter = RARE[random.integers(6)] if position == 0 else RARE[random.integers(6, len(RARE))]
        changed = word[:position] + letter + word[position + 1 :]
        return changed if random.random() < 0.6 else word

    def _title(self, random: np.random.Generator) -> str:
        return CAPITALS[random.integers(26)] + self._pick(self.words, random).lower()

    def _plain(self, random: np.random.Generator) -> str:
        return self._pick(self.words, random)

    def _sign(self, random: np.random.Generator) -> str:
        left = self._pick(self.words, random).upper()[:3]
        right = self._pick(self.words, random).upper()[:3]
        return left + BETWEEN[random.integers(len(BETWEEN))] + right
