"""Locks as their users see them: around a command, held by a shell, looked at, broken.

The store's own rules about who is dead and who may release stay in the store; here it is said for whom, for how long,
and what is logged.
"""

import os

from milestone_cli import runtime
from milestone_cli.core import draft, lock_timeout, once, request_digest
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import dumps
from milestone_cli.model import Change, Plan, safe

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


def acquire(
    store: "Store", name: str, wait: "float | None" = None, pid: "int | None" = None, key: "str | None" = None
) -> "Facts":
    """Take a lock for the calling process, or another one, which holds it until it is released or dead.

    Asked for again under the same key by a process that holds it because of that, it is the same lock.

    Raises:
        MilestoneError: `invalid_name`, `not_found` when there is no such process, `lock_timeout`.
    """
    locks = store.locks()
    holder = pid or os.getppid()
    timeout = lock_timeout(store, wait)
    if runtime.ended(holder):
        raise MilestoneError(
            "not_found",
            f"there is no process {holder} to hold the lock",
            "give --for-pid a process that runs",
            pid=holder,
        )
    request = request_digest(b"lock acquire", key.encode()) if key else ""
    granted = locks.granted(safe(name, "lock"), holder, request) if key else None
    if granted:
        fence, token = granted
    else:
        lock = locks.hold(safe(name, "lock"), timeout, holder)
        lock.hand_over(request)
        runtime.applied.append(f"the lock of '{name}', which process {holder} has now")
        _log_broken(store, name, lock.broken)
        fence, token = lock.fence, lock.token
    return {
        "name": name,
        "pid": holder,
        "host": runtime.host(),
        "fence": fence,
        "token": token,
        "replayed": granted is not None,
    }


def release(
    store: "Store",
    name: str,
    *,
    force: bool = False,
    wait: "float | None" = None,
    pid: "int | None" = None,
    key: "str | None" = None,
) -> "Facts | None":
    """Give back a lock that the calling process holds; by force, anybody's.

    Returns:
        What was held; None when this was done before, under the same key.

    Raises:
        MilestoneError: `not_found` when nobody holds it, `conflict` when another one does; `usage` for a key where no
            log would remember it.
    """
    safe(name, "lock")
    if _is_done(store, name, b"lock release", key):
        return None
    holder = pid or os.getppid()
    found = store.locks().release(name, holder, force=force, timeout=lock_timeout(store, wait))
    runtime.applied.append(f"the release of the lock of '{name}'")
    if force and found["pid"] != holder:
        _log_broken(store, name, [_evidence(found, "released by force")])
    if key:
        _remember(store, name, "lock_released", found, b"lock release", key)
    return {**found, "forced": force}


def show(store: "Store", name: str) -> "Facts":
    """Who holds a lock, and who waits.

    Raises:
        MilestoneError: `not_found` when it is free.
    """
    found = store.locks().show(safe(name, "lock"))
    if found is None:
        raise MilestoneError(
            "not_found", f"the lock of '{name}' is free", "`milestone lock list` lists those that are held", lock=name
        )
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


def break_(store: "Store", name: str, *, force: bool, key: "str | None" = None) -> "Facts | None":
    """Break a lock, and say so in its milestone's log, where there is one.

    Returns:
        What was held; None when this was done before, under the same key.

    Raises:
        MilestoneError: as `plan_break`; `usage` for a key where no log would remember it.
    """
    safe(name, "lock")
    if _is_done(store, name, b"lock break", key):
        return None
    found = store.locks().break_(name, force=force)
    runtime.applied.append(f"the end of the lock of '{name}'")
    evidence = _evidence(found, str(found["evidence"]))
    if key:
        _remember(store, name, "lock_broken", evidence, b"lock break", key)
    else:
        _log_broken(store, name, [evidence])
    return found


def _is_done(store: "Store", name: str, request: bytes, key: "str | None") -> bool:
    """Whether a request was done before under its key, which the log of the lock's milestone remembers.

    Raises:
        MilestoneError: `usage` where there is no such log, `idempotency_conflict`.
    """
    if not key:
        return False
    if not store.log_size(name)[1]:
        raise MilestoneError(
            "usage",
            f"there is no milestone '{name}' whose log would remember the key",
            "leave --idempotency-key out",
            lock=name,
        )
    return bool(store.transact([], lambda: Plan("look"), lock_timeout(store, None), once(name, key, request)))


def _remember(store: "Store", name: str, type_: str, data: "Facts", request: bytes, key: str) -> None:
    """Log what was done under a key."""
    told = {key: data[key] for key in ("name", "lock", "pid", "host", "kind", "state", "reason") if key in data}
    change = Change(name, [draft(store, type_, dumps(told))], timeout=lock_timeout(store, None))
    change.key, change.request = key, request_digest(request)
    store.commit(change)


def _evidence(found: "Facts", reason: str) -> "Facts":
    return {"lock": found["name"], "reason": reason, "pid": found["pid"], "host": found["host"], "kind": found["kind"],
            "state": found["state"]}  # fmt: skip


def _log_broken(store: "Store", name: str, broken: "list[Facts]") -> None:
    """Log locks that were broken, where a milestone of that name has a log."""
    if broken and store.log_size(name)[1]:
        drafts = [draft(store, "lock_broken", dumps(one)) for one in broken]
        store.commit(Change(name, drafts, timeout=lock_timeout(store, None)))
