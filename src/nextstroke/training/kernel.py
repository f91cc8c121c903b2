"""Building the C++ loops ahead of time, finding what was built, and switching it on.

A library lies in the user's cache folder under a name that holds the hash of all it depends on: source, torch, Python
and the processor's vector width. So a build for something else is never taken, and there is nothing to lock: a build
happens in a folder of its own and appears whole by renaming; what a killed one left is in nobody's way.
"""

import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
import warnings
from contextlib import suppress
from pathlib import Path

import torch

from nextstroke.errors import UsageError
from nextstroke.files import write_bytes
from nextstroke.nets import kernel

COMPILERS = ("c++", "g++", "clang++")
# What torch's own vector headers ask for; on any other processor they are plain loops.
VECTORS = {
    "AVX512": ["-mavx512f", "-mavx512dq", "-mavx512vl", "-mavx512bw", "-mavx2", "-mfma"],
    "AVX2": ["-mavx2", "-mfma"],
}
ABANDONED = 3600  # seconds after which a folder of a build is that of a killed one


def cache_folder() -> Path:
    """Where libraries are kept: $NEXTSTROKE_CACHE, or the platform's folder for caches."""
    if "NEXTSTROKE_CACHE" in os.environ:
        return Path(os.environ["NEXTSTROKE_CACHE"])
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "nextstroke"
    by_platform = os.environ.get("LOCALAPPDATA" if sys.platform == "win32" else "XDG_CACHE_HOME")
    return (Path(by_platform) if by_platform else Path.home() / ".cache") / "nextstroke"


def flags() -> list[str]:
    """The compiler's options for this torch on this processor."""
    capability = torch.backends.cpu.get_cpu_capability()
    vectors = capability if capability in VECTORS else "DEFAULT"
    named = [f"-DCPU_CAPABILITY={vectors}", f"-DCPU_CAPABILITY_{vectors}", *VECTORS.get(vectors, [])]
    link = ["-undefined", "dynamic_lookup"] if sys.platform == "darwin" else []
    # No -ffast-math: a NaN must come out where one went in. The warnings are gcc 12's about its own vector headers.
    abi = f"-D_GLIBCXX_USE_CXX11_ABI={int(torch.compiled_with_cxx11_abi())}"
    return ["-O3", "-std=c++20", "-shared", "-fPIC", "-fvisibility=hidden", "-w", abi, *named, *link]


def library() -> Path:
    """Where the library for this source, torch, Python and processor lies once it is built."""
    parts = [torch.__version__, sysconfig.get_config_var("SOABI") or sys.version, *flags()]
    digest = hashlib.sha256("\n".join(parts).encode())
    for source in sorted(kernel.SOURCE.iterdir()):
        digest.update(source.read_bytes())
    return cache_folder() / f"recurrence-{digest.hexdigest()[:16]}.so"


def build() -> Path:
    """Compile the library, try it in a process of its own, and put it into the cache folder.

    Raises:
        UsageError: no compiler, or one that cannot do it; a cache folder that cannot be written.
    """
    target, compiler = library(), _compiler()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _sweep(target.parent)
        with tempfile.TemporaryDirectory(prefix=".build-", dir=target.parent) as folder:
            made = Path(folder) / "recurrence.so"
            _run([*compiler, *flags(), *_torch_paths(), "-o", str(made), *_libraries()], folder)
            _run([sys.executable, "-c", f"import torch; torch.ops.load_library({str(made)!r})"], folder)
            write_bytes(target, made.read_bytes())
    except OSError as error:
        message = f"{target.parent}: cannot be written ({error.strerror}); choose another place by NEXTSTROKE_CACHE"
        raise UsageError(message) from error
    return target


def switch_on() -> bool:
    """Use the library if it was built; whether it is in use now. Compiles nothing and waits for nobody."""
    path = library()
    if kernel.loaded() is None and path.is_file():
        try:
            kernel.load(path)
        except OSError as error:
            warnings.warn(f"{path}: cannot be loaded, the torch loops are used ({error})", stacklevel=2)
    return kernel.loaded() is not None


def _compiler() -> list[str]:
    """$CXX, or the first compiler found."""
    wanted = shlex.split(os.environ.get("CXX", ""))
    for command in [wanted] if wanted else [[name] for name in COMPILERS]:
        if shutil.which(command[0]):
            return command
    sought = wanted[0] if wanted else ", ".join(COMPILERS)
    raise UsageError(f"no C++ compiler found ({sought}); install one or name it in CXX; training works without, slower")


def _torch_paths() -> list[str]:
    include = Path(torch.__file__).parent / "include"
    places = [include, include / "torch" / "csrc" / "api" / "include"]
    return [*(f"-isystem{place}" for place in places), str(kernel.SOURCE / "recurrence.cpp")]


def _libraries() -> list[str]:
    return [f"-L{Path(torch.__file__).parent / 'lib'}", "-ltorch", "-ltorch_cpu", "-lc10"]


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
