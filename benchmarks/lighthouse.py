"""What Lighthouse says of the studio: a score for each category, and each audit that costs one.

    python -m benchmarks.lighthouse [--phone] [--report report.json]

Fetches Lighthouse from the npm registry. The page is asked to be without motion: Lighthouse takes ink that is still
being written for a page that is still loading. Exits with 1 where a score is below 95.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.studio import served

LIGHTHOUSE = "lighthouse@12"  # the last that runs on Node 20
WANTED = 0.95


def main() -> int:
    """Print the scores; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--phone", action="store_true", help="as a slow phone with a slow connection, not as a desktop")
    parser.add_argument("--report", type=Path, help="keep the whole report in this file")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = options.report or Path(folder) / "report.json"
        with served() as address:
            run_lighthouse(address, path, options.phone)
        report = json.loads(path.read_text("utf-8"))
    categories = report["categories"].values()
    for category in categories:
        print(f"{category['title']:20} {100 * category['score']:4.0f}")
        for audit, weight in failing_audits(report, category):
            shown = audit.get("displayValue", "")
            print(f"    {audit['id']:32} {100 * audit['score']:4.0f}  weight {weight:<3} {shown}")
    return 0 if all(category["score"] >= WANTED for category in categories) else 1


def run_lighthouse(address: str, path: Path, phone: bool) -> None:
    """Let Lighthouse load the page and write its report."""
    flags = "--headless=new --no-sandbox --force-prefers-reduced-motion"
    command = ["npx", "--yes", LIGHTHOUSE, f"{address}/", "--quiet", "--output=json", f"--output-path={path}"]
    command += [f"--chrome-flags={flags}", *([] if phone else ["--preset=desktop"])]
    program = shutil.which("chromium") or shutil.which("chromium-browser") or ""
    subprocess.run(command, check=True, env=os.environ | {"CHROME_PATH": program})


def failing_audits(report: dict[str, Any], category: dict[str, Any]) -> list[tuple[dict[str, Any], float]]:
    """Return the audits that lower a category's score, with their weights."""
    weighed = [(report["audits"][each["id"]], each["weight"]) for each in category["auditRefs"] if each["weight"]]
    return [(audit, weight) for audit, weight in weighed if audit["score"] is not None and audit["score"] < WANTED]


if __name__ == "__main__":
    sys.exit(main())
