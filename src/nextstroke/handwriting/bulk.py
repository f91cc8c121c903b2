"""Write many lines, as training data for recognisers: shards of ink and a manifest, on one machine or a cluster."""

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path
from typing import IO, Any, NamedTuple

from nextstroke.errors import BadInput, LimitExceeded, NextstrokeError, UsageError
from nextstroke.handwriting.best_of import line_writer
from nextstroke.handwriting.glyphs.symbols import replaced
from nextstroke.handwriting.hands import Hand, gallery_hand
from nextstroke.handwriting.request import LineRequest, checked_bias, checked_seed, prepare
from nextstroke.handwriting.sampler import line_bytes
from nextstroke.handwriting.shard_files import Written, shard_files, slanted
from nextstroke.handwriting.shards import OWN_KEYS, BatchLine, BatchOptions, Folder, Result, Shard, requested
from nextstroke.runtime.model_file import Model, load_model

LONGEST_LINE = 1 << 16  # bytes of one line of JSON
MOST_SKIPPED = 1 << 26  # bytes of a longer line that are read to find its end

Bad = Callable[[NextstrokeError], None]  # called with the error of a row, which names file and row
Report = Callable[[int, int], None]  # called with the number of lines done, and of all


def raised(error: NextstrokeError) -> None:
    """Raise the error of a row: the first bad row ends the batch."""
    raise error


class Defaults(NamedTuple):
    """What is used for the rows of a batch that do not say otherwise.

    Attributes:
        styles: Names of hands, for the rows in turn.
        biases: Sampling biases, for the rows in turn.
        seed: Random seed.
        replacement: Text written in place of characters that cannot be written; None to refuse them.
    """

    styles: Sequence[str]
    biases: Sequence[float]
    seed: int
    replacement: str | None = None


class _Row(NamedTuple):
    """A row of a batch file, checked; `extra` are its keys that nextstroke does not know."""

    text: str
    style: str
    bias: float
    seed: int
    extra: dict[str, Any]


def read_batch(path: Path, model: Model, model_name: str, defaults: Defaults, bad: Bad = raised) -> Iterator[BatchLine]:
    """Read a file of texts, one in each row; blank rows are skipped.

    A row is JSON: a text, or an object with `text` and, if wanted, `style`, `bias` and `seed`; its other keys are kept.
    In a file whose name ends in .txt each row is a text as it stands.

    Args:
        path: The file, UTF-8; "-" for standard input.
        model: The writer of the lines.
        model_name: Its file, or the name of a bundled one, which its gallery belongs to.
        defaults: For the rows that do not say otherwise.
        bad: Called with the error of each row that cannot be written; the row is left out.

    Raises:
        BadInput: The file cannot be read.
    """
    hands: dict[str, Hand] = {}
    above: Counter[str] = Counter()
    name = "standard input" if str(path) == "-" else str(path)
    try:
        with open(sys.stdin.fileno(), "rb", closefd=False) if str(path) == "-" else path.open("rb") as stream:
            for number, data in enumerate(_rows(stream, name)):
                if not data.strip():
                    continue
                try:
                    row = _parsed(data, number, defaults, is_plain=path.suffix == ".txt")
                    if row.style not in hands:
                        hands[row.style] = gallery_hand(row.style, model_name)
                    request = _checked(model, row, hands[row.style], defaults.replacement)
                except (BadInput, UsageError, LimitExceeded) as error:
                    bad(type(error)(f"{name}:{number + 1}: {error}"))
                    continue
                shown = request.text.shown
                yield BatchLine(number, replace(request, occurrence=above[shown]), row.extra)
                above[shown] += 1
    except OSError as error:
        raise BadInput(f"{name}: cannot be read ({error.strerror})") from error


def _rows(stream: IO[bytes], name: str) -> Iterator[bytes]:
    """Yield the rows of a file; of one that is longer than LONGEST_LINE, its first LONGEST_LINE + 1 bytes.

    Raises:
        BadInput: A row has more than MOST_SKIPPED bytes, as that of a device that never ends.
    """
    while line := stream.readline(LONGEST_LINE + 1):
        rest = line
        skipped = 0
        while len(rest) > LONGEST_LINE and not rest.endswith(b"\n"):
            rest = stream.readline(LONGEST_LINE + 1)
            skipped += len(rest)
            if skipped > MOST_SKIPPED:
                raise BadInput(f"{name}: a row has more than {MOST_SKIPPED} bytes; give a file of texts")
        yield line


def _parsed(data: bytes, number: int, defaults: Defaults, is_plain: bool) -> _Row:
    """Return what a row asks for; raises BadInput."""
    if len(data) > LONGEST_LINE:
        raise BadInput(f"longer than {LONGEST_LINE} bytes; break the text into several rows")
    try:
        found = data.decode("utf-8-sig").strip() if is_plain else json.loads(data)
    except UnicodeDecodeError as error:
        raise BadInput(f"not UTF-8 at byte {error.start} of the row; convert the file first") from None
    except (ValueError, RecursionError) as error:
        raise BadInput(
            f"not JSON ({error}); a line is a text in quotes, or an object with text; "
            "name the file .txt if each of its rows is a text"
        ) from None
    found = {"text": found} if isinstance(found, str) else found
    if not isinstance(found, dict) or not isinstance(found.get("text"), str) or not found["text"].strip():
        raise BadInput('give "a text", or {"text": "a text", "style": "neat", "bias": 0.5}')
    text = found.pop("text")
    style = found.pop("style", defaults.styles[number % len(defaults.styles)])
    bias = found.pop("bias", defaults.biases[number % len(defaults.biases)])
    seed = found.pop("seed", defaults.seed)
    if not isinstance(style, str):
        raise BadInput("style must be the name of a style")
    try:
        return _Row(text, style, checked_bias(bias), checked_seed(seed), _extra(found))
    except UsageError as error:
        raise BadInput(str(error)) from None


def _extra(found: dict[str, Any]) -> dict[str, Any]:
    """Return the further keys of a row, which go into its record; raises BadInput for those of the record itself."""
    taken = [key for key in found if key in OWN_KEYS]
    if taken:
        raise BadInput(f"the key {taken[0]!r} is one that the batch itself writes; rename it")
    try:
        json.dumps(found, ensure_ascii=False, allow_nan=False).encode()
    except ValueError:
        raise BadInput("a key or value beside the text is no finite number or no valid text; leave it out") from None
    return found


def _checked(model: Model, row: _Row, hand: Hand, replacement: str | None) -> LineRequest:
    """Return a request that the model can write; raises EmptyText, UnknownCharacters, LimitExceeded, UsageError."""
    text = row.text if replacement is None else replaced(row.text, model.alphabet, replacement)
    request = LineRequest(prepare(text, model.alphabet), hand, row.bias, row.seed)
    line_bytes(model, request)
    return request


def cut_shards(lines: Sequence[BatchLine], size: int, options: BatchOptions) -> list[Shard]:
    """Return the lines in shards of `size` lines."""
    starts = range(0, len(lines), size)
    return [Shard(number, list(lines[first : first + size]), options) for number, first in enumerate(starts)]


def write_shard(shard: Shard) -> Result:
    """Write the lines of a shard. The result depends on the shard alone, not on the machine or process.

    Raises:
        LimitExceeded: A line is incomplete, and the options say that none may be.
    """
    options = shard.options
    model = load_model(options.model, "writer")
    lines = line_writer(options.best_of, model).write(model, [line.request for line in shard.lines])
    drawn = []
    for batch_line, line in zip(shard.lines, lines, strict=True):
        if options.incomplete == "refuse" and not line.complete:
            raise LimitExceeded(
                f"row {batch_line.number + 1}: no attempt is complete, try another --seed, --style or more --best-of, "
                f"or leave such rows out with --skip-bad: {line.text}"
            )
        record = requested(shard, batch_line) | {
            "written": line.written,
            "points": len(line.ink),
            "complete": line.complete,
            "left_out": options.incomplete == "leave out" and not line.complete,
        }
        drawn.append(Written(batch_line, line, slanted(line, options.slant), record))
    return shard_files(shard, drawn)


def write_bulk(shards: Sequence[Shard], folder: Folder, workers: int, cluster: str | None, report: Report) -> None:
    """Write all shards that are not in the folder yet.

    Args:
        workers: Number of processes on this machine.
        cluster: Address of a Dask scheduler, whose workers write instead.
        report: Called before the first shard, and after each.

    Raises:
        UsageError: Another process writes there.
        BadInput: The folder holds another batch, or is damaged.
        LimitExceeded: A line is incomplete, and the options say that none may be.
    """
    with folder.locked():
        left = [shard for shard in shards if not folder.has(shard)]
        folder.check_end(len(shards))
        total = sum(len(shard.lines) for shard in shards)
        done = total - sum(len(shard.lines) for shard in left)
        report(done, total)
        results = _on_cluster(left, cluster) if cluster else _here(left, workers)
        for result in results:
            folder.keep(result, shards[result.number])
            done += len(shards[result.number].lines)
            report(done, total)
        folder.finish(shards)


def _here(shards: Sequence[Shard], workers: int) -> Iterator[Result]:
    if workers == 1 or len(shards) == 1:
        yield from map(write_shard, shards)
        return
    from multiprocessing import get_context

    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        waiting = [pool.submit(write_shard, shard) for shard in shards]
        try:
            for future in as_completed(waiting):
                yield future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _on_cluster(shards: Sequence[Shard], address: str) -> Iterator[Result]:
    """Write shards on a Dask cluster, which repeats the shards of a lost worker on another."""
    from distributed import Client, as_completed

    try:
        client = Client(address, timeout="10s")
    except (OSError, ValueError) as error:
        raise UsageError(f"cluster {address}: no Dask scheduler answers there ({str(error)[:80]})") from error
    with client:
        for _, result in as_completed(client.map(write_shard, shards, pure=False), with_results=True):
            yield result
