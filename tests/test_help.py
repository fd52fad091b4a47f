"""Help: an example on every command, and every example runs; one voice; nothing wider than 80 columns.

Errors belong to it: each says what to do next, and the commands that it names are there.
"""

import functools
import re
from pathlib import Path

import pytest
import typer.core
from conftest import ROOT, Cli
from prepared import COMMANDS, prepare, run
from typer.main import get_command

from milestone_cli.cli import app
from milestone_cli.cli.completion.declared import program

PROGRAM, NAMED_GROUPS, _ = program()
GROUPS = sorted(NAMED_GROUPS)
SOURCES = [path for path in Path(app.__file__).parents[1].rglob("*.py") if path.name != "compiled.py"]
REASONS = ("core/migration/", "core/snapshots/collecting", "core/hook/late", "cli/failure", "storage/lookup")
"""Where an error is made that nobody sees as one: why a file of others is left alone, why a call of a hook waits."""
SILENT = re.compile(r"""MilestoneError\(\s*"\w+",(?:\s*f?"(?:[^"\\]|\\.)*"|\s*\b\w+\b)+,?\s*(?:""|\))""")
"""An error without a hint."""
SENTENCE = re.compile(r"[A-Z][^!]*\.")
NAMED = re.compile(r"(--|json|merge).*\.")  # what explains an option or a choice may begin with it


@pytest.mark.parametrize("path", COMMANDS)
def test_the_example_of_a_command_runs(path: str, tmp_path: Path, home: Path, cli: Cli) -> None:
    example = COMMANDS[path].example
    assert re.search(rf"^(milestone .*; )?milestone {path}\b", example), "an example shows its own command"
    prepare(cli, tmp_path, path)
    done = run(example, tmp_path, home)
    assert done.returncode == 0, f"{example}\n{done.stdout}\n{done.stderr}"
    assert done.stdout


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_and_parameter_is_explained_in_one_voice(path: str) -> None:
    command = COMMANDS[path]
    first = command.paragraphs[0]
    assert len(first) <= 112
    assert not re.match(r"\w+[^s]s\b", first), "an order, not a report: Show, not Shows"
    for text in [*command.paragraphs, *[option.help for option in command.options]]:
        assert SENTENCE.fullmatch(text) or NAMED.fullmatch(text), text
    for argument in command.arguments:
        assert SENTENCE.fullmatch(argument.help), (argument.shown, argument.help)


@pytest.fixture
def _built_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The app for many looks at its help: building it costs more than a page."""
    found = built()
    monkeypatch.setattr(typer.main, "get_command", lambda _: found)
    monkeypatch.setattr(app, "build", lambda: None)


@functools.cache
def built() -> typer.core.TyperGroup:
    found = get_command(app.build())
    assert isinstance(found, typer.core.TyperGroup)
    return found


@pytest.mark.usefixtures("_built_once")
@pytest.mark.parametrize("path", ["", *GROUPS, *COMMANDS])
def test_help_fits_80_columns(path: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "dumb")
    assert app.run([*path.split(), "--help"]) == 0
    shown = capsys.readouterr().out
    assert shown.strip()
    assert max(map(len, shown.splitlines())) <= 80
    command = COMMANDS.get(path)
    for word in [spelling for option in command.options for spelling in option.spellings] if command else []:
        assert word in shown


def test_every_command_that_a_message_names_is_one() -> None:
    sources = {path: path.read_text(encoding="utf-8") for path in (ROOT / "milestone_cli").rglob("*.py")}
    named = [
        (path.name, words) for path, text in sources.items() for words in re.findall(r"`milestone ([^`\n]+)`", text)
    ]
    assert len(named) > 100
    before = [spelling for option in PROGRAM.options for spelling in option.spellings]
    for name, line in named:
        words = line.split()
        while words and words[0] in before:
            del words[: 1 if words[0] in ("--verbose", "--no-color", "--version") else 2]
        if not words or words[0][0] in "{…" or line in GROUPS:
            continue
        path = next((path for path in (" ".join(words[:2]), words[0]) if path in COMMANDS), "")
        assert path, (name, line)
        spellings = [spelling for option in COMMANDS[path].options for spelling in option.spellings]
        for word in words:
            assert not re.match(r"--[a-z]", word) or word in (*spellings, "--help"), (name, line)


@pytest.mark.usefixtures("_built_once")
@pytest.mark.parametrize("path", ["", "lock break", "events repair", "hook"])
def test_only_the_terminal_breaks_lines(
    path: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "999")
    assert app.run([*path.split(), "--help"]) == 0
    shown = [line.strip() for line in capsys.readouterr().out.splitlines()]
    paragraphs = COMMANDS[path].paragraphs if path else PROGRAM.paragraphs
    assert len(paragraphs) > 1
    for text in paragraphs:
        assert text in shown


def test_alone_it_says_how_to_begin(cli: Cli) -> None:
    shown = cli(check=True).stdout
    assert max(map(len, shown.splitlines())) <= 80
    assert shown.count("\n") <= 24, "one screen"
    for name in [*GROUPS, *[path for path in COMMANDS if " " not in path]]:
        assert (f"\n  {name} " in shown) == (name not in (*app.HIDDEN, *app.RARE))
    rare = shown.partition("\nAlso ")[2].partition(".\n")[0].split(", ")
    assert sorted(rare) == sorted(app.RARE)


def test_what_alone_shows_works(tmp_path: Path, home: Path, cli: Cli) -> None:
    shown = cli(check=True).stdout
    lines = [line.strip().partition("  ")[0] for line in shown.splitlines() if line.startswith("  milestone ")]
    assert len(lines) >= 5
    for line in lines:
        done = run(line, tmp_path, home)
        assert done.returncode == 0, (line, done.stderr)


def test_every_error_says_what_to_do_next() -> None:
    assert SILENT.search('MilestoneError("usage", f"no {one}", "")')
    assert SILENT.search('MilestoneError(\n  "usage",\n  "a"\n  "b",\n)')
    silent = [
        found[0]
        for path in SOURCES
        if not any(one in str(path) for one in REASONS)
        for found in SILENT.finditer(path.read_text(encoding="utf-8"))
    ]
    assert not silent
