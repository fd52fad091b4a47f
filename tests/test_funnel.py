"""One funnel: every failure becomes one message, one JSON object when asked for, and its exit code."""

import inspect
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import MILESTONE, Cli, clean_environment

from milestone_cli.cli import app, compiled
from milestone_cli.cli.compile import entries
from milestone_cli.render.text import clean


def test_every_command_has_help_with_an_example() -> None:
    assert app.build()
    for path, entry in entries(compiled.COMMANDS).items():
        module, name, _ = entry.split(" ")[0].split(":")
        text = inspect.getdoc(getattr(sys.modules[module], name)) or ""
        assert re.search(rf"Example: .*\bmilestone {path}\b", text), path


def test_help_and_version(cli: Cli) -> None:
    assert cli("--version", check=True).stdout == "milestone 0.1.0\n"
    shown = cli("--help", check=True).stdout
    for word in ("state", "events", "init", "--store", "--no-color"):
        assert word in shown
    assert "--if-revision" in cli("state", "save", "--help", check=True).stdout
    assert "completion" not in shown


def test_a_group_without_a_command_is_answered_with_help_on_stderr(cli: Cli) -> None:
    done = cli("state")
    assert (done.returncode, done.stdout) == (2, "")
    assert "Missing command" in done.stderr
    assert "save" in done.stderr


FUNNEL = """
import sys, errno, os
from milestone_cli.errors import MilestoneError
from milestone_cli.cli import store
def status(**values):
{body}
store.status = status
from milestone_cli.__main__ import main
sys.argv[0] = "milestone"
sys.exit(main())
"""


def plain_environment(home: Path) -> dict[str, str]:
    """Without a variable that makes every print a write of its own."""
    kept = clean_environment(home)
    kept.pop("PYTHONUNBUFFERED", None)
    return kept


def script(body: str) -> list[str]:
    """A console script in which `milestone status` does something else."""
    indented = "".join(f"    {line}\n" for line in body.splitlines())
    return [sys.executable, "-c", FUNNEL.format(body=indented)]


@pytest.fixture
def funnel(home: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the funnel around a command with this body; `shell` wraps the process, as in `"$@" >&-`."""

    def run(body: str, *words: str, shell: str = '"$@"') -> subprocess.CompletedProcess[str]:
        command = ["sh", "-c", shell, "sh", *script(body), *(words or ("status",))]
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            env=plain_environment(home),
            cwd=home,
            check=False,
            timeout=60,
        )

    return run


Funnel = Callable[..., subprocess.CompletedProcess[str]]


def test_an_error_is_a_message_a_hint_and_a_code(funnel: Funnel) -> None:
    body = 'print("before"); raise MilestoneError("lock_timeout", "held by \\x1b[31m\\u202eme", "wait", pid=3)'
    done = funnel(body)
    assert (done.returncode, done.stdout) == (7, "before\n")
    assert done.stderr == "milestone: held by \\x1b[31m\\u202eme\n  hint: wait\n"
    for words in (["--format", "json"], ["--format=jsonl"]):
        done = funnel(body, "status", *words)
        assert done.returncode == 7
        assert done.stderr.isascii()
        assert json.loads(done.stderr) == {
            "schema": "milestone/error/v1",
            "code": "lock_timeout",
            "message": "held by \x1b[31m\u202eme",
            "hint": "wait",
            "retryable": True,
            "exit_code": 7,
            "details": {"pid": 3},
        }


def test_lone_surrogates_and_delete_do_not_break_an_error(funnel: Funnel) -> None:
    body = 'raise MilestoneError("not_found", "no \\udc80\\x7f\\x9b", path="\\ud800x")'
    assert funnel(body).stderr == "milestone: no \\udc80\\x7f\\x9b\n"
    told = funnel(body, "status", "--format", "json").stderr
    assert told.isascii()
    assert told.isprintable() or told.rstrip("\n").isprintable()
    assert json.loads(told)["message"] == "no \ufffd\x7f\x9b"


def test_usage_errors(cli: Cli) -> None:
    done = cli("state", "save", "--nope")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("milestone: No such option: --nope")
    assert done.stderr.endswith("  hint: `milestone state save --help` shows how it is called\n")
    told = json.loads(cli("state", "get", "--format", "json").stderr)
    assert (told["code"], told["exit_code"], told["retryable"]) == ("usage", 2, False)
    assert cli("events", "query", "--limit", "\x1b[2J").stderr.count("\x1b") == 0
    assert cli("\u202e\x1b]0;x\x07").stderr.isprintable() is False  # line feeds only
    assert "\x1b" not in cli("\u202e\x1b]0;x\x07").stderr


@pytest.mark.parametrize("name", ["ENOSPC", "EACCES", "EROFS", "EIO", "EDQUOT", "EMFILE", "ENOLCK", "ENOENT"])
def test_what_the_system_refuses_is_an_unreachable_store(funnel: Funnel, name: str) -> None:
    body = f'raise OSError(errno.{name}, os.strerror(errno.{name}), "/s/\\x1bdemo.json")'
    done = funnel(body, "status", "--format", "json")
    told = json.loads(done.stderr)
    assert (done.returncode, told["code"], told["details"]) == (8, "store_unreachable", {"errno": name})
    assert "demo.json" in told["message"]
    assert told["hint"]
    assert "\x1b" not in funnel(body).stderr


@pytest.mark.parametrize("error", ["KeyError('x\\ny')", "MemoryError()", "RecursionError('deep')", "ValueError('a')"])
def test_the_unexpected_is_one_line_and_a_traceback_only_when_wanted(funnel: Funnel, error: str) -> None:
    done = funnel(f"raise {error}")
    assert done.returncode == 1
    assert done.stderr.startswith("milestone: unexpected ")
    assert done.stderr.count("\n") == 2
    assert "Traceback" not in done.stderr
    assert "Traceback" in funnel(f"raise {error}", "--verbose", "status").stderr
    assert json.loads(funnel(f"raise {error}", "status", "--format=json").stderr)["code"] == "unexpected"


def test_endless_recursion_is_an_error_like_others(funnel: Funnel) -> None:
    deeper = "def deeper(): deeper()\n    deeper()"  # without **values, whose recursion Python 3.13.0 never ends
    assert funnel(deeper).returncode == 1


def test_a_command_may_choose_its_exit_code(funnel: Funnel) -> None:
    assert funnel("return 6").returncode == 6
    assert funnel("raise SystemExit(9)").returncode == 9
    assert funnel("return None").returncode == 0


def test_an_interrupt_is_130(home: Path, funnel: Funnel) -> None:
    done = funnel("raise KeyboardInterrupt")
    assert (done.returncode, done.stderr) == (130, "milestone: interrupted\n")
    process = subprocess.Popen(
        [*script('import signal; print("ready", flush=True); signal.pause()'), "status"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=plain_environment(home),
    )
    with process:
        assert process.stdout
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=30)[1] == "milestone: interrupted\n"
    assert process.returncode == 130


def into_closed_pipe(command: list[str], home: Path) -> subprocess.CompletedProcess[str]:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        return subprocess.run(
            command,
            stdout=writer,
            stderr=subprocess.PIPE,
            text=True,
            env=plain_environment(home),
            cwd=home,
            check=False,
            timeout=60,
        )
    finally:
        os.close(writer)


@pytest.mark.parametrize(
    "body", ['print("x")', 'print("x" * 10**6)', 'print("x"); raise MilestoneError("usage", "no")']
)
def test_a_reader_that_went_away_is_no_traceback(home: Path, body: str) -> None:
    done = into_closed_pipe([*script(body), "status"], home)
    if "raise" in body:  # the command's own failure is what counts
        assert (done.returncode, done.stderr) == (2, "milestone: no\n")
    else:
        assert (done.returncode, done.stderr) == (141, "")


def test_help_into_a_closed_pipe(home: Path) -> None:
    for words in (["--help"], ["--version"], ["state", "save", "--help"]):
        done = into_closed_pipe([str(MILESTONE), *words], home)
        assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="impossible here: there is no /dev/full")
def test_output_onto_a_full_disk_is_not_success(funnel: Funnel, home: Path) -> None:
    for body in ('print("x")', 'print("x" * 10**6)'):
        done = funnel(body, shell='"$@" >/dev/full')
        assert done.returncode == 8
        assert "No space left on device" in done.stderr
        unbuffered = funnel(body, shell='PYTHONUNBUFFERED=1 "$@" >/dev/full')
        assert unbuffered.returncode == 8
    assert "standard output" in funnel('print("x")', shell='"$@" >/dev/full').stderr
    assert funnel("pass", "--version", shell='"$@" >/dev/full').returncode == 8
    assert funnel("raise KeyError", shell='"$@" 2>/dev/full').returncode == 1


def test_closed_descriptors_do_not_let_output_into_files(funnel: Funnel, home: Path) -> None:
    body = 'file = open("f", "w+")\nprint("out")\nsys.stdout.flush()'
    done = funnel(body, shell='"$@" >&-')
    assert done.returncode == 8
    assert (home / "f").read_text() == ""
    assert funnel(body, shell='"$@" >&- 2>&-').returncode == 8
    assert funnel("sys.stdin.read()", shell='"$@" <&-').returncode == 0
    assert funnel('sys.stderr.write("x")', shell='"$@" 2>&-').returncode in (0, 8)
    assert funnel('raise MilestoneError("not_found", "x")', shell='"$@" <&- >&- 2>&-').returncode == 3


def test_nothing_that_waits_for_the_end_is_lost(funnel: Funnel) -> None:
    assert funnel('import atexit; atexit.register(print, "at exit")').stdout == "at exit\n"
    slow = 'import threading, time\nthreading.Thread(target=lambda: (time.sleep(0.2), print("late"))).start()'
    assert funnel(slow).stdout == "late\n"


def test_windows_is_refused_clearly(home: Path) -> None:
    code = "import sys; sys.platform='win32'\nfrom milestone_cli.__main__ import main; sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-c", code, "status", "--format", "json"],
        capture_output=True,
        text=True,
        env=plain_environment(home),
        check=False,
    )
    assert (done.returncode, json.loads(done.stderr)["code"]) == (8, "unsupported_platform")


def test_main_is_a_function_that_returns(capsys: pytest.CaptureFixture[str]) -> None:
    from milestone_cli.__main__ import main

    assert main(["--version"]) == 0
    assert main(["nope"]) == 2
    assert capsys.readouterr().out == "milestone 0.1.0\n"


def test_clean_escapes_what_steers_a_terminal_and_keeps_the_rest() -> None:
    assert clean("plain é 漢 😀\n") == "plain é 漢 😀\n"
    assert clean("\x00\t\x1b\x7f\x9b") == "\\x00\\x09\\x1b\\x7f\\x9b"
    assert clean("\u202a\u202e\u2066\u2069\ud800\udfff") == "\\u202a\\u202e\\u2066\\u2069\\ud800\\udfff"


def test_a_hot_line_imports_neither_typer_nor_what_the_failures_need(home: Path) -> None:
    body = "sys.stderr.write(' '.join(sorted(sys.modules)))"
    done = subprocess.run(
        [*script(body), "status", "demo", "--format", "json"],
        capture_output=True,
        text=True,
        env=plain_environment(home),
        check=True,
    )
    loaded = set(done.stderr.split())
    assert "milestone_cli.cli.compiled" in loaded
    cold = {
        "typer",
        "rich",
        "json",
        "re",
        "typing",
        "dataclasses",
        "contextlib",
        "pathlib",
        "enum",
        "functools",
    }
    ours = {f"milestone_cli.cli.{name}" for name in ("failure", "app", "options", "compile")}
    assert loaded & (cold | ours) == set()
