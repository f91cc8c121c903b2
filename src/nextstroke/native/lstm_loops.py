"""The C++ loops over time of the LSTM layers: build them ahead of time and load them."""

import sys
import sysconfig
import warnings
from pathlib import Path

from nextstroke.native.build import compile_library, find_library, library_path

# Options that torch's vector headers need; on any other processor they are plain loops.
VECTORS = {
    "AVX512": ["-mavx512f", "-mavx512dq", "-mavx512vl", "-mavx512bw", "-mavx2", "-mfma"],
    "AVX2": ["-mavx2", "-mfma"],
}

SOURCE = Path(__file__).parent / "lstm"

_loaded: list[Path] = []


def load(library: Path) -> None:
    """Use the loops of a built library from now on; only the first call has an effect."""
    import torch

    if not _loaded:
        torch.ops.load_library(library)
        _loaded.append(library)


def loaded() -> Path | None:
    """Return the path of the library in use; None if there is none."""
    return _loaded[0] if _loaded else None


def flags() -> list[str]:
    """Return the options of the compiler for this torch on this processor."""
    import torch

    capability = torch.backends.cpu.get_cpu_capability()
    vectors = capability if capability in VECTORS else "DEFAULT"
    named = [f"-DCPU_CAPABILITY={vectors}", f"-DCPU_CAPABILITY_{vectors}"]
    named += VECTORS.get(vectors, [])
    link = ["-undefined", "dynamic_lookup"] if sys.platform == "darwin" else []
    abi = f"-D_GLIBCXX_USE_CXX11_ABI={int(torch.compiled_with_cxx11_abi())}"
    # No -ffast-math: a NaN of the input must appear in the output. -w hides warnings of gcc 12
    # about its own vector headers.
    common = ["-O3", "-std=c++20", "-shared", "-fPIC", "-fvisibility=hidden", "-w"]
    return [*common, abi, *named, *link]


def library() -> Path:
    """Return the path of the library for this source, torch, Python and processor, once it is built."""
    import torch

    parts = [torch.__version__, sysconfig.get_config_var("SOABI") or sys.version, *flags()]
    return library_path("recurrence", parts, SOURCE)


def build() -> Path:
    """Compile the library, which takes half a minute; raises as `compile_library`."""
    attempt = "import sys, torch; torch.ops.load_library(sys.argv[1])"
    return compile_library(library(), [*flags(), *_torch_paths()], _libraries(), attempt)


def switch_on() -> bool:
    """Load the library if it was built, and return whether it is in use; compiles nothing."""
    path = None if loaded() else find_library(library)
    if path:
        try:
            load(path)
        except OSError as error:
            problem = f"{path}: cannot be loaded, the torch loops are used ({error})"
            warnings.warn(problem, stacklevel=2)
    return loaded() is not None


def _torch_paths() -> list[str]:
    """Return the arguments that name torch's headers, and the source."""
    import torch

    include = Path(torch.__file__).parent / "include"
    places = [include, include / "torch" / "csrc" / "api" / "include"]
    return [*(f"-isystem{place}" for place in places), str(SOURCE / "recurrence.cpp")]


def _libraries() -> list[str]:
    """Return the arguments that link torch."""
    import torch

    return [f"-L{Path(torch.__file__).parent / 'lib'}", "-ltorch", "-ltorch_cpu", "-lc10"]
