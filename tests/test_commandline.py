"""The strict reader agrees with Typer on every line it takes, and the table it reads by is the app's."""

import contextlib
import enum
import functools
import inspect
import io
import itertools
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
import typer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer._click.exceptions import ClickException  # by this name in every Typer that is allowed

from milestone_cli.cli import app, compile, compiled, read  # noqa: A004 - the generator's name
from milestone_cli.cli.compiled import GLOBALS

COMMANDS = compile.entries(compiled.COMMANDS)


class Both:
    """A Typer app whose functions only record, beside the table compiled from it."""

    def __init__(self, build: Callable[..., typer.Typer], main_options: Callable[..., None]) -> None:
        self.seen: tuple[Any, ...] = ()
        self.flags: dict[str, Any] = {}
        self.functions: dict[tuple[str, str], Callable[..., None]] = {}

        @functools.wraps(main_options)
        def before(**values: Any) -> None:
            self.flags = values

        self.group = typer.main.get_command(build(self.record, before))
        self.before_defaults = {
            name: parameter.default for name, parameter in inspect.signature(main_options).parameters.items()
        }

    def record(self, function: Callable[..., None]) -> Callable[..., None]:
        key = function.__module__, function.__name__
        self.functions[key] = function

        @functools.wraps(function)
        def recorder(**values: Any) -> None:
            self.seen = (*key, values)

        return recorder

    def typer(self, words: list[str]) -> tuple[Any, ...] | None:
        """What Typer calls, and the options before it; None when it refuses or only shows something."""
        self.seen, self.flags = (), {}
        try:
            with (
                contextlib.redirect_stdout(io.StringIO()),
                self.group.make_context("milestone", list(words)) as context,
            ):
                self.group.invoke(context)
        except (typer.Exit, ClickException):
            return None
        flags = {name: value for name, value in self.flags.items() if name != "version"}
        return (*self.seen, flags) if self.seen else None

    def strict(self, words: list[str], table: dict[str, str], before: str) -> tuple[Any, ...] | None:
        """The same from the strict reader, with the defaults that it leaves to the function."""
        found = read(words, compile.text(table), before)
        if found is None:
            return None
        module, name, values, flags = found
        bound = inspect.signature(self.functions[module, name]).bind(**values)
        bound.apply_defaults()
        known = {name: value for name, value in self.before_defaults.items() if name != "version"}
        return module, name, dict(bound.arguments), known | flags


BOTH = Both(app.build, app.main_options)


def agree(both: Both, words: list[str], table: dict[str, str] = COMMANDS, before: str = GLOBALS) -> bool:
    """Whether the strict reader took the line; if so, Typer must give the same values of the same types."""
    strict = both.strict(words, table, before)
    if strict is None:
        return False
    wanted = both.typer(words)
    assert wanted == strict, words
    assert [(key, repr(value)) for key, value in sorted(wanted[2].items())] == [
        (key, repr(value)) for key, value in sorted(strict[2].items())
    ], words
    return True


def lines(text: str) -> list[list[str]]:
    """Command lines that stand between bars, or on lines of their own."""
    return [line.split() for line in text.replace("\n", " | ").split(" | ") if line.strip()]


PLAIN = """
init | init demo | init demo --format json | init --format=jsonl demo
status | status demo | --verbose status | --no-color --store /tmp/s status demo --format yaml
--store=postgresql://h/db init | --store -x init | --store= init
schema | schema state-save
state save | state save demo | state save demo {} | state save demo {"a":1} --if-revision 3 --format json
state save --if-revision=0 demo @file | state save demo - | state save -
state save demo --lock-timeout 2.5 -
state save demo --idempotency-key -k {} | state save demo -- -dash | state save -- --format json
state save demo {} --if-revision 3 --if-revision 4 | state save demo --lock-timeout .5 --lock-timeout=30
state load | state load demo
state load demo --revision 12 --format json --indent 2 --strict --record-access
state load --indent=16 | state load --indent 0 demo --format text
state get step | state get demo a.b.0 | state get demo /a/b --format=yaml | state get demo -- -x --
state set a=1 | state set demo a=1 b=[1,2] c=x=y --if-revision 007 --format json | state set demo -- --a=1
state list | state list --format json
events log demo tests_passed {"count":42} | events log --batch | events log demo --batch --session s
events log t --agent a --session=s --idempotency-key k --lock-timeout 0
events query
events query demo --type state_* --agent a --session s --since 2h --until now --limit 5 --reverse
events query --limit 0 --limit=999999999999999999 --format jsonl | events query --reverse --reverse
events timeline demo --format json | events timeline | events verify --all
events verify demo --format json
config show | config show --format json
"""
DOUBTFUL = """
help | --help | --version | state | state --help | state save --help | -h | stat | state sav
state get | state set --format json | state save --if-revision | state save --if-revision -1
state save --nope
state save --if-revision 1_0 | state save --if-revision THREE | state save --if-revision +1
state save --if-rev 1
state save --lock-timeout inf | state save --lock-timeout 1e3 | state save --lock-timeout nan
state load --strict=1 | state load --indent 17 | state load --revision 0 | state load --no-strict
state load --format xml | state load --format | state load --format=JSON | state load --format= | -- init
- init
state -- save | state --verbose save | init --verbose | --store | --store x | --no-color=x init
--stor x init
state save -x | state save --idempotency-key | events query --limit=
events query --limit 9999999999999999999
""".replace("THREE", "\u0663")


def test_the_generated_module_is_what_the_app_says() -> None:
    assert compile.TARGET.read_text(encoding="utf-8") == compile.source(), "run: python -m milestone_cli.cli.compile"


def test_the_generator_checks_and_writes(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "milestone_cli.cli.compile", "--check"], capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")


def test_every_command_is_in_the_table() -> None:
    wanted = {app.command_name(function) for function in app.COMMANDS} | {
        f"{group} {app.command_name(function, group)}".replace(f"{group} {group}", group)
        for group, (_, functions) in app.GROUPS.items()
        for function in functions
    }
    assert set(COMMANDS) == wanted


@pytest.mark.parametrize("words", lines(PLAIN), ids=" ".join)
def test_the_reader_takes_plain_lines_as_typer_does(words: list[str]) -> None:
    assert agree(BOTH, words)


@pytest.mark.parametrize("words", [[], *lines(DOUBTFUL)], ids=" ".join)
def test_the_reader_leaves_doubtful_lines_to_typer(words: list[str]) -> None:
    assert read(words) is None


def test_lines_of_the_table_are_no_command() -> None:
    first, second = itertools.islice((line for line in compiled.COMMANDS.split("\n") if line[:6] == "state "), 2)
    both = f"{first}\n{second.partition(chr(9))[0]}"
    for words in ([both], ["state", both[6:]], ["state", first[6:]], ["", "status"], ["\nstatus"]):
        assert read(words) is None, words


@pytest.mark.parametrize(
    "words",
    [["state save"], ["state save", "demo"], ["state", ""], [""], ["state\tsave"], ["state", "save "]],
)
def test_a_space_inside_a_word_is_no_separator(words: list[str]) -> None:
    assert read(words) is None
    assert BOTH.typer(words) is None


def test_empty_words_are_words() -> None:
    for words in (
        ["init", ""],
        ["state", "set", "", ""],
        ["events", "query", "--type", ""],
        ["--store", "", "init"],
    ):
        assert agree(BOTH, words)


# An app with everything the table can say, and things it cannot, none of which today's commands need.

Many = Annotated[list[str] | None, typer.Option("--many", "-m")]


def everything(
    count: int,
    ratio: Annotated[float, typer.Argument()] = 0.5,
    mode: Annotated[Literal["one", "two"], typer.Argument()] = "one",
    rest: Annotated[list[int] | None, typer.Argument(max=9)] = None,
    many: Many = None,
    numbers: Annotated[list[int], typer.Option("--number", min=-3)] = [],  # noqa: B006 - as Typer wants it
    switch: Annotated[bool, typer.Option("--switch/--no-switch", "-s/-S")] = True,
    plain: bool = False,
    low: Annotated[float, typer.Option("--low", min=-1.5, max=2)] = 1.0,
    old: Annotated[str, typer.Option("-old")] = "x",
    choice: Annotated[Literal["a", "b-c"] | None, typer.Option("--choice")] = None,
) -> None: ...


def needs(name: Annotated[str, typer.Option("--name")], level: Annotated[int, typer.Option("-l", "--level")] = 1) -> None: ...  # fmt: skip  # noqa: E501


def prompts(name: Annotated[str, typer.Option(prompt=True)] = "x") -> None: ...


def from_environment(name: Annotated[str | None, typer.Argument(envvar="HOME")] = None) -> None: ...


def any_case(name: Annotated[Literal["a"], typer.Option(case_sensitive=False)] = "a") -> None: ...


def clamped(count: Annotated[int, typer.Option(max=3, clamp=True)] = 1) -> None: ...


def counted(verbose: Annotated[int, typer.Option("-v", count=True)] = 0) -> None: ...


def filled(names: Annotated[list[str], typer.Argument()] = ["x"]) -> None: ...  # noqa: B006


def middle(names: list[str], last: str) -> None: ...


def a_path(path: Annotated[Path | None, typer.Option()] = None) -> None: ...


ALL = everything, needs, filled


class Colour(enum.Enum):
    red = "red"


def member(colour: Annotated[Colour | None, typer.Option()] = None) -> None: ...


def members(colours: Annotated[list[Colour] | None, typer.Option()] = None) -> None: ...


LEFT_OUT = member, members, prompts, from_environment, any_case, clamped, counted, middle, a_path


def build(wrap: Callable[..., Any], before: Callable[..., Any]) -> typer.Typer:
    made = typer.Typer(add_completion=False)
    made.callback()(before)
    group = typer.Typer()
    for function in (*ALL, *LEFT_OUT):
        made.command(function.__name__)(wrap(function))
        group.command(function.__name__)(wrap(function))
    made.add_typer(group, name="group")
    return made


RICH = Both(build, app.main_options)
RICH_BEFORE, RICH_TABLE = compile.tables(RICH.group)  # type: ignore[arg-type]


def test_what_the_table_cannot_say_is_left_out() -> None:
    assert set(RICH_TABLE) == {f"{before}{one.__name__}" for before in ("", "group ") for one in ALL}


@pytest.mark.parametrize(
    "words",
    lines(
        """
everything 3 | everything 3 .25 two 1 2 9 | everything -- -3 | everything 3 --many a -m -b --many=c
everything 3 --number 1 --number -3 | everything 3 --no-switch -s -S | everything 3 --plain --no-plain
everything 3 --low -1.5 | everything 3 --low 2 | everything 3 -old y
everything 3 -s --choice a --choice b-c | needs --name x | needs --name= -l 5
group needs --name x --level 3 | everything 3 --many -- -- 1.5 one 4 | filled | filled a b
"""
    ),
    ids=" ".join,
)
def test_the_reader_takes_all_that_the_table_can_say(words: list[str]) -> None:
    assert agree(RICH, words, RICH_TABLE, RICH_BEFORE)


@pytest.mark.parametrize(
    "words",
    lines(
        """
everything | needs | everything 3 --number -4 | everything 3 .5 one 10 | everything 3 -sS
needs -l=5 --name x | everything 3 -old=y | everything 3 -mx | everything 3 --switch=1
everything 3 --low 2.01 | everything x | everything 3 --choice c | everything 3 .5 three
needs --name x -l5
"""
    ),
    ids=" ".join,
)
def test_the_reader_leaves_what_is_odd(words: list[str]) -> None:
    assert read(words, compile.text(RICH_TABLE), RICH_BEFORE) is None


VALUES = [
    "", "-", "--", "0", "1", "-1", "3", "16", "17", "007", "-0", "1.5", ".5", "5.", ".", "1e3", "nan",
    "+1", " 1", "1 ", "1_0", "\u0663", "\u00b2", "9" * 18, "9" * 19, "text", "json", "jsonl", "yaml",
    "JSON", "js", "demo", "a.b", "a=1", "--a=1", "-x", "{}", "[1]", "@f", "one", "two", "a", "b-c",
    "\udc80", "\n", "x y", "=", "--=", "-=", "é",
]  # fmt: skip


def words_of(table: dict[str, str], before: str) -> st.SearchStrategy[list[str]]:
    """Command lines that are nearly right: a command's own options and plausible values, and some noise."""
    values = st.one_of(st.sampled_from(VALUES), st.text(max_size=4), st.integers().map(str), st.floats().map(str))

    def option(spelling: str) -> st.SearchStrategy[list[str]]:
        return st.one_of(
            values.map(lambda value: [spelling, value]),
            values.map(lambda value: [f"{spelling}={value}"]),
            st.just([spelling]),
            st.integers(1, len(spelling)).map(lambda end: [spelling[:end], "1"]),
        )

    def tail(path: str) -> st.SearchStrategy[list[str]]:
        spelled = {word.partition(":")[0] for word in (table[path] + " " + before).split()[1:]} - {""}
        options = st.sampled_from([*sorted(spelled), "--help", "--nope", "-x"]).flatmap(option)
        pieces = st.one_of(options, options, values.map(lambda value: [value]))
        return st.lists(pieces, max_size=6).map(lambda found: [*path.split(), *itertools.chain(*found)])

    names = [word.partition(":")[0] for word in before.split()]
    first = st.lists(st.sampled_from([*names, "--version", "--"]).flatmap(option), max_size=2)
    front: st.SearchStrategy[list[str]] = st.one_of(
        st.just([]), st.just([]), first.map(lambda found: [*itertools.chain(*found)])
    )
    path = st.sampled_from(sorted(table))
    return st.tuples(front, path.flatmap(tail)).map(lambda both: both[0] + both[1])


STEADY = settings(derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))


@settings(STEADY, max_examples=400)
@given(words_of(COMMANDS, GLOBALS))
def test_random_lines_mean_the_same_to_both(words: list[str]) -> None:
    agree(BOTH, words)


@settings(STEADY, max_examples=400)
@given(words_of(RICH_TABLE, RICH_BEFORE))
def test_random_lines_of_every_kind_mean_the_same_to_both(words: list[str]) -> None:
    agree(RICH, words, RICH_TABLE, RICH_BEFORE)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@settings(max_examples=10_000, deadline=None, suppress_health_check=list(HealthCheck))
@given(words_of(COMMANDS, GLOBALS), words_of(RICH_TABLE, RICH_BEFORE))
def test_very_many_random_lines_mean_the_same_to_both(words: list[str], rich: list[str]) -> None:
    agree(BOTH, words)
    agree(RICH, rich, RICH_TABLE, RICH_BEFORE)


def test_random_lines_are_often_taken() -> None:
    """Agreement would prove nothing if nearly every line were left to Typer."""
    taken = []

    @settings(STEADY, max_examples=300)
    @given(words_of(COMMANDS, GLOBALS))
    def look(words: list[str]) -> None:
        taken.append(read(words) is not None)

    look()
    assert sum(taken) > len(taken) / 10
