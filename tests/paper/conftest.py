"""A corpus that the bundled writer wrote: it has the lines that the paper's figures need."""

import pytest

from nextstroke.api import write_lines
from nextstroke.datasets.packed_ink import InkCorpus, Line
from nextstroke.paper.figures import HELD_OUT, PRIMES
from nextstroke.runtime.model_file import load_model


@pytest.fixture(scope="session")
def writer():
    return load_model("writer", "writer")


@pytest.fixture(scope="session")
def written_corpus(writer):
    texts = [*PRIMES, *HELD_OUT, "from under the", "and so under it"]
    splits = ["trainset"] * 4 + ["testset_v"] * 4
    lines = [Line(f"l{i}", text, split) for i, (text, split) in enumerate(zip(texts, splits, strict=True))]
    return InkCorpus.of(lines, [line.ink for line in write_lines(writer, texts, 0.7, 3)])


@pytest.fixture(scope="session")
def corpus_path(written_corpus, tmp_path_factory):
    path = tmp_path_factory.mktemp("corpus") / "iam.packed"
    written_corpus.save(path)
    return path
