"""Who holds a name for longer than a command, and whether that still counts: a lease, by the server's clock.

A holder on another machine is judged by its lease alone. On this one a process that is proved dead holds nothing, and
one that lives is not robbed by its own machine, as with files. Whose lease was taken over cannot commit under it: every
change looks at it under the name's lock.
"""

from milestone_cli import runtime
from milestone_cli.errors import MilestoneError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.storage.postgres import PostgresStore
    from milestone_cli.storage.postgres.connection import Row

    Facts = dict[str, object]

LEASE = (
    "SELECT name, fence, token, kind, host, boot, space, pid, start, request, expires > clock_timestamp(),"
    " to_char(acquired AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'),"
    " extract(epoch FROM clock_timestamp() - acquired)::bigint"
    " FROM milestone.lease WHERE project = $1 AND token <> '' AND "
)
"""What is asked of leases; a condition follows."""


class Lease:
    """A lease as it stands in the database.

    Attributes:
        kind: milestone (`lock run`) or shell (`lock acquire`).
        is_running: it has not ended by the server's clock.
    """

    __slots__ = ("acquired", "age", "boot", "fence", "host", "is_running", "kind", "name", "pid", "request", "space",
                 "start", "token")  # fmt: skip

    def __init__(self, row: "Row") -> None:
        from milestone_cli.storage.postgres.sql import number, text

        self.name, self.fence, self.token, self.kind = text(row[0]), number(row[1]), text(row[2]), text(row[3])
        self.host, self.boot, self.space, self.pid = text(row[4]), text(row[5]), text(row[6]), number(row[7])
        self.start, self.request = text(row[8]), text(row[9])
        self.is_running = row[10] == b"\1"
        self.acquired, self.age = text(row[11]), number(row[12])

    def is_here(self) -> bool:
        """Whether its process is one that this machine can judge: same name, same boot, same process ids."""
        here = (runtime.host(), runtime.boot_id(), runtime.pid_space())
        return (self.host, self.boot, self.space) == here and bool(self.boot)

    def judge(self) -> "tuple[str, str]":
        """`live`, `stale` or `foreign`, and what tells so."""
        if not self.is_here():
            if self.is_running:
                return "foreign", f"process {self.pid} on {self.host}, whose lease has not ended"
            return "stale", f"the lease of process {self.pid} on {self.host} has ended"
        if runtime.ended(self.pid) or (self.start and runtime.start_time(self.pid) not in ("", self.start)):
            return "stale", f"process {self.pid} is gone"
        return "live", f"process {self.pid}, which lives"

    def is_around(self) -> bool:
        """Whether this process is inside: it was told the token, or was started by the shell that holds it."""
        from milestone_cli.storage.files.inside import tokens_at_hand

        if self.token in tokens_at_hand():
            return True
        if self.kind != "shell" or not self.is_here():
            return False
        return self.pid == runtime.getpid() or runtime.is_ancestor(self.pid)

    def facts(self) -> "Facts":
        """What is shown of it; no token, and no password of its command line."""
        from milestone_cli.storage.postgres.url import mask

        state, evidence = self.judge()
        command = mask(runtime.command_line(self.pid)) if state == "live" else ""
        return {
            "name": self.name,
            "kind": self.kind,
            "state": state,
            "evidence": evidence,
            "pid": self.pid,
            "host": self.host,
            "command": command or None,
            "fence": self.fence,
            "acquired_at": self.acquired,
            "age_seconds": self.age,
            "waiters": [],  # who waits is not known
        }

    def blocks(self) -> MilestoneError:
        """The error for whoever wants it meanwhile."""
        return MilestoneError(
            "lock_timeout",
            f"the lock of '{self.name}' is held by {self.judge()[1]}",
            "try again, or wait longer",
            lock=self.name,
            pid=self.pid,
            host=self.host,
        )


SHELL = 600
"""Seconds of a lease that a shell has; every change inside of it renews it."""
RENEW = (
    f"UPDATE milestone.lease SET expires = clock_timestamp() + {SHELL} * interval '1 second'"  # noqa: S608 - a number
    " WHERE project = $1 AND name = $2 AND token = $3"
)


def renew(store: "PostgresStore", lease: "Lease | None") -> None:
    """Let the lease of a shell last from now, since what it has started is at work; in the transaction that is open."""
    if lease is not None and lease.kind == "shell" and lease.is_around():
        store.connection().query(RENEW, store.project, lease.name, lease.token)


def in_the_way(lease: "Lease | None") -> "tuple[MilestoneError | None, Facts | None]":
    """The error where a lease stands in the way of a change, and the evidence where it is a dead one's."""
    if lease is None or lease.is_around():
        return None, None
    state, evidence = lease.judge()
    if state != "stale":
        return lease.blocks(), None
    return None, {
        "lock": lease.name,
        "reason": evidence,
        "pid": lease.pid,
        "host": lease.host,
        "kind": lease.kind,
        "state": state,
    }
