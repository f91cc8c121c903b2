"""Many lines at once, as training data for recognisers: shards of ink and a manifest, on one machine or a cluster."""

import fcntl
import hashlib
import io
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np

from nextstroke.errors import BadInput, LimitExceeded, NextstrokeError, UsageError
from nextstroke.files import write_bytes
from nextstroke.handwriting.hands import find_style
from nextstroke.handwriting.sampler import Written, check_line, write_soundly
from nextstroke.pages.layout import Page, level, place
from nextstroke.pages.png import png
from nextstroke.runtime.model_file import SEAL, find_model, load_model, unsealed

LONGEST_LINE = 1 << 16  # bytes of one line of JSON
MANIFEST = "manifest.jsonl"
LOCK = ".lock"
MAX_BIAS = 1e300


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
    facts = {"shard": _name(shard.number), "points": len(line.ink), "sound": line.sound}
    return _asked(shard, order) | facts


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
    """Where shards land: ink and pictures, a part of the manifest, and last a seal, which says that the shard is done.

    Attributes:
        broken: Files of finished shards that are lost or were altered since; the shards are written again.
    """

    def __init__(self, path: Path):
        self.path = path
        self.broken: list[Path] = []
        try:
            path.mkdir(parents=True, exist_ok=True)
        except FileExistsError as error:
            raise UsageError(f"{path}: is a file, not a folder") from error
        except OSError as error:
            raise UsageError(f"{path}: cannot be made ({error.strerror}); name another --out") from error

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes out; the operating system frees the lock when the process dies.

        Raises:
            UsageError: another batch is being written there, or the folder takes no files.
        """
        try:
            handle = (self.path / LOCK).open("w")
        except OSError as error:
            raise UsageError(f"{self.path}: cannot be written ({error.strerror}); name another --out") from error
        with handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise UsageError(f"{self.path}: another batch is being written there; name another --out") from None
            yield

    def has(self, shard: Shard) -> bool:
        """Whether a shard lies there whole, made from the same lines with the same options.

        Raises:
            BadInput: it was made from other lines, or its part of the manifest is damaged.
        """
        part = self._part(shard.number)
        if not os.path.lexists(part):
            return False
        wanted = [_asked(shard, order) for order in shard.orders]
        if [{name: record.get(name) for name in wanted[0]} for record in _records(part)] != wanted:
            raise BadInput(f"{part}: holds other lines than were asked for; name another folder, or empty this one")
        try:
            seal = json.loads(self._seal(shard.number).read_bytes())
            files, dpi, model = seal["files"].items(), seal["dpi"], seal["model"]
        except (OSError, ValueError, KeyError, AttributeError, TypeError):
            self.broken.append(self._seal(shard.number))
            return False
        if model != _model_digest(shard.model) or (shard.dpi is not None and dpi != shard.dpi):
            return False
        broken = [self.path / name for name, digest in files if _digest(self.path / name) != digest]
        self.broken += broken
        return not broken

    def keep(self, result: Result, shard: Shard) -> None:
        """Write a shard."""
        lines = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in result.records)
        part = self._part(result.number).name
        files = {_name(result.number): result.ink} | result.pictures | {part: lines.encode()}
        for name, data in files.items():
            write_bytes(self.path / name, data)
        digests = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
        seal = {"dpi": shard.dpi, "model": _model_digest(shard.model), "files": digests}
        write_bytes(self._seal(result.number), json.dumps(seal).encode())

    def finish(self, shards: int) -> None:
        """Join the parts of the manifest."""
        write_bytes(self.path / MANIFEST, b"".join(self._part(number).read_bytes() for number in range(shards)))

    def _part(self, number: int) -> Path:
        return self.path / f"manifest-{number:05d}.jsonl"

    def _seal(self, number: int) -> Path:
        return self.path / f"seal-{number:05d}.json"


def _records(part: Path) -> list[dict[str, Any]]:
    """The records in a part of a manifest; raises BadInput where they are damaged."""
    try:
        records = [json.loads(line) for line in part.read_text("utf-8").splitlines()]
    except (OSError, ValueError, RecursionError) as error:
        raise BadInput(f"{part}: damaged ({error}); remove it to have its lines written again") from error
    if not records or not all(isinstance(record, dict) and "text" in record for record in records):
        raise BadInput(f"{part}: damaged (not the records of lines); remove it to have its lines written again")
    return records


def _asked(shard: Shard, order: Order) -> dict[str, Any]:
    """What decides the ink of a line, as its record says it."""
    return order._asdict() | {"seed": shard.seed, "model": shard.model}


def _model_digest(name: str) -> str:
    """The digest at the end of a model file: another model may have been put under the same name."""
    return hashlib.sha256(unsealed(find_model(name))[-SEAL:]).hexdigest()


def _digest(path: Path) -> str:
    """The digest of a file; empty where it cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


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
