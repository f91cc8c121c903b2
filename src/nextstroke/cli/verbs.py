"""The commands of nextstroke, each loaded only when it is called."""

import difflib
from importlib import import_module
from importlib.util import find_spec
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from nextstroke import __version__
from nextstroke.cli.panels import PanelCommand
from nextstroke.errors import UsageError

# Each command is a module of this package of the same name, which has either a function of that name, or a typer `app`
# with several commands. A command without its module is not listed.
VERBS = {
    "write": "Turn text into handwriting: SVG, PNG and other formats.",
    "batch": "Write many lines, as training data for recognisers.",
    "style": "Learn a style from your own handwriting.",
    "scribble": "Draw samples of the prediction network, without text.",
    "generate": "Continue a text.",
    "compress": "Compress files with a text model.",
    "decompress": "Restore compressed files.",
    "train": "Train a network from a recipe.",
    "evaluate": "Score a trained network in the paper's units.",
    "export": "Export a trained network as a model file.",
    "data": "Pack data sets, or your own ink and text, for training.",
    "figure": "Draw a figure of the paper.",
    "reproduce": "Measure the paper's tables and claims again, and draw its figures.",
    "kernel": "Build the C++ loops that make compression and training faster.",
    "serve": "Run the studio in the browser, and an HTTP API.",
    "models": "List the bundled models, their styles and licences.",
}
PLAIN: dict[str, Any] = {"add_completion": False, "rich_markup_mode": None, "pretty_exceptions_enable": False}


class _Verbs(TyperGroup):
    """Command group that lists `VERBS` and imports a command only when it is called."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [verb for verb in VERBS if find_spec(f"nextstroke.cli.{verb}")]

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
    """Return the whole command line as one click command."""
    return typer.main.get_command(_group(_options, add_completion=True))


def _group(callback: Any, kind: type[TyperGroup] = _Verbs, **more: Any) -> typer.Typer:
    more = PLAIN | {"context_settings": {"help_option_names": ["--help", "-h"]}} | more
    app = typer.Typer(cls=kind, no_args_is_help=True, subcommand_metavar="VERB ...", **more)
    app.callback()(callback)
    return app


def _load(verb: str) -> Any:
    """Import the module of a command and return it as a click command."""
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
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Handwriting, text generation and compression with the networks of Graves 2013."""
