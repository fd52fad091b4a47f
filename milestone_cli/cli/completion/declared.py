"""What the Typer app declares, as plain records: the one source of completions, the manual and tables of commands."""

from collections.abc import Iterator

from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption
from typer.main import get_command

from .. import app

DYNAMIC = {"MILESTONE": "milestones", "SESSION": "sessions", "CHECKPOINT": "checkpoints", "TRANSACTION": "transactions",
           "AGENT": "agents", "SYNC": "syncs", "TASK": "tasks"}  # fmt: skip
"""What a word of a metavar names, where the store knows the names."""
DYNAMIC_OPTIONS = {
    "--agent": "agents",
    "--depends-on": "agents",
    "--trigger": "agents",
    "--session": "sessions",
    "--milestone": "milestones",
    "--checkpoint": "checkpoints",
}


class Option:
    """An option: how it is spelt, what it takes (empty for a flag), what completes that, and its help."""

    def __init__(self, declared: TyperOption) -> None:
        self.spellings = [*declared.opts, *declared.secondary_opts]
        self.is_flag = bool(declared.is_flag)
        self.choices = choices(declared)
        self.takes = "" if self.is_flag else "|".join(self.choices) or declared.metavar or "VALUE"
        of_options = next((DYNAMIC_OPTIONS[one] for one in self.spellings if one in DYNAMIC_OPTIONS), "")
        self.names = DYNAMIC.get(self.takes, of_options)
        self.takes_file = "FILE" in self.takes or self.takes == "DIR"
        self.help = declared.help or ""

    def awaiting(self) -> list[str]:
        """The spellings after which a value follows."""
        return [] if self.is_flag else self.spellings


class Place:
    """Where a word stands: choices, kinds of names (`milestones`), and whether a file may be meant (`@FILE`)."""

    def __init__(self, choices: list[str], names: list[str], takes_file: bool) -> None:
        self.choices = choices
        self.names = names
        self.takes_file = takes_file


class Argument:
    """An argument: how it is shown, the places of its words, whether it takes any number of them, and its help."""

    def __init__(self, declared: TyperArgument) -> None:
        self.shown = declared.metavar or (declared.name or "").upper()
        self.is_open = declared.nargs == -1
        self.help = declared.help or ""
        self.places = list(self._places(choices(declared)))

    def _places(self, choices: list[str]) -> Iterator[Place]:
        """A place for each word of the metavar."""
        for word in self.shown.split():
            bare = word.strip("[].")
            yield Place(choices, [DYNAMIC[bare]] if bare in DYNAMIC else [], "@FILE" in word)


class Declared:
    """A command, or the program itself: its words, help, example, options and arguments."""

    def __init__(self, path: str, declared: "TyperCommand | TyperGroup") -> None:
        self.path = path
        self.is_hidden = declared.hidden
        text, _, example = (declared.help or "").partition("Example:")
        self.paragraphs = [" ".join(part.split()) for part in text.strip().split("\n\n")]
        self.example = example.strip()
        self.options = [Option(one) for one in declared.params if isinstance(one, TyperOption)]
        self.arguments = [Argument(one) for one in declared.params if isinstance(one, TyperArgument)]

    def places(self) -> list[Place]:
        """The places of all words; where the milestone may be left out, what comes behind it may stand there."""
        found = [place for argument in self.arguments for place in argument.places]
        if len(found) > 1 and self.arguments[0].shown.startswith("[MILESTONE]"):
            found[0] = _either(found[0], found[1])
        return found

    def usage(self) -> str:
        """The command with its arguments, as people write it."""
        return " ".join(["milestone", *([self.path] if self.path else []), *[one.shown for one in self.arguments]])


def _either(one: Place, other: Place) -> Place:
    names = [*one.names, *[name for name in other.names if name not in one.names]]
    return Place(one.choices or other.choices, names, one.takes_file or other.takes_file)


def choices(declared: "TyperOption | TyperArgument") -> list[str]:
    """The words that a parameter takes, where they are listed; the kinds of output for `schema`."""
    if declared.name == "kind":
        from milestone_cli.render.schemas import KINDS

        return sorted(KINDS)
    found: tuple[object, ...] = getattr(declared.type, "choices", ())
    return [str(one) for one in found]


def program() -> "tuple[Declared, dict[str, str], list[Declared]]":
    """The program's own options, each group with its help, and all commands in the order of the table."""
    root = get_command(app.build())
    assert isinstance(root, TyperGroup)
    own = [(name, found.help or "") for name, found in root.commands.items() if isinstance(found, TyperGroup)]
    groups = {name: help_.partition("\n")[0] for name, help_ in own}
    return Declared("", root), groups, list(_commands(root))


def _commands(group: TyperGroup, path: str = "") -> Iterator[Declared]:
    for name, command in group.commands.items():
        if isinstance(command, TyperCommand | app.Entry):
            yield Declared(path + name, command)
        if isinstance(command, TyperGroup):
            yield from _commands(command, f"{name} ")


def awaiting(commands: list[Declared]) -> tuple[list[str], list[tuple[str, str]]]:
    """The spellings after which a value follows; apart, with their commands, those that are a flag of another one."""
    of_all = [option for one in commands for option in one.options]
    flags = {spelling for option in of_all if option.is_flag for spelling in option.spellings}
    valued = [(one.path, spelling) for one in commands for option in one.options for spelling in option.awaiting()]
    always = sorted({spelling for _, spelling in valued if spelling not in flags})
    return always, [(path, spelling) for path, spelling in valued if spelling in flags]


def first_words(groups: dict[str, str], commands: list[Declared]) -> list[str]:
    """What may stand first: the commands without a group, and the groups."""
    return list(dict.fromkeys([*[one.path for one in commands if " " not in one.path], *groups]))


def is_open(command: Declared, place: int) -> bool:
    """Whether a place stands for all words from there on."""
    last = command.arguments[-1]
    return last.is_open and last.shown.endswith("...") and place == len(command.places()) - 1


def quoted(text: str) -> str:
    """A text as one word of a shell."""
    return "'" + text.replace("'", "'\\''") + "'"
