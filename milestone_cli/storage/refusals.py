"""What every store answers, in the same words, to what it refuses: a name, a key, a lock that somebody else has."""

from milestone_cli.errors import MilestoneError

TYPE_CHECKING = False
if TYPE_CHECKING:
    Facts = dict[str, object]
    """Of a lock, as `contract.Locks.show` has them."""


def twin(milestone: str, other: str) -> MilestoneError:
    """The error for a new milestone whose name differs from another's in case alone."""
    told = f"'{milestone}' differs from the milestone '{other}' in case alone"
    return MilestoneError("invalid_name", told, f"use '{other}', or another name")


def key_used(key: str) -> MilestoneError:
    """The error for an idempotency key that belongs to another request."""
    return MilestoneError(
        "idempotency_conflict",
        f"the idempotency key '{key[:140]}' was used for a different request",
        "use a new key for a new request; the same key only to repeat the same one",
        key=key[:140],
    )


def not_held(name: str, more: str = "") -> MilestoneError:
    """The error for giving back, or breaking, a lock that is not held."""
    hint = "`milestone lock list` lists those that are held"
    return MilestoneError("not_found", f"the lock of '{name}' is not held{more}", hint, lock=name)


def inside(name: str, pid: object) -> MilestoneError:
    """The error for taking a lock that a process around this one holds."""
    return MilestoneError(
        "lock_timeout",
        f"the lock of '{name}' is held by process {pid}, which started this one",
        "what runs inside the lock needs none of its own; run anything else outside it",
        lock=name,
        pid=pid,
    )


def another_holder(found: "Facts", pid: int) -> MilestoneError:
    """The error for a process that gives back a lock which another one holds."""
    name = found["name"]
    return MilestoneError(
        "conflict",
        f"the lock of '{name}' is held by process {found['pid']} on {found['host']}, not by process {pid}",
        f"`milestone lock show {name}` tells more; --force takes it away, with what it protects",
        lock=name,
        pid=found["pid"],
        host=found["host"],
        kind=found["kind"],
    )


def living_holder(found: "Facts") -> MilestoneError:
    """The error for breaking a lock whose holder is not proved dead."""
    name = found["name"]
    return MilestoneError(
        "conflict",
        f"the lock of '{name}' is held by {found['evidence']}",
        "wait for it, or end its holder; --force breaks it anyway",
        lock=name,
        pid=found["pid"],
        host=found["host"],
        kind=found["kind"],
    )
