"""The commands of `milestone lock`: run, acquire, release, list, show, break."""

from milestone_cli import render
from milestone_cli.core import lock
from milestone_cli.storage import open_store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .options.locks import ForPid, LockCommand, LockName, LockWait
    from .options.shared import DryRun, Force, Format, IdempotencyKey, Yes


def run(name: "LockName", command: "LockCommand", wait: "LockWait" = None) -> int:
    """Run a command while holding a lock, and exit as it does.

    The lock is the kernel's, and the command inherits it: it is free the moment both are gone, however they end.
    Inside, commands like `milestone state save` share the lock, and MILESTONE_LOCK_NAME, _TOKEN and _FENCE are set. The
    fence is a number that grows with every holder, so a late write of an earlier one can be told. Exit 7: not free in
    time.

    Example: milestone lock run demo --wait 5 -- sh -c 'milestone state set demo by=$MILESTONE_LOCK_FENCE'
    """
    code, notes = lock.run(open_store(), name, command, wait)
    render.notify(notes)
    return code


def acquire(
    name: "LockName",
    wait: "LockWait" = None,
    for_pid: "ForPid" = None,
    idempotency_key: "IdempotencyKey" = None,
    output: "Format" = "text",
) -> None:
    """Take a lock for the calling shell, which holds it until it releases it or ends; print its fence.

    A dead holder's lock is taken over at once. What the shell starts shares the lock. In a subshell give --for-pid $$.
    With --idempotency-key a holder who asks again gets the lock that it has.

    Example: milestone lock acquire demo --wait 5 && milestone state set demo step=3
    """
    found = lock.acquire(open_store(), name, wait, for_pid, idempotency_key)
    render.emit("lock-acquire", found, str(found["fence"]), output)


def release(
    name: "LockName",
    force: "Force" = False,
    wait: "LockWait" = None,
    for_pid: "ForPid" = None,
    idempotency_key: "IdempotencyKey" = None,
    output: "Format" = "text",
) -> None:
    """Release the lock that the calling shell holds.

    Exit 4 when another process holds it, unless --force; exit 3 when nobody does. The log of the lock's milestone
    remembers an --idempotency-key.

    Example: milestone lock release demo
    """
    from milestone_cli.render.lock import gone_text

    found = lock.release(open_store(), name, force=force, wait=wait, pid=for_pid, key=idempotency_key)
    text = gone_text("released", found) if found else f"{name}: released already, under this key"
    render.emit("lock-release", {"name": name, **(found or {}), "replayed": found is None}, text, output)


def list_(output: "Format" = "text") -> None:
    """List the locks that are held, or were left behind by the dead: holder, age, command, and who waits.

    Example: milestone lock list
    """
    from milestone_cli.render.lock import list_text

    found = lock.locks(open_store())
    render.emit("lock-list", {"locks": found}, list_text(found), output)


def show(name: "LockName", output: "Format" = "text") -> None:
    """Show who holds a lock, the evidence that the holder is alive or dead, and who waits.

    Example: milestone lock show demo
    """
    from milestone_cli.render.lock import show_text

    found = lock.show(open_store(), name)
    render.emit("lock", found, show_text(found), output)


def break_(
    name: "LockName",
    dry_run: "DryRun" = False,
    yes: "Yes" = False,
    force: "Force" = False,
    idempotency_key: "IdempotencyKey" = None,
    output: "Format" = "text",
) -> None:
    """Break a lock whose holder is dead; another host's or a living holder's only with --force.

    Every command breaks a dead holder's lock by itself. A holder whose lock was broken can write nothing under it.
    At a terminal the lock is shown and confirmed first, unless --yes. The log of the lock's milestone remembers an
    --idempotency-key.

    Example: milestone lock break demo --force
    """
    from milestone_cli import runtime
    from milestone_cli.render.lock import gone_text, show_text

    store = open_store()
    found: dict[str, object] | None = None
    if dry_run or (not yes and runtime.is_terminal(0)):
        found = lock.plan_break(store, name, force=force)
    if not dry_run:
        if found:
            from .confirm import confirm

            confirm(show_text(found), f"Break the lock of {name}?")
        found = lock.break_(store, name, force=force, key=idempotency_key)
    text = f"{name}: broken already, under this key"
    if found:
        text = gone_text("would be broken" if dry_run else "broken", found)
    fields = {"name": name, **(found or {}), "broken": not dry_run, "replayed": found is None}
    render.emit("lock-break", fields, text, output)
