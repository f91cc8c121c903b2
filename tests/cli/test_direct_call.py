"""A plain command line means the same whether typer reads it or not; all others are left to typer."""

import functools
import inspect
from importlib import import_module

import pytest

from nextstroke.cli.direct_call import plain_call
from nextstroke.cli.verbs import VERBS, make_command

PLAIN = [
    "write Hello -o a.svg --style cursive --seed 7",
    "write --output=- - --bias .5,1 --memory 12 --nib --line-height 12 --margin -1.5",
    "write Hello --strict --replace ? --best-of=3 --drift .5",
    "compress a b",
    "compress -c - --model none",
    "compress -k a -f --output=b --threads 0",
    "compress --rm a --list --json",
    "compress -d a --max-output 100",
    "decompress a.nst -o -",
    "generate --prime x",
    "scribble --lines 2 --seed 3",
]
NOT_PLAIN = [
    "", "--debug write Hello", "--version", "writ Hello", "write", "write a b", "write --help", "write a --sedd 1",
    "write a --seed", "write a --seed 1.5", "write a --seed -1", "write a --best-of 65", "write a --seed 1 --seed 2",
    "write a --size 1e3", "write a --seed ٣", "write a --nib=yes", "write -- -a", "write a -oa.svg", "compress -kc a",
    "compress", "kernel status", "train", "data iam x -o y",
    "style", "models", "models --json",
]  # fmt: skip


def source(context, name):
    return getattr(context.get_parameter_source(name), "name", None)


@pytest.fixture
def calls(monkeypatch):
    """What commands are called with, defaults filled in, and what their context says was given; they do nothing."""
    seen = []
    for verb in ("write", "compress", "decompress", "generate", "scribble"):
        module = import_module(f"nextstroke.cli.{verb}")
        command = getattr(module, verb)

        def record(*given, _command=command, **named):
            bound = inspect.signature(_command).bind(*given, **named)
            bound.apply_defaults()
            context = bound.arguments.pop("context", None)
            given = {name for name in bound.arguments if context and source(context, name) == "COMMANDLINE"}
            seen.append((dict(bound.arguments), given))

        monkeypatch.setattr(module, verb, functools.wraps(command)(record))
    return seen


@pytest.mark.parametrize("line", PLAIN)
def test_a_plain_line_is_what_typer_makes_of_it(calls, line):
    call = plain_call(line.split(), tuple(VERBS))
    assert call is not None, "not taken for plain"
    call()
    with make_command().make_context("nextstroke", line.split()) as context:
        make_command().invoke(context)
    assert len(calls) == 2
    assert calls[0] == calls[1]


@pytest.mark.parametrize("line", NOT_PLAIN)
def test_all_else_is_left_to_typer(line):
    assert plain_call(line.split(), tuple(VERBS)) is None
