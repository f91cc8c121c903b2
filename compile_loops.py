"""What hatch calls when it builds a wheel: compile the compressor's loops, if there is a compiler.

A wheel with them is for one platform and any Python 3; one without is for all, and works the same, slower.
"""

import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).parent


class CompileLoops(BuildHookInterface):
    """Adds the compiled library to a wheel."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile before the files are collected; an editable install uses what `nextstroke kernel build` makes."""
        if version == "editable":
            return
        # The package in this folder, of which only modules without other packages are loaded.
        sys.path.insert(0, str(ROOT / "src"))
        from nextstroke.errors import UsageError
        from nextstroke.native.compression_sources import PACKAGED, compile_to

        self._folder = tempfile.TemporaryDirectory()
        try:
            made = compile_to(Path(self._folder.name) / PACKAGED.name)
        except UsageError as error:
            self.app.display_warning(f"the wheel will not hold the compiled loops: {error}")
            return
        build_data["force_include"][str(made)] = f"nextstroke/native/{PACKAGED.name}"
        build_data["pure_python"] = False
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["tag"] = f"py3-none-{platform}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove the compiled library once it is in the wheel."""
        if hasattr(self, "_folder"):
            self._folder.cleanup()
