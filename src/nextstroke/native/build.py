"""Compile C++ libraries ahead of time on the machine that runs them, and find them again.

The name of a library in the user's cache folder has the hash of all that it depends on, so that no
other build is loaded. No lock is needed: each build has a folder of its own, and its result is
renamed into place. The remains of a killed build do no harm.
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
ABANDONED = 3600  # seconds after which the folder of a build is taken for that of a killed one


def cache_folder() -> Path:
    """Return the folder of the libraries: $NEXTSTROKE_CACHE, or the platform's cache folder.

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
        problem = "there is no home folder for what is built; name one in NEXTSTROKE_CACHE or HOME"
        raise UsageError(problem) from error
    return home / ("Library/Caches" if sys.platform == "darwin" else ".cache") / "nextstroke"


def find_library(place: Callable[[], Path]) -> Path | None:
    """Return the path of a library if it was built, else None, also without a readable cache folder.

    Args:
        place: Function that returns the path of the library, and may raise UsageError.
    """
    try:
        path = place()
    except UsageError:
        return None
    return path if os.path.isfile(path) else None


def library_path(name: str, parts: Sequence[str], sources: Path) -> Path:
    """Return the path that a library has once it is built.

    Args:
        name: Beginning of its file name.
        parts: Everything that the build depends on, apart from the sources.
        sources: Folder of the sources.
    """
    digest = hashlib.sha256("\n".join(parts).encode())
    for source in sorted(sources.iterdir()):
        digest.update(source.read_bytes())
    return cache_folder() / f"{name}-{digest.hexdigest()[:16]}.so"


def compile_library(
    target: Path,
    flags: Sequence[str],
    sources: Sequence[str],
    attempt: str,
) -> Path:
    """Compile a library, load it in another process as a test, and write it to the cache folder.

    Args:
        target: Path of the library.
        flags: Arguments of the compiler before the library's name.
        sources: Arguments of the compiler after the library's name.
        attempt: Python code that loads the library `sys.argv[1]`.

    Raises:
        UsageError: There is no compiler, it fails, or the cache folder cannot be written.
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
        problem = f"cannot be written ({error.strerror}); choose another place by NEXTSTROKE_CACHE"
        raise UsageError(f"{target.parent}: {problem}") from error
    return target


def _compiler() -> list[str]:
    """Return the command of $CXX, or of the first compiler found; raises UsageError if there is none."""
    wanted = shlex.split(os.environ.get("CXX", ""))
    commands = [wanted] if wanted else [[name] for name in COMPILERS]
    for command in commands:
        if shutil.which(command[0]):
            return command
    sought = wanted[0] if wanted else ", ".join(COMPILERS)
    raise UsageError(f"no C++ compiler found ({sought}); install one or name it in CXX; all works without, slower")


def _run(command: list[str], folder: str) -> None:
    """Run a step of the build with its temporary files in `folder`."""
    environment = {**os.environ, "TMPDIR": folder}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode:
        output = done.stderr.splitlines()
        errors = [line for line in output if "rror" in line] or output[-1:]
        reported = "; ".join(errors[:3])
        problem = f"{command[0]} failed ({done.returncode}): {reported}"
        raise UsageError(f"{problem}; name another compiler in CXX")


def _sweep(folder: Path) -> None:
    """Remove the folders of killed builds."""
    for left in folder.glob(".build-*"):
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > ABANDONED:
                shutil.rmtree(left)
