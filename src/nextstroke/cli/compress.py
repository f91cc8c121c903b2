"""nextstroke compress, and what decompress shares with it."""

import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import typer

from nextstroke.cli.panels import given_options

Files = Annotated[list[str] | None, typer.Argument(help="files; none or - for standard input", show_default=False)]
Stdout = Annotated[bool, typer.Option("--stdout", "-c", help="write to standard output")]
Keep = Annotated[bool, typer.Option("--keep/--rm", "-k", help="keep the originals, or remove them after success")]
Force = Annotated[bool, typer.Option("--force", "-f", help="overwrite existing files; write to a terminal")]
Output = Annotated[
    str | None, typer.Option("--output", "-o", help="file to write, - for standard output, or folder to write into")
]
Recursive = Annotated[bool, typer.Option("--recursive", "-r", help="also the files in folders and their subfolders")]
FileList = Annotated[
    str | None, typer.Option("--filelist", help="file that names further files, one a line; - is standard input")
]
Test = Annotated[bool, typer.Option("--test", "-t", help="test the integrity of archives, writing nothing")]
List = Annotated[bool, typer.Option("--list", "-l", help="list sizes, ratio and members of archives")]
Threads = Annotated[int, typer.Option("--threads", "-T", help="segments coded at once; 0 for one per core", min=0)]
Model = Annotated[str, typer.Option(help="text model: file, name of a bundled model, or none to do without")]
MaxOutput = Annotated[int | None, typer.Option(help="refuse archives that hold more than this many bytes", min=0)]
KeepBroken = Annotated[
    bool,
    typer.Option("--keep-broken", help="of a damaged archive, write the data before the damage; still exit code 3"),
]
AsMessage = Annotated[
    bool, typer.Option("--message", help="one short message of at most 1024 bytes, without the frame of an archive")
]
AsText = Annotated[bool, typer.Option("--text", help="with --message: as ASCII text (base91)")]
AsJson = Annotated[bool, typer.Option("--json", help="print the figures as JSON, one line per file")]


@dataclass(frozen=True)
class Job:
    """What is done to each file, and with which settings.

    Attributes:
        packing: True to compress, False to decompress.
        model: Text model: file, name of a bundled model, or "none".
        threads: Segments coded at once, at least 1.
        max_output: Most bytes that an archive may hold; None for no limit.
        as_json: Print the figures of each file as JSON.
        keep_broken: Write the data before the damage of a damaged archive.
    """

    packing: bool
    model: str
    threads: int
    max_output: int | None
    as_json: bool
    keep_broken: bool = False

    def run(self, source: str, target: str | None) -> None:
        """Compress or decompress one file; without a target an archive is tested."""
        from nextstroke.compression.files_in_out import list_file, pack_file, unpack_file

        bar = ProgressBar(source, self.packing)
        if self.packing:
            bar.total = os.path.getsize(source) if os.path.isfile(source) else 0
            sizes = pack_file(source, str(target), self.model, self.threads, bar)
        else:
            # The headers and checksums of a file are read first, so that a damaged one is refused before the work.
            bar.total = list_file(source).size if os.path.isfile(source) and not self.keep_broken else 0
            sizes = unpack_file(source, target, self.model, self.threads, self.max_output, bar, self.keep_broken)
        bar.finish(*sizes)
        if self.as_json:
            figures = {"file": source, **sizes._asdict(), "seconds": round(bar.seconds, 3)}
            print(json.dumps(figures), file=sys.stderr if target == "-" else sys.stdout)


# Parameters that each way to use the command reads; an option that is given and not read is refused.
ALWAYS = frozenset({"files", "recursive", "filelist", "as_json"})
WRITING = ALWAYS | {"stdout", "keep", "force", "output", "threads", "model"}
MESSAGE = frozenset({"files", "message", "text", "stdout", "force", "output"})
READ: dict[str, frozenset[str]] = {
    "--list": ALWAYS | {"list_"},
    "--test": ALWAYS | {"test", "threads", "max_output", "model"},
    "compressing": WRITING,
    "--decompress": WRITING | {"decompress", "max_output"},
    "--message": MESSAGE | {"check"},
    "archives": WRITING | {"decompress_", "max_output", "keep_broken"},  # of decompress, as is the next
    "a message": MESSAGE | {"decompress_"},
}


def compress(
    context: typer.Context,
    files: Files = None,
    stdout: Stdout = False,
    keep: Keep = True,
    force: Force = False,
    output: Output = None,
    recursive: Recursive = False,
    filelist: FileList = None,
    test: Test = False,
    list_: List = False,
    decompress: Annotated[bool, typer.Option("--decompress", "-d", help="same as nextstroke decompress")] = False,
    model: Model = "text",
    threads: Threads = 1,
    max_output: MaxOutput = None,
    as_json: AsJson = False,
    message: AsMessage = False,
    text: AsText = False,
    check: Annotated[int, typer.Option(help="with --message: bytes of the checksum", min=0, max=2)] = 1,
) -> None:
    """Compress files without loss; English text becomes about a quarter of its size.

    With --message one short text, from a file or standard input, goes to standard output or -o as a few bytes.

    Of several files, those that cannot be read are named and the others compressed; the exit code is 1 then.

    Example: nextstroke compress notes.txt && nextstroke compress -t notes.txt.nst
    """
    if message:
        use = "--message"
    else:
        use = "--list" if list_ else "--test" if test else "--decompress" if decompress else "compressing"
    given = given_options(context)
    # Nothing is removed where nothing is written, so --keep holds there.
    refuse_unread(given - {"keep"} if keep else given, use)
    refuse_two_targets(stdout, output)
    if message:
        from nextstroke.compression.message_files import pack_message_file

        pack_message_file(*message_files(files, output, stdout), check, text, force)
        return
    is_packing = use == "compressing"
    job = Job(is_packing, model, threads or os.cpu_count() or 1, max_output, as_json)
    names = named_files(files, filelist)
    if list_:
        each_file(names, recursive, False, lambda source: print_listing(source, as_json))
    elif test:
        limit_blas_threads()
        each_file(names, recursive, False, lambda source: job.run(source, None))
    else:
        convert(names, recursive, output, stdout, force, keep, job)


def message_files(files: list[str] | None, output: str | None, stdout: bool) -> tuple[str, str]:
    """Return the file with a message and the file for what comes of it, "-" for standard input and output.

    Raises:
        UsageError: There are several files.
    """
    limit_blas_threads()
    from nextstroke.errors import UsageError

    if files and len(files) > 1:
        raise UsageError(f"--message with {len(files)} files: give one, or none for standard input")
    return (files or ["-"])[0], "-" if stdout or output is None else output


def refuse_unread(given: set[str], use: str) -> None:
    """Raise UsageError for an option that is given but would be ignored."""
    from nextstroke.errors import UsageError

    unread = sorted(given - READ[use])
    if unread:
        spelled = {"keep": "rm", "as_json": "json"}  # where the parameter has another name than the option
        name = spelled.get(unread[0], unread[0].rstrip("_").replace("_", "-"))
        raise UsageError(f"--{name}: has no meaning with {use}; leave it out")


def refuse_two_targets(stdout: bool, output: str | None) -> None:
    """Raise UsageError where standard output and another place are both named."""
    from nextstroke.errors import UsageError

    if stdout and output not in (None, "-"):
        raise UsageError(f"--stdout and --output {output}: give one of them")


def named_files(files: list[str] | None, filelist: str | None) -> list[str]:
    """Return the files that a command names, standard input where it names none; raises BadInput."""
    if filelist is None:
        return files or ["-"]
    from nextstroke.compression.files_in_out import read_file_list

    return [*(files or []), *read_file_list(filelist)]


def convert(
    names: list[str], recursive: bool, output: str | None, stdout: bool, force: bool, keep: bool, job: Job
) -> None:
    """Compress or decompress files; all targets are checked before the first file is read.

    Args:
        names: Names of files, "-" for standard input.
        recursive: Whether folders stand for the files in them.
        output: Target of one source, or a folder for those of all; None for a target next to each source.
        stdout: Write to standard output.
        force: Overwrite existing files.
        keep: Keep the sources.
        job: What is done to each file.

    Raises:
        NextstrokeError: What is wrong with the only file, or with the request.
        typer.Exit: Some of several files could not be read or written; the code is 1.
    """
    limit_blas_threads()
    from nextstroke.compression.files_in_out import check_removal, check_target, find_sources, target_in, target_name
    from nextstroke.errors import UsageError

    found = find_sources(names, recursive, job.packing)
    sources = found.files
    folder = output if output and output != "-" and not stdout and is_folder(output, names, recursive) else None
    if output and folder is None and len(sources) > 1:
        raise UsageError(
            f"-o {output} for {len(sources)} files; give one file, a folder, or -c to join what comes of all"
        )
    _report_passed_over(found.passed_over, job.packing)
    chosen = "-" if stdout else output
    taken: set[str] = set()
    targets: dict[str, str] = {}
    failures = Failures(len(sources))
    for source in sources:
        with failures:
            if folder is None:
                target = chosen or target_name(source.name, job.packing)
            else:
                target = target_in(folder, source, job.packing)
                os.makedirs(os.path.dirname(target) or ".", exist_ok=True)
            check_target(source.name, target, force)
            if not keep and source.name != "-":
                check_removal(source.name, target)
            if target != "-" and target in taken:
                raise UsageError(f"{source.name}: another of the files goes to {target} too; compress them one by one")
            taken.add(target)
            targets[source.name] = target
    for name, target in targets.items():
        with failures:
            job.run(name, target)
            if not keep and name != "-":
                os.unlink(name)
    failures.finish()


def each_file(names: list[str], recursive: bool, packing: bool, run: Callable[[str], None]) -> None:
    """Run something on each file, errors as in `convert`."""
    from nextstroke.compression.files_in_out import find_sources

    found = find_sources(names, recursive, packing)
    _report_passed_over(found.passed_over, packing)
    failures = Failures(len(found.files))
    for source in found.files:
        with failures:
            run(source.name)
    failures.finish()


def is_folder(output: str, names: list[str], recursive: bool) -> bool:
    """Whether an output is a folder: one that is there, or one to make for the files of folders; else it is a file."""
    if os.path.isdir(output) or output.endswith("/"):
        return True
    return recursive and not os.path.exists(output) and any(map(os.path.isdir, names))


def _report_passed_over(count: int, packing: bool) -> None:
    if count:
        have = "have" if packing else "do not have"
        print(f"nextstroke: passed over {count} files that {have} the suffix .nst", file=sys.stderr)


class Failures:
    """Context for the work on one of several files: an error is printed and counted, and the next file follows.

    Args:
        files: Number of files; the error of the only one is raised.
    """

    def __init__(self, files: int):
        self.files = files
        self.failed = False

    def __enter__(self) -> None:
        """Do nothing; what matters is how the work ends."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> bool:
        """Print an error that the user can act on, of several files; leave others alone."""
        from nextstroke.cli.main import known_error, print_error

        if error is None or self.files == 1 or isinstance(error, BrokenPipeError):
            return False
        known = known_error(error)
        if known is None:
            return False
        print_error(str(known))
        self.failed = True
        return True

    def finish(self) -> None:
        """Raise typer.Exit with code 1, as gzip ends, if there was an error."""
        if self.failed:
            raise typer.Exit(1)


def limit_blas_threads() -> None:
    """Let numpy multiply on one thread; must be called before numpy is loaded.

    The products of a step are so small that threads wait longer than they compute, ten times as long on a busy machine.
    `--threads` uses more cores.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def print_listing(source: str, as_json: bool) -> None:
    """Print what an archive holds."""
    from nextstroke.compression.files_in_out import list_file

    held = list_file(source)
    if as_json:
        print(json.dumps({"file": source, **held._asdict()}))
        return
    plural = "s" if held.members > 1 else ""
    joined = f" of {held.archives} joined archives" if held.archives > 1 else ""
    ratio = f"{held.packed / max(held.size, 1):.2%}"
    print(f"{source}: {held.size} bytes in {held.packed} ({ratio}), {held.members} member{plural}{joined}")


class ProgressBar:
    """One line on the terminal with progress, ratio and time left; nothing where standard error is no terminal.

    Args:
        name: Name of the file.
        packing: True for compression, False for decompression.
    """

    def __init__(self, name: str, packing: bool):
        self.name = name
        self.packing = packing
        self.total = 0  # bytes of data; 0 where it is not known
        self.size = 0
        self.packed = 0
        self._start = time.monotonic()
        self._last_shown = 0.0
        self._is_shown = sys.stderr is not None and sys.stderr.isatty()

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._start

    def __call__(self, size: int, packed: int) -> None:
        """Add what was done since the last call, in bytes, and show it ten times a second at most."""
        self.size += size
        self.packed += packed
        if not self._is_shown or self.seconds - self._last_shown <= 0.1:
            return
        self._last_shown = self.seconds
        left = f"{self.seconds * (self.total / self.size - 1):.0f} s left" if self.total >= self.size > 0 else ""
        done = f"{self.size / self.total:.0%}" if self.total else f"{self.size} bytes"
        self._show(f"{self.name}: {done}, ratio {self.packed / max(self.size, 1):.1%}, {left}")

    def finish(self, size: int, packed: int) -> None:
        """Show the final line, which stays on the terminal."""
        if self._is_shown:
            arrow = "=>" if self.packing else "<="
            ratio = f"{packed / max(size, 1):.2%}"
            self._show(f"{self.name}: {ratio} ({size} {arrow} {packed} bytes) in {self.seconds:.1f} s\n")

    def _show(self, line: str) -> None:
        print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)
