import shutil
import signal
import subprocess
import sys

import pytest
from hypothesis import settings

# A loaded machine is slow now and then; that is no fault of the code.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

# A shell starts what it puts into the background deaf to Ctrl-C, and its children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

START = "from nextstroke.cli.main import main; raise SystemExit(main())"


@pytest.fixture(scope="session", autouse=True)
def _no_built_loops(tmp_path_factory):
    """What the user once built for training has no part in the tests; tests/nets/test_dispatch.py looks before this."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEXTSTROKE_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def shell():
    """Runs `nextstroke` in a process of its own, warnings as errors; for what only a process shows."""

    def run(*arguments, start=START, **options):
        command = [sys.executable, "-W", "error", "-c", start, *arguments]
        return subprocess.run(command, text=True, timeout=240, **({"capture_output": True} | options))

    return run


@pytest.fixture(scope="session")
def chromium():
    """A browser; skips loudly where there is none."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="NOT TESTED in a browser: playwright is missing")
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if not program:
        pytest.skip("NOT TESTED in a browser: chromium is missing; on Debian or Ubuntu: apt-get install chromium")
    with sync_api.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()
