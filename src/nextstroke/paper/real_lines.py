"""Real lines for figures and measures: found in a corpus, as a model sees them."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from nextstroke.datasets.packed_ink import InkCorpus
from nextstroke.errors import BadInput
from nextstroke.ink import Ink
from nextstroke.runtime.model_file import Model


class RealLine(NamedTuple):
    """A line that a person wrote: `name` in its corpus, what it says, and its ink as the model's training saw it."""

    name: str
    text: str
    ink: Ink


def find_line(corpus: InkCorpus, model: Model, text: str) -> RealLine:
    """The line that says `text`, case aside.

    Raises:
        BadInput: there is none.
    """
    for i, line in enumerate(corpus.lines):
        if line.text.casefold() == text.casefold():
            return RealLine(line.name, line.text, model.represented(corpus.ink(i)))
    raise BadInput(f"no line of the corpus says {text!r}; pack IAM-OnDB with `nextstroke data iam`")


def find_word(corpus: InkCorpus, model: Model, word: str, splits: Sequence[str]) -> tuple[RealLine, int]:
    """The first sound line of some splits with a word, and the place of the word in its text; raises BadInput."""
    pattern = re.compile(rf"\b{re.escape(word)}\b")
    for i in corpus.select(*splits):
        found = pattern.search(corpus.lines[i].text)
        if found:
            line = corpus.lines[i]
            return RealLine(line.name, line.text, model.represented(corpus.ink(i))), found.start()
    raise BadInput(f"no line of {', '.join(splits)} has the word {word!r}; try another")
