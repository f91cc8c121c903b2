import os
import subprocess
import sys

import pytest

from nextstroke.errors import UsageError
from nextstroke.files import atomic_write, write_bytes


def test_a_file_appears_whole_with_ordinary_permissions(tmp_path):
    write_bytes(tmp_path / "a b – ü.txt", b"ink")
    assert (tmp_path / "a b – ü.txt").read_bytes() == b"ink"
    (tmp_path / "plain").write_bytes(b"")
    assert (tmp_path / "a b – ü.txt").stat().st_mode == (tmp_path / "plain").stat().st_mode


def break_off(path):
    with atomic_write(path) as stream:
        stream.write(b"new")
        raise RuntimeError


def test_a_failure_inside_leaves_the_old_file_and_nothing_else(tmp_path):
    write_bytes(tmp_path / "a", b"old")
    with pytest.raises(RuntimeError):
        break_off(tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a"]


@pytest.mark.parametrize("place", ["missing/a", "folder"])
def test_a_place_that_cannot_be_written_is_named(tmp_path, place):
    (tmp_path / "folder").mkdir()
    with pytest.raises(UsageError, match=place):
        write_bytes(tmp_path / place, b"ink")
    assert os.listdir(tmp_path) == ["folder"]


FULL_DISK = """
import resource, signal, sys
from nextstroke.errors import LimitExceeded
from nextstroke.files import write_bytes
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write_bytes(sys.argv[1], b"x" * 100_000)
except LimitExceeded as error:
    print(error)
"""


def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path):
    write_bytes(tmp_path / "a", b"old")
    run = subprocess.run([sys.executable, "-c", FULL_DISK, tmp_path / "a"], capture_output=True, text=True, check=True)
    assert "no room left" in run.stdout
    assert (tmp_path / "a").read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a"]
