"""Writing, generating and compressing need no module that only POSIX has; other commands say what they need."""

import subprocess
import sys

import pytest

from tests.documentation import ROOT

# Modules and names that Python on Windows lacks.
WITHOUT_POSIX = f"""
import signal, sys
sys.path.insert(0, {str(ROOT / "src")!r})
for name in ("fcntl", "resource", "pwd", "grp", "termios", "posix_ipc"):
    sys.modules[name] = None
del signal.SIGPIPE, signal.SIGHUP
"""


def run(code, folder):
    return subprocess.run([sys.executable, "-c", WITHOUT_POSIX + code], cwd=folder, capture_output=True, text=True)


def test_writing_generating_and_compressing_need_no_posix(tmp_path):
    done = run(
        """
import nextstroke as ns
from nextstroke.cli.main import main
assert main(["write", "Hello", "-o", "a.svg", "--best-of", "1"]) == 0
assert ns.write("Hello", best_of=1).save("a.pdf") == ["a.pdf"]
assert len(ns.generate("The ", length=5)) == 5
open("a.txt", "w").write("some text " * 9)
assert main(["compress", "--model", "none", "a.txt"]) == 0
assert main(["decompress", "a.txt.nst", "-o", "b.txt"]) == 0
assert open("b.txt").read() == "some text " * 9
""",
        tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "a.svg").read_text("utf-8").count("<path") >= 1


def test_a_batch_says_that_it_needs_posix(tmp_path):
    (tmp_path / "texts.jsonl").write_text('"some words"\n', "utf-8")
    done = run(
        """
from nextstroke.cli.main import main
raise SystemExit(main(["batch", "texts.jsonl", "-o", "ink", "--format", "ink"]))
""",
        tmp_path,
    )
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "needs Linux or macOS" in done.stderr


def test_the_server_assumes_a_number_of_file_descriptors(tmp_path):
    pytest.importorskip("uvicorn", reason="NOT TESTED: the server without POSIX, for want of uvicorn")
    done = run(
        """
from nextstroke.web.server.connection import FILES_ELSEWHERE, connection_counts
connections, backlog = connection_counts()
assert 8 < connections < FILES_ELSEWHERE and backlog >= 8
""",
        tmp_path,
    )
    assert done.returncode == 0, done.stderr
