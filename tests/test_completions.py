"""Completions and manual are what the declarations say, and three real shells complete with them."""

import importlib.metadata
import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from conftest import BIN, ROOT, Cli, clean_environment

from milestone_cli.cli import complete
from milestone_cli.cli.completion.declared import program

FOLDER = ROOT / "completions"
PROMPT = "READY> "
ESCAPES = re.compile(r"\x1b(\[[0-9;?]*[a-zA-Z]|[()=>][0-9B]?|\][^\x07]*\x07)|[\x07\r]")
SESSION = "session-20261121-120000-1"
BASH = f"""\
bind 'set show-all-if-ambiguous on'; bind 'set completion-query-items 0'; bind 'set page-completions off'
bind 'set enable-bracketed-paste off'; source {FOLDER}/milestone.bash; PS1='{PROMPT[:3]}''{PROMPT[3:]}'
"""
ZSH = f"""\
fpath=({FOLDER} $fpath); autoload -Uz compinit; compinit -u -D
LISTMAX=1000; unsetopt prompt_sp prompt_cr list_ambiguous; PS1='{PROMPT[:3]}''{PROMPT[3:]}'
"""
CASES = [
    ("milestone st", ["status", "state"], ["init", "events"]),
    ("milestone sch", ["milestone schema"], []),
    ("milestone state sa", ["milestone state save"], []),
    ("milestone --verbose state l", ["load", "list"], ["save"]),
    ("milestone state load ", ["demo", "other"], ["prompt", "save"]),
    ("milestone state load oth", ["milestone state load other"], []),
    ("milestone --store elsewhere/.milestones status ", ["far", "away"], ["demo"]),
    ("milestone state load --format ", ["json", "yaml", "text"], ["jsonl"]),
    ("milestone state load --format=y", ["yaml"], []),
    ("milestone state load --re", ["--revision"], ["--strict"]),
    ("milestone state save demo @da", ["@data.json"], ["notes"]),
    ("milestone state save @no", ["@notes.txt"], ["demo"]),
    ("milestone events query --ses", ["milestone events query --session"], []),
    ("milestone events query --session ", [SESSION], []),
    ("milestone schema state-s", ["state-save", "state-set"], ["status"]),
    ("milestone checkpoint restore demo ", ["before-a", "before-b"], ["after-c", "demo2"]),
    ("milestone checkpoint restore bef", ["before-a", "before-b"], ["after-c"]),
    ("milestone checkpoint diff other a", ["milestone checkpoint diff other after-c"], []),
    ("milestone session end ", [SESSION], ["demo"]),
    ("milestone state validate demo --schema no", ["notes.txt"], []),
    ("milestone transaction rollback ", ["last"], ["demo"]),
    ("milestone hook ", ["install", "uninstall", "status", "statusline"], ["demo"]),
    ("milestone hook --dea", ["milestone hook --deadline"], []),
    ("milestone hook install --pr", ["milestone hook install --project"], ["--deadline"]),
    ("milestone hook --block ", ["completed", "locked"], ["install"]),
    ("milestone no-such-group ", [], ["demo", "state"]),
]


@pytest.fixture
def place(tmp_path: Path, cli: Cli) -> Path:
    """A folder with two milestones, a session, files, and another store beside."""
    for name in ("demo", "other"):
        cli("init", name, check=True)
    for name, checkpoint in (("demo", "before-a"), ("demo", "before-b"), ("other", "after-c")):
        cli("state", "save", name, "{}", check=True)
        cli("checkpoint", "create", name, "--name", checkpoint, check=True)
    (tmp_path / "elsewhere").mkdir()
    other = tmp_path / "elsewhere" / ".milestones"
    for name in ("far", "away"):
        cli("--store", str(other), "init", name, check=True)
    record = f'{{"session_id":"{SESSION}","milestone_id":"demo","status":"active"}}'
    (tmp_path / ".milestones/state/sessions" / f"{SESSION}.json").write_text(record)
    (tmp_path / "data.json").write_text("{}")
    (tmp_path / "notes.txt").write_text("")
    return tmp_path


class Terminal:
    """A shell at a terminal of its own."""

    def __init__(self, fd: int) -> None:
        self.fd = fd

    def until(self, mark: str, after: int = 0) -> str:
        """Read up to a mark that stands behind so many characters; what was read, without escapes."""
        raw, deadline = b"", time.monotonic() + 30
        while mark not in (text := ESCAPES.sub("", raw.decode("utf-8", "replace")))[after:]:
            assert time.monotonic() < deadline, f"no {mark!r} in {text!r}"
            if select.select([self.fd], [], [], 0.5)[0]:
                raw += os.read(self.fd, 65536)
        return text

    def press_tab(self, line: str) -> str:
        """What the screen shows for a line and the key; the line is thrown away afterwards."""
        os.write(self.fd, line.encode() + b"\t" + b"\x15" + b"echo do''ne\n")
        return self.until("\ndone\n" + PROMPT).partition("echo do''ne")[0]


@contextmanager
def terminal(shell: str, arguments: list[str], setup: str, cwd: Path, home: Path) -> Iterator[Terminal]:
    """Start a shell as people do, with the installed command in its path."""
    found = shutil.which(shell)
    if found is None:
        pytest.skip(f"{shell} is not installed")
    environment = clean_environment(home, TERM="dumb", PATH=f"{BIN}:{os.environ['PATH']}", INPUTRC="/dev/null")
    pid, fd = pty.fork()
    if pid == 0:
        os.chdir(cwd)
        os.execve(found, [shell, *arguments], environment)
    try:
        os.write(fd, setup.encode())
        shown = Terminal(fd)
        shown.until(PROMPT)
        yield shown
    finally:
        os.close(fd)
        os.waitpid(pid, 0)


def check(shown: str, line: str, wanted: list[str], unwanted: list[str]) -> None:
    __tracebackhide__ = True
    words = set(re.split(r"[\s=]+", shown))
    for word in wanted:
        assert word in shown if " " in word else word in words, (line, word, shown)
    for word in unwanted:
        assert word not in words, (line, word, shown)


@pytest.mark.parametrize(
    ("shell", "arguments", "setup"),
    [("bash", ["--norc", "--noprofile", "-i"], BASH), ("zsh", ["-f", "-i"], ZSH)],
    ids=["bash", "zsh"],
)
def test_a_shell_completes(shell: str, arguments: list[str], setup: str, place: Path, home: Path) -> None:
    with terminal(shell, arguments, setup, place, home) as shown:
        for line, wanted, unwanted in CASES:
            check(shown.press_tab(line), line, wanted, unwanted)


def test_fish_completes(place: Path, home: Path) -> None:
    fish = shutil.which("fish")
    if fish is None:
        pytest.skip("fish is not installed")
    environment = clean_environment(home, PATH=f"{BIN}:{os.environ['PATH']}")
    asked = [f"echo '== {i}'; complete -C '{line}'" for i, (line, _, _) in enumerate(CASES)]
    script = f"source {FOLDER}/milestone.fish; " + "; ".join(asked)
    done = subprocess.run(
        [fish, "--no-config", "-c", script],
        capture_output=True,
        text=True,
        env=environment,
        cwd=place,
        check=True,
        timeout=60,
    )
    assert done.stderr == ""
    answers = re.split(r"^== \d+\n", done.stdout, flags=re.MULTILINE)[1:]
    for (line, wanted, unwanted), answer in zip(CASES, answers, strict=True):
        words = "\n".join(offer.partition("\t")[0] for offer in answer.splitlines())
        check(words, line, [word.rpartition(" ")[2] for word in wanted], unwanted)


def test_what_is_there_is_what_the_declarations_say(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "milestone_cli.cli.complete", "--check", str(FOLDER)], capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert complete.main([str(tmp_path)]) == 0
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in FOLDER.iterdir()}
    (tmp_path / "_milestone").write_text("")
    assert complete.main(["--check", str(tmp_path)]) == 1


def test_installing_places_them() -> None:
    """Where shells and man look below the prefix that the package was installed to."""
    files = {str(file) for file in importlib.metadata.files("milestone-cli") or []}
    if any(name.endswith(".pth") for name in files):
        pytest.skip("impossible here: installed in editable form")
    for place in (
        "share/bash-completion/completions/milestone",
        "share/zsh/site-functions/_milestone",
        "share/fish/vendor_completions.d/milestone.fish",
        "share/man/man1/milestone.1",
    ):
        assert any(name.endswith(place) for name in files), place


def test_no_name_from_outside_is_offered_unless_it_is_sound(place: Path, cli: Cli) -> None:
    active = place / ".milestones/state/active"
    for name in ("$(touch pwned)", "a b", "\x1b[31m", "x;y"):
        (active / f"{name}.json").write_text("{}")
    assert cli("names", "milestones", check=True).stdout == "demo\nother\n"
    assert cli("names", "checkpoints", "demo", check=True).stdout == "before-a\nbefore-b\n"


def test_names_are_silent_where_there_is_no_store(cli: Cli) -> None:
    done = cli("names", "milestones", check=True)
    assert done.stdout == done.stderr == ""


def test_the_manual_renders_without_a_warning() -> None:
    linters = [["mandoc", "-Tlint", "-Wstyle"], ["man", "-l", "--warnings=w"]]
    found = [linter for linter in linters if shutil.which(linter[0])]
    if not found:
        pytest.skip("neither mandoc nor man is installed")
    for linter in found:
        done = subprocess.run(
            [*linter, str(FOLDER / "milestone.1")], capture_output=True, text=True, check=False, timeout=60
        )
        told = done.stdout if linter[0] == "mandoc" else done.stderr
        assert (done.returncode, told) == (0, ""), linter


def test_the_manual_names_every_command_and_option() -> None:
    text = (FOLDER / "milestone.1").read_text(encoding="utf-8").replace("\\-", "-")
    root, _, commands = program()
    for command in [root, *commands]:
        if not command.is_hidden:
            assert f"milestone {command.path}".strip() in text
            for option in command.options:
                assert all(f"\\fB{one}\\fR" in text for one in option.spellings)
