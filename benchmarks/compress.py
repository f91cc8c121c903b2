"""Our archive beside those of every rival that is installed, in one run."""

import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from nextstroke.compression.stream import compress, decompress
from nextstroke.errors import BadInput

# {} is the file to read, in a folder of its own, and `packed` beside it the archive.
RIVALS = {
    "xz -9e": "xz -9e -k -c {} > packed",
    "zstd -19": "zstd -q -19 -o packed {}",
    "brotli -q 11": "brotli -q 11 -w 24 -o packed {}",
    "bzip3": "bzip3 -e -k -c {} > packed",
    "7z PPMd o=8": "7z a -bd -m0=PPMd:o=8:mem=256m packed.7z {} > log && mv packed.7z packed",
    "zpaq -m5": "zpaq a packed.zpaq {} -m5 > log 2>&1 && mv packed.zpaq packed",
}


class Row(NamedTuple):
    """One tool on one file; rates in kB of data a second of the clock, 0 where not measured."""

    tool: str
    file: str
    size: int
    packed: int
    bits_per_byte: float
    compress_rate: float
    decompress_rate: float


def bench_compressing(files: list[str], models: list[str]) -> list[Row]:
    """Rows of all tools on all files; ours once for each text model, and its round trip is checked.

    Raises:
        BadInput: a file cannot be read or is empty, or a rival failed on it.
    """
    rows = []
    for file in files:
        data = _read(file)
        rows += [_ours(file, data, model) for model in models]
        rows += [_rival(name, file, data) for name in RIVALS if shutil.which(name.split()[0])]
    return rows


def _read(file: str) -> bytes:
    try:
        data = Path(file).read_bytes()
    except OSError as error:
        raise BadInput(f"{file}: cannot be read ({error.strerror}); give a file that is there") from error
    if not data:
        raise BadInput(f"{file}: empty; there is nothing to measure")
    return data


def _ours(file: str, data: bytes, model: str) -> Row:
    begun = time.perf_counter()
    archive = compress(data, model)
    middle = time.perf_counter()
    if decompress(archive, model) != data:
        raise AssertionError(f"{file}: did not come back")
    rates = (middle - begun, time.perf_counter() - middle)
    return _row(f"nextstroke, model {model}", file, len(data), len(archive), *rates)


def _rival(name: str, file: str, data: bytes) -> Row:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "data").write_bytes(data)
        begun = time.perf_counter()
        run = subprocess.run(RIVALS[name].format("data"), shell=True, cwd=folder, capture_output=True, text=True)
        seconds = time.perf_counter() - begun
        if run.returncode:
            raise BadInput(f"{file}: {name} failed on it ({run.stderr.strip()[:200]})")
        return _row(name, file, len(data), (Path(folder) / "packed").stat().st_size, seconds, float("inf"))


def _row(tool: str, file: str, size: int, packed: int, compress_seconds: float, decompress_seconds: float) -> Row:
    rates = (round(size / seconds / 1000, 1) for seconds in (compress_seconds, decompress_seconds))
    return Row(tool, file, size, packed, round(8 * packed / size, 4), *rates)
