"""The manual page, in the macros of man(7), from the same declarations as the help."""

import textwrap
from collections.abc import Iterator

from milestone_cli import __version__
from milestone_cli.errors import EXIT

from .declared import Argument, Declared, Option

HEAD = """\
.\\" Made by python -m milestone_cli.cli.complete: do not edit.
.TH MILESTONE 1 2026-11-22 "milestone @" "User commands"
.SH NAME
milestone \\- state, checkpoints and an event log for long\\-running agent work
.SH SYNOPSIS
.B milestone
.RI [ options ]
.I group command
.RI [ milestone ]
\\&...
.SH DESCRIPTION
.B milestone
keeps the state of work that takes long and may be interrupted at any moment:
every change is validated, backed up, replaced atomically and logged,
and any moment of the past can be read again.
.PP
The store is the folder
.I .milestones
that is nearest from the working directory upwards,
unless an option or the environment names another.
The milestone may be left out:
then it is that of MILESTONE_ID, the current session's, or the only one.
.PP
Text is for people; with
.B \\-\\-format json
every command prints one object with a schema, which
.B milestone schema
prints.
"""
MEANINGS = {
    0: "Done; an empty result too.",
    1: "An unexpected failure.",
    2: "Wrong usage.",
    3: "Not found.",
    4: "Conflict: not the expected revision, or a live holder would lose work.",
    5: "Invalid data, name or configuration.",
    6: "Damage was found, or repaired with \\-\\-strict.",
    7: "Timed out waiting; try again.",
    8: "The store cannot be reached or written.",
    9: "Partly done, and the output says which parts.",
    10: "There is no store here; milestone init makes one.",
    130: "Interrupted.",
    141: "The reader of the output went away.",
}
ENVIRONMENT = {
    "MILESTONE_STORE": "The store, where \\-\\-store does not name it.",
    "MILESTONE_ID": "The milestone that is meant where none is named.",
    "MILESTONE_SESSION": "The session that acts.",
    "MILESTONE_AGENT": "The agent that acts.",
    "MILESTONE_LOCK_TIMEOUT": "Seconds to wait for a lock.",
    "MILESTONE_TRUST_STORE": "Set to use a store that belongs to another user.",
    "NO_COLOR, FORCE_COLOR": "No colour at a terminal; colour in a pipe.",
}


def page(root: Declared, groups: dict[str, str], commands: list[Declared]) -> str:
    """The whole page."""
    return "\n".join(_lines(root, groups, [one for one in commands if not one.is_hidden])) + "\n"


def _lines(root: Declared, groups: dict[str, str], commands: list[Declared]) -> Iterator[str]:
    assert set(EXIT.values()) <= set(MEANINGS)
    yield HEAD.rstrip("\n").replace("@", __version__)
    yield ".SH OPTIONS"
    yield "They stand before the group."
    for option in root.options:
        yield from _option(option)
    yield ".SH COMMANDS"
    for one in commands:
        if " " not in one.path:
            yield from _command(one)
    for group, help_ in groups.items():
        yield f".SS milestone {_plain(group)}"
        yield _text(help_)
        for one in commands:
            if one.path.startswith(f"{group} "):
                yield from _command(one)
    yield ".SH EXIT STATUS"
    for code, meaning in MEANINGS.items():
        yield from (".TP", f".B {code}", meaning)
    yield ".SH ENVIRONMENT"
    for name, meaning in ENVIRONMENT.items():
        yield from (".TP", f".B {name}", meaning)
    yield from (".SH FILES", ".TP", ".I .milestones/", "The store: states, backups, checkpoints, sessions and logs.")
    yield from (".TP", ".I .milestones/config.yaml", "Settings; see milestone config show.")
    yield ".SH EXAMPLES"
    for i, one in enumerate(commands):
        yield from ([".PP"] if i else [])
        yield from (_text(one.paragraphs[0]), ".PP", ".RS 4", ".nf", _line(one.example), ".fi", ".RE")


def _command(command: Declared) -> Iterator[str]:
    """One command: usage, help, options; its example stands at the end of the page."""
    yield from (".TP", f"{_bold('milestone ' + command.path)} {' '.join(map(_shown, command.arguments))}".rstrip())
    yield _text(command.paragraphs[0])
    for paragraph in command.paragraphs[1:]:
        yield from (".IP", _text(paragraph))
    if command.options:
        yield ".RS"
        for option in command.options:
            yield from _option(option)
        yield ".RE"


def _shown(argument: Argument) -> str:
    return f"\\fI{_plain(argument.shown)}\\fR"


def _option(option: Option) -> Iterator[str]:
    takes = f" \\fI{_plain(option.takes)}\\fR" if option.takes else ""
    yield from (".TP", ", ".join(_bold(one) for one in option.spellings) + takes, _text(option.help))


def _bold(text: str) -> str:
    return f"\\fB{_plain(text)}\\fR"


def _plain(text: str) -> str:
    """Text that roff shows as it is; a quote and a minus are those that a shell takes."""
    return text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("…", "...")


def _text(text: str) -> str:
    """A paragraph, in lines of a length that every tool likes, as roff spells them."""
    return "\n".join(map(_safe, textwrap.wrap(_plain(text), 72, break_long_words=False, break_on_hyphens=False)))


def _line(text: str) -> str:
    """A line of text."""
    return _safe(_plain(text))


def _safe(line: str) -> str:
    """A line that is no request, as a leading dot would make it."""
    return "\\&" * line.startswith(".") + line
