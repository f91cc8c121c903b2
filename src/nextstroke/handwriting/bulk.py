"""Many lines at once, as training data for recognisers: shards of ink and a manifest, on one machine or a cluster."""

import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import IO, Any

import numpy as np

from nextstroke.errors import BadInput, LimitExceeded, NextstrokeError, UsageError
from nextstroke.handwriting.hands import find_style
from nextstroke.handwriting.sampler import Written, check_line, write_soundly
from nextstroke.handwriting.shards import Folder, Order, Result, Shard, asked, shard_name
from nextstroke.pages.layout import Page, level, place
from nextstroke.pages.png import png
from nextstroke.runtime.model_file import load_model

LONGEST_LINE = 1 << 16  # bytes of one line of JSON
MAX_BIAS = 1e300


Bad = Callable[[NextstrokeError], None]  # takes the error of a row, which names file and row


def raised(error: NextstrokeError) -> None:
    """Raise the error of a row: the first bad row ends the batch."""
    raise error


def read_orders(path: Path, styles: Sequence[str], biases: Sequence[float], bad: Bad = raised) -> Iterator[Order]:
    """The lines of a file of JSON: each a text, or {"text": …, "style": …, "bias": …}; blank lines are left out.

    Args:
        styles, biases: For the lines that name none, in turn.
        bad: Takes the BadInput of a row that is neither; the row is left out.
    Raises:
        BadInput: the file cannot be read.
    """
    try:
        with path.open("rb") as stream:
            for number, line in enumerate(_rows(stream)):
                if line.strip():
                    usual = styles[number % len(styles)], biases[number % len(biases)]
                    try:
                        order = _order(line, number, *usual, _where(path, number))
                    except BadInput as error:
                        bad(error)
                        continue
                    yield order
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror})") from error


def _rows(stream: IO[bytes]) -> Iterator[bytes]:
    """The rows of a file; of one that is longer than LONGEST_LINE, its beginning and one byte too many."""
    while line := stream.readline(LONGEST_LINE + 1):
        rest = line
        while len(rest) > LONGEST_LINE and not rest.endswith(b"\n"):
            rest = stream.readline(LONGEST_LINE + 1)
        yield line


def _where(path: Path, number: int) -> str:
    return f"{path}:{number + 1}"


def _order(line: bytes, number: int, style: str, bias: float, where: str) -> Order:
    if len(line) > LONGEST_LINE:
        raise BadInput(f"{where}: longer than {LONGEST_LINE} bytes; break the text into several rows")
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{where}: not JSON ({error}); a line is a text in quotes, or an object with text") from error
    found = {"text": found} if isinstance(found, str) else found
    if not isinstance(found, dict) or not isinstance(found.get("text"), str) or not found["text"].strip():
        raise BadInput(f'{where}: give "a text", or {{"text": "a text", "style": "neat", "bias": 0.5}}')
    style, bias = found.get("style", style), found.get("bias", bias)
    known = isinstance(bias, int | float) and not isinstance(bias, bool)
    # Compared before it is turned into a float, as whole numbers of JSON may be too large for one.
    if not isinstance(style, str) or not known or not 0 <= bias <= MAX_BIAS:
        raise BadInput(f"{where}: style must be a name, bias a number from 0 to {MAX_BIAS:g}")
    return Order(number, " ".join(found["text"].split()), style, float(bias))


def check_orders(orders: Iterable[Order], path: Path, model_name: str, bad: Bad = raised) -> list[Order]:
    """Return the orders that the model can write, before any is written.

    Args:
        path: The file that they come from.
        bad: Takes the UsageError, UnknownCharacters or LimitExceeded of each other one.
    """
    model = load_model(model_name, "writer")
    styles: set[str] = set()
    good = []
    for order in orders:
        try:
            if order.style not in styles:
                find_style(order.style, model_name)
                styles.add(order.style)
            check_line(model, order.text)
        except (UsageError, LimitExceeded) as error:
            bad(type(error)(f"{_where(path, order.number)}: {error}"))
            continue
        good.append(order)
    return good


def cut_shards(orders: Iterable[Order], size: int, model: str, seed: int, dpi: float | None) -> Iterator[Shard]:
    """The lines in shards of `size`."""
    held: list[Order] = []
    number = 0
    for order in orders:
        held.append(order)
        if len(held) == size:
            yield Shard(number, held, model, seed, dpi)
            held, number = [], number + 1
    if held:
        yield Shard(number, held, model, seed, dpi)


def write_shard(shard: Shard) -> Result:
    """Write the lines of a shard. What comes out depends on the shard alone, not on where it is done."""
    model = load_model(shard.model, "writer")
    hands = {style: find_style(style, shard.model) for style in {order.style for order in shard.orders}}
    texts, biases = [order.text for order in shard.orders], [order.bias for order in shard.orders]
    places = [order.number for order in shard.orders]
    lines = write_soundly(model, texts, biases, shard.seed, [hands[order.style] for order in shard.orders], places)
    records = [_record(shard, order, line) for order, line in zip(shard.orders, lines, strict=True)]
    drawn = [] if shard.dpi is None else list(zip(shard.orders, lines, strict=True))
    pictures = {f"{order.number:08d}.png": _picture(line, shard.dpi or 0) for order, line in drawn}
    return Result(shard.number, _pack(shard, lines), pictures, records)


def _record(shard: Shard, order: Order, line: Written) -> dict[str, Any]:
    facts = {"shard": shard_name(shard.number), "points": len(line.ink), "sound": line.sound}
    return asked(shard, order) | facts


def _pack(shard: Shard, lines: Sequence[Written]) -> bytes:
    """The ink of all lines as arrays of one npz: points, marks of the strokes' ends, and where each line begins."""
    stream = io.BytesIO()
    np.savez_compressed(
        stream,
        number=np.array([order.number for order in shard.orders]),
        first=np.cumsum([0, *(len(line.ink) for line in lines)]),
        points=np.concatenate([line.ink.points for line in lines]).astype(np.float32),
        end_of_stroke=np.concatenate([line.ink.end_of_stroke for line in lines]),
    )
    return stream.getvalue()


def _picture(line: Written, dpi: float) -> bytes:
    page = Page(margin=2)
    return png(place(level([line.ink], page), page)[0], dpi)


Report = Callable[[int, int], None]  # told shards done, and all there are


def write_bulk(shards: Sequence[Shard], folder: Folder, workers: int, cluster: str | None, report: Report) -> None:
    """Write all shards that the folder does not hold yet.

    Args:
        workers: Processes on this machine.
        cluster: Address of a Dask scheduler, whose workers do it instead.
    Raises:
        UsageError: another process writes there. BadInput: the folder holds another batch, or is damaged.
    """
    with folder.locked():
        _write_left(shards, folder, workers, cluster, report)


def _write_left(shards: Sequence[Shard], folder: Folder, workers: int, cluster: str | None, report: Report) -> None:
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
    """Dask does a lost worker's shards again on another."""
    from distributed import Client, as_completed

    try:
        client = Client(address, timeout="10s")
    except (OSError, ValueError) as error:
        raise UsageError(f"cluster {address}: no Dask scheduler answers there ({str(error)[:80]})") from error
    with client:
        for _, result in as_completed(client.map(write_shard, shards, pure=False), with_results=True):
            yield result
