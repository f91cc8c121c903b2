"""Real lines for figures and measurements, in the representation of a model."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from nextstroke.datasets.packed_ink import InkCorpus
from nextstroke.errors import BadInput
from nextstroke.ink import Ink
from nextstroke.runtime.model_file import Model


class RealLine(NamedTuple):
    """A line that a person wrote.

    Attributes:
        name: Its name in the corpus.
        text: Transcription.
        ink: Ink in the representation that the model was trained on.
    """

    name: str
    text: str
    ink: Ink


def find_line(corpus: InkCorpus, model: Model, text: str) -> RealLine:
    """Return the line with a text, ignoring case.

    Raises:
        BadInput: there is none.
    """
    for i, line in enumerate(corpus.lines):
        if line.text.casefold() == text.casefold():
            return RealLine(line.name, line.text, model.represented(corpus.ink(i)))
    raise BadInput(f"no line of the corpus says {text!r}; pack IAM-OnDB with `nextstroke data iam`")


def find_word(corpus: InkCorpus, model: Model, word: str, splits: Sequence[str]) -> tuple[RealLine, int]:
    """Return the first line without fault of some splits that has a word, and the word's index in its text.

    Raises:
        BadInput: there is none.
    """
    pattern = re.compile(rf"\b{re.escape(word)}\b")
    for i in corpus.select(*splits):
        found = pattern.search(corpus.lines[i].text)
        if found:
            line = corpus.lines[i]
            return RealLine(line.name, line.text, model.represented(corpus.ink(i))), found.start()
    raise BadInput(f"no line of {', '.join(splits)} has the word {word!r}; try another")
