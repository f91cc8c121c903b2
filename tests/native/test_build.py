"""Building C++ ahead of time: who cannot is told, nothing half-made is left, a killed build is in nobody's way."""

import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

from nextstroke.cli.main import main
from nextstroke.errors import UsageError
from nextstroke.native import build, compression_loops

COMPILER = any(map(shutil.which, build.COMPILERS))
BUILD = "from nextstroke.native import compression_loops as kernel; kernel.build()"


@pytest.fixture
def cache(monkeypatch, tmp_path):
    monkeypatch.setenv("NEXTSTROKE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_no_compiler_is_told(monkeypatch, cache):
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(UsageError, match=r"no C\+\+ compiler found \(no-such-compiler\); install one"):
        compression_loops.build()
    assert not cache.exists()


@pytest.mark.parametrize(("compiler", "says"), [("false", r"false failed \(1\)"), ("true", r"failed \(1\): .*")])
@pytest.mark.skipif(not shutil.which("false"), reason="no such command")
def test_a_compiler_that_fails_or_makes_nothing_is_told_and_leaves_nothing(monkeypatch, cache, compiler, says):
    monkeypatch.setenv("CXX", compiler)
    with pytest.raises(UsageError, match=says):
        compression_loops.build()
    assert os.listdir(cache) == []


def test_a_cache_that_cannot_be_written_is_told(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("NEXTSTROKE_CACHE", str(tmp_path / "file"))
    monkeypatch.setenv("CXX", "true")
    with pytest.raises(UsageError, match=r"file: cannot be written .*NEXTSTROKE_CACHE"):
        compression_loops.build()


def test_what_killed_builds_left_is_swept_once_it_is_old(cache):
    for name, age in (("old", 2 * build.ABANDONED), ("new", 0)):
        folder = cache / f".build-{name}"
        folder.mkdir(parents=True)
        os.utime(folder, (time.time() - age,) * 2)
    build._sweep(cache)
    assert os.listdir(cache) == [".build-new"]


@pytest.mark.skipif(not COMPILER, reason="NOT TESTED: building, there is no C++ compiler here")
def test_a_killed_build_does_not_hinder_the_next(cache):
    with subprocess.Popen([sys.executable, "-c", BUILD], start_new_session=True) as process:
        while not list(cache.glob(".build-*")):
            assert process.poll() is None
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGKILL)
    assert not compression_loops.library().exists()
    subprocess.run([sys.executable, "-c", BUILD], check=True, capture_output=True, timeout=250)
    assert ctypes.CDLL(str(compression_loops.library())).mixture_new
    assert len(list(cache.glob(".build-*"))) == 1


def test_status_names_what_is_used(cache, capsys):
    assert main(["kernel", "status"]) == 0
    assert "compressing" in (told := capsys.readouterr().out)
    assert "nextstroke kernel build" in told
    assert main(["kernel", "status", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["compressing"] == {
        "used": False,
        "library": str(compression_loops.library()),
    }
    assert not cache.exists()
