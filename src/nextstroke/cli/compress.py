"""nextstroke compress, and what decompress shares with it."""

import json
import os
import sys
import time
from dataclasses import dataclass
from typing import Annotated

import typer

Files = Annotated[list[str] | None, typer.Argument(help="files; none or - for standard input", show_default=False)]
Stdout = Annotated[bool, typer.Option("--stdout", "-c", help="write to standard output")]
Keep = Annotated[bool, typer.Option("--keep/--rm", "-k", help="keep the originals, or remove them after success")]
Force = Annotated[bool, typer.Option("--force", "-f", help="overwrite existing files; write to a terminal")]
Output = Annotated[str | None, typer.Option("--output", "-o", help="file to write, - for standard output")]
Test = Annotated[bool, typer.Option("--test", "-t", help="test the integrity of archives, writing nothing")]
List = Annotated[bool, typer.Option("--list", "-l", help="list sizes, ratio and members of archives")]
Threads = Annotated[int, typer.Option("--threads", "-T", help="segments coded at once; 0 for one per core", min=0)]
Model = Annotated[str, typer.Option(help="text model: file, name of a bundled model, or none to do without")]
MaxOutput = Annotated[int | None, typer.Option(help="refuse archives that hold more than this many bytes", min=0)]
KeepBroken = Annotated[
    bool,
    typer.Option("--keep-broken", help="of a damaged archive, write the data before the damage; still exit code 3"),
]
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


def compress(
    files: Files = None,
    stdout: Stdout = False,
    keep: Keep = True,
    force: Force = False,
    output: Output = None,
    test: Test = False,
    list_: List = False,
    decompress: Annotated[bool, typer.Option("--decompress", "-d", help="same as nextstroke decompress")] = False,
    model: Model = "text",
    threads: Threads = 1,
    max_output: MaxOutput = None,
    as_json: AsJson = False,
) -> None:
    """Compress files without loss; English text becomes about a quarter of its size.

    Example: nextstroke compress notes.txt && nextstroke compress -t notes.txt.nst
    """
    sources = files or ["-"]
    is_packing = not (decompress or test)
    job = Job(is_packing, model, threads or os.cpu_count() or 1, max_output, as_json)
    if list_:
        for source in sources:
            print_listing(source, as_json)
    elif test:
        limit_blas_threads()
        for source in sources:
            job.run(source, None)
    else:
        convert(sources, output, stdout, force, keep, job)


def convert(sources: list[str], output: str | None, stdout: bool, force: bool, keep: bool, job: Job) -> None:
    """Compress or decompress all sources; all targets are checked before the first file is read.

    Args:
        sources: Names of files, "-" for standard input.
        output: Name of the target of one source; None for a target next to each source.
        stdout: Write to standard output.
        force: Overwrite existing files.
        keep: Keep the sources.
        job: What is done to each file.
    """
    limit_blas_threads()
    from nextstroke.compression.files_in_out import check_removal, check_target, target_name
    from nextstroke.errors import UsageError

    if output and len(sources) > 1:
        raise UsageError(f"-o {output} for {len(sources)} files; give one file, or -c to join what comes of all")
    chosen = "-" if stdout else output
    targets = [chosen or target_name(source, job.packing) for source in sources]
    for source, target in zip(sources, targets, strict=True):
        check_target(source, target, force)
        if not keep and source != "-":
            check_removal(source, target)
    for source, target in zip(sources, targets, strict=True):
        job.run(source, target)
        if not keep and source != "-":
            os.unlink(source)


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
