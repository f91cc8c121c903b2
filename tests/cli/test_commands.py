"""Command lines as a table: what is typed, the exit code, and the one line on standard error."""

import os
import re
import signal
import subprocess
import sys
import types
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from nextstroke import __version__, errors
from nextstroke.cli import verbs
from nextstroke.cli.main import main

PRESENT = verbs._Verbs(name="nextstroke").list_commands(None)


@pytest.mark.parametrize(
    ("line", "code", "says"),
    [
        ("--bogus", 2, r"no such option: --bogus; see nextstroke --help"),
        ("write a\0b", 2, r"a\\x00b: has a NUL byte; leave it out"),
        ("bogus", 2, r"there is no verb 'bogus'; nextstroke --help lists them"),
        ("modles", 2, r"there is no verb 'modles'; did you mean 'models'\?"),
        ("models --bogus", 2, r"no such option: --bogus.*; see nextstroke models --help"),
        ("models extra", 2, r".*extra.*; see nextstroke models --help"),
        ("data bogus", 2, r"no such command 'bogus'; see nextstroke data --help"),
        ("data iam", 2, r"missing argument '(?i:folder)'; see nextstroke data iam --help"),
        ("data iam nowhere -o a.packed --workers x", 2, r"invalid value for '--workers': .*"),
        ("data ink nowhere.xml -o a.packed", 3, r".*nowhere.xml: cannot be read.*"),
        ("data text nowhere.txt -o a.packed", 3, r"nowhere.txt: cannot be read \(No such file or directory\)"),
        ("data text . -o a.packed", 3, r"\.: cannot be read \(Is a directory\)"),
        ("data penn . -o a.packed", 3, r"\.: no ptb.train.txt there; .*"),
        ("data teach no.packed --teacher no.onnx -o a.packed", 3, r"no.packed: not a packed corpus .*"),
        ("data enwik8 . -o a.packed", 3, r"\.: cannot be read \(Is a directory\)"),
        ("data enwik8 e -o a.packed --splits 1/2", 2, r"--splits '1/2': give 96/4 or 90/5/5, .*"),
        ("data enwik8 e -o a.packed --range train=9:3", 2, r"--range 'train=9:3': give NAME=BEGIN:END .*"),
        ("generate --temperature nan", 2, r"temperature nan: give 0 .*"),
        ("generate --top-p 0", 2, r"top-p 0.0: give .*"),
        ("generate --model no.onnx", 3, r"no.onnx: no such model file.*"),
        ("write", 2, r"missing argument '(?i:text)'; see nextstroke write --help"),
        ("write hi --seed -1", 2, r"invalid value for '--seed': .*; see nextstroke write --help"),
        ("write hi -o a.bogus", 2, r"a.bogus: format 'bogus' is not known; give one of .*"),
        ("write hi -o a.svg --page 3x", 2, r"page '3x': give .*"),
        ("write hi -o a.svg --style nobody", 2, r"style 'nobody': not in the gallery .*"),
        ("write hi -o a.svg --model no.onnx", 3, r"no.onnx: no such model file.*"),
        ("write hi -o a.svg --bias nan", 2, r"bias nan: give a number .*"),
        ("write hi -o a.svg --colour nope", 2, r"colour 'nope': give .*"),
        ("write hi -o a.svg --size 0", 2, r"text size 0.0: give .*"),
        ("write hi -o a.png --dpi 0", 2, r"dpi 0.0: give .*"),
        ("write \u6f22 -o a.svg", 2, r"the model cannot write '\u6f22' \(U\+6F22\); .*"),
        ("write hi -o no/a.svg", 2, r"no/a.svg: cannot be written; .*"),
        ("models styles -o no/a.svg --model no.onnx", 2, r"no/a.svg: cannot be written; .*"),
        ("export", 2, r"missing argument '(?i:run)'; see nextstroke export --help"),
        ("train", 2, r"missing argument '(?i:recipe)'; see nextstroke train --help"),
    ],
)
def test_a_wrong_command_line_gets_one_line_and_its_code(line, code, says, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(line.split()) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(f"nextstroke: {says}\n", err)
    assert err.count("\n") == 1
    assert os.listdir() == []


def test_data_makes_the_folder_of_its_corpus(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("a.txt").write_text("some text " * 500, "utf-8")
    assert main(["data", "text", "a.txt", "-o", "new/folder/a.packed"]) == 0
    assert Path("new/folder/a.packed").is_file()


def test_a_folder_that_cannot_be_made_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("in the way", "utf-8")
    assert main(["data", "text", "file", "-o", "file/a.packed"]) == 2
    assert "file/a.packed: cannot be written" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "shows"),
    [
        ("", "Usage: nextstroke [OPTIONS] VERB"),
        ("--help", "Usage: nextstroke [OPTIONS] VERB"),
        ("--version", f"nextstroke {__version__}\n"),
        ("data", "Usage: nextstroke data"),
        *[(f"{verb} --help", f"Usage: nextstroke {verb}") for verb in PRESENT],
        *[(f"--debug {verb} --help", f"Usage: nextstroke {verb}") for verb in PRESENT],
    ],
)
def test_help_and_version_go_to_standard_output(line, shows, capsys):
    assert main(line.split()) == 0
    out, err = capsys.readouterr()
    assert out.startswith(shows)
    assert err == ""


def test_help_lists_the_verbs_that_are_there_and_no_others(capsys):
    main(["--help"])
    listed = re.findall(r"^  (\w+)  ", capsys.readouterr().out.partition("Verbs:")[2], re.MULTILINE)
    assert listed == PRESENT


HEAVY = """
import sys
from nextstroke.cli.main import main
for arguments in sys.argv[1:]:
    main(arguments.split())
print(*sys.modules, file=sys.stderr)
"""


# Typer itself reads the values of options with pydantic, so that only the first help can do without.
@pytest.mark.parametrize(
    ("lines", "heavy"),
    [
        (["--help"], {"torch", "onnxruntime", "numpy", "rich", "pydantic"}),
        (["--version", *(f"{verb} --help" for verb in PRESENT)], {"torch", "onnxruntime", "numpy", "rich"}),
    ],
)
def test_help_loads_nothing_heavy(shell, lines, heavy):
    loaded = shell(*lines, start=HEAVY).stderr.split()
    assert "nextstroke.cli.main" in loaded
    assert not heavy.intersection(loaded)


@pytest.fixture
def verb(monkeypatch):
    """Makes `nextstroke serve` run a function."""

    def install(function):
        module = types.ModuleType("nextstroke.cli.serve")
        module.__spec__ = ModuleSpec(module.__name__, None)
        module.serve = function
        monkeypatch.setitem(sys.modules, module.__name__, module)

    return install


def raising(error):
    def serve():
        raise error

    return serve


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (errors.BadInk("a.xml: no points"), 3, "a.xml: no points"),
        (errors.WrongModel("a.onnx: of a newer version"), 4, "a.onnx: of a newer version"),
        (errors.LimitExceeded("too large"), 5, "too large"),
        (errors.Diverged("nan"), 1, "nan"),
        (errors.Stopped("saved", signal.SIGTERM), 143, "saved"),
        (errors.UsageError("two\nlines \x1b[31m\udcff"), 2, r"two\nlines \x1b[31m\udcff"),
        (errors.UsageError("x" * 10_000), 2, "x" * 4000 + "…"),
        (
            KeyError("k"),
            1,
            "internal error (bug): KeyError: 'k'; run again with --debug before the command to see where",
        ),
        (KeyboardInterrupt(), 130, "stopped by SIGINT"),
        (MemoryError(), 5, "out of memory; give less text, a smaller page or a smaller batch"),
        (OSError(28, "No space left on device", "a"), 5, "a: no room left (No space left on device); free some and"),
        (ModuleNotFoundError(name="torch"), 2, "this needs torch, which is not installed; pip install 'nextstroke[tr"),
        (ModuleNotFoundError("no x", name="x"), 1, "internal error (bug): ModuleNotFoundError: no x"),
        (SystemExit("bye"), 1, "bye"),
    ],
)
def test_every_error_becomes_one_line_and_its_code(error, code, says, verb, capsys):
    verb(raising(error))
    assert main(["serve"]) == code
    err = capsys.readouterr().err
    assert err.startswith(f"nextstroke: {says}")
    assert err.count("\n") == 1


@pytest.mark.parametrize("size", [1 << 46, (1 << 62) + 1])
def test_memory_that_torch_cannot_get_is_a_limit(verb, capsys, size):
    torch = pytest.importorskip("torch")

    def serve():
        torch.empty(size)

    verb(serve)
    assert main(["serve"]) == 5
    assert "out of memory" in capsys.readouterr().err


@pytest.mark.parametrize("error", [errors.BadInk("no points"), RuntimeError("oops")])
def test_debug_shows_where_an_error_came_from(error, verb, capsys):
    verb(raising(error))
    assert main(["--debug", "serve"]) == (3 if isinstance(error, errors.BadInk) else 1)
    err = capsys.readouterr().err
    assert "Traceback" in err
    assert "in serve" in err
    assert err.splitlines()[-1].startswith("nextstroke: ")


def test_an_exit_without_a_word_keeps_its_code(verb, capsys):
    verb(raising(SystemExit(7)))
    assert main(["serve"]) == 7
    assert capsys.readouterr() == ("", "")


def test_the_handler_of_sigterm_is_put_back(verb):
    before = signal.getsignal(signal.SIGTERM)
    verb(lambda: os.kill(os.getpid(), signal.SIGTERM))
    assert main(["serve"]) == 143
    assert signal.getsignal(signal.SIGTERM) == before


SLEEPY = """
import sys, time
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from nextstroke.cli.main import main
from nextstroke.files import atomic_write

def serve(path: str):
    with atomic_write(path) as stream:
        stream.write(b"half")
        print("here", flush=True)
        time.sleep(60)

module = ModuleType("nextstroke.cli.serve")
module.__spec__ = ModuleSpec(module.__name__, None)
module.serve = serve
sys.modules[module.__name__] = module
raise SystemExit(main())
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_a_verb_and_leaves_no_half_file(number, tmp_path):
    command = [sys.executable, "-c", SLEEPY, "serve", tmp_path / "a"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "here\n"
        process.send_signal(number)
        _, err = process.communicate(timeout=240)
    assert process.returncode == 128 + number
    assert err == f"nextstroke: stopped by {number.name}\n"
    assert os.listdir(tmp_path) == []


def test_a_reader_who_leaves_is_not_complained_about(shell):
    read, write = os.pipe()
    os.close(read)
    run = shell("--help", capture_output=False, stdout=write, stderr=subprocess.PIPE)
    os.close(write)
    assert (run.returncode, run.stderr) == (141, "")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is always full")
def test_a_full_disk_under_standard_output_is_reported(shell):
    with open("/dev/full", "w") as full:
        run = shell("--help", capture_output=False, stdout=full, stderr=subprocess.PIPE)
    assert run.returncode == 5
    assert run.stderr == "nextstroke: output: no room left (No space left on device); free some and try again\n"


def test_closed_streams_are_no_reason_to_fail(shell):
    start = "import sys; sys.stdout = sys.stderr = None; from nextstroke.cli.main import main; raise SystemExit(main())"
    assert shell("--help", start=start).returncode == 0
    assert shell("bogus", start=start).returncode == 2
