"""The studio's modules without a page, run by node's own test runner."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from nextstroke.web.site import site_files


def test_state_history_and_files(tmp_path):
    node = shutil.which("node")
    if not node:
        pytest.skip("NOT TESTED: the studio's modules, for want of node; on Debian or Ubuntu: apt-get install nodejs")
    static = site_files()["state.js"].parent
    units = sorted((Path(__file__).parent / "unit").glob("*.test.mjs"))
    done = subprocess.run(
        [node, "--test", *units], capture_output=True, text=True, timeout=240, env=os.environ | {"STUDIO": str(static)}
    )
    assert done.returncode == 0, done.stdout + done.stderr
