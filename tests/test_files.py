import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from nextstroke import files
from nextstroke.cli.main import main
from nextstroke.errors import LimitExceeded, UsageError
from nextstroke.files import atomic_write, check_writable, read_at_most, write_bytes


def test_a_file_appears_whole_with_ordinary_permissions(tmp_path):
    write_bytes(tmp_path / "a b – ü.txt", b"ink")
    assert (tmp_path / "a b – ü.txt").read_bytes() == b"ink"
    (tmp_path / "plain").write_bytes(b"")
    assert (tmp_path / "a b – ü.txt").stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.fixture
def umask():
    """Sets the umask for the length of a test."""
    before = os.umask(0o022)
    yield os.umask
    os.umask(before)


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o027, 0o077])
@pytest.mark.parametrize("status", [True, False])
def test_a_new_file_has_the_mode_that_the_umask_gives(tmp_path, umask, mask, status, monkeypatch):
    if not status:  # where the system does not tell the umask in a file
        monkeypatch.setattr(files.Path, "read_text", break_off_reading)
    umask(mask)
    write_bytes(tmp_path / "a", b"ink")
    assert mode(tmp_path / "a") == 0o666 & ~mask
    assert umask(mask) == mask


def break_off_reading(*arguments):
    raise FileNotFoundError


@pytest.mark.parametrize("kept", [0o600, 0o640, 0o400, 0o666])
def test_a_file_that_is_replaced_keeps_its_mode(tmp_path, umask, kept):
    (tmp_path / "a").write_bytes(b"old")
    (tmp_path / "a").chmod(kept)
    write_bytes(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"new"
    assert mode(tmp_path / "a") == kept


def test_while_it_is_written_only_its_owner_can_read_it(tmp_path, umask):
    umask(0)
    (tmp_path / "a").write_bytes(b"old")
    (tmp_path / "a").chmod(0o666)
    with atomic_write(tmp_path / "a") as stream:
        (temporary,) = set(os.listdir(tmp_path)) - {"a"}
        assert mode(tmp_path / temporary) == 0o600
        stream.write(b"new")
        assert mode(tmp_path / temporary) == 0o600


@pytest.mark.parametrize(
    ("original", "replaced", "expected"),
    [(0o600, None, 0o600), (0o755, None, 0o755), (0o4755, None, 0o755), (0o644, 0o600, 0o600), (0o600, 0o644, 0o600)],
)
def test_mode_and_times_of_the_original_are_taken_over(tmp_path, umask, original, replaced, expected):
    (tmp_path / "original").write_bytes(b"old")
    (tmp_path / "original").chmod(original)
    os.utime(tmp_path / "original", ns=(10**18 + 1, 10**18 + 2))
    if replaced:
        (tmp_path / "a").touch(replaced)
    with atomic_write(tmp_path / "a", os.stat(tmp_path / "original")) as stream:
        stream.write(b"new")
    assert mode(tmp_path / "a") == expected
    assert os.stat(tmp_path / "a").st_mtime_ns == 10**18 + 2


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_root_leaves_a_file_to_its_owner(tmp_path):
    (tmp_path / "a").write_bytes(b"old")
    os.chown(tmp_path / "a", 12345, 54321)
    write_bytes(tmp_path / "a", b"new")
    with atomic_write(tmp_path / "b", os.stat(tmp_path / "a")) as stream:
        stream.write(b"new")
    for name in "ab":
        status = os.stat(tmp_path / name)
        assert (status.st_uid, status.st_gid) == (12345, 54321)


def test_a_group_that_cannot_be_given_gets_no_permissions(tmp_path, monkeypatch, umask):
    def refused(*arguments):
        raise PermissionError

    (tmp_path / "a").write_bytes(b"old")
    (tmp_path / "a").chmod(0o664)
    monkeypatch.setattr(os, "fchown", refused)
    write_bytes(tmp_path / "a", b"new")
    assert mode(tmp_path / "a") == 0o604


def break_off(path, error):
    with atomic_write(path) as stream:
        stream.write(b"new")
        raise error


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_a_failure_inside_leaves_the_old_file_and_nothing_else(tmp_path, error):
    write_bytes(tmp_path / "a", b"old")
    with pytest.raises(error):
        break_off(tmp_path / "a", error)
    assert (tmp_path / "a").read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a"]


def interrupted_at(event, work, *arguments):
    """Do something until it comes to its `event`-th line of files.py; whether it came so far."""
    left = event

    def trace(frame, kind, argument):
        nonlocal left
        left -= kind == "line" and frame.f_code.co_filename == files.__file__
        if left == 0:
            raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work(*arguments)
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)
    return False


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # an interrupt may hit the very closing of the file
def test_an_interrupt_at_any_line_leaves_the_old_file_or_the_new_one(tmp_path):
    write_bytes(tmp_path / "a", b"old")
    event = 1
    while interrupted_at(event, write_bytes, tmp_path / "a", b"new"):
        assert os.listdir(tmp_path) == ["a"], event
        assert (tmp_path / "a").read_bytes() in (b"old", b"new")
        event += 1
    assert event > 15
    assert (tmp_path / "a").read_bytes() == b"new"


@pytest.mark.parametrize("place", ["missing/a", "folder", "x" * 300])
def test_a_place_that_cannot_be_written_is_named(tmp_path, place):
    (tmp_path / "folder").mkdir()
    with pytest.raises(UsageError, match=place):
        write_bytes(tmp_path / place, b"ink")
    assert os.listdir(tmp_path) == ["folder"]


@pytest.mark.parametrize("name", ["x" * 256, "x" * 252 + ".svg", "é" * 128, "folder/" + "x" * 300, "x" * 5000])
def test_a_name_that_is_too_long_is_refused_before_the_work(tmp_path, name):
    with pytest.raises(UsageError, match=f"{name}: cannot be written"):
        check_writable(tmp_path / name)


@pytest.mark.parametrize("name", ["x" * 255, "é" * 127])
def test_the_longest_name_can_be_written(tmp_path, name):
    check_writable(tmp_path / name)
    write_bytes(tmp_path / name, b"ink")
    assert os.listdir(tmp_path) == [name]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_named(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(UsageError, match="Permission denied"):
        write_bytes(tmp_path / "a", b"ink")


def test_nothing_is_done_for_a_folder_that_cannot_be_replaced(tmp_path):
    with pytest.raises(UsageError, match="Is a directory"):
        break_off(tmp_path, AssertionError("the block was entered"))


def test_a_link_stays_a_link(tmp_path):
    write_bytes(tmp_path / "a", b"old")
    (tmp_path / "link").symlink_to("a")
    write_bytes(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "a").read_bytes() == b"new"


def test_a_pipe_is_written_and_not_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with ThreadPoolExecutor(1) as pool:
        read = pool.submit((tmp_path / "pipe").read_bytes)
        write_bytes(tmp_path / "pipe", b"ink")
        assert read.result(timeout=240) == b"ink"
    assert (tmp_path / "pipe").is_fifo()


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


def test_a_file_without_an_end_is_refused(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"12345")
    assert read_at_most(path, 5) == b"12345"
    for endless, limit in ((path, 4), (Path("/dev/zero"), 1000)):
        with pytest.raises(LimitExceeded, match=f"{endless}: longer than {limit} bytes"):
            read_at_most(endless, limit)


@pytest.mark.parametrize(
    "line", ["train /dev/zero", "write x -o x.svg --background /dev/zero", "figure curve /dev/zero -o x.png"]
)
def test_no_command_reads_without_an_end(line, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(line.split()) == 5
    assert capsys.readouterr().err.startswith("nextstroke: /dev/zero: longer than")
