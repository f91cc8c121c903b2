"""Command lines: odd arguments, odd surroundings, SIGKILL at any moment, a clock that goes back."""

import os
import resource
import shutil
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from random import Random
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple, get_type_hints

from benchmarks.attacks.judge import Fault, Group, Outcome, Setting, contents, forked, judge, run, visible
from benchmarks.attacks.place import LONGER, SETTINGS, copy_of, shared_place
from nextstroke.cli.verbs import make_command

FILES = [
    "text.txt", "text.txt.nst", "ink.json", "ink.inkml", "me.style", "c.packed", "t.packed", "b.jsonl", "r.toml",
    "t.toml", "m.onnx", "tm.onnx", "run", "trun", "penn", "missing", "new.svg", "new.png", "new.nst", "new.packed",
    "new.json",
    "/dev/null", "/dev/full", "/proc/self/mem", "/proc/self/environ", "-", "", ".", "/", "x" * 256, "a\nb", "\udcff",
    "missing/a.svg", "none", "writer", "text", "neat", "a,b", ",", "~", "*", "--", "-x", "\N{SNOWMAN}.svg", "run/..",
    "text.txt/a.svg", "\x1b[31m", "a\0b",
]  # fmt: skip
WHOLE = [
    "0",
    "1",
    "2",
    "3",
    "-1",
    "1e3",
    "x",
    "",
    "10**9",
    "9" * 30,
    "-9223372036854775809",
    "4294967296",
    "0x10",
    "1.5",
]
REAL = ["0", "1", "0.5", "-1", "nan", "inf", "-inf", "1e308", "1e-300", "5e-324", "x", "", "1e400", "3", "100", "1,2"]
SIZES = ["a4", "a5", "letter", "100x50", "0x0", "1x1", "1e9x1e9", "9" * 30 + "x1", "nanx5", "x", "-5x5", "50x99999999"]
COLOURS = ["red", "#123456", "#12", "nocolour", "red,blue", ""]
# Options whose larger values ask, and are meant to ask, for more work; their values here are small or absurd.
WORK = {"length": ["0", "1", "5", "-1", "x"], "invent": ["0", "5", "-1"], "lines": ["0", "1", "2", "-1", "51"]}
WORK |= {
    "every": ["1", "2", "0"],
    "workers": ["1", "2", "0", "-1", "100000"],
    "number": ["0", "1", "2", "-1", "x"],
    "threads": ["1", "2", "0", "-1", "100000"],
}
WORK |= {"set": ["training.updates=2", "network.cells=4", "a", "=", "training.updates=", "network.cells=9e9", "x.y=1"]}
WORK |= {"page": SIZES, "colour": COLOURS}
# What a command gets besides the drawn options, so that it has little to do.
BASES: dict[str, list[list[str]]] = {
    "write": [["ab"], ["-"], ["a\nb"]],
    "batch": [["b.jsonl", "-o", "out", "--workers", "1"], ["FILE", "-o", "out"], ["-", "-o", "FILE"]],
    "style learn": [["ink.json", "-o", "new.style"], ["FILE", "-o", "new.style"]],
    "scribble": [["--points", "5", "--lines", "1"]],
    "generate": [["--length", "5"]],
    "compress": [["text.txt", "--model", "none"], ["FILE", "--model", "none"], ["-", "--model", "none"]],
    "decompress": [["text.txt.nst", "--model", "none", "-o", "new.txt"], ["FILE", "--model", "none"], []],
    "train": [["r.toml", "--corpus", "c.packed", "--run", "new", *SETTINGS], ["FILE"], ["r.toml", "--resume"]],
    "evaluate": [["run", "--corpus", "c.packed"], ["trun", "--corpus", "t.packed", "--symbols", "40"], ["FILE"]],
    "export": [["run", "-o", "new.onnx"], ["trun", "-o", "new.onnx"], ["FILE", "-o", "new.onnx"]],
    "data ink": [["ink.json", "ink.inkml", "-o", "new.packed"], ["FILE", "-o", "FILE"]],
    "data join": [["c.packed", "c.packed", "-o", "new.packed"], ["FILE", "-o", "FILE"]],
    "data text": [["text.txt", "-o", "new.packed"], ["FILE", "-o", "FILE"]],
    "data penn": [["penn", "-o", "new.packed"], ["FILE", "-o", "new.packed"]],
    "data enwik8": [
        ["text.txt", "--range", "train=0:1000", "--range", "validation=1000:1500", "-o", "new.packed"],
        ["FILE", "-o", "new.packed"],
    ],
    "data iam": [["trees/iam", "-o", "new.packed", "--workers", "1"], ["FILE", "-o", "FILE"]],
    "data unipen": [["trees/unipen", "-o", "new.packed", "--workers", "1"], ["FILE", "-o", "FILE"]],
    "figure cell": [["run", "-o", "new.svg"], ["FILE", "-o", "FILE"]],
    "figure architecture": [["run", "-o", "new.svg"], ["FILE", "-o", "FILE"]],
    "figure training": [["--corpus", "c.packed", "-o", "new.png", "--lines", "1"]],
    "figure curve": [["run", "trun", "-o", "new.svg"], ["FILE", "-o", "FILE"]],
    "serve": [["--export", "site"], ["--export", "FILE"], ["--host", "300.1.1.1"]],
    "models": [[]],
    "kernel status": [[]],
}
# Options that would make a command do much, or something that is tried elsewhere.
LEFT_OUT = {
    "best_of",
    "points",
    "recursive",
    "dynamic",
    "export",
    "host",
    "port",
    "cluster",
    "device",
    "help",
    "debug",
    "version",
}
LEFT_OUT |= {"install_completion", "show_completion", "like", "styles"}


class Commands(Group):
    """Every command with odd values for its options and arguments."""

    def __init__(self, folder: Path):
        super().__init__(folder)
        self.whole = shared_place(folder)
        self.options = {name: _options(name) for name in BASES}

    def attempt(self, number: int, rng: Random) -> None:
        names = list(BASES)
        name = names[number % len(names)]
        words = [rng.choice(FILES) if word == "FILE" else word for word in rng.choice(BASES[name])]
        if name == "write":
            words += ["--best-of", "1"]
        for option in rng.sample(self.options[name], min(len(self.options[name]), rng.choice([0, 1, 2, 4]))):
            words += _with_value(option, rng)
        self.what = f"{name} {words!r}"
        with copy_of(self.whole, self.folder / "place") as place:
            before = contents(place)
            outcome = forked(
                [*name.split(), *words], Setting(place, rng.choice([b"", b"hi\n", b"\xff\0", b"words " * 50]))
            )
            judge(outcome)
            if outcome.code:
                _check_no_new_file(before, contents(place), name)


class Option(NamedTuple):
    """An option of a command: its names, the type of its values, and whether it has none."""

    name: str
    flags: list[str]
    kind: Any
    is_flag: bool


def _options(name: str) -> list[Option]:
    """Return the options of a command that are drawn for it."""
    command: Any = make_command()
    for word in name.split():
        command = command.get_command(None, word)
    hints = get_type_hints(command.callback)
    return [
        Option(option.name, [flag for flag in option.opts if flag.startswith("-")], hints[option.name], option.is_flag)
        for option in command.params
        if option.param_type_name == "option" and option.name not in LEFT_OUT
    ]


def _with_value(option: Option, rng: Random) -> list[str]:
    flag = rng.choice(option.flags)
    if option.is_flag:
        return [flag]
    numbers = {int: WHOLE, int | None: WHOLE, float: REAL, float | None: REAL}
    return [flag, rng.choice(WORK.get(option.name.rstrip("_"), numbers.get(option.kind, [*FILES, *REAL])))]


def _check_no_new_file(before: dict[str, bytes], after: dict[str, bytes], name: str) -> None:
    """Raise Fault where a command that failed left a file that nobody asked for, or changed one."""
    if name.startswith(("train", "evaluate", "batch")):  # those keep what they had finished, or a lock
        before, after = ({n: data for n, data in files.items() if "/" not in n} for files in (before, after))
    found = {path for path in {*before, *after} if before.get(path) != after.get(path)}
    if found:
        raise Fault(f"failed, but changed {sorted(found)[:4]}")


class Surroundings(Group):
    """Closed or full standard streams, odd folders, variables, terminals and limits, each with each command."""

    LINES: ClassVar = {
        "write": ["write", "Hi", "--best-of", "1", "-o", "a.svg"],
        "write -": ["write", "Hi", "--best-of", "1"],
        "generate": ["generate", "--length", "3", "--prime", "é"],
        "compress": ["compress", "--model", "none", "-f", "text.txt"],
        "compress -c": ["compress", "--model", "none", "-c", "--json", "text.txt"],
        "decompress": ["decompress", "--model", "none", "-c", "text.txt.nst"],
        "data ink": ["data", "ink", "ink.json", "-o", "a.packed"],
        "models": ["models"],
        "scribble": ["scribble", "--lines", "1", "--points", "9", "-o", "a.pdf"],
        "style learn": ["style", "learn", "ink.json", "-o", "a.style"],
        "evaluate": ["evaluate", "missing"],
        "serve": ["serve", "--export", "site"],
    }

    def __init__(self, folder: Path):
        super().__init__(folder)
        self.whole = shared_place(folder)
        self.kinds = list(_surroundings(folder))

    def attempt(self, number: int, rng: Random) -> None:
        kinds = self.kinds
        kind = kinds[number % len(kinds)]
        name = rng.choice(list(self.LINES))
        self.what = f"{name}, {kind.name}"
        with copy_of(self.whole, self.folder / "place") as place:
            setting = Setting(place, b"words", kind.prepare, env={"PYTHONDONTWRITEBYTECODE": "1", **kind.env})
            outcome = run(self.LINES[name], setting, kind.command)
            judge_alone(outcome, kind.quiet)
            if name == "compress -c" and outcome.code == 0 and not kind.lost:
                packed = forked(["compress", "--model", "none", "-c", "text.txt"], Setting(place)).out
                if outcome.out != packed:
                    raise Fault("other bytes on standard output than the archive")


class Surrounding(NamedTuple):
    """What is odd about the process.

    Attributes:
        name: Describes it.
        prepare: Called in the new process.
        env: Variables to change.
        command: What starts Python.
        quiet: Whether messages cannot be seen.
        lost: Whether standard output does not arrive.
    """

    name: str
    prepare: Callable[[], None] | None = None
    env: Mapping[str, str | None] = MappingProxyType({})
    command: Sequence[str] = ()
    quiet: bool = False
    lost: bool = False


def _surroundings(folder: Path) -> Any:
    def closing(*numbers: int) -> Callable[[], None]:
        def close() -> None:
            for number in numbers:
                os.close(number)

        return close

    def full(number: int) -> Callable[[], None]:
        def fill() -> None:
            os.dup2(os.open("/dev/full", os.O_WRONLY), number)

        return fill

    def forbid() -> None:
        os.umask(0o777)

    def limit(kind: int, value: int) -> Callable[[], None]:
        return lambda: resource.setrlimit(kind, (value, value))

    def gone() -> None:
        place = folder / f"gone{os.getpid()}"
        place.mkdir()
        os.chdir(place)
        place.rmdir()

    def ignoring() -> None:
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    yield Surrounding("as usual")
    yield Surrounding("stdin closed", closing(0))
    yield Surrounding("stdout closed", closing(1), lost=True)
    yield Surrounding("stderr closed", closing(2), quiet=True)
    yield Surrounding("all closed", closing(0, 1, 2), quiet=True, lost=True)
    yield Surrounding("stdout and stderr closed", closing(1, 2), quiet=True, lost=True)
    yield Surrounding("stdout full", full(1), lost=True)
    yield Surrounding("stderr full", full(2), quiet=True)
    yield Surrounding("ASCII", env={"PYTHONIOENCODING": "ascii"})
    yield Surrounding("C locale", env={"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"})
    yield Surrounding("odd locale", env={"LC_ALL": "xx_YY.KOI8-Z", "LANG": "\udcff"})
    yield Surrounding("UTF-16", env={"PYTHONIOENCODING": "utf-16"}, lost=True, quiet=True)
    yield Surrounding("terminal", env={"TERM": "dumb", "COLUMNS": "0", "LINES": "-1", "NO_COLOR": "1"})
    yield Surrounding("narrow", env={"TERM": "\x1b", "COLUMNS": "99999999999", "FORCE_COLOR": "1"})
    yield Surrounding("no HOME", env={"HOME": None, "XDG_CACHE_HOME": None})
    yield Surrounding("odd HOME", env={"HOME": "/proc/1/root", "XDG_CACHE_HOME": "\udcfe/x"})
    yield Surrounding("HOME a file", env={"HOME": "/etc/passwd", "NEXTSTROKE_CACHE": "/etc/passwd/x"})
    yield Surrounding("cache is /dev/null", env={"NEXTSTROKE_CACHE": "/dev/null"})
    yield Surrounding("no variables", command=["env", "-i", f"PYTHONPATH={os.environ.get('PYTHONPATH', '')}"])
    yield Surrounding("TMPDIR missing", env={"TMPDIR": "/nowhere", "TMP": "\n"})
    yield Surrounding("folder deleted", gone)
    yield Surrounding("signals ignored", ignoring)
    yield Surrounding("umask 777", forbid)
    yield Surrounding("files of 100 bytes", limit(resource.RLIMIT_FSIZE, 100), lost=True)
    yield Surrounding("files of none", limit(resource.RLIMIT_FSIZE, 0), lost=True, quiet=True)
    yield Surrounding("40 descriptors", limit(resource.RLIMIT_NOFILE, 40))
    yield Surrounding("1500 MB of addresses", limit(resource.RLIMIT_AS, 1500 << 20))
    yield Surrounding("no core", limit(resource.RLIMIT_CORE, 0))
    yield Surrounding("odd threads", env={"OMP_NUM_THREADS": "-5", "OPENBLAS_NUM_THREADS": "x", "OMP_PROC_BIND": "?"})
    yield Surrounding("nice", command=["nice", "-n", "19"])


def judge_alone(outcome: Outcome, quiet: bool) -> None:
    """Judge a command whose messages may not be seen."""
    if quiet and outcome.code in (2, 3, 4, 5):
        outcome.err = "nextstroke: not seen"
    judge(outcome)


class Case(NamedTuple):
    """A command that writes files.

    Attributes:
        words: The command line.
        again: The command line that goes on after the process was killed, where it differs.
        same: Whether it writes the same bytes each time.
        original: A file, and the file that is made from it and replaces it: one of them is always whole.
    """

    words: list[str]
    again: list[str] | None = None
    same: bool = True
    original: tuple[str, str] | None = None


CASES: dict[str, Case] = {
    "write": Case(["write", "Hello there", "--best-of", "1", "-o", "ink.json"]),
    "write png": Case(["write", "Hello", "--best-of", "1", "-o", "a.png"]),
    "batch": Case(["batch", "b.jsonl", "-o", "out", "--shard", "1", "--workers", "1", "--height", "40"]),
    "batch, tar": Case(
        ["batch", "b.jsonl", "-o", "out", "--shard", "2", "--workers", "1", "--format", "webdataset", "--boxes"]
    ),
    "style learn": Case(["style", "learn", "ink.json", "-o", "me.style"]),
    "scribble": Case(["scribble", "--lines", "1", "--points", "9", "-o", "a.pdf"], same=False),
    "models styles": Case(["models", "styles", "--model", "m.onnx", "--text", "abc", "-o", "a.svg"]),
    "compress": Case(["compress", "--model", "none", "-f", "text.txt"]),
    "compress --rm": Case(
        ["compress", "--model", "none", "-f", "--rm", "penn/ptb.train.txt"],
        original=("penn/ptb.train.txt", "penn/ptb.train.txt.nst"),
    ),
    "decompress --rm": Case(
        ["decompress", "--model", "none", "-f", "--rm", "text.txt.nst"], original=("text.txt.nst", "text.txt")
    ),
    "train": Case(
        ["train", "r.toml", "--corpus", "c.packed", "--run", "new", *SETTINGS],
        ["train", "r.toml", "--corpus", "c.packed", "--run", "new", *SETTINGS, "--resume"],
        same=False,
    ),
    "train --resume": Case(
        ["train", "r.toml", "--corpus", "c.packed", "--run", "run", *LONGER, "--resume"], same=False
    ),
    "export": Case(["export", "run", "-o", "m.onnx", "--corpus", "c.packed", "--styles", "primes.toml"]),
    "data ink": Case(["data", "ink", "ink.json", "-o", "n/n.packed", "--report", "r.json"]),
    "data join": Case(["data", "join", "c.packed", "c.packed", "-o", "n.packed"]),
    "data text": Case(["data", "text", "text.txt", "-o", "t.packed"]),
    "data penn": Case(["data", "penn", "penn", "-o", "n.packed"]),
    "data enwik8": Case(
        ["data", "enwik8", "text.txt", "--range", "train=0:900", "--range", "validation=900:1900", "-o", "n.packed"]
    ),
    "data iam": Case(["data", "iam", "trees/iam", "-o", "n.packed", "--report", "r.json", "--workers", "1"]),
    "data unipen": Case(["data", "unipen", "trees/unipen", "-o", "n.packed", "--workers", "1"]),
    "data recombine": Case(["data", "recombine", "i.packed", "-o", "n.packed", "--lines", "2", "--splits", "trainset"]),
    "data teach": Case(["data", "teach", "w.packed", "--teacher", "wrun", "-o", "n.packed", "--invent", "5"]),
    "figure": Case(["figure", "cell", "run", "-o", "a.png"], same=False),
    "reproduce": Case(["reproduce", "figure2", "-o", "repro", "--row", "synthesis=m.onnx"], same=False),
    "serve --export": Case(["serve", "--export", "site"]),
}
PREVIOUS = "previous.safetensors"
MOMENTS = 20


class Kills(Group):
    """Every command that writes is killed at 20 moments: files are there whole or not, and it can be done again."""

    def __init__(self, folder: Path):
        super().__init__(folder)
        self.whole = shared_place(folder)
        self.place = folder / "place"
        self.known: dict[str, tuple[Outcome, dict[str, bytes]]] = {}

    def attempt(self, number: int, rng: Random) -> None:
        name = list(CASES)[number % len(CASES)]
        case = CASES[name]
        # In an order in which the first few are spread over the whole time.
        moment = number // len(CASES) * 7 % MOMENTS
        self.what = name
        undisturbed, expected = self.undisturbed(name)
        share = (moment // 2 + rng.random()) / (MOMENTS / 2)
        setting = Setting(self.place)
        if moment % 2:
            setting.kill_after = share * undisturbed.wall
        else:
            setting.kill_at = int(share * undisturbed.events)
        self.what += f", killed after {setting.kill_after} s or before change {setting.kill_at} to the file system"
        self.renew()
        before = contents(self.place)
        outcome = forked(case.words, setting)
        judge(outcome, frozenset({0, -signal.SIGKILL}))
        self._check(case, before, visible(contents(self.place)), expected)
        self._check_again(case, expected)

    def renew(self) -> None:
        """Copy the folder that holds everything anew."""
        shutil.rmtree(self.place, ignore_errors=True)
        shutil.copytree(self.whole, self.place)

    def undisturbed(self, name: str) -> tuple[Outcome, dict[str, bytes]]:
        """Return how a command ends that nothing disturbs, and the files that are there then."""
        if name not in self.known:
            self.renew()
            outcome = forked(CASES[name].words, Setting(self.place))
            judge(outcome, frozenset({0}))
            self.known[name] = outcome, visible(contents(self.place))
        return self.known[name]

    def _check(self, case: Case, before: dict[str, bytes], after: dict[str, bytes], expected: dict[str, bytes]) -> None:
        """Raise Fault where a file is neither as it was nor as it should become."""
        wanted = before | expected
        if case.original and not any(after.get(name) == wanted.get(name) for name in case.original):
            raise Fault(f"neither {case.original[0]} nor {case.original[1]} is whole")
        for name, data in after.items():
            allowed = [files[name] for files in (before, expected) if name in files]
            if case.same and data not in allowed:
                raise Fault(f"{name} is neither as it was nor as it should become ({len(data)} bytes)")
            if not data and allowed and all(allowed):
                raise Fault(f"{name} is empty")
        lost = [name for name in before if name not in after and name in expected and not name.startswith("run/")]
        if lost:
            raise Fault(f"lost {lost}")

    def _check_again(self, case: Case, expected: dict[str, bytes]) -> None:
        """Raise Fault where the command cannot be given again, or then gives something else."""
        if case.original and not (self.place / case.original[0]).exists():
            return
        outcome = forked(case.again or case.words, Setting(self.place))
        if case.again and outcome.code:  # it was killed before there was anything to go on from
            outcome = forked(case.words, Setting(self.place))
        judge(outcome, frozenset({0}))
        self.check_files(case, expected, "given again")

    def check_files(self, case: Case, expected: dict[str, bytes], when: str) -> None:
        """Raise Fault where other files are there than a command leaves that nothing disturbs."""
        after = visible(contents(self.place))
        if not case.same:  # a training that went on has kept its checkpoint before the last
            expected = {name: data for name, data in expected.items() if Path(name).name != PREVIOUS}
            after = {name: data for name, data in after.items() if Path(name).name != PREVIOUS}
        if set(after) != set(expected) or (case.same and after != expected):
            wrong = sorted(name for name in {*after, *expected} if after.get(name) != expected.get(name))
            raise Fault(f"{when}, it left other files: {wrong[:5]}")


CLOCK = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/time.h>
#include <time.h>
/* Each look at the clock finds it a day earlier, or later and earlier in turn. */
static long shift(void) { static long looks; looks++; return -86400L * looks + (looks % 3 ? 0 : 86400L * 4000); }
int clock_gettime(clockid_t id, struct timespec *t) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int code = real(id, t);
    if (id == CLOCK_REALTIME) t->tv_sec += shift();
    return code;
}
int gettimeofday(struct timeval *t, void *zone) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    t->tv_sec = now.tv_sec; t->tv_usec = now.tv_nsec / 1000;
    return 0;
}
time_t time(time_t *at) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (at) *at = now.tv_sec;
    return now.tv_sec;
}
"""


class Clocks(Group):
    """Every command that writes, while the clock goes back a day at each look and the files are from the future."""

    def __init__(self, folder: Path):
        super().__init__(folder)
        self.kills = Kills(folder)
        self.library = folder / "clock.so"
        source = folder / "clock.c"
        source.write_text(CLOCK)
        command = ["cc", "-shared", "-fPIC", "-o", str(self.library), str(source), "-ldl"]
        self.can_shift = bool(shutil.which("cc")) and not subprocess.run(command).returncode

    def attempt(self, number: int, rng: Random) -> None:
        name = list(CASES)[number % len(CASES)]
        self.what = f"{name}, the clock goes back"
        if not self.can_shift:
            return
        _, expected = self.kills.undisturbed(name)
        self.kills.renew()
        for path in self.kills.place.rglob("*"):
            moment = rng.choice([0, -(10**9), 2**32 + 5, 1])
            os.utime(path, (moment, moment))
        env: dict[str, str | None] = {"LD_PRELOAD": str(self.library), "PYTHONDONTWRITEBYTECODE": "1"}
        judge(run(CASES[name].words, Setting(self.kills.place, env=env)), frozenset({0}))
        self.kills.check_files(CASES[name], expected, "with a clock that goes back")

    def figures(self) -> dict[str, Any]:
        """Return whether the clock could be set back."""
        return {} if self.can_shift else {"not tried": "a C compiler is needed to set the clock back"}
