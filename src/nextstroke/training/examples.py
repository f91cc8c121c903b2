"""From a packed corpus and a recipe to the examples a network learns from."""

from typing import NamedTuple

import numpy as np

from nextstroke.alphabet import Alphabet
from nextstroke.config import Data
from nextstroke.corpora.batches import Example, Normalisation
from nextstroke.corpora.packed import InkCorpus
from nextstroke.errors import BadInput
from nextstroke.ink import Ink


class Examples(NamedTuple):
    """The two sides of a split, with what is needed to read more ink in the same way."""

    train: list[Example]
    validation: list[Example]
    alphabet: Alphabet
    normalisation: Normalisation

    @property
    def points_per_character(self) -> float:
        """Points a character takes on average in training, blanks counted as characters."""
        return sum(len(line.offsets) for line in self.train) / sum(len(line.text) for line in self.train)


def represent(ink: Ink, representation: str, phase: int = 0) -> Ink:
    """Ink as a recipe's networks see it: "raw", or "simplified" with a choice of the points that stay."""
    return ink.simplified(phase=phase) if representation == "simplified" else ink


def make_examples(corpus: InkCorpus, data: Data) -> Examples:
    """Read both splits. Lines with a fault stay out of training, never out of validation.

    Raises:
        BadInput: a split is empty.
    """
    train, validation = corpus.select(*data.train), corpus.select(*data.validation, faulty=True)
    if not train or not validation:
        raise BadInput(f"the corpus has {len(train)} lines of {data.train} and {len(validation)} of {data.validation}")
    texts = [text_of(corpus, i) for i in (*train, *validation)]
    alphabet = Alphabet.paper() if data.alphabet == "paper" else Alphabet.of(texts)
    learned = [_example(corpus, i, data.ink, alphabet, phase) for phase in range(data.phases) for i in train]
    held_out = [_example(corpus, i, data.ink, alphabet) for i in validation]
    return Examples(learned, held_out, alphabet, Normalisation.of([example.offsets for example in learned]))


def text_of(corpus: InkCorpus, i: int) -> str:
    """The text of a line; a blank where it is not known, for a network may not be given none."""
    return corpus.lines[i].text or " "


def _example(corpus: InkCorpus, i: int, representation: str, alphabet: Alphabet, phase: int = 0) -> Example:
    offsets = represent(corpus.ink(i), representation, phase).offsets()[1:]
    return Example(offsets.astype(np.float32), alphabet.encode(text_of(corpus, i)))
