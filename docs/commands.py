"""Write docs/cli.md, every command with its options: python docs/commands.py."""

from pathlib import Path
from typing import Any

from nextstroke.cli.verbs import make_command

HEAD = """# Commands

Made from the help of the commands by `python docs/commands.py`. `nextstroke COMMAND --help` shows the same.

Lengths are in millimetres, colours are those of SVG. A file named `-` is standard input or standard output. A model is
a file or the name of a bundled model; a recipe is a file or the name of a shipped recipe.

The base package is enough for write, batch, style, scribble, generate, compress, decompress, data and models. Train,
evaluate, export and `data teach` need the extra `train`, figure needs `figures`, reproduce needs both, serve needs
`web`, `batch --cluster` needs `cluster`, and `batch --format parquet` needs `parquet`.

## Exit codes

| code | meaning |
|---|---|
| 0 | done |
| 1 | some of several files failed, or a training diverged or lost a worker; or a bug: `internal error (bug)` |
| 2 | invalid request |
| 3 | bad or corrupt input |
| 4 | wrong model or version |
| 5 | a limit was reached: size, disk space, memory, or `--strict` |
| 130 | stopped by Ctrl-C (SIGINT) |
| 141 | broken pipe: the reader of standard output has gone |
| 143 | stopped by SIGTERM |

An error is one line on standard error: what went wrong, in which file, and what to do. `nextstroke --debug COMMAND ...`
adds the traceback. Output files are written whole or not at all.
"""


def commands_page() -> str:
    """Return the whole page: general rules, then a section for each command in the order of `--help`."""
    root = make_command()
    return HEAD + "".join(sections(root.get_command(None, verb), verb) for verb in root.list_commands(None))


def sections(command: Any, name: str) -> str:
    """Return the section of a command, followed by those of its subcommands."""
    text = f"\n## {name}\n\n{description(command)}{parameters(command)}"
    subcommands = getattr(command, "commands", {})
    return text + "".join(sections(sub, f"{name} {label}") for label, sub in subcommands.items())


def description(command: Any) -> str:
    """Return the paragraphs of a command's help; its example becomes a block of code."""
    text = ""
    for paragraph in (command.help or "").split("\n\n"):
        joined = " ".join(paragraph.split())
        if joined.startswith("Example: "):
            text += f"```sh\n{joined.removeprefix('Example: ')}\n```\n\n"
        elif joined:
            text += f"{joined}\n\n"
    return text


def parameters(command: Any) -> str:
    """Return a table of arguments and options, without `--help`."""
    rows = [row(parameter) for parameter in command.params if "--help" not in parameter.opts]
    return "".join(["| argument or option | meaning | default |\n|---|---|---|\n", *rows]) if rows else ""


def row(parameter: Any) -> str:
    """Return one row: names, help, and the default where there is one to show."""
    flags = ", ".join(f"`{name}`" for name in [*parameter.opts, *parameter.secondary_opts])
    names = f"`{parameter.name.upper()}`" if parameter.param_type_name == "argument" else flags
    meaning = " ".join((parameter.help or "").split()).replace("|", "\\|")
    default = parameter.default
    is_shown = isinstance(default, (int, float, str, Path)) and not isinstance(default, bool) and str(default)
    return f"| {names} | {meaning} | {f'`{default}`' if is_shown else ''} |\n"


if __name__ == "__main__":
    (Path(__file__).parent / "cli.md").write_text(commands_page(), "utf-8")
