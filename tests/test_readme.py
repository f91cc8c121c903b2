"""README.md and the pages by task: every command works as printed."""

import ast
import re
import shlex
import shutil
import subprocess

import pytest

from nextstroke.cli import verbs
from nextstroke.cli.main import main
from tests.documentation import (
    GUIDE_PAGES,
    ROOT,
    blocks,
    commands,
    program_of_the_clone,
    run_as_printed,
    sections,
    words,
)

README = (ROOT / "README.md").read_text("utf-8")
GUIDE = "\n".join((ROOT / "docs" / f"{page}.md").read_text("utf-8") for page in GUIDE_PAGES)
GROUPS = {"data", "figure", "style", "kernel", "models"}


def test_the_readme_has_at_most_700_words():
    assert words(README) <= 700


def test_the_commands_of_the_readme_work_in_an_empty_folder(tmp_path):
    shown = [command for command in commands(README) if command.startswith("nextstroke ")]
    assert len(shown) == 3
    for command in shown:
        done = run_as_printed(command, tmp_path, program_of_the_clone())
        assert (done.returncode, done.stdout) == (0, ""), (command, done.stderr)
    assert {path.name for path in tmp_path.iterdir()} == {"hello.svg", "town.txt", "town.txt.nst"}


def test_every_other_command_of_the_readme_is_tested_elsewhere():
    """`pip install .` in test_packaging.py; make as far as it can be without installing anything."""
    others = [command for command in commands(README) if not command.startswith("nextstroke ")]
    assert others == ["pip install .", "make demo", "make test"]


@pytest.mark.parametrize("target", [line.split()[1] for line in commands(README) if line.startswith("make ")])
def test_every_target_of_make_is_there(target):
    if not shutil.which("make"):
        pytest.skip("NOT TESTED: make is missing")
    assert subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True).returncode == 0


def test_every_extra_of_the_readme_is_there():
    extras = set(re.findall(r"^(\w+) = \[", (ROOT / "pyproject.toml").read_text("utf-8"), re.MULTILINE))
    (sentence,) = re.findall(r"Extras: .*?\n\n", README, re.DOTALL)
    named = set(re.findall(r"`(\w+)`", sentence)) | set(re.findall(r"\.\[(\w+)\]", sentence))
    assert {"web", "train"} <= named <= extras


@pytest.mark.parametrize("verb", sorted(set(re.findall(r"`nextstroke ([a-z]+)", README + GUIDE))))
def test_every_command_named_in_a_sentence_is_there(verb):
    assert verb in verbs.VERBS
    assert main([verb, "--help"]) == 0


def test_the_python_of_the_readme_works_in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (block,) = blocks(README, "python")
    *body, last = ast.parse(block).body
    names: dict[str, object] = {}
    exec(compile(ast.Module(body, []), "README.md", "exec"), names)
    assert (tmp_path / "letter.pdf").read_bytes().startswith(b"%PDF")
    shown = eval(compile(ast.Expression(last.value), "README.md", "eval"), names)
    assert shown._repr_svg_().count("<path") > 10


def test_the_picture_of_the_letter_is_made_from_the_text_that_is_shown():
    (block,) = blocks(README, "python")
    text, style, seed = re.search(r'write\((".*?"), style="(\w+)", seed=(\d+)\)', block).groups()
    (line,) = re.findall(r"^\t.* -o docs/letter\.png$", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert text.strip('"') in line
    assert f"--style {style} --seed {seed} " in line


WRITING = [line for line in commands(GUIDE) if line.startswith('nextstroke write "')]


@pytest.mark.parametrize("command", [line for line in WRITING if "me.style" not in line and "mine.onnx" not in line])
def test_the_writing_of_the_guide_works(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(shlex.split(command)[1:]) == 0
    assert list(tmp_path.iterdir())


GUIDE_COMMANDS = [line for line in commands(GUIDE) if line != "pip install ."]


@pytest.mark.parametrize("command", GUIDE_COMMANDS)
def test_every_option_of_the_guide_is_there(command, capsys):
    name, *words_of_command = shlex.split(command.split(" < ")[0])
    assert name == "nextstroke"
    verb = words_of_command[: 1 + (words_of_command[0] in GROUPS)]
    assert main([*verb, "--help"]) == 0
    shown = capsys.readouterr().out
    assert [word for word in words_of_command if word.startswith("--") and word not in shown] == []


# What the sections need that a stranger has: texts, and ink of their own.
TEXTS = {
    "letter.txt": "Dear Anna,\nthank you for the map.\n",
    "dialogue.txt": "Who is there?\nIt is me.\n",
    "signs.txt": "a/b = c, 2+2=4\n",
    "texts.jsonl": '"some words"\n{"text": "and more", "style": "neat", "bias": 0.5}\n',
    "novel.txt": "It was a dark and stormy night. " * 20,
    "novels.txt": "It was a dark and stormy night. " * 400,
    "letters.txt": "Thank you for the map, which came today. " * 400,
}
# Commands that are not run, and why. All others are.
HOURS = "trains for hours"
CORPUS = "needs a corpus that must be asked for"
NOT_RUN = {
    "nextstroke data iam": CORPUS,
    "nextstroke data recombine": CORPUS,
    "nextstroke data unipen": CORPUS,
    "nextstroke data join": CORPUS,
    "nextstroke data penn": CORPUS,
    "nextstroke data teach": CORPUS,
    "nextstroke train writer": CORPUS,
    "nextstroke train penn": CORPUS,
    "nextstroke train text": HOURS,
    "nextstroke evaluate": HOURS,
    "nextstroke export runs/writer": HOURS,
    "nextstroke export runs/both": HOURS,
    "nextstroke models styles": "tests/cli/test_models.py draws galleries",
    "nextstroke reproduce": CORPUS,
    "nextstroke kernel build": "tests/native builds the loops",
    "nextstroke serve --port": "tests/cli/test_serve.py serves",
    "pip install .": "tests/test_packaging.py installs the wheel",
}
RUN = {name: [line for line in lines if not line.startswith(tuple(NOT_RUN))] for name, lines in sections(GUIDE).items()}


def test_what_is_not_run_is_in_the_guide():
    assert [start for start in NOT_RUN if not any(line.startswith(start) for line in commands(GUIDE))] == []


@pytest.mark.slow
@pytest.mark.parametrize("section", [name for name, lines in RUN.items() if lines])
def test_a_section_of_the_guide_works_as_printed(section, tmp_path):
    for name, text in TEXTS.items():
        (tmp_path / name).write_text(text, "utf-8")
    program = program_of_the_clone()
    (tmp_path / "lines").mkdir()
    for number in range(12 if section == "Use your own handwriting" else 0):
        made = run_as_printed(
            f'nextstroke write "we met at the old harbour" --best-of 1 --seed {number} -o lines/{number}.inkml',
            tmp_path,
            program,
        )
        assert made.returncode == 0, made.stderr
        shutil.copy(tmp_path / "lines" / f"{number}.inkml", tmp_path / "line.inkml")
    for command in RUN[section]:
        done = run_as_printed(command, tmp_path, program)
        assert done.returncode == 0, (command, done.stderr)
