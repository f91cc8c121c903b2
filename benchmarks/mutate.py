"""Mutation testing: change the code in small ways, and see whether a test fails.

    python -m benchmarks.mutate [--mutants 40 | --all] [--seed 1] [--only compression/] [--workers 2]

Needs cosmic-ray, which makes the mutants; `make mutate` installs it. A sample has one mutant of each drawn position,
because cosmic-ray replaces an arithmetic operator in eleven ways and a condition in one. Annotations are left out: a
wrong one fails at import and would only embellish the result.

A first run without mutation records which tests execute which line, and their processor time; it is kept until a file
changes. Each mutant runs against the tests that execute its line, those that import its module first, then the
quickest, up to the first failure. Tests that together take longer than the budget are left out: a mutant that only
they would kill counts as a survivor. All runs are forks of one process, which has loaded torch and pytest already.

The work is done in copies of the tree under .mutants/, the report is .mutants/report.md. Exit code 1: fewer than 90 %
were killed.
"""

import argparse
import ast
import compileall
import contextlib
import hashlib
import importlib
import itertools
import json
import multiprocessing
import os
import py_compile
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
import traceback
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / ".mutants"
PACKAGE = Path("src/nextstroke")
# What is mutated, and the tests its modules are run against: files, or all files of a folder.
SUITES = {
    "handwriting/": ["tests/handwriting", "tests/test_api.py", "tests/cli/test_write.py", "tests/faults"],
    "compression/": ["tests/compression", "tests/cli/test_compress.py"],
    "training/loop.py": [f"tests/training/{name}.py" for name in ("test_loop", "test_golden", "tasks/test_text_task")],
}
OPTIONS = ["-m", "not slow", "-p", "no:cacheprovider", "-p", "no:schemathesis", "-p", "no:xdist"]
OPTIONS += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # plugins that are loaded before pytest
# Loaded once, before the forks. Nothing of nextstroke: it is what the mutants change.
PRELOADED = ["hypothesis", "numpy", "onnxruntime", "PIL.Image", "pydantic", "pytest", "torch", "typer"]
WANTED = 0.9  # share of killed mutants
MEMORY = 4 << 30  # bytes that a process may take: some mutants would fill the machine
BUDGET = 20.0  # seconds of processor time that the tests of one mutant took without mutation, at most

Position = tuple[int, int]  # line, column


class Mutant(NamedTuple):
    """One change of one module, as cosmic-ray numbers it."""

    module: str
    start: Position
    operator: str
    occurrence: int

    @property
    def site(self) -> tuple[str, Position]:
        return self.module, self.start


class Verdict(NamedTuple):
    mutant: Mutant
    outcome: str  # killed, timeout, survived, uncovered
    test: str  # that failed
    diff: list[str]

    @property
    def is_killed(self) -> bool:
        return self.outcome in ("killed", "timeout")


class Profile(NamedTuple):
    """Tests without mutation.

    Attributes:
        seconds: Processor time of each test.
        tests: Tests that execute a line, by module and line.
    """

    seconds: dict[str, float]
    tests: dict[str, dict[int, list[str]]]


def modules(only: str = "") -> list[str]:
    """The modules that are mutated, relative to the package."""
    found = []
    for part in SUITES:
        path = ROOT / PACKAGE / part
        files = sorted(path.rglob("*.py")) if path.is_dir() else [path]
        found += [str(file.relative_to(ROOT / PACKAGE)) for file in files if file.name != "__init__.py"]
    return [name for name in found if name.startswith(only)]


def annotations(source: str) -> list[tuple[Position, Position]]:
    """Start and end of each annotation of a module."""
    nodes: list[ast.expr] = []
    for node in ast.walk(ast.parse(source)):
        found = [getattr(node, "annotation", None), getattr(node, "returns", None)]
        nodes += [each for each in found if each is not None]
    return [((each.lineno, each.col_offset), (each.end_lineno or 0, each.end_col_offset or 0)) for each in nodes]


def without_annotations(mutants: Iterable[Mutant], sources: dict[str, str]) -> Iterator[Mutant]:
    spans = {module: annotations(source) for module, source in sources.items()}
    for mutant in mutants:
        if not any(start <= mutant.start < end for start, end in spans[mutant.module]):
            yield mutant


def sample(mutants: Iterable[Mutant], count: int, seed: int) -> list[Mutant]:
    """Draw `count` positions, and one mutant at each."""
    sites = [list(group) for _, group in itertools.groupby(sorted(mutants), key=lambda each: each.site)]
    rng = random.Random(seed)
    return [rng.choice(site) for site in rng.sample(sites, min(count, len(sites)))]


def all_mutants(names: Sequence[str]) -> list[Mutant]:
    from cosmic_ray.commands import init
    from cosmic_ray.work_db import WorkDB, use_db

    paths = {str(PACKAGE / name): name for name in names}
    with use_db(":memory:", WorkDB.Mode.create) as db:
        init([Path(path) for path in paths], db, {})
        changes = [change for job in db.work_items for change in job.mutations]
    mutants = [
        Mutant(paths[str(each.module_path)], tuple(each.start_pos), each.operator_name, each.occurrence)
        for each in changes
    ]
    return list(without_annotations(mutants, {name: (PACKAGE / name).read_text() for name in names}))


def tracked_files() -> list[str]:
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0")
    return [name for name in names if (ROOT / name).is_file() and not name.startswith("weights/")]


def copy_tree(folder: Path) -> None:
    """Copy the working tree, with compiled modules that are valid as long as their source is the same."""
    for name in tracked_files():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    hashed = py_compile.PycInvalidationMode.CHECKED_HASH
    compileall.compile_dir(folder / "src", quiet=1, invalidation_mode=hashed)


def enter_tree(folder: Path) -> None:
    """Let this process, and those it starts, import the code of a copy of the tree."""
    os.chdir(folder)
    own = {"", str(ROOT), str(ROOT / "src"), str(ROOT / "benchmarks")}
    sys.path[:] = [str(folder), str(folder / "src"), *(path for path in sys.path if path not in own)]
    os.environ["PYTHONPATH"] = str(folder / "src")


def run_pytest(arguments: Sequence[str], log: Path, seconds: float, plugins: Sequence[Any] = ()) -> int | None:
    """Run pytest in a fork of this process.

    Args:
        arguments: Of pytest.
        log: File for its output.
        seconds: Processor time it may take; ten times as much of any time.

    Returns: Its exit status; None if it took too long.
    """
    import pytest

    child = os.fork()
    if not child:
        code = 70
        try:
            os.setsid()
            resource.setrlimit(resource.RLIMIT_CPU, (int(seconds), int(seconds) + 5))
            resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
            output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(output, 1)
            os.dup2(output, 2)
            sys.stdout = sys.stderr = os.fdopen(output, "w", encoding="utf-8")
            code = int(pytest.main([*OPTIONS, *arguments], plugins=list(plugins)))
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            os._exit(code)
    end = time.monotonic() + 10 * seconds
    while (status := os.waitpid(child, os.WNOHANG))[0] == 0:
        if time.monotonic() > end:
            os.killpg(child, signal.SIGKILL)
        time.sleep(0.05)
    with contextlib.suppress(ProcessLookupError):  # what the tests left running
        os.killpg(child, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(status[1])
    return None if code in (-signal.SIGXCPU, -signal.SIGKILL) else code


class Stopwatch:
    """Plugin of pytest that writes the processor time of each test, its fixtures included, into a file."""

    def __init__(self, path: Path):
        self.path = path
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.used = 0.0

    def pytest_runtest_logreport(self, report: Any) -> None:
        now = sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        self.seconds[report.nodeid] += now - self.used
        self.used = now

    def pytest_sessionfinish(self) -> None:
        self.path.write_text(json.dumps(self.seconds))


def profile(part: str, folder: Path) -> Profile:
    """Run a part's tests without any mutation, or take what an earlier run wrote."""
    from coverage import CoverageData

    digest = hashlib.sha256()
    for name in sorted(tracked_files()):
        if name.endswith(".py"):
            digest.update(name.encode() + (ROOT / name).read_bytes())
    path = WORK / f"{part.replace('/', '-')}{digest.hexdigest()[:16]}"
    times, lines = path.with_suffix(".json"), path.with_suffix(".coverage")
    if not times.exists():
        os.environ["COVERAGE_FILE"] = str(lines)
        coverage = [f"--cov={folder / PACKAGE}", "--cov-context=test", "--cov-report="]
        log = path.with_suffix(".log")
        stopwatch = Stopwatch(times.with_suffix(".part"))
        if run_pytest(["-x", *coverage, *SUITES[part]], log, 3600, [stopwatch]) != 0:
            sys.exit(f"{part}: its tests fail without a mutation; see {log}")
        del os.environ["COVERAGE_FILE"]
        stopwatch.path.rename(times)
    data = CoverageData(str(lines))
    data.read()
    tests: dict[str, dict[int, list[str]]] = {}
    for measured in data.measured_files():
        name = str(Path(measured).relative_to(folder / PACKAGE))
        contexts = data.contexts_by_lineno(measured)
        tests[name] = {line: sorted({each.split("|")[0] for each in found} - {""}) for line, found in contexts.items()}
    return Profile(json.loads(times.read_text()), tests)


def statement_lines(source: str, line: int) -> range:
    """Lines of the innermost statement at a line; of a compound one those before its body."""
    found = range(line, line + 1)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.stmt) and node.lineno <= line <= (node.end_lineno or 0):
            body = getattr(node, "body", None)
            end = max(node.lineno, body[0].lineno - 1) if body else node.end_lineno or 0
            if line <= end:
                found = range(node.lineno, end + 1)
    return found


@cache
def importers(module: str) -> frozenset[str]:
    """Test files that import a module."""
    dotted = "nextstroke." + module.removesuffix(".py").replace("/", ".")
    parent, _, name = dotted.rpartition(".")
    pattern = rf"(from|import) {re.escape(dotted)}\b|from {re.escape(parent)} import .*\b{name}\b"
    files = (ROOT / "tests").rglob("test_*.py")
    return frozenset(str(file.relative_to(ROOT)) for file in files if re.search(pattern, file.read_text()))


def covering_tests(mutant: Mutant, known: Profile, budget: float = BUDGET) -> list[str]:
    """The tests that execute a mutant's statement; those of its module where it is executed at import."""
    lines = known.tests.get(mutant.module, {})
    statement = statement_lines((ROOT / PACKAGE / mutant.module).read_text(), mutant.start[0])
    found = {test for line in statement for test in lines.get(line, [])}
    if not found and any(line in lines for line in statement):
        found = {test for tests in lines.values() for test in tests}
    first = importers(mutant.module)
    ordered = sorted(found, key=lambda test: (test.split("::")[0] not in first, known.seconds[test], test))
    total = itertools.accumulate(known.seconds[test] for test in ordered)
    return [test for test, used in zip(ordered, total, strict=True) if used <= budget]


def judge(profiles: dict[str, Profile], mutant: Mutant) -> Verdict:
    """Run the tests on a mutant, in the copy of the tree that this process is in."""
    from cosmic_ray.mutating import use_mutation
    from cosmic_ray.plugins import get_operator

    (known,) = [profile for part, profile in profiles.items() if mutant.module.startswith(part)]
    tests = covering_tests(mutant, known)
    operator = get_operator(mutant.operator)()
    log = Path("mutant.log")
    with use_mutation(PACKAGE / mutant.module, operator, mutant.occurrence) as (before, after):
        diff = changed_lines(before, after)
        if not tests:
            return Verdict(mutant, "uncovered", "", diff)
        Path("tests.txt").write_text("\n".join(tests))
        seconds = 30 + 4 * sum(known.seconds[test] for test in tests)
        code = run_pytest(["-x", "@tests.txt"], log, seconds)
    output = log.read_text(errors="replace")
    failed = re.findall(r"^(?:FAILED|ERROR) (.*?)(?: - .*)?$", output, re.MULTILINE)
    if code == 0:
        return Verdict(mutant, "survived", "", diff)
    if code == 4 and "not found:" in output:
        raise RuntimeError(f"tests that pytest does not find again:\n{output}")
    return Verdict(mutant, "timeout" if code is None else "killed", failed[0] if failed else "", diff)


def changed_lines(before: str, after: str) -> list[str]:
    pairs = itertools.zip_longest(before.splitlines(), after.splitlines(), fillvalue="")
    return [f"{sign}{line}" for pair in pairs if pair[0] != pair[1] for sign, line in zip("-+", pair, strict=True)]


def report(verdicts: Sequence[Verdict], population: int) -> str:
    """The share of killed mutants by part, and the changes that no test noticed."""
    lines = [f"{len(verdicts)} of {population} mutants", "", "| part | mutants | killed | of them by time-out |"]
    lines += ["|---|---|---|---|"]
    for part in [*SUITES, ""]:
        those = [verdict for verdict in verdicts if verdict.mutant.module.startswith(part)]
        if those:
            killed = sum(verdict.is_killed for verdict in those)
            late = sum(verdict.outcome == "timeout" for verdict in those)
            lines += [f"| {part or 'all'} | {len(those)} | {killed} ({killed / len(those):.1%}) | {late} |"]
    for verdict in sorted(verdicts):
        if not verdict.is_killed:
            mutant = verdict.mutant
            title = f"{mutant.module}:{mutant.start[0]} {mutant.operator} {mutant.occurrence}, {verdict.outcome}"
            lines += ["", f"## {title}", "```diff", *verdict.diff, "```"]
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mutants", type=int, default=40, help="mutants in the sample (default 40)")
    parser.add_argument("--all", action="store_true", help="run all mutants, which takes many hours")
    parser.add_argument("--seed", type=int, default=1, help="seed of the sample (default 1)")
    parser.add_argument("--only", default="", help="beginning of the modules' paths in the package (default: all)")
    parser.add_argument("--workers", type=int, default=2, help="mutants tested at the same time (default 2)")
    options = parser.parse_args()
    os.chdir(ROOT)
    os.environ |= {"OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0", "ORT_DISABLE_TELEMETRY": "1"}
    for name in PRELOADED:
        importlib.import_module(name)
    population = all_mutants(modules(options.only))
    chosen = population if options.all else sample(population, options.mutants, options.seed)
    trees = [WORK / f"tree{number}" for number in range(options.workers)]
    for tree in trees:
        shutil.rmtree(tree, ignore_errors=True)
    copy_tree(trees[0])
    enter_tree(trees[0])
    parts = [part for part in SUITES if any(mutant.module.startswith(part) for mutant in chosen)]
    profiles = {part: profile(part, trees[0]) for part in parts}
    for tree in trees[1:]:
        shutil.copytree(trees[0], tree)
    sys.dont_write_bytecode = True
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    forks = multiprocessing.get_context("fork")
    free = forks.SimpleQueue()
    for tree in trees:
        free.put(tree)
    verdicts: list[Verdict] = []
    with forks.Pool(options.workers, lambda: enter_tree(free.get())) as pool:
        for verdict in pool.imap_unordered(partial(judge, profiles), chosen):
            verdicts.append(verdict)
            mutant = verdict.mutant
            place = f"{mutant.module}:{mutant.start[0]} {mutant.operator}"
            print(f"{len(verdicts)}/{len(chosen)} {verdict.outcome} {place} {verdict.test}", flush=True)
            (WORK / "report.md").write_text(report(verdicts, len(population)))
    print((WORK / "report.md").read_text())
    return int(sum(verdict.is_killed for verdict in verdicts) < WANTED * len(verdicts))


if __name__ == "__main__":
    raise SystemExit(main())
