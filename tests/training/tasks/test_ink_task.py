import numpy as np

from nextstroke.config import Data
from nextstroke.training.tasks.ink_task import make_examples
from tests.training.conftest import corpus_of


def test_phases_show_each_training_line_in_several_forms_and_validation_in_one():
    corpus = corpus_of()
    once, thrice = (make_examples(corpus, Data(train=["trainset"], ink="simplified", phases=n)) for n in (1, 3))
    lines = len(once.train)
    assert len(thrice.train) == 3 * lines
    assert len(thrice.validation) == len(once.validation)
    for plain, first in zip(once.train, thrice.train, strict=False):
        assert np.array_equal(plain.offsets, first.offsets)
    for phase in (1, 2):
        for i in range(lines):
            other = corpus.ink(i).simplified(phase=phase).offsets()[1:]
            assert np.array_equal(thrice.train[phase * lines + i].offsets, other.astype(np.float32))
