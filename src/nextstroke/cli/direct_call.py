"""Calling a command without building typer's parser for it, which takes longer than writing a line.

Only command lines that are plain are taken: known options, each given once, with values of their type and range. All
else, help and every error among it, is left to typer. What a plain line means is the same to both (tests/cli).
"""

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from types import SimpleNamespace, UnionType
from typing import Any, NamedTuple, Union, get_args, get_origin, get_type_hints

import typer
from typer.models import ArgumentInfo, ParameterInfo

# Numbers as everyone reads them; other spellings are left to typer.
NUMBERS: dict[type, str] = {int: r"-?\d{1,18}", float: r"-?(\d+\.?\d*|\.\d+)"}
# What only typer knows how to do.
SPECIAL = (
    "callback", "parser", "click_type", "envvar", "is_eager", "prompt", "count", "is_flag", "flag_value", "clamp",
)  # fmt: skip


class NotPlain(Exception):
    """This command line is for typer."""


class Parameter(NamedTuple):
    """One parameter of a command.

    Args:
        name: Of the function's argument.
        kind: Type of a value: str, int, float or bool.
        many: Whether it takes several values, in a list.
        required: Whether it has no default.
        info: What the annotation says to typer.
    """

    name: str
    kind: type
    many: bool
    required: bool
    info: ParameterInfo

    def read(self, text: str) -> Any:
        """Return the value of one word; raises NotPlain."""
        if self.kind is str:
            return text
        if not re.fullmatch(NUMBERS[self.kind], text, re.ASCII):
            raise NotPlain
        value = self.kind(text)
        lowest, highest = self.info.min, self.info.max
        if (lowest is not None and value < lowest) or (highest is not None and value > highest):
            raise NotPlain
        return value

    def options(self) -> dict[str, bool]:
        """Return the words that name this option, False for those that switch it off; of an argument its name."""
        if isinstance(self.info, ArgumentInfo):
            return {self.name: True}
        name = self.name.replace("_", "-")
        usual = f"--{name}/--no-{name}" if self.kind is bool else f"--{name}"
        words: dict[str, bool] = {}
        # In an annotation typer.Option has no default, and its first name is kept in that place.
        first = (self.info.default,) if isinstance(self.info.default, str) else ()
        for declared in (*first, *(self.info.param_decls or ())) or (usual,):
            on, _, off = declared.partition("/")
            words |= {on: True} | ({off: False} if off else {})
        return words


def plain_call(arguments: Sequence[str], verbs: Sequence[str]) -> Callable[[], object] | None:
    """Return the call of the command that a plain command line means; None where typer has to read it.

    Args:
        arguments: Words after the name of the program.
        verbs: Names of the commands.
    """
    if not arguments or arguments[0] not in verbs or not find_spec(f"nextstroke.cli.{arguments[0]}"):
        return None
    module = import_module(f"nextstroke.cli.{arguments[0]}")
    if hasattr(module, "app"):
        # Several commands: which one is meant, and what a line without any means, is typer's to say.
        return None
    function = getattr(module, arguments[0])
    hints = get_type_hints(function, include_extras=True)
    contexts = [name for name, hint in hints.items() if hint is typer.Context]
    try:
        parameters = _parameters(function, hints)
        given = _read(parameters, arguments[1:])
    except NotPlain:
        return None
    return partial(function, **given, **{name: PlainContext(parameters, given) for name in contexts})


class PlainContext:
    """What commands ask of typer's context: which of their parameters the command line gives.

    Args:
        parameters: Of the command.
        given: Values of those that the command line gives.
    """

    def __init__(self, parameters: Sequence[Parameter], given: Mapping[str, Any]):
        self._given = given
        self.params = {one.name: given.get(one.name) for one in parameters}

    def get_parameter_source(self, name: str) -> Any:
        """Return an object whose `name` is that of typer's source."""
        return SimpleNamespace(name="COMMANDLINE" if name in self._given else "DEFAULT")


def _parameters(function: Callable, hints: Mapping[str, Any]) -> list[Parameter]:
    signature = inspect.signature(function).parameters
    own = [one for name, one in signature.items() if hints[name] is not typer.Context]
    return [_parameter(one.name, hints[one.name], one.default is one.empty) for one in own]


def _parameter(name: str, hint: Any, required: bool) -> Parameter:
    infos = [info for info in getattr(hint, "__metadata__", ()) if isinstance(info, ParameterInfo)]
    if len(infos) != 1:
        raise NotPlain
    (info,) = infos
    if any(getattr(info, special, None) for special in SPECIAL):
        raise NotPlain
    kind = hint.__origin__
    if get_origin(kind) in (UnionType, Union):
        kind = next(one for one in get_args(kind) if one is not type(None))
    many = get_origin(kind) is list
    if many:
        (kind,) = get_args(kind)
    if kind not in (str, int, float, bool):
        raise NotPlain
    return Parameter(name, kind, many, required, info)


def _read(parameters: Sequence[Parameter], words: Sequence[str]) -> dict[str, Any]:
    """Return the arguments that the words give; those of the defaults are left out."""
    named = [one for one in parameters if not isinstance(one.info, ArgumentInfo)]
    options = {word: (one, on) for one in named for word, on in one.options().items()}
    values: dict[str, list[Any]] = {}
    loose: list[str] = []
    left = list(words)
    while left:
        word = left.pop(0)
        if word == "-" or not word.startswith("-"):
            loose.append(word)
            continue
        name, equals, value = word.partition("=") if word.startswith("--") else (word, "", "")
        if name not in options:
            raise NotPlain
        one, on = options[name]
        if one.kind is not bool and not equals:
            if not left:
                raise NotPlain
            value = left.pop(0)
        elif one.kind is bool and equals:
            raise NotPlain
        values.setdefault(one.name, []).append(on if one.kind is bool else one.read(value))
    given = {one.name: _joined(one, values[one.name]) for one in named if one.name in values}
    given |= _of_loose([one for one in parameters if isinstance(one.info, ArgumentInfo)], loose)
    if any(one.required and one.name not in given for one in parameters):
        raise NotPlain
    return given


def _joined(one: Parameter, values: list[Any]) -> Any:
    if not one.many and len(values) > 1:
        raise NotPlain
    return values if one.many else values[0]


def _of_loose(wanted: Sequence[Parameter], words: Sequence[str]) -> dict[str, Any]:
    """Return the values of the argument of a plain command, which has one or none."""
    if not wanted and not words:
        return {}
    if len(wanted) != 1 or not words or (len(words) > 1 and not wanted[0].many):
        raise NotPlain
    (one,) = wanted
    return {one.name: _joined(one, [one.read(word) for word in words])}
