"""What only git itself can tell or do: whether a tree is dirty, and checking out a branch when somebody asked for it.

Nothing is written but by `checkout`; no hook, no program of the repository's configuration is run by looking.
"""

import os
import select

from milestone_cli import runtime

PATIENCE = 5.0
"""Seconds that looking may take; a large tree is then neither clean nor dirty, but not known."""
KEPT = 1 << 20
"""Bytes of what git says that are looked at; one line outside of a store is enough."""
STORE = b".milestones/"
"""How git names the folder of a store that it does not know."""
QUIET = ("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "color.ui=false")


def is_dirty(folder: str, patience: float = PATIENCE) -> "bool | None":
    """Whether a tree has changes that are not committed, files that git does not know included; None: not known.

    A store that git does not know is no change: it stands beside the work, and no checkout touches it.
    """
    run = _run(["-C", folder, *QUIET, "status", "--porcelain", "--ignore-submodules=none"], patience, is_quiet=True)
    if run is None or run[0]:
        return None
    return any(not (line.startswith(b"?? ") and line.endswith(STORE)) for line in run[1].splitlines())


def checkout(folder: str, branch: str, patience: float = 60.0) -> str:
    """Check a branch out; why it did not work, empty when it did."""
    run = _run(["-C", folder, "checkout", "--quiet", branch, "--"], patience)
    if run is None:
        return "git cannot be run, or took too long"
    return "" if run[0] == 0 else run[1].decode("utf-8", "replace").strip() or f"git ended with {run[0]}"


def has_branch(folder: str, branch: str) -> bool:
    """Whether there is a branch of a name."""
    run = _run(["-C", folder, *QUIET, "show-ref", "--verify", "--quiet", f"refs/heads/{branch}"], PATIENCE)
    return run is not None and run[0] == 0


def _run(words: "list[str]", patience: float, *, is_quiet: bool = False) -> "tuple[int, bytes] | None":
    """Run git; its exit code and the beginning of what it said. None where it cannot be run, or takes too long.

    Args:
        words: after `git`.
        patience: seconds.
        is_quiet: leave its errors out.
    """
    reader, writer = os.pipe()
    null = os.open(os.devnull, os.O_RDWR)
    actions = [(os.POSIX_SPAWN_DUP2, null, 0), (os.POSIX_SPAWN_DUP2, writer, 1),
               (os.POSIX_SPAWN_DUP2, null if is_quiet else writer, 2)]  # fmt: skip
    environment = {**runtime.environment(), "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    try:
        pid = os.posix_spawnp("git", ["git", *words], environment, file_actions=actions)
    except OSError:
        os.close(reader)
        return None
    finally:
        os.close(writer)
        os.close(null)
    said, is_over = b"", False
    deadline = runtime.monotonic() + patience
    try:
        while not is_over:
            if not select.select([reader], [], [], max(0.0, deadline - runtime.monotonic()))[0]:
                os.kill(pid, 9)
                break
            block = os.read(reader, 1 << 16)
            said, is_over = (said + block)[:KEPT], not block
    finally:
        os.close(reader)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return (status, said) if is_over else None
