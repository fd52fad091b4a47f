"""The strict reader: it takes a command line only if Typer would surely accept it, with the same values.

On any doubt (help, errors, an unknown or shortened option) it returns None and Typer reads the line; so Typer
stays the only place where a command is declared, and what is hot does not pay for it.
"""

from .compiled import COMMANDS, GLOBALS


class Doubt(Exception):  # noqa: N818 - nothing failed: Typer reads the line
    """The line is not surely valid, or its values are not surely those that Typer would give."""


def read(
    words: "list[str]", commands: str = COMMANDS, before: str = GLOBALS
) -> "tuple[str, str, dict[str, object], dict[str, object]] | None":
    """Module, function, its arguments, and the options before the command; None: Typer must read the line.

    What was left out is left out here too: the functions' own defaults are what Typer takes.
    """
    flags: dict[str, object] = {}
    at = 0
    try:
        while words[at][:1] == "-":
            at = _option(before, words, at, flags)
        if " " in words[at]:  # it would pass for a group and its command
            return None
        entry = _entry(commands, " ".join(words[at : at + 2]))
        if entry:
            at += 1
        else:
            entry = _entry(commands, words[at])
        if not entry:
            return None
        target, _, parameters = entry.partition(" ")
        module, function, needed = target.split(":")
        values = _values(parameters, words, at + 1)
        for name in needed.split(",") if needed else ():
            if name not in values:
                return None
    except (Doubt, LookupError):
        return None
    return module, function, values, flags


def _entry(commands: str, name: str) -> str:
    """The entry of a command; empty when there is none of the name."""
    if "\n" in name:  # it could pass for a line and what follows
        return ""
    at = commands.find(f"\n{name}\t") + len(name) + 2
    return commands[at : commands.find("\n", at)] if at > len(name) + 1 else ""


def _values(parameters: str, words: "list[str]", at: int) -> "dict[str, object]":
    """The values of a command's options and arguments, from the words from `at` on."""
    values: dict[str, object] = {}
    plain = []
    while at < len(words):
        word = words[at]
        if word == "--":
            plain += words[at + 1 :]
            break
        if word[:1] == "-" and word != "-":
            at = _option(parameters, words, at, values)
        else:
            plain.append(word)
            at += 1
    if plain:
        for parameter in parameters.split():
            spelling, name, kind, rule = parameter.split(":")
            if not spelling:
                taken = len(plain) if kind < "a" else 1
                for word in plain[:taken]:
                    _keep(values, name, kind, rule, word)
                del plain[:taken]
        if plain:
            raise Doubt
    return values


def _option(parameters: str, words: "list[str]", at: int, values: "dict[str, object]") -> int:
    """Read the option at `at`, with its value, into `values`; the index after it."""
    spelling, attached, text = words[at].partition("=")
    for parameter in parameters.split():
        known, name, kind, rule = parameter.split(":")
        if known == spelling:
            break
    else:
        raise Doubt
    if attached and (kind in "tn" or spelling[:2] != "--"):
        raise Doubt
    if kind in "tn":
        values[name] = kind == "t"
        return at + 1
    if not attached:
        at += 1
        text = words[at]
    _keep(values, name, kind, rule, text)
    return at + 1


def _keep(values: "dict[str, object]", name: str, kind: str, rule: str, text: str) -> None:
    """Convert a word by its kind and put it under its name, or behind what is there for a capital kind."""
    value: object = text
    plain_kind = kind.lower()
    if plain_kind == "c":
        if text not in rule.split(","):
            raise Doubt
    elif plain_kind != "s":
        digits = text[1:] if text[:1] == "-" else text
        if plain_kind == "f":
            digits = digits.replace(".", "", 1)
        if len(text) > 18 or not (digits.isascii() and digits.isdigit()):
            raise Doubt
        type_ = int if plain_kind == "i" else float
        value = number = type_(text)
        low, high = rule.split(",")
        if (low and number < type_(low)) or (high and number > type_(high)):
            raise Doubt
    if kind < "a":
        values.setdefault(name, []).append(value)  # type: ignore[attr-defined]
    else:
        values[name] = value
