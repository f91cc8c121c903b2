"""The fixtures of tests/datasets."""

from tests.datasets.conftest import packed_iam as packed_iam
from tests.datasets.conftest import raw_samples as raw_samples
from tests.datasets.conftest import tree as tree
