"""What a user's surroundings can lack: standard streams, characters, names, folders, a home."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import nextstroke
from nextstroke.cli.main import main
from tests.conftest import START

SOURCES = str(Path(nextstroke.__file__).parents[1])
COMMAND = f'"{sys.executable}" -W error -c "{START}"'


def sh(line, folder, **variables):
    """Run a line of the shell in which N stands for nextstroke."""
    env = {**os.environ, "PYTHONPATH": SOURCES, "PYTHONDONTWRITEBYTECODE": "1", **variables}
    line = line.replace("N ", f"{COMMAND} ", 1)
    return subprocess.run(["sh", "-c", line], cwd=folder, env=env, capture_output=True, timeout=240)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text").write_bytes(b"some text")
    assert main(["compress", "--model", "none", "text"]) == 0
    return tmp_path


def test_figures_do_not_get_into_the_archive_where_standard_error_is_closed(folder):
    packed = (folder / "text.nst").read_bytes()
    run = sh("N compress --json --model none -c text 2>&-", folder)
    assert (run.returncode, run.stdout) == (0, packed)
    run = sh("N write Hi --best-of 1 -o a.svg 2>&-", folder)
    assert (run.returncode, run.stdout) == (0, b"")


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("compress --model none -c text >&-", 2),
        ("decompress -c text.nst >&-", 2),
        ("compress -l text.nst >&-", 2),
        ("write Hi --best-of 1 -o - >&-", 2),
        ("--version >&-", 2),
        ("models >&-", 2),
        ("write - -o a.svg <&-", 2),
        ("compress -o a.nst <&-", 3),
        ("decompress -o a <&-", 3),
    ],
)
def test_a_closed_stream_that_is_needed_is_named(folder, line, code):
    run = sh(f"N {line}", folder)
    assert run.returncode == code
    assert run.stderr.startswith(b"nextstroke: ")
    assert run.stderr.count(b"\n") == 1
    assert not {"a", "a.nst", "a.svg"} & set(os.listdir(folder))


@pytest.mark.parametrize("line", ["write Hi --best-of 1 -o a.svg", "compress --model none text -o a.nst"])
def test_closed_streams_that_are_not_needed_do_not_matter(folder, line):
    assert sh(f"N {line} <&- >&- 2>&-", folder).returncode == 0


ASCII = [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}]


@pytest.mark.parametrize("variables", ASCII, ids=["PYTHONIOENCODING", "LC_ALL"])
def test_characters_that_a_terminal_lacks_are_escaped(folder, variables):
    run = sh("N generate --prime é --length 1", folder, **variables)
    assert run.returncode == 0
    assert run.stdout.startswith((b"\\xe9", "é".encode()))
    shutil.copy("text.nst", "é.nst")
    run = sh("N compress -l é.nst", folder, **variables)
    assert run.returncode == 0
    assert run.stdout.startswith((b"\\xe9.nst: 9 bytes", "é.nst: 9 bytes".encode()))


def test_a_name_that_is_no_text_is_shown_as_its_bytes(folder):
    shutil.copy(b"text.nst", b"\xff.nst")
    run = sh("N compress -l *.nst", folder, PYTHONIOENCODING="utf-8:strict")
    assert run.returncode == 0
    assert b"\n\xff.nst: 9 bytes" in b"\n" + run.stdout


LONG = "x" * 256
PLACES = [
    "write Hi --model PLACE -o a.svg",
    "write Hi --style PLACE -o a.svg",
    "write Hi -o PLACE.svg",
    "batch PLACE -o ink",
    "generate --model PLACE",
    "evaluate PLACE",
    "export PLACE -o a.onnx",
    "export run -o PLACE",
    "train PLACE",
    "data iam PLACE -o a.packed",
    "data ink PLACE -o a.packed",
    "style learn PLACE -o a.style",
    "serve --export PLACE",
    "compress PLACE",
    "compress -l PLACE",
    "compress text -o PLACE",
    "decompress PLACE.nst",
]


@pytest.mark.parametrize("line", PLACES)
def test_a_name_that_is_too_long_is_never_called_a_bug(folder, capsys, line):
    assert main(line.replace("PLACE", LONG).split()) in (2, 3)
    err = capsys.readouterr().err
    assert "xxx" in err or "run" in line
    assert "(bug)" not in err


def test_the_archive_of_a_file_with_a_name_of_253_bytes_is_refused_in_one_line(folder, capsys):
    (folder / ("x" * 253)).write_bytes(b"text")
    assert main(["compress", "--model", "none", "x" * 253]) == 2
    assert "x.nst: cannot be written (File name too long)" in capsys.readouterr().err


@pytest.fixture
def locked(folder):
    """A folder without any permission, and what runs command lines that respect it; skips loudly where none does."""
    place = folder / "locked"
    place.mkdir(0o000)
    prefix = []
    if os.geteuid() == 0:
        prefix = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
        if not shutil.which("setpriv") or subprocess.run([*prefix, "true"], capture_output=True).returncode:
            pytest.skip("folders without permission are NOT TESTED: root enters all, and setpriv cannot prevent it")

    def run(*arguments, **variables):
        env = {**os.environ, "PYTHONPATH": SOURCES, "PYTHONDONTWRITEBYTECODE": "1", **variables}
        command = [*prefix, sys.executable, "-W", "error", "-c", START, *arguments]
        return subprocess.run(command, cwd=folder, env=env, capture_output=True, timeout=240)

    yield place, run
    place.chmod(0o700)


@pytest.mark.parametrize("line", PLACES)
def test_a_folder_that_may_not_be_entered_is_never_called_a_bug(locked, line):
    place, nextstroke = locked
    run = nextstroke(*line.replace("PLACE", str(place / "a")).split())
    assert run.returncode in (2, 3)
    assert b"(bug)" not in run.stderr
    assert run.stderr.count(b"\n") == 1


@pytest.mark.parametrize(
    "line", ["compress --model none -c text", "generate --length 1", "write Hi --best-of 1 -o a.svg"]
)
def test_a_home_of_another_user_does_not_hinder(locked, line):
    place, nextstroke = locked
    env = {"HOME": str(place), "XDG_CACHE_HOME": "", "NEXTSTROKE_CACHE": str(place / "cache")}
    run = nextstroke(*line.split(), **env)
    assert run.returncode == 0
    assert run.stderr in (b"", b"a.svg\n")


def test_without_a_home_folder_a_build_says_what_to_set(monkeypatch, capsys):
    def missing():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("NEXTSTROKE_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr("nextstroke.native.build.Path.home", missing)
    assert main(["kernel", "build"]) == 2
    assert "name one in NEXTSTROKE_CACHE or HOME" in capsys.readouterr().err
    assert nextstroke.decompress(nextstroke.compress(b"text", "none")) == b"text"


@pytest.mark.parametrize(
    "line", ["write Hi --best-of 1 -o a.svg", "compress text", "train x.toml", "generate --model x"]
)
def test_a_working_folder_that_was_deleted_is_never_called_a_bug(folder, line):
    (folder / "gone").mkdir()
    run = sh(f"cd gone; rmdir ../gone; N {line}", folder)
    assert run.returncode in (2, 3)
    assert run.stderr.startswith(b"nextstroke: ")
    assert b"(bug)" not in run.stderr


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="no device without an end")
@pytest.mark.parametrize("line", ["write - -o a.svg", "generate --prime -"])
def test_standard_input_without_an_end_is_refused(tmp_path, line):
    with open("/dev/zero", "rb") as endless:
        done = subprocess.run(
            [sys.executable, "-c", START, *line.split()], stdin=endless, capture_output=True, cwd=tmp_path
        )
    assert done.returncode == 5
    assert done.stderr.startswith(b"nextstroke: standard input: longer than ")
    assert os.listdir(tmp_path) == []
