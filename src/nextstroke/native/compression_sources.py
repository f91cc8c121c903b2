"""The sources of the compressor's C++ loops and the options of their compiler.

The build of a wheel imports this module, so it must not need other packages.
"""

import platform
from pathlib import Path

from nextstroke.native.build import compile_library

SOURCE = Path(__file__).parent / "compression"
PACKAGED = Path(__file__).parent / "compressor.so"  # made when a wheel is built; absent in a clone
# Each operation is rounded by itself, as IEEE 754 defines it, so that results are the same
# everywhere: no contraction of a product and a sum.
FLAGS = [
    "-O3",
    "-std=c++17",
    "-shared",
    "-fPIC",
    "-fvisibility=hidden",
    "-ffp-contract=off",
    "-fno-math-errno",
    "-fno-trapping-math",
]
PARTS = [platform.machine(), *FLAGS]  # all that the build depends on, apart from the sources


def compile_to(target: Path) -> Path:
    """Compile the library, which takes some seconds; raises as `compile_library`."""
    sources = [str(source) for source in sorted(SOURCE.glob("*.cpp"))]
    return compile_library(target, FLAGS, sources, "import ctypes, sys; ctypes.CDLL(sys.argv[1])")
