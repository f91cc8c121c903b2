"""What tests of the documentation share: blocks of code, links, and a shell that runs the commands as printed."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
# The pages by task: all their commands are tested in test_readme.py.
GUIDE_PAGES = ["index", "write", "plot", "training-data", "studio", "api", "text-compression", "train"]
MODELS = ROOT / "src" / "nextstroke" / "models"
PAGES = [
    *ROOT.glob("*.md"),
    *ROOT.glob("docs/*.md"),
    *(ROOT / "notes" / f"{name}.md" for name in ("README", "experiments", "releasing")),
    *ROOT.glob("weights/*.md"),
]
PAGES += MODELS.glob("*.md")


def blocks(text, language):
    """The contents of the fenced blocks of code in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def commands(text):
    """The lines of the shell blocks, without comments at their ends."""
    lines = "".join(blocks(text, "sh")).splitlines()
    return [re.sub(r"\s+#.*$", "", line) for line in lines if line.strip()]


def sections(text):
    """The commands under each heading, by its name."""
    parts = re.split(r"^#+ (.+)$", text, flags=re.MULTILINE)
    return {name: commands(body) for name, body in zip(parts[1::2], parts[2::2], strict=True)}


def words(text):
    """How many words a page has; signs of tables and lists are none."""
    return sum(bool(re.search(r"\w", part)) for part in text.split())


def links(text):
    """Targets of links and pictures, in Markdown and in HTML."""
    outside_code = re.sub(r"^```.*?^```$|`[^`\n]*`", "", text, flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"\]\(([^)\s]+)\)|<img[^>]* src=\"([^\"]+)\"", outside_code)


def anchors(text):
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def run_as_printed(command, folder, program):
    """Run a line in a shell whose `nextstroke` is `program`, a list of words."""
    bin_folder = folder.parent / f"{folder.name}-bin"
    bin_folder.mkdir(exist_ok=True)
    script = bin_folder / "nextstroke"
    quoted = " ".join("'" + str(word).replace("'", "'\\''") + "'" for word in program)
    script.write_text(f'#!/bin/sh\nexec {quoted} "$@"\n', "utf-8")
    script.chmod(0o755)
    environment = os.environ | {"PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}"}
    return subprocess.run(command, shell=True, cwd=folder, env=environment, capture_output=True, text=True)


def program_of_the_clone():
    """The words that start `nextstroke` from the sources that are tested."""
    start = (
        f"import sys; sys.path.insert(0, {str(ROOT / 'src')!r}); "
        "from nextstroke.cli.main import main; raise SystemExit(main())"
    )
    return [sys.executable, "-P", "-c", start]
