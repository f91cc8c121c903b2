"""Options of commands: help by panel, in the layout of typer's rich help, and which of them a command line gives."""

from typing import Any

import typer
from typer.core import TyperArgument, TyperCommand


class PanelCommand(TyperCommand):
    """A command whose help has a section for each `rich_help_panel`, in the order of the options."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the arguments, then the options of each panel."""
        panels: dict[str, list[tuple[str, str]]] = {"Arguments": []}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record:
                usual = "Arguments" if isinstance(param, TyperArgument) else "Options"
                panels.setdefault(getattr(param, "rich_help_panel", None) or usual, []).append(record)
        for name, records in panels.items():
            if records:
                with formatter.section(name):
                    formatter.write_dl(records)


def given_options(context: typer.Context) -> set[str]:
    """Return the names of the options that the command line gives."""
    source = context.get_parameter_source
    return {name for name in context.params if getattr(source(name), "name", "") == "COMMANDLINE"}


def option(panel: str, help: str, *names: str, **more: Any) -> Any:
    """Return an option that is listed in a panel; further arguments are those of typer.Option."""
    return typer.Option(*names, help=help, rich_help_panel=panel, **more)
