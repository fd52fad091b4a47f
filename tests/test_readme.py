"""The README's examples: bash runs every block with the installed command, and what is shown is what is printed.

`sh`, `console` and `python` run here, `bash` and `yaml` in test_readme_client.py, `shell` where there is what it needs:
a server in tests/postgres/test_readme_server.py, a wheel in test_distributions.py.
"""

import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import ROOT, Cli
from prepared import COMMANDS, run

TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
RUN_BY_CI = ("Run it", "Test it")
PROMPT = "$ "
STANDS_FOR = {
    "M": "demo", "NAME": "kept", "TYPE": "note", "DATA": "'{}'", "SINCE": "'1h ago'", "LIMIT": "5", "S": "",
    "JSON": "'{}'", "CMD": "true",
}  # fmt: skip
"""What the words in capitals of the table mean in a try; a session left out is the current one."""


def blocks() -> list[tuple[str, str]]:
    """Language and text of each fenced block, but for those that CI runs as they stand."""
    found = []
    for section in re.split(r"(?m)^## ", TEXT):
        if not section.startswith(RUN_BY_CI):
            found += re.findall(r"(?ms)^```(\w*)\n(.*?)^```$", section)
    return found


def table() -> list[tuple[str, list[str]]]:
    """The functions of bash, and the commands that take their place."""
    rows = re.findall(r"(?m)^\| `(\w+_\w+[^|]*) \| (.*`milestone .*) \|$", TEXT)
    return [(bash.partition("`")[0], re.findall(r"`(milestone [^`]+)`", ours)) for bash, ours in rows]


def test_there_is_something_to_test() -> None:
    assert {language for language, _ in blocks()} == {"sh", "console", "bash", "yaml", "python", "shell"}
    assert len(table()) >= 14


def scripts() -> list[str]:
    return [text for language, text in blocks() if language == "sh"]


def test_scripts_run_one_after_another_and_print_what_they_say(tmp_path: Path, home: Path) -> None:
    if shutil.which("jq") is None:
        pytest.skip("jq is not installed")
    for script in scripts():
        done = run(f"set -eo pipefail\n{script}", tmp_path, home)
        assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
        for line in script.splitlines():
            command, _, said = line.partition("# prints ")
            if said:
                assert run(command, tmp_path, home).stdout == said + "\n", line


def test_programs_run_and_print_what_was_kept(tmp_path: Path, home: Path) -> None:
    (program,) = [text for language, text in blocks() if language == "python"]
    (tmp_path / "program.py").write_text(program)
    for _ in range(2):
        done = run(f"{sys.executable} -W error program.py", tmp_path, home)
        assert done.stderr == ""
        assert done.stdout == "{'files': ['a.go']} Go\n{'step': 1, 'tests': {'passed': 12}} ['tests_passed']\n"


@pytest.mark.parametrize("block", [text for language, text in blocks() if language == "console"])
def test_what_a_console_shows_is_what_is_printed(block: str, tmp_path: Path, home: Path) -> None:
    for part in re.split(rf"(?m)^{re.escape(PROMPT)}", block)[1:]:
        command, _, shown = part.partition("\n")
        done = run(command + " 2>&1", tmp_path, home)
        wanted = ".*".join(map(re.escape, shown.split("…")))
        assert re.fullmatch(wanted, done.stdout), f"{command}\n{done.stdout}"


@pytest.mark.parametrize(("function", "commands"), table(), ids=[function.split()[0] for function, _ in table()])
def test_what_takes_the_place_of_a_bash_function_works(
    function: str, commands: list[str], tmp_path: Path, home: Path, cli: Cli
) -> None:
    cli("init", "demo", check=True)
    cli("state", "save", "demo", "1", check=True)
    cli("session", "create", "demo", check=True)
    if function.startswith("restore"):
        cli("checkpoint", "create", "demo", "--name", "kept", check=True)
    line = "; ".join(re.sub(r"\b[A-Z]+\b", lambda word: STANDS_FOR[word[0]], command) for command in commands)
    done = run(f"set -e; {line}", tmp_path, home)
    assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"


def test_every_command_that_the_text_names_is_one(cli: Cli) -> None:
    prose = re.sub(r"(?ms)^```.*?^```$", "", TEXT)
    named = re.findall(r"`milestone ((?:-\S+ )*[a-z]+(?: [a-z-]+)?)", prose)
    groups = {path.split()[0] for path in COMMANDS}
    assert len(named) > 20
    for words in named:
        group, _, command = words.partition(" ")
        assert f"{group} {command}" in COMMANDS or group in COMMANDS or (group in groups and not command), words


def commands_named(text: str) -> Iterator[tuple[str, list[str]]]:
    """Path and options of every command line that stands in `code`, with or without the program's name before it."""
    for span in re.findall(r"`([^`]+)`", text):
        words = span.split()
        while len(words) > 1 and (words[0] == "milestone" or words[0].startswith("--")):
            del words[0]
        path = next((path for path in (" ".join(words[:2]), words[0] if words else "") if path in COMMANDS), "")
        if path and (len(words) > 1 or span.startswith("milestone ")):
            until = words.index("--") if "--" in words else len(words)
            yield path, [re.split("[=|]", word)[0] for word in words[:until] if re.match(r"--?[a-z]", word)]


def test_every_option_of_a_command_in_the_text_is_one() -> None:
    prose = re.sub(r"(?ms)^```.*?^```$", "", TEXT)
    named = [(path, option) for path, options in commands_named(prose) for option in options]
    assert len(named) > 30
    for path, option in named:
        assert option in [spelling for one in COMMANDS[path].options for spelling in one.spellings], (path, option)


def test_the_contents_name_every_part() -> None:
    def anchor(heading: str) -> str:
        return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")

    parts = re.findall(r"(?m)^## (.+)$", re.sub(r"(?ms)^```.*?^```$", "", TEXT))
    linked = re.findall(r"\]\(#([^)]+)\)", TEXT)
    assert linked == [anchor(one) for one in parts[parts.index("Contents") + 1 :]]


def test_the_map_of_the_code_is_that_of_the_code() -> None:
    section = TEXT.partition("\n## How the code is built\n")[2]
    rooms, _, to_add = section.partition("**To add**")
    order, _, rooms = rooms.partition("**The rooms of `core`**")
    folder = ""
    for name in re.findall(r"`([a-z_/]+(?:\.py|/))`", order + to_add):
        places = [ROOT / "milestone_cli" / name, ROOT / name, ROOT / "milestone_cli" / folder / name]
        found = next((place for place in places if place.exists()), None)
        assert found, f"{name} is not there"
        folder = str(found.parent.relative_to(ROOT / "milestone_cli")) if "milestone_cli" in found.parts else ""
    told = [room for row in re.findall(r"(?m)^\| (`.*?`) \|", rooms) for room in re.findall(r"`(\w+)`", row)]
    assert sorted(told) == sorted(path.parent.name for path in (ROOT / "milestone_cli/core").glob("*/__init__.py"))


def test_the_exit_codes_of_the_text_are_those_of_the_program() -> None:
    from milestone_cli.cli.failure import BROKEN_PIPE
    from milestone_cli.errors import EXIT

    section = TEXT.partition("## Exit codes")[2].partition("\n## ")[0]
    told = {int(code) for codes in re.findall(r"(?m)^\| ([\d, ]+) \|", section) for code in codes.split(", ")}
    assert told == {0, *EXIT.values(), BROKEN_PIPE}
