"""Extend a corpus with composed lines: a writer aligns ink with characters, and segments are set in new lines."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from nextstroke.datasets.augment.compose_lines import Composer, append_composed, collect_pages
from nextstroke.datasets.augment.segments import cut_line, measure_line
from nextstroke.datasets.augment.vocabulary import WordSampler
from nextstroke.datasets.iam import form_of
from nextstroke.datasets.packed_ink import InkCorpus
from nextstroke.errors import BadInput
from nextstroke.handwriting.align import align_lines
from nextstroke.runtime.model_file import Model

WORST = 0.1  # share of the lines that are not cut: the least likely ones, with the wrong labels among them

Progress = Callable[[int, int], None]


def recombine(
    model: Model, corpus: InkCorpus, splits: Sequence[str], lines: int, seed: int, progress: Progress
) -> InkCorpus:
    """Return the corpus, and after it composed lines as the split `recombined`.

    Args:
        model: A writer, which aligns the ink with its text.
        splits: Splits whose lines are cut; a validation or test set must not be among them.
        progress: Called with the number of lines aligned, and of all.
    Raises:
        BadInput: no line of these splits could be cut into characters.
    """
    chosen = [i for i in corpus.select(*splits) if _usable(model, corpus, i)]
    chosen.sort(key=lambda i: int(corpus.starts[i + 1] - corpus.starts[i]))  # lines of similar length share a batch
    pages = collect_pages(_cut_lines(model, corpus, chosen, progress))
    if not pages:
        raise BadInput(f"no line of {', '.join(splits)} could be cut into words and characters")
    composer = Composer(pages, WordSampler(corpus.lines[i].text for i in chosen))
    return append_composed(corpus, composer, lines, seed)


def _usable(model: Model, corpus: InkCorpus, i: int) -> bool:
    """Whether the model knows all characters, and the line has enough points for them."""
    text, points = corpus.lines[i].text, int(corpus.starts[i + 1] - corpus.starts[i])
    return bool(text.strip()) and set(text) <= set(model.alphabet.characters) and points > 10 * len(text)


def _cut_lines(model: Model, corpus: InkCorpus, chosen: Sequence[int], progress: Progress) -> Iterator[tuple]:
    lines = [corpus.lines[i] for i in chosen]
    alignments = []
    for aligned in align_lines(model, map(corpus.ink, chosen), (line.text for line in lines)):
        alignments.append(aligned)
        progress(len(alignments), len(chosen))
    limit = np.quantile([aligned.nats for aligned in alignments], 1 - WORST) if alignments else 0.0
    for i, line, aligned in zip(chosen, lines, alignments, strict=True):
        text, form = line.text, form_of(line.name)
        found = measure_line(aligned.ink, aligned.owner, text) if aligned.nats <= limit else None
        if found is not None:
            parted = np.split(aligned.owner, np.flatnonzero(aligned.ink.end_of_stroke)[:-1] + 1)
            yield form, found, *cut_line(corpus.ink(i), parted, text, found, form)
