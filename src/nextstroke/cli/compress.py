"""nextstroke compress, and what decompress shares with it."""

import json
import os
import sys
import time
from typing import Annotated

import typer

Files = Annotated[list[str] | None, typer.Argument(help="files; none, or -, is standard input", show_default=False)]
Stdout = Annotated[bool, typer.Option("--stdout", "-c", help="write to standard output")]
Keep = Annotated[bool, typer.Option("--keep/--rm", "-k", help="keep the originals, or remove them when all is done")]
Force = Annotated[bool, typer.Option("--force", "-f", help="replace files that are there; write to a terminal")]
Output = Annotated[str | None, typer.Option("--output", "-o", help="file to write, - for standard output")]
Test = Annotated[bool, typer.Option("--test", "-t", help="decompress to nowhere, to see whether archives are whole")]
List = Annotated[bool, typer.Option("--list", "-l", help="show what archives hold")]
Threads = Annotated[int, typer.Option("--threads", "-T", help="segments worked on at once; 0 for all cores", min=0)]
Model = Annotated[str, typer.Option(help="text model file, or the name of a bundled one; none does without")]
MaxOutput = Annotated[int | None, typer.Option(help="refuse archives that hold more bytes than that", min=0)]
KeepBroken = Annotated[
    bool,
    typer.Option("--keep-broken", help="of a damaged archive, write the data before the damage; still exit code 3"),
]
AsJson = Annotated[bool, typer.Option("--json", help="print the figures as JSON, a line for each file")]


def compress(
    files: Files = None,
    stdout: Stdout = False,
    keep: Keep = True,
    force: Force = False,
    output: Output = None,
    test: Test = False,
    list_: List = False,
    decompress: Annotated[bool, typer.Option("--decompress", "-d", help="as nextstroke decompress")] = False,
    model: Model = "text",
    threads: Threads = 1,
    max_output: MaxOutput = None,
    as_json: AsJson = False,
) -> None:
    """Compress files; a text becomes about a quarter of itself, and the same bytes again on any machine.

    Example: nextstroke compress notes.txt && nextstroke compress -t notes.txt.nst
    """
    sources = files or ["-"]
    if list_ or test:
        keep_products_on_one_thread()
        for source in sources:
            if list_:
                _show(source, as_json)
            else:
                _work(source, None, False, model, threads, max_output, as_json)
        return
    convert(sources, output, stdout, not decompress, force, keep, model, threads, max_output, as_json)


def convert(
    sources: list[str],
    output: str | None,
    stdout: bool,
    packing: bool,
    force: bool,
    keep: bool,
    model: str,
    threads: int,
    max_output: int | None,
    as_json: bool,
    keep_broken: bool = False,
) -> None:
    """Compress (`packing`) or decompress all sources; nothing is begun if one of the targets must not be written."""
    keep_products_on_one_thread()
    from nextstroke.compression.files_in_out import check_removal, check_target, target_name
    from nextstroke.errors import UsageError

    if output and len(sources) > 1:
        raise UsageError(f"-o {output} for {len(sources)} files; give one file, or -c to join what comes of all")
    chosen = "-" if stdout else output
    targets = [chosen or target_name(source, packing) for source in sources]
    for source, target in zip(sources, targets, strict=True):
        check_target(source, target, force)
        if not keep and source != "-":
            check_removal(source, target)
    for source, target in zip(sources, targets, strict=True):
        _work(source, target, packing, model, threads, max_output, as_json, keep_broken)
        if not keep and source != "-":
            os.unlink(source)


def keep_products_on_one_thread() -> None:
    """Before numpy is loaded: a step's products are so small that threads cost more in waiting than they bring.

    Beside any other load they wait for each other ten times as long as they work. `--threads` is what uses more cores.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def _work(
    source: str,
    target: str | None,
    packing: bool,
    model: str,
    threads: int,
    max_output: int | None,
    as_json: bool,
    keep_broken: bool = False,
) -> None:
    from nextstroke.compression.files_in_out import list_file, pack_file, unpack_file

    bar, threads = _Bar(source, packing), threads or os.cpu_count() or 1
    if packing:
        bar.total = os.path.getsize(source) if os.path.isfile(source) else 0
        sizes = pack_file(source, str(target), model, threads, bar)
    else:
        # The heads and checksums of a file are read first, so that a damaged one is refused before the work.
        bar.total = list_file(source).size if os.path.isfile(source) and not keep_broken else 0
        sizes = unpack_file(source, target, model, threads, max_output, bar, keep_broken)
    bar.finish(*sizes)
    if as_json:
        figures = {"file": source, **sizes._asdict(), "seconds": round(bar.seconds, 3)}
        print(json.dumps(figures), file=sys.stderr if target == "-" else sys.stdout)


def _show(source: str, as_json: bool) -> None:
    from nextstroke.compression.files_in_out import list_file

    held = list_file(source)
    if as_json:
        print(json.dumps({"file": source, **held._asdict()}))
        return
    many = "s" * (held.members > 1)
    joined = f" of {held.archives} joined archives" if held.archives > 1 else ""
    ratio = f"{held.packed / max(held.size, 1):.2%}"
    print(f"{source}: {held.size} bytes in {held.packed} ({ratio}), {held.members} member{many}{joined}")


class _Bar:
    """One line on the terminal: how far, how small, how long still. Silent where nobody looks."""

    def __init__(self, name: str, packing: bool):
        self.name, self.packing, self.total = name, packing, 0
        self.size, self.packed = 0, 0
        self._begun, self._shown = time.monotonic(), 0.0
        self._seen = sys.stderr is not None and sys.stderr.isatty()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._begun

    def __call__(self, size: int, packed: int) -> None:
        self.size, self.packed = self.size + size, self.packed + packed
        if self._seen and self.seconds - self._shown > 0.1:
            self._shown = self.seconds
            left = f"{self.seconds * (self.total / self.size - 1):.0f} s left" if self.total >= self.size > 0 else ""
            share = f"{self.size / self.total:.0%}" if self.total else f"{self.size} bytes"
            self._tell(f"{self.name}: {share}, ratio {self.packed / max(self.size, 1):.1%}, {left}")

    def finish(self, size: int, packed: int) -> None:
        """The line that stays."""
        if self._seen:
            arrow = "=>" if self.packing else "<="
            ratio = f"{packed / max(size, 1):.2%}"
            self._tell(f"{self.name}: {ratio} ({size} {arrow} {packed} bytes) in {self.seconds:.1f} s\n")

    def _tell(self, line: str) -> None:
        print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)
