"""Many lines at once, as training data for recognisers: shards of ink and a manifest, on one machine or a cluster."""

import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from nextstroke.errors import BadInput, UsageError
from nextstroke.files import write_bytes
from nextstroke.handwriting.hands import find_style
from nextstroke.handwriting.sampler import Written, write_soundly
from nextstroke.pages.layout import Page, level, place
from nextstroke.pages.png import png
from nextstroke.runtime.model_file import load_model

LONGEST_LINE = 1 << 16  # bytes of one line of JSON
MANIFEST = "manifest.jsonl"


class Order(NamedTuple):
    """A line to be written: its number in the file, and what decides its ink."""

    number: int
    text: str
    style: str
    bias: float


class Shard(NamedTuple):
    """Work for one process: lines that are written together and land in one file.

    Attributes:
        dpi: Of a picture of each line; None for no pictures.
    """

    number: int
    orders: list[Order]
    model: str
    seed: int
    dpi: float | None


class Result(NamedTuple):
    """A shard's files: its ink, pictures by name, and the manifest's records."""

    number: int
    ink: bytes
    pictures: dict[str, bytes]
    records: list[dict[str, Any]]


def read_orders(path: Path, styles: Sequence[str], biases: Sequence[float]) -> Iterator[Order]:
    """The lines of a file of JSON: each a text, or {"text": …, "style": …, "bias": …}; blank lines are left out.

    Args:
        styles, biases: For the lines that name none, in turn.
    Raises:
        BadInput: a line that is neither; it is named.
    """
    try:
        with path.open("rb") as stream:
            for place, line in enumerate(iter(lambda: stream.readline(LONGEST_LINE), b""), 1):
                if line.strip():
                    number = place - 1
                    usual = styles[number % len(styles)], biases[number % len(biases)]
                    yield _order(line, number, *usual, f"{path}:{place}")
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror})") from error


def _order(line: bytes, number: int, style: str, bias: float, where: str) -> Order:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{where}: not JSON ({error}); a line is a text in quotes, or an object with text") from error
    found = {"text": found} if isinstance(found, str) else found
    if not isinstance(found, dict) or not isinstance(found.get("text"), str) or not found["text"].strip():
        raise BadInput(f'{where}: give "a text", or {{"text": "a text", "style": "neat", "bias": 0.5}}')
    style, bias = found.get("style", style), found.get("bias", bias)
    if not isinstance(style, str) or isinstance(bias, bool) or not isinstance(bias, int | float) or not bias >= 0:
        raise BadInput(f"{where}: style must be a name, bias a number >= 0")
    try:
        bias = float(bias)
    except OverflowError:
        raise BadInput(f"{where}: bias has too many digits; give a number >= 0") from None
    return Order(number, " ".join(found["text"].split()), style, bias)


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
    facts = {"shard": _name(shard.number), "points": len(line.ink), "sound": line.sound}
    return order._asdict() | {"seed": shard.seed, "model": shard.model} | facts


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


def _name(number: int) -> str:
    return f"ink-{number:05d}.npz"


class Folder:
    """Where shards land: ink and pictures first, then a part of the manifest, which says that the shard is done."""

    def __init__(self, path: Path):
        self.path = path
        try:
            path.mkdir(parents=True, exist_ok=True)
        except FileExistsError as error:
            raise UsageError(f"{path}: is a file, not a folder") from error

    def has(self, shard: Shard) -> bool:
        """Whether a shard lies there, made from the same lines; raises BadInput if from others."""
        part = self._part(shard.number)
        if not part.exists():
            return False
        records = [json.loads(line) for line in part.read_text("utf-8").splitlines()]
        wanted = [order._asdict() | {"seed": shard.seed, "model": shard.model} for order in shard.orders]
        if [{name: record[name] for name in wanted[0]} for record in records] != wanted:
            raise BadInput(f"{part}: holds other lines than were asked for; name another folder, or empty this one")
        return True

    def keep(self, result: Result) -> None:
        """Write a shard."""
        write_bytes(self.path / _name(result.number), result.ink)
        for name, data in result.pictures.items():
            write_bytes(self.path / name, data)
        lines = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in result.records)
        write_bytes(self._part(result.number), lines.encode())

    def finish(self, shards: int) -> None:
        """Join the parts of the manifest."""
        write_bytes(self.path / MANIFEST, b"".join(self._part(number).read_bytes() for number in range(shards)))

    def _part(self, number: int) -> Path:
        return self.path / f"manifest-{number:05d}.jsonl"


Report = Callable[[int, int], None]  # told shards done, and all there are


def write_bulk(shards: Sequence[Shard], folder: Folder, workers: int, cluster: str | None, report: Report) -> None:
    """Write all shards that the folder does not hold yet.

    Args:
        workers: Processes on this machine.
        cluster: Address of a Dask scheduler, whose workers do it instead.
    """
    left = [shard for shard in shards if not folder.has(shard)]
    report(len(shards) - len(left), len(shards))
    results = _on_cluster(left, cluster) if cluster else _here(left, workers)
    for done, result in enumerate(results, len(shards) - len(left) + 1):
        folder.keep(result)
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
