"""The program that the client finds under our name: whether there is one, of which version, and what makes it slow."""

import os
import select
import sys

from milestone_cli import __version__, runtime
from milestone_cli.errors import MilestoneError
from milestone_cli.storage.outside import read

PATIENCE = 5.0
"""Seconds that a program may take to say its version."""
KILL = 9
"""SIGKILL everywhere; importing `signal` costs half of a start."""
LAUNCHER = 1 << 16
"""Bytes up to which a file may be a launcher."""
SHIMS = ("/shims/", "/.asdf/", "/mise/")
"""What stands in the paths of programs that look for the real one at every start."""


def find(name: str = "milestone") -> "str | None":
    """The first program of a name on the PATH; None where there is none."""
    for folder in (runtime.env("PATH") or os.defpath).split(":"):
        path = f"{folder or '.'}/{name}"
        if os.path.isfile(path) and os.access(path, os.X_OK):
            return path
    return None


def version(path: str) -> "str | None":
    """The version that a program says it has; None where it says none in time."""
    if os.path.realpath(path) == os.path.realpath(sys.argv[0] or "?"):
        return __version__
    words = _output([path, "--version"]).split()
    return words[1] if words[:1] == ["milestone"] and len(words) == 2 else None


def _output(command: list[str]) -> str:
    """What a program prints, its first line's worth; empty where it cannot be run or takes too long."""
    ours, theirs = os.pipe()
    nothing = os.open(os.devnull, os.O_RDWR)
    try:
        actions = [(os.POSIX_SPAWN_DUP2, theirs, 1), *((os.POSIX_SPAWN_DUP2, nothing, other) for other in (0, 2))]
        try:
            child = os.posix_spawn(command[0], command, runtime.environment(), file_actions=actions)
        except OSError:
            return ""
        finally:
            os.close(theirs)
        found = b""
        deadline = runtime.monotonic() + PATIENCE
        while len(found) < 200 and select.select([ours], [], [], max(deadline - runtime.monotonic(), 0))[0]:
            piece = os.read(ours, 200)
            if not piece:
                break
            found += piece
        else:
            os.kill(child, KILL)
        os.waitpid(child, 0)
    finally:
        os.close(ours)
        os.close(nothing)
    return found.decode("utf-8", "replace")


def slowness(path: str) -> "list[tuple[str, str, str]]":
    """What makes each start of a program take longer: a code, a sentence, and what to do about it."""
    found = []
    if any(mark in f"{path}/" for mark in SHIMS) or _is_shell(path):
        fix = "put the folder of the real program before it in the PATH"
        found.append(("shim", f"{path} is a shim of a version manager; each start looks for the real program", fix))
    elif b"\nimport re\n" in _launcher(path):
        fix = "upgrade pip and install milestone again"
        found.append(("old_launcher", f"{path} was made by an old pip, and imports more than a command needs", fix))
    if runtime.env("PYTHONDONTWRITEBYTECODE"):
        fix = "unset PYTHONDONTWRITEBYTECODE where the client is started"
        found.append(("no_bytecode", "PYTHONDONTWRITEBYTECODE is set, so Python may compile each module again", fix))
    elif not _has_bytecode():
        fix = "let its owner run `milestone status` once, or set PYTHONPYCACHEPREFIX to a folder of your own"
        found.append(("no_bytecode", "Python keeps no bytecode of milestone, and compiles it at every start", fix))
    return found


def _launcher(path: str) -> bytes:
    """A program, if it is so short that it only starts another."""
    try:
        return read(path, LAUNCHER) or b""
    except (MilestoneError, OSError):  # too large, or not to be read
        return b""


def _is_shell(path: str) -> bool:
    """Whether a program is a script of a shell."""
    first = _launcher(path).partition(b"\n")[0]
    return first[:2] == b"#!" and first.rpartition(b"/")[2].split()[-1:] in ([b"sh"], [b"bash"], [b"dash"], [b"zsh"])


def _has_bytecode() -> bool:
    """Whether the bytecode of this very module, imported just now, is on the disk."""
    cached = globals().get("__cached__")
    return not isinstance(cached, str) or os.path.exists(cached)
