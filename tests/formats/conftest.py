"""The fixtures of tests/datasets, and the files of other programs."""

from pathlib import Path

import pytest

from nextstroke.datasets.packed_ink import pack_files
from nextstroke.formats.detect import read_all_with_text
from nextstroke.handwriting.ink_check import CheckedLine
from tests.datasets.conftest import packed_iam as packed_iam
from tests.datasets.conftest import raw_samples as raw_samples
from tests.datasets.conftest import tree as tree

CASES = Path(__file__).parents[3] / "shared" / "cases"


@pytest.fixture
def cases():
    if not CASES.is_dir():
        pytest.skip("the files of other programs are not next to the project (../shared/cases)")
    return CASES


@pytest.fixture
def write(tmp_path):
    """Writes a file into the test's folder and returns its path."""

    def write(content, name="ink.dat"):
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return tmp_path / name

    return write


def pack(paths, split=""):
    """Pack files without looking at what their ink says."""

    def read(path):
        return [CheckedLine(ink, text) for ink, text in read_all_with_text(path)]

    return pack_files(paths, read, split)
