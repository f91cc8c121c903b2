"""How one try is made and judged: in this process, in a fork of it, or in a process of its own."""

import mmap
import os
import resource
import signal
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from nextstroke.errors import NextstrokeError

START = "from nextstroke.cli.main import main; raise SystemExit(main())"
CODES = frozenset({0, 2, 3, 4, 5})
MEMORY = 1000  # MB resident
CPU_SECONDS = 30  # of processor time: the machine may do other work, which is no fault of the command
WALL_SECONDS = 600  # after which a try is stopped, and counts as fallen: it waits for something that does not come
WRITING = ("open", "os.rename", "os.remove", "os.mkdir", "os.chmod", "os.utime", "os.truncate", "os.link")


class Fault(Exception):
    """A promise that was not kept."""


class Group:
    """Tries of one kind.

    Args:
        folder: An empty folder for its files.

    Attributes:
        what: Describes the try under way; it stands in the report of a fault.
        servers: Processes whose memory is judged together with that of the process that makes the tries.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self.what = ""
        self.servers: list[int] = []

    def attempt(self, number: int, rng: Random) -> None:
        """Make one try; raise Fault, or anything else, where a promise is not kept."""
        raise NotImplementedError

    def figures(self) -> dict[str, Any]:
        """Return figures of all tries together; what they break of a promise has the name "fault"."""
        return {}

    def close(self) -> None:
        """End what the group started."""


def refusal_of(work: Callable[..., Any], *arguments: Any) -> NextstrokeError | None:
    """Return the error with which `work` refuses its input, None where it does not; raises Fault for a bad refusal."""
    try:
        work(*arguments)
    except NextstrokeError as error:
        if error.exit_code not in CODES or not str(error):
            raise Fault(f"refused with exit code {error.exit_code}: {error!r}") from error
        return error
    return None


@dataclass
class Outcome:
    """How a command ended.

    Attributes:
        code: Exit code; the negative number of a signal.
        out: Bytes on standard output.
        err: Text on standard error.
        cpu: Seconds of processor time, those of its child processes included.
        wall: Seconds.
        peak: Largest resident memory in MB.
        events: Changes to the file system that it made, where they were counted.
    """

    code: int
    out: bytes
    err: str
    cpu: float
    wall: float
    peak: float
    events: int = 0


@dataclass
class Setting:
    """What a command finds.

    Attributes:
        folder: Working folder.
        stdin: What standard input holds.
        prepare: Called in the new process before the command.
        kill_after: Seconds after which the process gets SIGKILL.
        kill_at: Number of the change to the file system before which it gets SIGKILL.
        env: Environment variables to change, None to remove one; of a process of its own only.
    """

    folder: Path
    stdin: bytes = b""
    prepare: Callable[[], None] | None = None
    kill_after: float | None = None
    kill_at: int | None = None
    env: dict[str, str | None] = field(default_factory=dict)


def forked(arguments: Sequence[str], setting: Setting) -> Outcome:
    """Run a command line in a fork of this process, which has loaded everything already."""
    counter = mmap.mmap(-1, 8)
    with tempfile.TemporaryFile() as stdin, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        stdin.write(setting.stdin)
        stdin.seek(0)
        began = time.monotonic()
        child = os.fork()
        if not child:
            _in_child(list(arguments), setting, counter, [stdin.fileno(), out.fileno(), err.fileno()])
        code, usage = _awaited(child, began, setting.kill_after)
        wall = time.monotonic() - began
        out.seek(0)
        err.seek(0)
        # Python's own wait is undone here, so times are those of the child and of what it waited for.
        cpu = usage.ru_utime + usage.ru_stime
        told = err.read().decode("utf-8", "replace")
        return Outcome(code, out.read(), told, cpu, wall, usage.ru_maxrss / 1000, struct.unpack("q", counter[:8])[0])


def _in_child(arguments: list[str], setting: Setting, counter: mmap.mmap, streams: list[int]) -> None:
    code = 99
    try:
        os.setpgid(0, 0)
        os.chdir(setting.folder)
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
        sys.stdin = os.fdopen(0, "r", encoding="utf-8", errors="surrogateescape", closefd=False)
        sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
        sys.stderr = os.fdopen(2, "w", 1, encoding="utf-8", errors="backslashreplace", closefd=False)
        sys.argv[0] = "nextstroke"
        sys.addaudithook(_counting(counter, setting.kill_at))
        from nextstroke.cli.main import main

        if setting.prepare:
            setting.prepare()
        code = main(arguments)
        sys.stdout.flush()
    except BaseException as error:
        with suppress(BaseException):
            print(f"Traceback left: {error!r}", file=sys.stderr, flush=True)
    finally:
        os._exit(code)


def _counting(counter: mmap.mmap, kill_at: int | None) -> Callable[[str, tuple[Any, ...]], None]:
    """Return an audit hook that counts changes to the file system, and kills the process before one of them."""

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event not in WRITING or (event == "open" and not _writes(arguments)):
            return
        number = struct.unpack("q", counter[:8])[0]
        if number == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        counter[:8] = struct.pack("q", number + 1)

    return hook


def _writes(arguments: tuple[Any, ...]) -> bool:
    _, _, flags = arguments
    return isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))


def _awaited(child: int, began: float, kill_after: float | None) -> tuple[int, resource.struct_rusage]:
    """Wait for a process; kill it at its time, or at the end of all patience."""
    killed = False
    while True:
        found, status, usage = os.wait4(child, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status), usage
        passed = time.monotonic() - began
        if kill_after is not None and passed > kill_after and not killed:
            _kill(child)
            killed = True
        spent = seconds_of(child)
        if passed > WALL_SECONDS or spent > 2 * CPU_SECONDS:
            _kill(child)
            os.waitpid(child, 0)
            raise Fault(f"not done after {passed:.0f} s, {spent:.0f} of them of processor time")
        time.sleep(0.002 if passed < 2 else 0.02)


def _kill(child: int) -> None:
    """Kill a process and all that it started."""
    with suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)


def seconds_of(process: int) -> float:
    """Return the processor time that a process has taken, in seconds; 0 where there is none any more."""
    with suppress(OSError):
        fields = Path(f"/proc/{process}/stat").read_text().rsplit(") ", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return 0.0


def run(arguments: Sequence[str], setting: Setting, command: Sequence[str] | None = None) -> Outcome:
    """Run a command line in an interpreter of its own.

    Args:
        command: What is started instead of Python; it gets the command line of nextstroke as its last arguments.
    """
    env = {**os.environ, **{name: value for name, value in setting.env.items() if value is not None}}
    for name in (name for name, value in setting.env.items() if value is None):
        env.pop(name, None)
    words = [*(command or []), sys.executable, "-c", START, *arguments]
    began = time.monotonic()
    with tempfile.TemporaryFile() as stdin, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        stdin.write(setting.stdin)
        stdin.seek(0)
        process = subprocess.Popen(
            words, stdin=stdin, stdout=out, stderr=err, cwd=setting.folder, env=env, start_new_session=True,
            preexec_fn=setting.prepare,
        )  # fmt: skip
        try:
            code, usage = _awaited(process.pid, began, setting.kill_after)
        finally:
            process.returncode = 0  # it has been waited for
        out.seek(0)
        err.seek(0)
        cpu = usage.ru_utime + usage.ru_stime
        told = err.read().decode("utf-8", "replace")
        return Outcome(code, out.read(), told, cpu, time.monotonic() - began, usage.ru_maxrss / 1000)


def judge(outcome: Outcome, codes: frozenset[int] = CODES) -> None:
    """Raise Fault unless a command ended as promised: a known code, one line for an error, in bounds.

    Code 1 is promised where some of several files failed; a bug has it too, but its line says so.
    """
    told = outcome.err.strip()[-400:]
    if outcome.code not in codes | {1}:
        raise Fault(f"exit code {outcome.code}: {told}")
    if "Traceback" in outcome.err or "internal error" in outcome.err:
        raise Fault(f"exit code {outcome.code}, but: {told}")
    if outcome.code > 0 and outcome.code != 128 + signal.SIGPIPE:
        last = outcome.err.rstrip("\n").rsplit("\n", 1)[-1].rsplit("\r\x1b[K", 1)[-1]
        if not last.startswith("nextstroke: "):
            raise Fault(f"exit code {outcome.code} without a line that says why: {told!r}")
    if outcome.peak > MEMORY:
        raise Fault(f"{outcome.peak:.0f} MB resident")
    if outcome.cpu > CPU_SECONDS:
        raise Fault(f"{outcome.cpu:.1f} s of processor time")


def contents(folder: Path) -> dict[str, bytes]:
    """Return the files of a folder by their relative names."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def visible(files: dict[str, bytes]) -> dict[str, bytes]:
    """Return the files whose names do not begin with a dot: parts that a killed process left are hidden."""
    return {name: data for name, data in files.items() if not Path(name).name.startswith(".")}
