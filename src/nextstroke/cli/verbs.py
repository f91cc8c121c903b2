"""The verbs: what each is for, and how it is loaded no earlier than it is called."""

import difflib
from importlib import import_module
from importlib.util import find_spec
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from nextstroke import __version__
from nextstroke.cli.panels import PanelCommand
from nextstroke.errors import UsageError

# Each verb is the file of its name beside this one, which holds either a function of that name, or a typer `app` of
# several commands. What is not there yet is not listed.
VERBS = {
    "write": "Write a text by hand: SVG, PNG and other formats.",
    "style": "Learn a hand of your own.",
    "scribble": "Draw handwriting that says nothing.",
    "generate": "Continue a text.",
    "compress": "Compress files with a text network.",
    "decompress": "Restore compressed files.",
    "train": "Train a network from a recipe.",
    "evaluate": "Score a training in the paper's units.",
    "export": "Turn a training into a model file.",
    "data": "Pack official files, or your own ink, for training.",
    "figure": "Draw a figure of the paper.",
    "reproduce": "Rebuild tables and figures of the paper.",
    "kernel": "Build the C++ loops that make compressing and training faster.",
    "serve": "Write in the browser, served from this machine.",
    "models": "List the bundled models, their styles and licences.",
}
PLAIN: dict[str, Any] = {"add_completion": False, "rich_markup_mode": None, "pretty_exceptions_enable": False}


class _Verbs(TyperGroup):
    """A group that knows its verbs from the table and imports one only when it is called."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [verb for verb in VERBS if _exists(verb)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        known = self.list_commands(ctx)
        if cmd_name not in known:
            near = difflib.get_close_matches(cmd_name, known, 1)
            hint = f"did you mean {near[0]!r}?" if near else "nextstroke --help lists them"
            raise UsageError(f"there is no verb {cmd_name!r}; {hint}")
        return _load(cmd_name)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Verbs"):
            formatter.write_dl([(verb, VERBS[verb]) for verb in self.list_commands(ctx)])


def make_command() -> Any:
    """The whole command line as one click command."""
    return typer.main.get_command(_group(_options))


def _group(callback: Any, kind: type[TyperGroup] = _Verbs) -> typer.Typer:
    app = typer.Typer(cls=kind, no_args_is_help=True, subcommand_metavar="VERB ...", **PLAIN)
    app.callback()(callback)
    return app


def _exists(verb: str) -> bool:
    return find_spec(f"nextstroke.cli.{verb}") is not None


def _load(verb: str) -> Any:
    """Import the file of a verb and make a click command of what it holds."""
    module = import_module(f"nextstroke.cli.{verb}")
    group = _group(lambda: None, TyperGroup)
    if hasattr(module, "app"):
        group.add_typer(module.app, name=verb)
    else:
        group.command(verb, cls=PanelCommand)(getattr(module, verb))
    command: Any = typer.main.get_command(group)
    return command.commands[verb]


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"nextstroke {__version__}")
        raise typer.Exit


def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True)
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show where an error came from.")] = False,
) -> None:
    """Predict the next stroke: handwriting for any text, after Graves 2013."""
