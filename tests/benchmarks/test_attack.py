"""The attack finds nothing, and would find what it is for."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from benchmarks import attack
from benchmarks.attacks import files
from benchmarks.attacks.commands import Case, Kills
from benchmarks.attacks.judge import Fault, Group, Outcome, judge, refusal_of
from benchmarks.attacks.server import Memory, linked
from nextstroke.errors import CorruptFile, Diverged

ROOT = Path(__file__).parents[2]
GOOD = Outcome(0, b"", "", 0.1, 0.2, 100.0)
REFUSED = replace(GOOD, code=3, err="nextstroke: a.nst: cut short\n")


def test_the_short_attack_finds_nothing(tmp_path):
    command = [
        sys.executable,
        "-m",
        "benchmarks.attack",
        "--short",
        "--jobs",
        "2",
        "--report",
        str(tmp_path / "r.json"),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    report = json.loads((tmp_path / "r.json").read_text())
    assert done.returncode == 0, done.stdout + done.stderr
    assert report["fell"] == 0
    assert report["tries"] == sum(plan.short for plan in attack.PLANS.values())


def test_there_are_as_many_tries_as_are_promised():
    assert sum(plan.tries for name, plan in attack.PLANS.items() if name != "memory") >= 6000
    assert attack.PLANS["memory"].tries == 3000


@pytest.mark.parametrize(
    "outcome", [GOOD, REFUSED, replace(REFUSED, code=1), replace(GOOD, err="nextstroke: warning: a\n")]
)
def test_what_ends_as_promised_is_no_fault(outcome):
    judge(outcome)


@pytest.mark.parametrize(
    ("outcome", "complaint"),
    [
        (replace(REFUSED, code=1, err=""), "exit code 1 without a line"),
        (replace(REFUSED, code=1, err="nextstroke: a: cut short\nnextstroke: internal error (bug): a"), "code 1, but"),
        (replace(REFUSED, code=6), "exit code 6"),
        (replace(REFUSED, code=-9), "exit code -9"),
        (replace(REFUSED, err="Traceback (most recent call last):\nnextstroke: a"), "but"),
        (replace(REFUSED, err="nextstroke: internal error (bug): KeyError"), "but"),
        (replace(REFUSED, err=""), "without a line"),
        (replace(REFUSED, err="ValueError: a"), "without a line"),
        (replace(GOOD, peak=1001), "MB resident"),
        (replace(GOOD, cpu=31), "processor time"),
    ],
)
def test_what_does_not_is_one(outcome, complaint):
    with pytest.raises(Fault, match=complaint):
        judge(outcome)


def raises(error):
    raise error


def test_a_refusal_has_a_known_code():
    assert refusal_of(raises, CorruptFile("a")).exit_code == 3
    assert refusal_of(print) is None
    with pytest.raises(Fault, match="exit code 1"):
        refusal_of(raises, Diverged("a"))
    with pytest.raises(ZeroDivisionError):
        refusal_of(raises, ZeroDivisionError())


class Failing(Group):
    def attempt(self, number, rng):
        self.what = f"try {number}"
        raise KeyError("a")


def test_any_exception_is_a_fault(tmp_path):
    assert attack._made(Failing(tmp_path), 7, Random(1))[:2] == ("try 7", "KeyError: 'a'")


def test_a_process_that_dies_is_a_fault(tmp_path):
    result = attack.run_all({"no such group": [0, 1]}, 1, 1, tmp_path)["no such group"]
    assert "could not be started" in result.faults[0]["what"]


def decoding_to(data):
    return lambda archive, model: data


def refusing(archive, model):
    raise CorruptFile("a")


def test_other_bytes_from_an_archive_are_a_fault(tmp_path, monkeypatch):
    group = files.Archives(tmp_path)
    whole = b"".join(group.archives[0][0])
    group._check(whole)
    monkeypatch.setattr(files, "decompress", decoding_to(b"other"))
    with pytest.raises(Fault, match="other bytes"):
        group._check(whole)
    monkeypatch.setattr(files, "decompress", refusing)
    with pytest.raises(Fault, match="a whole archive was refused"):
        group._check(whole)
    monkeypatch.setattr(files, "rescue_stream", lambda source, target, *more: target.write(b"other"))
    with pytest.raises(Fault, match="were rescued"):
        group._check(whole[:-1])


@pytest.mark.parametrize(
    ("after", "complaint"),
    [
        ({"a": b"half", "b": b"old"}, "a is neither"),
        ({"a": b"new", "b": b"old", "c": b""}, "c is neither"),
        ({"b": b"old"}, "lost"),
    ],
)
def test_half_a_file_is_a_fault(after, complaint):
    before, expected = {"a": b"old", "b": b"old"}, {"a": b"new", "b": b"old"}
    Kills._check(None, Case([]), before, before, expected)
    Kills._check(None, Case([]), before, expected, expected)
    with pytest.raises(Fault, match=complaint):
        Kills._check(None, Case([]), before, after, expected)


def test_an_original_that_is_gone_before_its_archive_is_there_is_a_fault():
    case = Case([], original=("a", "a.nst"))
    before, expected = {"a": b"data"}, {"a.nst": b"packed"}
    Kills._check(None, case, before, before, expected)
    Kills._check(None, case, before, expected, expected)
    with pytest.raises(Fault, match=r"neither a nor a\.nst is whole"):
        Kills._check(None, case, before, {}, expected)


KILLED = """
import sys
from pathlib import Path
from benchmarks.attacks.judge import Setting, forked
for kill_at in (0, None):
    outcome = forked(["compress", "--model", "none", "a.txt"], Setting(Path(sys.argv[1]), kill_at=kill_at))
    print(outcome.code, outcome.events > 1, *sorted(path.name for path in Path(sys.argv[1]).iterdir()))
"""


def test_a_command_is_killed_before_a_change_to_the_file_system(tmp_path):
    (tmp_path / "a.txt").write_text("text " * 99)
    # In a process of its own, since the fork of one with threads may wait for ever.
    done = subprocess.run([sys.executable, "-c", KILLED, tmp_path], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.splitlines() == ["-9 False a.txt", "0 True a.txt a.txt.nst"], done.stderr


def test_memory_that_grows_is_a_fault():
    class Told(Memory):
        def __init__(self, curve):
            self.curve = curve

    flat = [(100 * (i + 1), 200.0 + i % 2) for i in range(30)]
    assert "fault" not in Told(flat).figures()
    growing = [(count, size + count / 30) for count, size in flat]
    assert "memory grew" in Told(growing).figures()["fault"]


def test_a_page_that_names_files_outside_of_its_prefix_is_a_fault():
    assert linked("", b'<script src="studio.js">') == ["studio.js"]
    assert linked("engine/a.js", b'import {b} from "../c.js"') == ["c.js"]
    for page in (b'<script src="/studio.js">', b'<link href="../a.css">'):
        with pytest.raises(Fault, match="outside of the prefix"):
            linked("", page)
