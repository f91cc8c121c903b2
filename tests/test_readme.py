import re
import shlex
import textwrap
from pathlib import Path

import pytest

from nextstroke.cli import verbs
from nextstroke.cli.main import main

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
SOURCE = ROOT / "src" / "nextstroke"


def test_every_package_is_in_the_readme():
    packages = [path.parent for path in SOURCE.glob("*/__init__.py")]
    assert not [path.name for path in packages if not re.search(rf"^ +{path.name}/ ", README, re.MULTILINE)]


def test_the_readme_names_no_file_that_is_not_there():
    named = set(re.findall(r"\b(\w+\.py)\b", README))
    assert named <= {path.name for path in ROOT.glob("[bst]*/**/*.py")}


@pytest.mark.parametrize("verb", sorted(set(re.findall(r"^    nextstroke (\w+)", README, re.MULTILINE))))
def test_every_verb_of_the_readme_is_there(verb):
    assert verb in verbs.VERBS
    assert main([verb, "--help"]) == 0


def test_links_lead_somewhere():
    inside = [link for link in re.findall(r"\]\(([^)]+)\)", README) if "://" not in link]
    assert inside
    assert all((ROOT / link).exists() for link in inside)


def test_the_python_of_the_readme_runs():
    (block,) = re.findall(r"((?:^    (?:import nextstroke|ns\.).*\n)+)", README, re.MULTILINE)
    assert "ns.write" in block
    exec(textwrap.dedent(block), {})


@pytest.mark.parametrize("command", re.findall(r"^    nextstroke (write \".*?)(?:  +#.*)?$", README, re.MULTILINE))
def test_the_writing_of_the_readme_works(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(shlex.split(command)) == 0
    assert list(tmp_path.iterdir())


GUIDE = (ROOT / "docs" / "guide.md").read_text("utf-8")
WRITING = re.findall(r"(?:^    |`)nextstroke (write \".*?)(?:`|$)", GUIDE, re.MULTILINE)


@pytest.mark.parametrize("command", [line for line in WRITING if "me.style" not in line and "mine.onnx" not in line])
def test_the_writing_of_the_guide_works(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main([*shlex.split(command), *([] if " -o " in command else ["-o", "a.svg"])]) == 0
    assert list(tmp_path.iterdir())


@pytest.mark.parametrize("command", re.findall(r"^    nextstroke (.*)$", GUIDE, re.MULTILINE))
def test_every_option_of_the_guide_is_there(command, capsys):
    words = shlex.split(command.split(" < ")[0])
    verb = words[:2] if words[0] in {"data", "figure", "style", "kernel"} else words[:1]
    assert main([*verb, "--help"]) == 0
    told = capsys.readouterr().out
    assert [word for word in words if word.startswith("--") and word not in told] == []
