"""Write many lines, as training data for recognisers: shards of ink and a manifest, on one machine or a cluster."""

import io
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np

from nextstroke.errors import BadInput, LimitExceeded, NextstrokeError, UsageError
from nextstroke.handwriting.hands import Hand, gallery_hand
from nextstroke.handwriting.request import LineRequest, checked_bias, prepare
from nextstroke.handwriting.sampler import Line, line_bytes, write
from nextstroke.handwriting.shards import BatchLine, Folder, Result, Shard, requested, shard_name
from nextstroke.pages.layout import Page, level, place
from nextstroke.pages.png import png
from nextstroke.runtime.model_file import Model, load_model

LONGEST_LINE = 1 << 16  # bytes of one line of JSON

Bad = Callable[[NextstrokeError], None]  # called with the error of a row, which names file and row
Report = Callable[[int, int], None]  # called with the number of shards done, and of all


def raised(error: NextstrokeError) -> None:
    """Raise the error of a row: the first bad row ends the batch."""
    raise error


class Defaults(NamedTuple):
    """What is used for the rows of a batch that do not say otherwise.

    Attributes:
        styles: Names of hands, for the rows in turn.
        biases: Sampling biases, for the rows in turn.
        seed: Random seed of all rows.
    """

    styles: Sequence[str]
    biases: Sequence[float]
    seed: int


def read_batch(path: Path, model: Model, model_name: str, defaults: Defaults, bad: Bad = raised) -> Iterator[BatchLine]:
    """Read a file of JSON lines: each a text, or {"text": …, "style": …, "bias": …}; blank lines are skipped.

    Args:
        path: The file, UTF-8.
        model: The writer of the lines.
        model_name: Its file, or the name of a bundled one, which its gallery belongs to.
        defaults: For the rows that do not say otherwise.
        bad: Called with the error of each row that cannot be written; the row is left out.

    Raises:
        BadInput: The file cannot be read.
    """
    hands: dict[str, Hand] = {}
    above: Counter[str] = Counter()
    try:
        with path.open("rb") as stream:
            for number, row in enumerate(_rows(stream)):
                if not row.strip():
                    continue
                try:
                    text, style, bias = _parsed(row, number, defaults)
                    if style not in hands:
                        hands[style] = gallery_hand(style, model_name)
                    request = _checked(model, text, hands[style], bias, defaults.seed)
                except (BadInput, UsageError, LimitExceeded) as error:
                    bad(type(error)(f"{path}:{number + 1}: {error}"))
                    continue
                shown = request.text.shown
                yield BatchLine(number, replace(request, occurrence=above[shown]))
                above[shown] += 1
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror})") from error


def _rows(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield the rows of a file; of one that is longer than LONGEST_LINE, its first LONGEST_LINE + 1 bytes."""
    while line := stream.readline(LONGEST_LINE + 1):
        rest = line
        while len(rest) > LONGEST_LINE and not rest.endswith(b"\n"):
            rest = stream.readline(LONGEST_LINE + 1)
        yield line


def _parsed(row: bytes, number: int, defaults: Defaults) -> tuple[str, str, float]:
    """Return text, style and bias of a row; raises BadInput."""
    if len(row) > LONGEST_LINE:
        raise BadInput(f"longer than {LONGEST_LINE} bytes; break the text into several rows")
    try:
        found = json.loads(row)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"not JSON ({error}); a line is a text in quotes, or an object with text") from error
    found = {"text": found} if isinstance(found, str) else found
    if not isinstance(found, dict) or not isinstance(found.get("text"), str) or not found["text"].strip():
        raise BadInput('give "a text", or {"text": "a text", "style": "neat", "bias": 0.5}')
    style = found.get("style", defaults.styles[number % len(defaults.styles)])
    bias = found.get("bias", defaults.biases[number % len(defaults.biases)])
    if not isinstance(style, str):
        raise BadInput("style must be the name of a style")
    try:
        return found["text"], style, checked_bias(bias)
    except UsageError as error:
        raise BadInput(str(error)) from None


def _checked(model: Model, text: str, hand: Hand, bias: float, seed: int) -> LineRequest:
    """Return a request that the model can write; raises EmptyText, UnknownCharacters, LimitExceeded, UsageError."""
    request = LineRequest(prepare(text, model.alphabet), hand, bias, seed)
    line_bytes(model, request)
    return request


def cut_shards(lines: Sequence[BatchLine], size: int, model: str, dpi: float | None) -> list[Shard]:
    """Return the lines in shards of `size` lines."""
    starts = range(0, len(lines), size)
    return [Shard(number, list(lines[first : first + size]), model, dpi) for number, first in enumerate(starts)]


def write_shard(shard: Shard) -> Result:
    """Write the lines of a shard. The result depends on the shard alone, not on the machine or process."""
    model = load_model(shard.model, "writer")
    lines = write(model, [line.request for line in shard.lines])
    records = []
    pictures = {}
    for batch_line, line in zip(shard.lines, lines, strict=True):
        records.append(
            requested(shard, batch_line)
            | {
                "written": line.written,
                "shard": shard_name(shard.number),
                "points": len(line.ink),
                "complete": line.complete,
            }
        )
        if shard.dpi is not None:
            pictures[f"{batch_line.number:08d}.png"] = _picture(line, shard.dpi)
    return Result(shard.number, _pack(shard, lines), pictures, records)


def _pack(shard: Shard, lines: Sequence[Line]) -> bytes:
    """Return the ink of all lines as one npz file: points, ends of strokes, and the first point of each line."""
    stream = io.BytesIO()
    np.savez_compressed(
        stream,
        number=np.array([line.number for line in shard.lines]),
        first=np.cumsum([0, *(len(line.ink) for line in lines)]),
        points=np.concatenate([line.ink.points for line in lines]).astype(np.float32),
        end_of_stroke=np.concatenate([line.ink.end_of_stroke for line in lines]),
    )
    return stream.getvalue()


def _picture(line: Line, dpi: float) -> bytes:
    page = Page(margin=2)
    return png(place(level([line.ink], page), page)[0], dpi)


def write_bulk(shards: Sequence[Shard], folder: Folder, workers: int, cluster: str | None, report: Report) -> None:
    """Write all shards that are not in the folder yet.

    Args:
        workers: Number of processes on this machine.
        cluster: Address of a Dask scheduler, whose workers write instead.
        report: Called before the first shard, and after each.

    Raises:
        UsageError: Another process writes there.
        BadInput: The folder holds another batch, or is damaged.
    """
    with folder.locked():
        left = [shard for shard in shards if not folder.has(shard)]
        report(len(shards) - len(left), len(shards))
        results = _on_cluster(left, cluster) if cluster else _here(left, workers)
        for done, result in enumerate(results, len(shards) - len(left) + 1):
            folder.keep(result, shards[result.number])
            report(done, len(shards))
        folder.finish(len(shards))


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
