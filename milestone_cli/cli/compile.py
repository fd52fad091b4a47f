"""Writes `compiled.py`, the table of the strict reader, from the Typer app, and what `complete` makes of the same.

`--check` only compares.

    python -m milestone_cli.cli.compile [--check]

What the table cannot say surely (prompts, callbacks, environment variables, types beyond str, int, float,
bool and choices) is left out, and then Typer reads that command line.
"""

import inspect
import sys
from collections.abc import Callable, Iterator
from enum import Enum
from pathlib import Path
from typing import get_args, get_type_hints

from typer._click import types  # Typer's own copy of click: the only place that tells a parameter's type
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption
from typer.main import get_command

from . import app, complete

TARGET = Path(__file__).with_name("compiled.py")
HEADER = '''\
"""The command line as constants for the strict reader: do not edit, run python -m milestone_cli.cli.compile.

A line is a command and, behind a tab, its entry; all are one text, since a dictionary takes every command longer to
load. An entry: `module:function:names that must be given`, then a word `spelling:name:kind:rule` for each spelling
of an option and, without spelling, for each argument. Kinds: s text, i integer, f decimal number, c choice,
t a flag that means True, n one that means False; a capital collects into a list. Rule: `lowest,highest`, or
the choices.
"""
'''
NUMBERS: dict[type[object], str] = {
    types.IntParamType: "i",
    types.IntRange: "i",
    types.FloatParamType: "f",
    types.FloatRange: "f",
}
PYTHON_TYPES = {"s": str, "c": str, "i": int, "f": float, "t": bool}
SPECIAL = set(" :,!\\\"'")  # what the table's own syntax uses

Parameter = TyperArgument | TyperOption


class InexpressibleError(Exception):
    """The table has no words for this."""


def _kind(parameter: Parameter) -> tuple[str, str]:
    """The kind of a parameter's values, and the rule they keep."""
    type_ = parameter.type
    if getattr(parameter, "is_flag", False):
        if isinstance(parameter, TyperOption) and parameter.is_bool_flag and not parameter.multiple:
            return "t", ""
    elif type(type_) is types.StringParamType:
        return "s", ""
    elif type(type_) in NUMBERS:
        odd = (getattr(type_, name, False) for name in ("clamp", "min_open", "max_open"))
        bounds = [getattr(type_, name, None) for name in ("min", "max")]
        if not any(odd):
            return NUMBERS[type(type_)], ",".join("" if bound is None else repr(bound) for bound in bounds)
    elif getattr(type_, "case_sensitive", False):
        choices: tuple[object, ...] = getattr(type_, "choices", ())
        words = [choice for choice in choices if isinstance(choice, str)]
        if len(words) == len(choices) and all(word and not SPECIAL & {*word} for word in words):
            return "c", ",".join(words)
    raise InexpressibleError


def _repeated(parameter: Parameter) -> bool:
    return parameter.nargs == -1 or bool(getattr(parameter, "multiple", False))


def _words(parameter: Parameter, own_default: object) -> Iterator[str]:
    """The words of one parameter; the reader leaves defaults to the function, so they must be Typer's."""
    kind, rule = _kind(parameter)
    default = parameter.default
    odd = (parameter.callback, parameter.envvar, parameter.is_eager, not parameter.expose_value)
    if any(odd) or any(getattr(parameter, name, False) for name in ("prompt", "count")):
        raise InexpressibleError
    if parameter.nargs != (-1 if _repeated(parameter) and isinstance(parameter, TyperArgument) else 1):
        raise InexpressibleError
    allowed = (type(None), list if _repeated(parameter) else PYTHON_TYPES[kind])
    if not parameter.required and (default != own_default or type(default) not in allowed):
        raise InexpressibleError
    tail = f"{parameter.name}:{kind.upper() if _repeated(parameter) else kind}:{rule}"
    if isinstance(parameter, TyperArgument):
        yield f":{tail}"
        return
    yield from (f"{spelling}:{tail}" for spelling in parameter.opts)
    yield from (f"{spelling}:{parameter.name}:n:" for spelling in parameter.secondary_opts)


def _is_enum(hint: object) -> bool:
    """Whether Typer would turn the choice into a member: it does so unseen, after its own parameters."""
    return (isinstance(hint, type) and issubclass(hint, Enum)) or any(map(_is_enum, get_args(hint)))


def _entry(command: TyperCommand | TyperGroup) -> str:
    """One command's entry."""
    function: Callable[..., object] | None = getattr(command.callback, "__wrapped__", None)
    if function is None or command.context_settings:
        raise InexpressibleError
    if any(map(_is_enum, get_type_hints(function).values())):
        raise InexpressibleError
    defaults = {name: found.default for name, found in inspect.signature(function).parameters.items()}
    parameters: list[Parameter] = [one for one in command.params if isinstance(one, Parameter)]
    arguments = [one for one in parameters if isinstance(one, TyperArgument)]
    if {one.name for one in parameters} != {*defaults} or any(_repeated(one) for one in arguments[:-1]):
        raise InexpressibleError
    needed = ",".join(f"{one.name}" for one in parameters if one.required)
    words = [word for one in parameters for word in _words(one, defaults[one.name or ""])]
    return " ".join([f"{function.__module__}:{function.__name__}:{needed}", *words])


def _entries(group: TyperGroup, path: str = "") -> Iterator[tuple[str, str]]:
    """The entries of the commands in a group and in the groups of it, as far as the table can say them."""
    for name, command in group.commands.items():
        if isinstance(command, TyperCommand | app.Entry):
            try:
                yield path + name, _entry(command)
            except InexpressibleError:
                pass
        is_odd = not isinstance(command, TyperGroup) or path or command.params or command.invoke_without_command
        if isinstance(command, TyperGroup) and (isinstance(command, app.Entry) or not is_odd):
            yield from _entries(command, f"{name} ")


def tables(group: TyperGroup) -> tuple[str, dict[str, str]]:
    """The options before the command, and the commands' entries. Eager ones (--version) stay with Typer."""
    own = [one for one in group.params if isinstance(one, TyperOption) and not one.is_eager]
    return " ".join(word for one in own for word in _words(one, one.default)), dict(_entries(group))


def text(commands: dict[str, str]) -> str:
    """The entries of commands as the reader takes them."""
    return "\n" + "".join(f"{path}\t{entry}\n" for path, entry in commands.items())


def entries(text: str) -> dict[str, str]:
    """The same the other way round."""
    return dict(line.split("\t") for line in text.split("\n")[1:-1])


def source() -> str:
    """The text of `compiled.py` as it should be."""
    group = get_command(app.build())
    if not isinstance(group, TyperGroup):
        raise TypeError(group)
    before, commands = tables(group)
    lines = text(commands).replace("\t", "\\t")
    return f'{HEADER}# ruff: noqa: E501\n\nGLOBALS = "{before}"\nCOMMANDS = """{lines}"""\n'


def main() -> int:
    """Write or check; 1 when what is there is not what the app says."""
    wanted = source()
    if "--check" not in sys.argv:
        TARGET.write_text(wanted, encoding="utf-8")
    elif not TARGET.exists() or TARGET.read_text(encoding="utf-8") != wanted:
        sys.stderr.write("compiled.py is out of date: run python -m milestone_cli.cli.compile\n")
        return 1
    return complete.main([word for word in sys.argv[1:] if word == "--check"]) if complete.FOLDER.is_dir() else 0


if __name__ == "__main__":
    sys.exit(main())
