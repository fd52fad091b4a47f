"""Sessions as they are found: who works on what, from which process.

A session whose process is proved dead shows as orphaned, and one that lasts longer than it should as expired; that is
found out when somebody looks, and never stored.
"""

from milestone_cli import runtime
from milestone_cli.core import NO_SESSION, current_session
from milestone_cli.errors import MilestoneError
from milestone_cli.jsontext import check, loads
from milestone_cli.model import log_of, safe
from milestone_cli.timestamps import parse_ns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from milestone_cli.model import Receipt
    from milestone_cli.storage.contract import Store

LIMIT = 1 << 20
"""Largest record, in bytes."""
SLACK = 2.0
"""Seconds that a process may seem younger than the record that it wrote."""
AT_WORK = ("active", "expired")
"""Statuses of sessions whose process may live."""


class Session:
    """A session as it was found.

    Attributes:
        id: the session's.
        status: as stored, but `orphaned` for an active one whose process is gone, `expired` for one that has lasted
            longer than its configuration says, and `damaged` for no JSON.
        record: its keys and values; empty when damaged.
        text: the record as it is stored.
        is_current: it acts when nobody says otherwise.
        is_alive: its process is proved to live; None where that cannot be known.
        trouble: why it is damaged.
    """

    __slots__ = ("id", "is_alive", "is_current", "record", "status", "text", "trouble")

    def __init__(self, name: str, raw: bytes, written: int, current: str) -> None:
        self.id = name
        self.is_current = name == current
        self.is_alive: bool | None = None
        self.record: dict[str, object] = {}
        self.text = self.trouble = ""
        try:
            self.text = check(raw, LIMIT, "the record")
            record = loads(self.text)
        except (MilestoneError, ValueError) as error:
            self.trouble = error.message if isinstance(error, MilestoneError) else str(error)
            record = None
        if not isinstance(record, dict):
            self.status = "damaged"
            self.trouble = self.trouble or "it is not a JSON object"
            return
        self.record = record
        self.status = self.word("status") or "unknown"
        if self.status == "active":
            self.is_alive = is_alive(record, written)
            if self.is_alive is False:
                self.status = "orphaned"
            elif self.expires_at and self.expires_at < runtime.now_ns():
                self.status = "expired"

    def word(self, key: str) -> "str | None":
        """A value that is a text; None for anything else."""
        value = self.record.get(key)
        return value if isinstance(value, str) and value else None

    @property
    def milestone(self) -> "str | None":
        """The milestone that it works on; None where the record names none that can be one."""
        try:
            return safe(self.word("milestone_id") or "")
        except MilestoneError:
            return None

    @property
    def stream(self) -> str:
        """The log that tells of it: its milestone's, else its own."""
        return self.milestone or log_of(self.id)

    @property
    def configuration(self) -> "dict[str, object] | None":
        """What it is configured to; None for one that never was, of a client or of the bash utilities."""
        found = self.record.get("configuration")
        return found if isinstance(found, dict) else None

    @property
    def expires_at(self) -> int:
        """When it has lasted as long as it may, nanoseconds since 1970; 0: never."""
        longest = (self.configuration or {}).get("max_session_duration")
        since = parse_ns(self.word("active_since") or self.word("created_at") or "")
        return since + int(longest * 1e9) if since and isinstance(longest, int | float) and longest > 0 else 0

    def fields(self) -> "dict[str, object]":
        """The session as JSON values."""
        pid, expires_at = self.record.get("pid"), self.expires_at
        operation, progress = self.record.get("operation"), self.record.get("progress")
        last = self.record.get("last_checkpoint")
        return {
            "session_id": self.id,
            "milestone_id": self.milestone,
            "status": self.status,
            "current": self.is_current,
            "type": self.word("type"),
            "created_at": self.word("created_at"),
            "ended_at": self.word("ended_at"),
            "pid": pid if type(pid) is int else None,
            "user": self.word("user"),
            "host": self.word("host"),
            "working_directory": self.word("working_directory"),
            "git_branch": self.word("git_branch"),
            "operation": operation if isinstance(operation, str) else None,
            "progress": progress if isinstance(progress, int | float) else None,
            "last_checkpoint": last.get("name") if isinstance(last, dict) else None,
            "expires_at": runtime.timestamp(expires_at) if expires_at else None,
        }


def is_alive(record: "dict[str, object]", written: int) -> "bool | None":
    """Whether a session's process lives: proved by host, boot, process id and start time.

    Args:
        record: the session's.
        written: when its file was last written, nanoseconds since 1970: a process that is younger is another one.

    Returns:
        None where nothing proves it: a process of another host, or a record without a process.
    """
    pid, host, boot, start = (record.get(key) for key in ("pid", "host", "boot_id", "start_time"))
    if type(pid) is not int or not 0 < pid < 1 << 31 or (host and host != runtime.host()):
        return None
    if boot and boot != runtime.boot_id():
        return False
    if not runtime.alive(pid):
        return False
    if start:
        return runtime.start_time(pid) in ("", start)
    age = runtime.age(pid)
    return age is None or age > (runtime.now_ns() - written) / 1e9 - SLACK


def at_work(found: Session) -> str:
    """Why a session is not to be taken away, in words: its process lives, or may; empty where it does not."""
    if found.status not in AT_WORK or found.is_alive is False:
        return ""
    return f"its process {found.record.get('pid')} {'lives' if found.is_alive else 'may live, on another machine'}"


def find(store: "Store", name: str) -> Session:
    """A session by its id.

    Raises:
        MilestoneError: `not_found`, with what there is.
    """
    raw = store.get("session", safe(name, "session"))
    if raw is None:
        known = store.keys("session")
        shown = ", ".join(known[-10:])
        raise MilestoneError(
            "not_found",
            f"there is no session '{name}'",
            f"the store has {'… ' if len(known) > 10 else ''}{shown}"
            if known
            else "`milestone session create` begins one",
            session_id=name,
        )
    return Session(name, raw, store.modified("session", name), current_session(store))


def sessions(store: "Store", last: int = 0) -> list[Session]:
    """All sessions, oldest first; or only so many, the last by their names, which begin with the time."""
    current = current_session(store)
    found = []
    for name in store.keys("session")[-last:]:
        raw = store.get("session", name)
        if raw is not None:
            found.append(Session(name, raw, store.modified("session", name), current))
    return sorted(found, key=lambda one: (one.word("created_at") or "", one.id))


def current(store: "Store", given: "str | None" = None) -> Session:
    """The session that is meant: what is given, else the current one.

    Raises:
        MilestoneError: `not_found`.
    """
    name = current_session(store, given)
    if name == NO_SESSION:
        raise MilestoneError(
            "not_found", "there is no current session", "name one; `milestone session create` begins one"
        )
    return find(store, name)


def holders(store: "Store", milestone: str) -> list[Session]:
    """Active sessions of a milestone whose process lives, and is neither the current one nor what started us."""
    return [
        one
        for one in sessions(store)
        if one.milestone == milestone
        and one.status in AT_WORK
        and one.is_alive
        and not one.is_current
        and not runtime.is_ancestor(int(str(one.record["pid"])))
    ]


def sound(found: Session) -> Session:
    """Let a session through whose record can be read.

    Raises:
        MilestoneError: `damaged`.
    """
    if found.status == "damaged":
        raise MilestoneError(
            "damaged",
            f"the record of the session '{found.id}' is damaged: {found.trouble}",
            "`milestone doctor --fix` makes it again from the log, as far as that tells of it",
            session_id=found.id,
        )
    return found


def readable(store: "Store", given: "str | None" = None) -> Session:
    """A session whose record can be read: what is given, else the current one.

    Raises:
        MilestoneError: `not_found`, `damaged`.
    """
    return sound(current(store, given))


def has_ended(name: str) -> MilestoneError:
    """The error for what a session that has ended takes no more."""
    return MilestoneError(
        "conflict",
        f"the session '{name}' has ended",
        "`milestone session create` begins a new one",
        session_id=name,
    )


def done_before(store: "Store", name: str, known: "tuple[str, str, str] | None", timeout: float) -> "Receipt":
    """The receipt of a request that was done before its session ended.

    Args:
        store: where.
        name: of the session, which has ended.
        known: what `once` gives for the request; None without an idempotency key.
        timeout: seconds to wait for other transactions.

    Raises:
        MilestoneError: `conflict` where it was not.
    """
    from milestone_cli.model import Plan

    receipts = store.transact([], lambda: Plan("look"), timeout, known) if known else []
    if not receipts:
        raise has_ended(name)
    return receipts[0]
