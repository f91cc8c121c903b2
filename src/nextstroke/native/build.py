"""C++ compiled ahead of time on the machine it runs on: where a library lies, and how it gets there.

A library lies in the user's cache folder under a name that holds the hash of all it depends on. So a build for
something else is never taken, and there is nothing to lock: a build happens in a folder of its own and appears whole by
renaming; what a killed one left is in nobody's way.
"""

import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from nextstroke.errors import UsageError
from nextstroke.files import write_bytes

COMPILERS = ("c++", "g++", "clang++")
ABANDONED = 3600  # seconds after which a folder of a build is that of a killed one


def cache_folder() -> Path:
    """Where libraries are kept: $NEXTSTROKE_CACHE, or the platform's folder for caches.

    Raises:
        UsageError: The user has no home folder, as in some containers.
    """
    if "NEXTSTROKE_CACHE" in os.environ:
        return Path(os.environ["NEXTSTROKE_CACHE"])
    by_platform = os.environ.get("LOCALAPPDATA" if sys.platform == "win32" else "XDG_CACHE_HOME")
    if by_platform and sys.platform != "darwin":
        return Path(by_platform) / "nextstroke"
    try:
        home = Path.home()
    except RuntimeError as error:
        raise UsageError("there is no home folder for what is built; name one in NEXTSTROKE_CACHE or HOME") from error
    return home / ("Library/Caches" if sys.platform == "darwin" else ".cache") / "nextstroke"


def find_library(place: Callable[[], Path]) -> Path | None:
    """Return the path of a library if it was built; None also where the cache folder is missing or cannot be read.

    Args:
        place: Returns the path that the library has once it is built.
    """
    try:
        path = place()
    except UsageError:
        return None
    return path if os.path.isfile(path) else None


def library_path(name: str, parts: Sequence[str], sources: Path) -> Path:
    """Where a library lies once it is built.

    Args:
        name: What it begins with.
        parts: All that decides what comes out, but for the sources.
        sources: Their folder.
    """
    digest = hashlib.sha256("\n".join(parts).encode())
    for source in sorted(sources.iterdir()):
        digest.update(source.read_bytes())
    return cache_folder() / f"{name}-{digest.hexdigest()[:16]}.so"


def compile_library(target: Path, flags: Sequence[str], sources: Sequence[str], attempt: str) -> Path:
    """Compile a library, try it in a process of its own, and put it into the cache folder.

    Args:
        target: Where it shall lie.
        flags, sources: Arguments of the compiler before the library's name, and after it.
        attempt: Python that loads the library `sys.argv[1]`.
    Raises:
        UsageError: no compiler, or one that cannot do it; a cache folder that cannot be written.
    """
    compiler = _compiler()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _sweep(target.parent)
        with tempfile.TemporaryDirectory(prefix=".build-", dir=target.parent) as folder:
            made = str(Path(folder) / target.name)
            _run([*compiler, *flags, "-o", made, *sources], folder)
            _run([sys.executable, "-c", attempt, made], folder)
            write_bytes(target, Path(made).read_bytes())
    except OSError as error:
        message = f"{target.parent}: cannot be written ({error.strerror}); choose another place by NEXTSTROKE_CACHE"
        raise UsageError(message) from error
    return target


def _compiler() -> list[str]:
    """$CXX, or the first compiler found."""
    wanted = shlex.split(os.environ.get("CXX", ""))
    for command in [wanted] if wanted else [[name] for name in COMPILERS]:
        if shutil.which(command[0]):
            return command
    sought = wanted[0] if wanted else ", ".join(COMPILERS)
    raise UsageError(f"no C++ compiler found ({sought}); install one or name it in CXX; all works without, slower")


def _run(command: list[str], folder: str) -> None:
    """Run a step of the build; what it leaves behind stays in `folder`."""
    done = subprocess.run(command, cwd=folder, env={**os.environ, "TMPDIR": folder}, capture_output=True, text=True)
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if "rror" in line] or done.stderr.splitlines()[-1:]
        told = "; ".join(lines[:3])
        raise UsageError(f"{command[0]} failed ({done.returncode}): {told}; name another compiler in CXX")


def _sweep(folder: Path) -> None:
    """Remove what killed builds left behind."""
    for left in folder.glob(".build-*"):
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > ABANDONED:
                shutil.rmtree(left)
