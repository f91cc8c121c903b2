"""The sources of the compressor's loops and the options of their compiler.

The build of a wheel imports this, so it needs no other package.
"""

import platform
from pathlib import Path

from nextstroke.native.build import compile_library

SOURCE = Path(__file__).parent / "compression"
PACKAGED = Path(__file__).parent / "compressor.so"  # made when a wheel is built; absent in a clone
# One operation is rounded after the other, as IEEE 754 defines each: none may be drawn together with another.
FLAGS = ["-O3", "-std=c++17", "-shared", "-fPIC", "-fvisibility=hidden", "-ffp-contract=off", "-fno-math-errno"]
FLAGS += ["-fno-trapping-math"]
PARTS = [platform.machine(), *FLAGS]  # what decides, with the sources, what comes out


def compile_to(target: Path) -> Path:
    """Compile the library, which takes some seconds; raises as `compile_library`."""
    sources = [str(source) for source in sorted(SOURCE.glob("*.cpp"))]
    return compile_library(target, FLAGS, sources, "import ctypes, sys; ctypes.CDLL(sys.argv[1])")
