"""Fuzzing led by coverage: atheris looks for bytes that take every reader along ways it has not gone yet.

    python -m tests.fuzz.guided [--seconds 60] [--corpus FOLDER] [NAME ...]

Each reader of tests/fuzz/readers.py in a process of its own; what led to new ways is kept in FOLDER/NAME and begun with
the next time, what breaks a reader in FOLDER/NAME-crash-…. Exit code 1 if one broke.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.fuzz.readers import READERS

BYTES = 4096  # of a file at most


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(READERS)}; all if none is named")
    parser.add_argument("--seconds", type=int, default=60, help="for each reader")
    parser.add_argument("--corpus", type=Path, default=Path(".hypothesis/guided"))
    parser.add_argument("--alone", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.alone:
        _fuzz(options.alone, options.corpus, options.seconds)
    broken = [name for name in options.names or READERS if _in_a_process(name, options.corpus, options.seconds)]
    print(f"broke: {', '.join(broken)}" if broken else "nothing broke")
    raise SystemExit(bool(broken))


def _in_a_process(name: str, corpus: Path, seconds: int) -> int:
    command = [
        sys.executable,
        "-m",
        "tests.fuzz.guided",
        "--alone",
        name,
        "--corpus",
        corpus,
        "--seconds",
        str(seconds),
    ]
    print(f"== {name}", flush=True)
    return subprocess.run(command).returncode


def _fuzz(name: str, corpus: Path, seconds: int) -> None:
    """Fuzz one reader; does not return."""
    import atheris

    reader, path = READERS[name], Path(tempfile.mkdtemp()) / name
    kept = corpus / name
    kept.mkdir(parents=True, exist_ok=True)
    sample = reader.sample(path)
    (kept / "sample").write_bytes(sample)
    atheris.instrument_all()
    limits = [f"-max_total_time={seconds}", f"-max_len={max(BYTES, len(sample))}", "-timeout=20", "-rss_limit_mb=4096"]
    told = [f"-artifact_prefix={kept}-", "-print_final_stats=1", "-verbosity=0"]
    # libFuzzer ends the process with a code of its own where the reader breaks.
    atheris.Setup([name, *limits, *told, str(kept)], lambda data: reader.take(path, data))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
