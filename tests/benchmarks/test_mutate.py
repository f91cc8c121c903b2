"""What `make mutate` decides itself; the mutants are cosmic-ray's."""

from pathlib import Path

import pytest

from benchmarks import mutate
from benchmarks.mutate import Mutant, Profile, Verdict

SOURCE = '''"""A module."""

LIMIT: int | None = 3


def bounded(x: int | None, y: int = 1) -> list[int] | None:
    if x is None or x > LIMIT + y:
        return None
    return [
        x,
        y * 2,
    ]
'''


def mutant(line, column, operator="core/NumberReplacer", occurrence=0, module="compression/a.py"):
    return Mutant(module, (line, column), operator, occurrence)


def test_the_modules_are_those_of_the_packages_and_each_has_tests_that_are_there():
    names = mutate.modules()
    assert {"handwriting/sampler.py", "compression/mixing/mixer.py", "training/loop.py"} <= set(names)
    assert mutate.modules("training/") == ["training/loop.py"]
    assert all((mutate.ROOT / test).exists() for tests in mutate.SUITES.values() for test in tests)
    assert "tests/handwriting/test_sampler.py" in mutate.importers("handwriting/sampler.py")
    assert "tests/training/test_loop.py" not in mutate.importers("handwriting/sampler.py")


def test_annotations_are_left_out_and_nothing_else():
    lines = SOURCE.splitlines()
    bars = [mutant(row + 1, line.index("|")) for row, line in enumerate(lines) if "|" in line]
    others = [mutant(3, lines[2].index("3")), mutant(6, lines[5].index("= 1") + 2), mutant(7, lines[6].index(">"))]
    assert list(mutate.without_annotations(bars + others, {"compression/a.py": SOURCE})) == others


def test_a_sample_has_one_mutant_of_a_position_and_hangs_on_the_seed():
    sums = [mutant(5, 9, f"core/ReplaceBinaryOperator_Add_{name}") for name in ("Sub", "Mul", "Div", "Mod")]
    numbers = [mutant(line, 4, occurrence=line + sign) for line in range(40) for sign in (0, 1)]
    drawn = mutate.sample(sums + numbers, 20, 1)
    assert len({each.site for each in drawn}) == 20
    assert drawn == mutate.sample((sums + numbers)[::-1], 20, 1)
    assert drawn != mutate.sample(sums + numbers, 20, 2)
    assert len(mutate.sample(sums + numbers, 99, 1)) == 41


@pytest.mark.parametrize(
    ("line", "lines"), [(1, [1]), (3, [3]), (6, [6]), (7, [7]), (8, [8]), (10, [9, 10, 11, 12]), (12, [9, 10, 11, 12])]
)
def test_a_statement_has_all_its_lines_and_a_compound_one_those_before_its_body(line, lines):
    assert list(mutate.statement_lines(SOURCE, line)) == lines


def test_tests_of_a_mutant_execute_its_statement_importers_first_then_the_quickest(tmp_path, monkeypatch):
    (tmp_path / "src/nextstroke/compression").mkdir(parents=True)
    (tmp_path / "src/nextstroke/compression/a.py").write_text(SOURCE)
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/test_a.py").write_text("from nextstroke.compression.a import bounded\n")
    monkeypatch.setattr(mutate, "ROOT", tmp_path)
    monkeypatch.setattr(mutate, "importers", mutate.importers.__wrapped__)
    seconds = {"tests/test_a.py::slow": 9.0, "tests/test_b.py::quick": 0.1, "tests/test_b.py::slower": 2.0}
    own, quick, slower = seconds
    lines = {3: [], 7: [quick], 9: [slower], 11: [own, quick]}
    known = Profile(seconds, {"compression/a.py": lines})
    assert mutate.covering_tests(mutant(11, 8), known) == [own, quick, slower]
    assert mutate.covering_tests(mutant(11, 8), known, budget=9.5) == [own, quick]
    assert mutate.covering_tests(mutant(7, 8), known) == [quick]
    assert mutate.covering_tests(mutant(3, 19), known) == [own, quick, slower]  # executed at import
    assert mutate.covering_tests(mutant(8, 8), known) == []  # executed by none


def test_a_run_ends_with_the_status_of_pytest_or_for_its_time(tmp_path):
    (tmp_path / "test_it.py").write_text(
        "def test_good(): pass\ndef test_bad(): assert 0\ndef test_late():\n  while 1: 1\n"
    )
    log = tmp_path / "log"
    options = [f"--rootdir={tmp_path}", "-p", "no:jaxtyping"]

    def run(name):
        return mutate.run_pytest([*options, f"{tmp_path / 'test_it.py'}::{name}"], log, 2)

    assert run("test_good") == 0
    assert run("test_bad") == 1
    assert "assert 0" in log.read_text()
    assert run("test_late") is None


def test_the_report_has_the_share_of_killed_and_what_survived():
    killed = [Verdict(mutant(line, 0), outcome, "a test", []) for line, outcome in ((1, "killed"), (2, "timeout"))]
    left = Verdict(mutant(9, 4, module="training/loop.py"), "survived", "", ["-a + b", "+a - b"])
    text = mutate.report([*killed, left], 70)
    assert text.startswith("3 of 70 mutants\n")
    assert "| compression/ | 2 | 2 (100.0%) | 1 |" in text
    assert "| all | 3 | 2 (66.7%) | 1 |" in text
    assert "## training/loop.py:9 core/NumberReplacer 0, survived\n```diff\n-a + b\n+a - b\n```" in text


def test_cosmic_ray_finds_mutants_in_every_module(monkeypatch):
    pytest.importorskip("cosmic_ray", reason="NOT TESTED: cosmic-ray is missing; `make mutate` installs it")
    monkeypatch.chdir(Path(mutate.ROOT))
    found = mutate.all_mutants(["compression/range_coder.py"])
    assert len({each.site for each in found}) > 50
