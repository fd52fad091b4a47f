"""Locks as their users see them: around a command, held by a shell, looked at, broken.

The store's own rules about who is dead and who may release stay in the store; here it is said for whom, for how long,
and what is logged.
"""

import os

from milestone_cli import runtime
from milestone_cli.core import agent, current_session, lock_timeout
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import dumps
from milestone_cli.model import Change, Draft, safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.contract import Store

    Facts = dict[str, object]


def run(store: "Store", name: str, command: list[str], wait: "float | None" = None) -> "tuple[int, list[str]]":
    """Run a command while holding a lock; see `supervise`.

    The kernel's lock is inherited by the command, so it is free the moment that both are gone, however they die: were
    the runner killed with SIGKILL, the lock is held until its command ends too.

    Returns:
        The command's exit code, 128 + N when signal N ended it; and what happened to the lock meanwhile, in sentences.

    Raises:
        MilestoneError: `invalid_name`, `lock_timeout`.
    """
    from milestone_cli.core.supervise import supervise

    locks = store.locks()
    lock = locks.hold(safe(name, "lock"), lock_timeout(store, wait))
    try:
        _log_broken(store, name, lock.broken)
        environment = runtime.environment()
        tokens = f"{environment.get('MILESTONE_LOCK_TOKENS', '')} {lock.token}".strip()
        environment |= {
            "MILESTONE_LOCK_NAME": name,
            "MILESTONE_LOCK_TOKEN": lock.token,
            "MILESTONE_LOCK_TOKENS": tokens,  # of all the locks that it is inside of
            "MILESTONE_LOCK_FENCE": str(lock.fence),
        }
        lock.lend()
        return supervise(command, environment, lock)
    finally:
        locks.end(lock)


def acquire(store: "Store", name: str, wait: "float | None" = None, pid: "int | None" = None) -> "Facts":
    """Take a lock for the calling process, or another one, which holds it until it is released or dead.

    Raises:
        MilestoneError: `invalid_name`, `not_found` when there is no such process, `lock_timeout`.
    """
    locks = store.locks()
    holder = pid or os.getppid()
    timeout = lock_timeout(store, wait)
    if runtime.ended(holder):
        raise MilestoneError("not_found", f"there is no process {holder} to hold the lock", "", pid=holder)
    lock = locks.hold(safe(name, "lock"), timeout, holder)
    lock.hand_over()
    _log_broken(store, name, lock.broken)
    return {"name": name, "pid": holder, "host": runtime.host(), "fence": lock.fence, "token": lock.token}


def release(
    store: "Store", name: str, *, force: bool = False, wait: "float | None" = None, pid: "int | None" = None
) -> "Facts":
    """Give back a lock that the calling process holds; by force, anybody's.

    Raises:
        MilestoneError: `not_found` when nobody holds it, `conflict` when another one does.
    """
    found = store.locks().release(
        safe(name, "lock"), pid or os.getppid(), force=force, timeout=lock_timeout(store, wait)
    )
    if force and found["pid"] != os.getppid():
        _log_broken(store, name, [_evidence(found, "released by force")])
    return {**found, "forced": force}


def show(store: "Store", name: str) -> "Facts":
    """Who holds a lock, and who waits.

    Raises:
        MilestoneError: `not_found` when it is free.
    """
    found = store.locks().show(safe(name, "lock"))
    if found is None:
        raise MilestoneError("not_found", f"the lock of '{name}' is free", "", lock=name)
    return found


def locks(store: "Store") -> "list[Facts]":
    """All locks that are held, or were left by the dead."""
    at = store.locks()
    return [found for name in at.names() if (found := at.show(name))]


def plan_break(store: "Store", name: str, *, force: bool) -> "Facts":
    """What breaking a lock would take away.

    Raises:
        MilestoneError: `not_found`; `conflict` when its holder is not proved dead, and no force is wanted.
    """
    return store.locks().break_(safe(name, "lock"), force=force, dry_run=True)


def break_(store: "Store", name: str, *, force: bool) -> "Facts":
    """Break a lock, and say so in its milestone's log, where there is one.

    Raises:
        MilestoneError: as `plan_break`.
    """
    found = store.locks().break_(safe(name, "lock"), force=force)
    _log_broken(store, name, [_evidence(found, str(found["evidence"]))])
    return found


def _evidence(found: "Facts", reason: str) -> "Facts":
    return {"lock": found["name"], "reason": reason, "pid": found["pid"], "host": found["host"], "kind": found["kind"],
            "state": found["state"]}  # fmt: skip


def _log_broken(store: "Store", name: str, broken: "list[Facts]") -> None:
    """Log locks that were broken, where a milestone of that name has a log."""
    if broken and store.log_size(name)[1]:
        session, who = current_session(store), agent()
        drafts = [Draft("lock_broken", dumps(one), session, who) for one in broken]
        store.commit(Change(name, drafts, timeout=lock_timeout(store, None)))
